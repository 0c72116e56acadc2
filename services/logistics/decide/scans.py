"""What a carrier's scan does: a parcel only moves forward, and every newer scan is movement."""

from typing import Any, Final, assert_never

from pydantic import JsonValue

from services.logistics.commands import TakeScan
from services.logistics.decide.clocks import deadline, no_timers, timers, values_for
from services.logistics.decide.faults import FAILS, Cause, cause_of
from services.logistics.decide.resurfaced import resurfaced
from services.logistics.decide.tasks import message, named, want, withdraw
from services.logistics.state import (
    WAY,
    Delivered,
    Lost,
    Moving,
    OpenParcel,
    PickupCancelled,
    Placed,
    Returned,
    Returning,
    ScanSeen,
    Seen,
    Troubled,
    WayStage,
)
from shared.contracts.event import Payload
from shared.contracts.events import logistics as said
from shared.contracts.events.common import MessageWanted
from shared.contracts.facts import ScanStatus, ShipmentScanned, ShipmentScannedBody
from shared.kernel.calendar import later, utc_text
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, TaskChange
from shared.kernel.profiles import Profile, Values

TEXT_KEPT: Final = 200
"""Characters of the carrier's words that the trace keeps."""


def scan_taken(command: TakeScan, state: Placed, profile: Profile) -> Outcome:
    """A scan that a carrier told by tracking number, once its parcel was found."""
    fact = ShipmentScanned(
        id=command.sighting_id, at=command.told_at, order_id=command.order_id, data=command.scan
    )
    return scanned(fact, state, profile, command.reason, command.parcel_id)


def scanned(
    fact: ShipmentScanned,
    state: Placed,
    profile: Profile,
    reason: str | None = None,
    parcel_id: str | None = None,
) -> Outcome:
    """A scan of one of the order's parcels; early when its parcel is not known yet."""
    scan = fact.data
    parcel = state.tracked(scan.carrier, scan.tracking_no, parcel_id)
    if parcel is None:
        return Refused(
            slug="parcel-unknown",
            detail="No parcel of the order was dispatched with this carrier and tracking number.",
            early=True,
        )
    seen = _seen(fact)
    if any(seen.same_as(other) for other in parcel.trace):
        return NOTHING
    if isinstance(parcel, PickupCancelled) and scan.status != "exception":
        return _left_after_all(fact, state, parcel, profile, reason)
    match parcel:
        case Moving() | Troubled() | Returning() if _forward(parcel, seen):
            note = ScanSeen(parcel_id=parcel.parcel_id, seen=seen.model_copy(update={"taken": True}))
            kept = Decision(rule=_rule(parcel, scan.status), notes=(note,))
            cause = cause_of(scan.text, scan.fault, reason)
            counts = scan.model_copy(
                update={"scanned_at": seen.counts_from, "status": _counts_as(scan.status, parcel)}
            )
            return kept + _taken(state, parcel, counts, cause, profile)
        case Moving() | Troubled() | Returning() | Delivered() | Returned() | Lost() | PickupCancelled():
            note = ScanSeen(parcel_id=parcel.parcel_id, seen=seen)
            found = resurfaced(scan, parcel, state) if isinstance(parcel, Lost) else NOTHING
            return found + Decision(rule=found.rule or "stage_moves_forward", notes=(note,))
        case _:
            assert_never(parcel)


def _left_after_all(
    fact: ShipmentScanned, state: Placed, parcel: PickupCancelled, profile: Profile, reason: str | None
) -> Outcome:
    """Whoever said that it never left was wrong: a carrier has the parcel."""
    moving = parcel.after_all()
    left = said.ParcelDispatched(
        **named(parcel),
        lines=parcel.lines,
        dispatched_at=parcel.dispatched_at,
        weight_grams=parcel.told[-1].weight_grams,
        **deadline(moving.clock, values_for(state, parcel.carrier, profile)),
    )
    parcels = tuple(moving if one is parcel else one for one in state.parcels)
    seen = scanned(fact, state.model_copy(update={"parcels": parcels}), profile, reason, parcel.parcel_id)
    return seen if isinstance(seen, Refused) else Decision(events=(left,)) + seen


def _seen(fact: ShipmentScanned) -> Seen:
    scan = fact.data
    return Seen(
        status=scan.status,
        scanned_at=scan.scanned_at,
        heard_at=fact.at,
        text=scan.text[:TEXT_KEPT],
        location=scan.location,
        taken=False,
    )


def _counts_as(status: ScanStatus, parcel: OpenParcel) -> ScanStatus:
    """On its way back a parcel passes depots and vans again: it moves there, and stays on its way back."""
    return "returning" if isinstance(parcel, Returning) and status in WAY else status


def _forward(parcel: OpenParcel, seen: Seen) -> bool:
    """Rule `stage_moves_forward`: newer than the newest scan taken, and not a step back."""
    if not parcel.newer(seen):
        return False
    match parcel:
        case Moving():
            return _not_before(parcel.stage, seen.status)
        case Troubled():
            return _not_before(parcel.before, seen.status)
        case Returning():
            return True


def _not_before(stage: WayStage, status: ScanStatus) -> bool:
    match status:
        case "picked_up" | "in_transit" | "out_for_delivery":
            return WAY.index(status) >= WAY.index(stage)
        case "delivered" | "exception" | "returning" | "returned":
            return True


