"""How events and notes change the file. Total: what it doesn't know changes nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from services.logistics.state import claims
from services.logistics.state.care import EnquiryKept, Weights
from services.logistics.state.caring import cared
from services.logistics.state.file import (
    AnswerTaken,
    BuyerErased,
    ContactLearnt,
    Hold,
    HoldLifted,
    LinesUnwanted,
    NotPlaced,
    OrderLearnt,
    Placed,
    ScanSeen,
    State,
)
from services.logistics.state.incidents import Watching, WatchIs
from services.logistics.state.parcels import (
    Clock,
    Delivered,
    Lost,
    Moving,
    OpenTask,
    Parcel,
    ParcelBase,
    PickupCancelled,
    Returned,
    Returning,
    Told,
    Troubled,
    WayStage,
)
from services.logistics.state.scorecards import Scorecard, ScorecardIs
from services.logistics.state.tracking import NumberLearnt, SightingKept, Tracked
from shared.contracts.base import Frozen
from shared.contracts.event import Event, Payload
from shared.contracts.events import common
from shared.contracts.events import logistics as said
from shared.contracts.tasks import TaskKind

ABOUT_PARCELS: Final[frozenset[TaskKind]] = frozenset(
    (
        "check_pickup",
        "check_with_carrier",
        "confirm_loss",
        "resolve_exception",
        "confirm_address_and_resend",
        "chase_claim",
        "answer_enquiry",
        "follow_up_enquiry",
    )
)
"""The kinds of task whose outcome changes a parcel."""

_WAY: Final[dict[type[Payload], WayStage]] = {
    said.ParcelPickedUp: "picked_up",
    said.ParcelInTransit: "in_transit",
    said.ParcelOutForDelivery: "out_for_delivery",
}


def evolve(state: State, change: Event | Frozen) -> State:
    """The state after one event of its own, or one note."""
    match state:
        case NotPlaced():
            return _before_order(state, change)
        case Tracked():
            return _of_number(state, change)
        case Placed():
            return of_order(state, change)
        case Watching():
            return change.watching if isinstance(change, WatchIs) else state
        case Scorecard():
            return change.card if isinstance(change, ScorecardIs) else state


def _of_number(state: Tracked, change: Event | Frozen) -> Tracked:
    match change:
        case NumberLearnt():
            return state.with_parcel(change.parcel)
        case SightingKept():
            return state.with_sighting(change.sighted)
        case _:
            return state


def _before_order(state: NotPlaced, change: Event | Frozen) -> State:
    match change:
        case NumberLearnt() | SightingKept():
            return _of_number(Tracked(), change)
        case WatchIs():
            return change.watching
        case ScorecardIs():
            return change.card
        case OrderLearnt():
            return Placed(
                contact=state.contact,
                erased=state.erased,
                unwanted=state.unwanted,
                holds=state.holds,
                stopped=state.stopped,
                order_id=change.order_id,
                lines=change.lines,
                ship_service=change.ship_service,
                buyer_id=change.buyer_id,
                line_grams=change.line_grams,
            )
        case ContactLearnt():
            return state.model_copy(update={"contact": change.contact})
        case BuyerErased():
            return state.model_copy(update={"erased": True})
        case LinesUnwanted() | HoldLifted():
            return state.model_copy(update=_kept_back(state, change))
        case Event(data=said.ShipmentStopped() | said.ShipmentResumed() as told):
            return state.model_copy(update={"stopped": _stopped(state, told)})
        case _:
            return state


def of_order(state: Placed, change: Event | Frozen) -> Placed:
    """An order's file after one event of its own, or one note."""
    match change:
        case ContactLearnt():
            return state.model_copy(update={"contact": change.contact})
        case BuyerErased():
            return state.model_copy(update={"erased": True})
        case LinesUnwanted() | HoldLifted():
            return state.model_copy(update=_kept_back(state, change))
        case ScanSeen():
            return _changed(state, change.parcel_id, lambda parcel: parcel.keep(change.seen))
        case EnquiryKept():
            asked = {"enquiry": change.enquiry}
            return _changed(state, change.parcel_id, lambda parcel: parcel.model_copy(update=asked))
        case AnswerTaken():
            return _changed(state, change.parcel_id, lambda parcel: _without(parcel, change.task_id))
        case Event():
            return _after(state, change.data, change.time)
        case _:
            return state


