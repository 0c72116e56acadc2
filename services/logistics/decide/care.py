"""What befalls a parcel beside its way: its buyer refuses it or complains, an incident takes it in."""

from typing import Final

from services.logistics import commands as ask
from services.logistics.decide.beside import counted_as
from services.logistics.decide.clocks import delay_notice
from services.logistics.decide.faults import FAILS
from services.logistics.decide.tasks import MERGED, message, named, want, withdraw
from services.logistics.state import Moving, OpenTask, Parcel, Placed, Returning, Troubled
from services.logistics.state.care import Watch
from shared.contracts.events import incidents as said
from shared.contracts.events.common import MessageWanted
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused

MAX_COMPLAINTS: Final = 20
"""Cases about how one parcel was carried that are kept."""
_INCIDENT = "incidents"


def refused(command: ask.RefuseParcel, state: Placed) -> Outcome:
    """Rule `inspect_before_signing`: the buyer does not take it; an agent settles new goods or money."""
    parcel = state.parcel(command.parcel_id)
    if parcel is None:
        return _unknown(command.parcel_id)
    if not isinstance(parcel, Moving | Troubled | Returning):
        return Refused(slug="parcel-ended", detail=f"The parcel is {parcel.stage}; it can't be refused now.")
    if parcel.refused_because is not None:
        return NOTHING
    event = said.ParcelRefused(**named(parcel), reason=command.reason, lines=parcel.lines)
    summary = f"The buyer does not take the parcel ({command.reason}): have it brought back, and serve him."
    more = {"reason": command.reason, "fault": "unknown"}
    return Decision(
        rule="inspect_before_signing",
        events=(event,),
        tasks=want(state, parcel, "resolve_exception", summary, "high", more, its_own=True),
    )


def complained(command: ask.LinkComplaint, state: Placed) -> Outcome:
    """Rule `carriage_complaint`: a case about how a parcel was carried is linked with it."""
    about = [
        parcel
        for parcel in state.parcels
        if (command.parcel_id is None and set(parcel.lines) & set(command.lines))
        or parcel.parcel_id == command.parcel_id
    ]
    if not about:
        return _unknown(command.parcel_id or "with these lines")
    events = tuple(
        said.ParcelComplainedOf(
            **named(parcel),
            case_id=command.case_id,
            reason=command.reason,
            incident_id=None if parcel.watch is None else parcel.watch.incident_id,
        )
        for parcel in about
        if command.case_id not in parcel.complaints and len(parcel.complaints) < MAX_COMPLAINTS
    )
    if not events and any(command.case_id not in parcel.complaints for parcel in about):
        return Refused(
            slug="too-many-complaints", detail=f"A parcel has at most {MAX_COMPLAINTS} complaints."
        )
    return Decision(rule="carriage_complaint", events=events) if events else NOTHING


def named_parcel(state: Placed, parcel_id: str, carrier: str) -> ask.NamedParcel | Refused:
    """A parcel that somebody counts among those of an incident of that carrier."""
    parcel = state.parcel(parcel_id)
    if parcel is None:
        return _unknown(parcel_id)
    if not isinstance(parcel, Moving | Troubled | Returning):
        return Refused(
            slug="parcel-ended", detail=f"Parcel {parcel_id} is {parcel.stage}; it does not stand."
        )
    if _other_carrier(parcel, carrier):
        return Refused(slug="other-carrier", detail=f"Parcel {parcel_id} goes with {parcel.carrier}.")
    return ask.NamedParcel(order_id=state.order_id, parcel_id=parcel_id, buyer_id=state.buyer_id)


def _other_carrier(parcel: Parcel, carrier: str) -> bool:
    return parcel.carrier.casefold() != carrier.casefold()


def joined(command: ask.JoinIncident, state: Placed) -> Outcome:
    """Rule `incidents`: the incident's one task takes the place of the parcel's own, its buyer is told.

    One that has moved since, and said so, stays out of it. One that arrived meanwhile, or goes with another
    carrier, tells the incident, which would wait for it for ever.
    """
    parcel = state.parcel(command.parcel_id)
    if parcel is None:
        return NOTHING
    watch = parcel.watch
    if not isinstance(parcel, Moving | Troubled | Returning) or _other_carrier(parcel, command.carrier):
        not_there = parcel.model_copy(update={"watch": Watch(carrier=command.carrier, region=command.region)})
        return Decision(rule=_INCIDENT, events=(counted_as(state, not_there, "over"),))
    if watch is not None and watch.incident_id == command.incident_id:
        return NOTHING
    if not command.held and (watch is None or not watch.standing):
        return NOTHING
    elsewhere = watch is not None and watch.region.casefold() != command.region.casefold()
    joins = said.ParcelJoinedIncident(
        **named(parcel),
        incident_id=command.incident_id,
        region=command.region,
        held_from=None if watch is not None and watch.standing else command.at,
    )
    over = [task for task in parcel.tasks if task.kind in MERGED and not _its_own(parcel, task)]
    return Decision(
        rule=_INCIDENT,
        events=(counted_as(state, parcel, "over"), joins) if elsewhere else (joins,),
        tasks=withdraw(state, over, "incident"),
        messages=_notice(command, state, parcel),
    )


def _its_own(parcel: Parcel, task: OpenTask) -> bool:
    """Whether the task is about this parcel alone: its buyer refuses it, or its address is wrong."""
    own = parcel.refused_because is not None or (isinstance(parcel, Troubled) and parcel.fault not in FAILS)
    return task.kind == "resolve_exception" and own


def _notice(command: ask.JoinIncident, state: Placed, parcel: Parcel) -> tuple[MessageWanted, ...]:
    if not command.tell:
        return ()
    told = message(state, parcel, "incident_notice", command.at)
    params = {**told.params, "reason": command.reason}
    return (told.model_copy(update={"params": params}),)


def released(command: ask.LeaveIncident, state: Placed) -> Outcome:
    """Rule `incidents`: the incident is over, and what still stands has its own task again."""
    parcel = state.parcel(command.parcel_id)
    if parcel is None or parcel.watch is None or parcel.watch.incident_id != command.incident_id:
        return NOTHING
    left = said.ParcelLeftIncident(**named(parcel), incident_id=command.incident_id)
    alone = parcel.model_copy(update={"watch": parcel.watch.model_copy(update={"incident_id": None})})
    return Decision(rule=_INCIDENT, events=(left,)) + _own_task(state, alone)


def told_alone(command: ask.TellAlone, state: Placed) -> Decision:
    """Rule `stall_levels`, level 1, where incidents are counted: this is none, so its buyer is told of it."""
    parcel = state.parcel(command.parcel_id)
    if not isinstance(parcel, Moving | Troubled | Returning) or not parcel.clock.level:
        return NOTHING
    return Decision(rule="stall_levels", messages=delay_notice(state, parcel))


def _own_task(state: Placed, parcel: Parcel) -> Decision:
    match parcel:
        case Troubled():
            summary = f"Something went wrong on the way ({parcel.reason}), and the incident is over."
            more = {"reason": parcel.reason, "fault": parcel.fault}
            return Decision(tasks=want(state, parcel, "resolve_exception", summary, more=more))
        case Moving() | Returning() if parcel.clock.level:
            summary = "The incident is over and the parcel still stands: ask the carrier where it is."
            return Decision(tasks=want(state, parcel, "check_with_carrier", summary, "high"))
        case _:
            return NOTHING


def _unknown(which: str) -> Refused:
    return Refused(slug="parcel-unknown", detail=f"The order has no parcel {which}.", missing=True)
