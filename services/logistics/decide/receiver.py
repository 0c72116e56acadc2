"""Who receives the order, and what his place means for the clocks of parcels under way."""

from services.logistics.commands import KeepReceiver
from services.logistics.decide.clocks import deadline, timers, values_for
from services.logistics.decide.tasks import named
from services.logistics.state import ContactLearnt, Moving, NotPlaced, Placed, Returning, Troubled
from services.logistics.state.file import Contact
from shared.contracts.events import logistics as said
from shared.kernel.decision import NOTHING, Decision
from shared.kernel.profiles import Profile


def kept(command: KeepReceiver, state: NotPlaced | Placed, profile: Profile) -> Decision:
    """The newer contact stays, whichever of the two topics' writers was heard first."""
    if state.erased:
        return NOTHING
    if state.contact is not None and command.at < state.contact.since:
        return NOTHING
    contact = Contact(receiver=command.receiver, since=command.at)
    decision = Decision(notes=(ContactLearnt(contact=contact),))
    if isinstance(state, NotPlaced) or not profile.values.thresholds:
        return decision
    return decision + _other_clocks(state, state.model_copy(update={"contact": contact}), profile)


def _other_clocks(was: Placed, now: Placed, profile: Profile) -> Decision:
    """Rule `thresholds`: the deadlines of parcels under way follow the route as it is known now."""
    decision = Decision()
    for parcel in now.parcels:
        if not isinstance(parcel, Moving | Troubled | Returning):
            continue
        values = values_for(now, parcel.carrier, profile)
        before = deadline(parcel.clock, values_for(was, parcel.carrier, profile))
        after = deadline(parcel.clock, values)
        if before == after:
            continue
        changed = said.ParcelDeadlineChanged(
            **named(parcel), was=before["deadline_at"], reason="receiver_changed", **after
        )
        decision += Decision(
            rule="thresholds",
            events=(changed,),
            timers=timers(parcel.parcel_id, parcel.clock, values),
        )
    return decision