def _after(state: Placed, data: Payload, at: datetime) -> Placed:
    match data:
        case said.ParcelDispatched() if state.parcel(data.parcel_id) is None:
            return state.model_copy(update={"parcels": (*state.parcels, _new(data))})
        case said.ShipmentStopped() | said.ShipmentResumed():
            return state.model_copy(update={"stopped": _stopped(state, data)})
        case common.TaskWanted() if data.kind in ABOUT_PARCELS:
            about = data.details.get("parcel_id")
            return _changed(state, str(about), lambda parcel: _asked(parcel, data))
        case common.TaskWithdrawn():
            parcels = tuple(_without(parcel, data.task_id) for parcel in state.parcels)
            return state.model_copy(update={"parcels": parcels})
        case _:
            about = getattr(data, "parcel_id", None)
            return _changed(state, str(about), lambda parcel: cared(_moved(parcel, data, at), data))


def _changed(state: Placed, parcel_id: str, change: Callable[[Parcel], Parcel]) -> Placed:
    parcels = tuple(change(one) if one.parcel_id == parcel_id else one for one in state.parcels)
    return state.model_copy(update={"parcels": parcels})


def _with(lines: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*lines, *more)))


def _less(lines: tuple[str, ...], fewer: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line for line in lines if line not in fewer)


def _kept_back(state: NotPlaced | Placed, change: LinesUnwanted | HoldLifted) -> dict[str, object]:
    """The lines that shall not leave, for good or for a cause, as a field of the file."""
    was = state.held(change.cause)
    lines = _with(was, change.lines) if isinstance(change, LinesUnwanted) else _less(was, change.lines)
    if change.cause is None:
        return {"unwanted": lines}
    others = tuple(hold for hold in state.holds if hold.cause != change.cause)
    return {"holds": (*others, Hold(cause=change.cause, lines=lines)) if lines else others}


def _stopped(state: NotPlaced | Placed, told: said.ShipmentStopped | said.ShipmentResumed) -> tuple[str, ...]:
    """What the warehouse keeps after it was told to keep more, or less."""
    change = _with if isinstance(told, said.ShipmentStopped) else _less
    return change(state.stopped, told.lines)


def _asked(parcel: Parcel, task: common.TaskWanted) -> Parcel:
    tasks = (*parcel.tasks, OpenTask(task_id=task.task_id, kind=task.kind))
    return parcel.model_copy(update={"tasks": tasks, "tasks_wanted": parcel.tasks_wanted + 1})


def _without(parcel: Parcel, task_id: str) -> Parcel:
    left = tuple(task for task in parcel.tasks if task.task_id != task_id)
    return parcel.model_copy(update={"tasks": left}) if len(left) < len(parcel.tasks) else parcel


def _new(data: said.ParcelDispatched) -> Moving:
    return Moving(
        parcel_id=data.parcel_id,
        carrier=data.carrier,
        tracking_no=data.tracking_no,
        lines=data.lines,
        dispatched_at=data.dispatched_at,
        told=(_told(data),),
        weights=Weights(warehouse=data.weight_grams),
        clock=Clock.handed_over(data.dispatched_at),
    )


def _told(data: said.ParcelDispatched) -> Told:
    return Told(carrier=data.carrier, tracking_no=data.tracking_no, weight_grams=data.weight_grams)


def _base(parcel: Parcel, **changes: Any) -> dict[str, Any]:
    """The fields that every stage has, with some changed."""
    kept = {name: getattr(parcel, name) for name in ParcelBase.model_fields}
    return {**kept, **changes}


