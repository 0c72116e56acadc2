"""What befalls a parcel beside its way: its buyer refuses it or complains, an incident takes it in."""

from services.logistics import commands as ask
from services.logistics.decide.clocks import delay_notice
from services.logistics.decide.tasks import MERGED, message, named, want, withdraw
from services.logistics.state import Moving, Parcel, Placed, Returning, Troubled
from shared.contracts.events import incidents as said
from shared.contracts.events.common import MessageWanted
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused

MAX_COMPLAINTS = 20
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
        tasks=want(state, parcel, "resolve_exception", summary, "high", more),
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
    return Decision(rule="carriage_complaint", events=events) if events else NOTHING


def joined(command: ask.JoinIncident, state: Placed) -> Outcome:
    """Rule `incidents`: the incident's one task takes the place of the parcel's own, its buyer is told."""
    parcel = state.parcel(command.parcel_id)
    if not isinstance(parcel, Moving | Troubled | Returning):
        return NOTHING
    if parcel.watch is not None and parcel.watch.incident_id == command.incident_id:
        return NOTHING
    joins = said.ParcelJoinedIncident(
        **named(parcel),
        incident_id=command.incident_id,
        region=command.region,
        held_from=None if parcel.watch is not None and parcel.watch.standing else command.at,
    )
    over = [task for task in parcel.tasks if task.kind in MERGED]
    return Decision(
        rule=_INCIDENT,
        events=(joins,),
        tasks=withdraw(state, over, "incident"),
        messages=_notice(command, state, parcel),
    )


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