def _rule(parcel: OpenParcel, status: ScanStatus) -> str:
    match status:
        case "exception":
            return "exception_scan"
        case "returned":
            return "returned_to_sender"
        case _:
            return "stall_levels" if parcel.clock.level else "stage_moves_forward"


def _taken(
    state: Placed, parcel: OpenParcel, scan: ShipmentScannedBody, cause: Cause, profile: Profile
) -> Decision:
    """All that a scan that counts brings: what is said of it, and the clocks, tasks and messages."""
    values = values_for(state, parcel.carrier, profile)
    ended = scan.status in ("delivered", "returned")
    clock = parcel.clock.scanned(scan.scanned_at)
    fields: dict[str, Any] = {
        **named(parcel),
        "scanned_at": scan.scanned_at,
        "location": scan.location,
        "weight_grams": scan.weight_grams,
    }
    if not ended:
        fields.update(deadline(clock, values))
    stage = _stage_said(scan, parcel, cause, fields)
    return Decision(
        events=(*_moving_again(parcel, scan), *_resolved(parcel, scan.status), stage),
        timers=no_timers(parcel.parcel_id) if ended else timers(parcel.parcel_id, clock, values),
        tasks=(*_over(state, parcel, scan.status), *_wanted(state, parcel, scan, cause)),
        messages=_told(state, parcel, scan, values),
    )


def _moving_again(parcel: OpenParcel, scan: ShipmentScannedBody) -> tuple[Payload, ...]:
    """Rule `stall_levels`: a newer scan of any kind ends a stall."""
    clock = parcel.clock
    if clock.level == 0:
        return ()
    return (
        said.ParcelMovingAgain(
            **named(parcel), level=clock.level, stood_since=clock.since, scanned_at=scan.scanned_at
        ),
    )


def _resolved(parcel: OpenParcel, status: ScanStatus) -> tuple[Payload, ...]:
    """Rule `exception_scan`: a later normal scan resolves the trouble; one on the way back does not."""
    if isinstance(parcel, Troubled) and status not in ("exception", "returning", "returned"):
        return (said.ParcelExceptionResolved(**named(parcel), by="scan"),)
    return ()


def _stage_said(
    scan: ShipmentScannedBody, parcel: OpenParcel, cause: Cause, fields: dict[str, Any]
) -> Payload:
    match scan.status:
        case "picked_up":
            return said.ParcelPickedUp(**fields)
        case "in_transit":
            return said.ParcelInTransit(**fields)
        case "out_for_delivery":
            return said.ParcelOutForDelivery(**fields)
        case "delivered":
            return said.ParcelDelivered(**fields, lines=parcel.lines)
        case "exception":
            return said.ParcelException(**fields, reason=cause.reason, fault=cause.fault)
        case "returning":
            return said.ParcelReturning(**fields)
        case "returned":
            return said.ParcelReturned(**fields, lines=parcel.lines)


def _over(state: Placed, parcel: OpenParcel, status: ScanStatus) -> tuple[TaskChange, ...]:
    """The open tasks whose cause is gone with this scan.

    That its buyer refuses a parcel stays so until the parcel is back: he is still to be served.
    """
    changes: list[TaskChange] = []
    for task in parcel.tasks:
        if status in ("delivered", "returned"):
            changes.extend(withdraw(state, (task,), status))
        elif task.kind == "check_pickup":
            changes.extend(withdraw(state, (task,), "scanned"))
        elif task.kind in ("check_with_carrier", "confirm_loss"):
            changes.extend(withdraw(state, (task,), "moving_again"))
        elif task.kind == "resolve_exception" and status != "exception" and not parcel.refused_because:
            over = "returning" if status == "returning" else "moving_again"
            changes.extend(withdraw(state, (task,), over))
    return tuple(changes)


def _wanted(
    state: Placed, parcel: OpenParcel, scan: ShipmentScannedBody, cause: Cause
) -> tuple[TaskChange, ...]:
    """Rules `exception_scan` and `returned_to_sender`: an agent settles what the scan shows."""
    more: dict[str, JsonValue] = {"since": utc_text(scan.scanned_at)}
    match scan.status:
        case "exception":
            summary = f"Something went wrong on the way ({cause.reason}, fault: {cause.fault}): put it right."
            more |= {"reason": cause.reason, "fault": cause.fault}
            own = cause.fault not in FAILS
            return want(state, parcel, "resolve_exception", summary, more=more, its_own=own)
        case "returned" if parcel.lines and not state.wanted(parcel.lines):
            return ()  # The buyer has his money for all of it.
        case "returned":
            more["lines"] = [*state.wanted(parcel.lines)]
            summary = "The parcel is back: confirm the address with the buyer and send it again, or pay back."
            if parcel.refused_because is not None:
                summary = "The refused parcel is back: ask the buyer whether he wants new goods or money."
                more["refused"] = parcel.refused_because
            return want(state, parcel, "confirm_address_and_resend", summary, more=more)
        case _:
            return ()


def _told(
    state: Placed, parcel: OpenParcel, scan: ShipmentScannedBody, values: Values
) -> tuple[MessageWanted, ...]:
    """Rule `stage_messages`: the buyer hears of a stage when it begins, unless the scan is old by then."""
    if scan.status not in ("out_for_delivery", "delivered") or parcel.stage == scan.status:
        return ()
    stale_at = later(scan.scanned_at, values.stage_message_stale_after)
    return (message(state, parcel, f"parcel_{scan.status}", scan.scanned_at, stale_at),)