def _before_trouble(parcel: Parcel) -> WayStage:
    match parcel:
        case Moving():
            return parcel.stage
        case Troubled():
            return parcel.before
        case _:
            return "dispatched"


def _moved(parcel: Parcel, data: Payload, at: datetime) -> Parcel:
    """The parcel after an event about it that may change its stage."""
    match data:
        case said.ParcelDispatched() if isinstance(parcel, PickupCancelled):
            return _ticked(parcel.after_all(), data, at)
        case said.ParcelPickedUp() | said.ParcelInTransit() | said.ParcelOutForDelivery():
            clock = parcel.clock.scanned(data.scanned_at)
            return Moving(**_base(parcel, clock=clock), stage=_WAY[type(data)])
        case said.ParcelException() if isinstance(parcel, Returning):
            return Returning(**_base(parcel, clock=parcel.clock.scanned(data.scanned_at)))
        case said.ParcelException():
            clock = parcel.clock.scanned(data.scanned_at)
            return Troubled(
                **_base(parcel, clock=clock),
                before=_before_trouble(parcel),
                reason=data.reason,
                fault=data.fault,
            )
        case said.ParcelExceptionResolved() if isinstance(parcel, Troubled):
            return Moving(**_base(parcel), stage=parcel.before)
        case said.ParcelReturning():
            return Returning(**_base(parcel, clock=parcel.clock.scanned(data.scanned_at)))
        case said.ParcelReturnOrdered():
            return Returning(**_base(parcel, clock=parcel.clock.confirmed(at)))
        case said.ParcelDelivered():
            return Delivered(**_base(parcel), delivered_at=data.scanned_at)
        case said.ParcelReturned():
            return Returned(**_base(parcel), returned_at=data.scanned_at)
        case said.ParcelLost():
            return Lost(**_base(parcel), lost_at=at)
        case said.ParcelPickupCancelled():
            return PickupCancelled(**_base(parcel))
        case _:
            return _ticked(parcel, data, at)


def _ticked(parcel: Parcel, data: Payload, at: datetime) -> Parcel:
    """The parcel after an event about it that leaves its stage as it is."""
    clock = parcel.clock
    changed: dict[str, object]
    match data:
        case said.ParcelPickupOverdue():
            changed = {"clock": clock.pickup_missed()}
        case said.ParcelStalled():
            changed = {"clock": clock.stalled(data.level)}
        case said.ParcelLostSuspected():
            changed = {"clock": clock.suspected()}
        case said.ParcelFound() | said.ParcelMovementConfirmed():
            changed = {"clock": clock.confirmed(at)}
        case said.ParcelDelayAnnounced():
            changed = {"clock": clock.delayed(data.until, at)}
        case said.ParcelRebooked() if isinstance(parcel, Moving):
            changed = {"carrier": data.carrier, "clock": Clock.handed_over(at), "rebooked": True}
        case said.ParcelDispatched() if isinstance(parcel, Moving):
            changed = {
                "carrier": data.carrier,
                "tracking_no": data.tracking_no,
                "dispatched_at": data.dispatched_at,
                "told": (*parcel.told, _told(data)),
                "clock": Clock.handed_over(data.dispatched_at),
                "rebooked": False,
            }
        case said.ParcelResendWanted() if isinstance(parcel, Returned):
            changed = {"settled": "resend"}
        case said.ParcelRefundWanted() if isinstance(parcel, Returned):
            changed = {"settled": "refund"}
        case said.ParcelResurfaced() if isinstance(parcel, Lost):
            changed = {"resurfaced": (*parcel.resurfaced, data.how)}
        case said.CarrierClaimOpened() if isinstance(parcel, Lost):
            changed = {"claimed_for": data.case_id, "claim": claims.opened(data)}
        case _ if isinstance(parcel, Lost) and parcel.open_claim is not None:
            changed = {"claim": claims.after(parcel.open_claim, data)}
        case _:
            return parcel
    return parcel.model_copy(update=changed)
