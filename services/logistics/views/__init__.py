"""What can be seen of parcels and of tracking numbers: made from events alone, without who receives them."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

from pydantic import JsonValue

from services.logistics.views.care import (
    ClaimView,
    EnquiryView,
    IncidentView,
    WeightsView,
    cared,
    with_incident,
)
from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.event import Event, Payload
from shared.contracts.events import common, incidents, notifications, orders
from shared.contracts.events import logistics as said
from shared.contracts.facts import Fault

SHOWN: Final = 100
"""Entries of a parcel's trace that are shown, newest last."""


SIGHTINGS_SHOWN: Final = 200
"""Sightings of a tracking number that are shown, newest last."""


class TraceLine(Frozen):
    """Something that happened to the parcel."""

    at: Utc
    what: Name
    scanned_at: Utc | None = None
    location: Name | None = None


class NewestScan(Frozen):
    """The newest scan that moved the parcel."""

    status: Name
    scanned_at: Utc
    location: Name | None = None


class TaskShown(Frozen):
    """An open task about the parcel."""

    task_id: Id
    kind: Name


class ParcelView(Frozen):
    """One parcel as it is shown."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]
    stage: Name = "dispatched"
    dispatched_at: Utc
    newest_scan: NewestScan | None = None
    stalled_level: int = 0
    lost_suspected: bool = False
    exception: Name | None = None
    """What went wrong, while it is not resolved."""
    fault: Fault | None = None
    stage_before_exception: Name | None = None
    deadline: Name | None = None
    """The clock that comes next."""
    deadline_at: Utc | None = None
    claim_for: Id | None = None
    """The case after which the carrier was asked to pay."""
    claim: ClaimView | None = None
    resurfaced: Name | None = None
    """As what it was last scanned after its loss was confirmed."""
    enquiry: EnquiryView | None = None
    weights: WeightsView = WeightsView()
    incident_id: Id | None = None
    """The incident to which it belongs."""
    refused_because: Name | None = None
    """Why the buyer does not take it."""
    complaints: tuple[Id, ...] = ()
    """Cases about how it was carried."""
    open_tasks: tuple[TaskShown, ...] = ()
    trace: tuple[TraceLine, ...] = ()


SightingOutcome = Literal["waiting", "matched", "unmatched"]


class SightingView(Frozen):
    """What a carrier told by tracking number, and what became of it."""

    sighting_id: Id
    carrier: Id
    tracking_no: Id
    status: Name
    scanned_at: Utc
    outcome: SightingOutcome
    order_id: Id | None = None
    """The order that it was found to be about."""
    because: Name | None = None
    """Why it is unmatched."""
    waits_until: Utc | None = None
    scheme_failed: Name | None = None
    """The check of its carrier that the number fails: it may be mistyped."""


class LogisticsView(Frozen):
    """An order's parcels, or a tracking number's sightings, as they are shown."""

    shop_id: Id | None = None
    stages: tuple[Name, ...] = ()
    """The stages that its parcels are in, each once."""
    deadline_at: Utc | None = None
    """The next clock of any parcel."""
    stopped: tuple[Id, ...] = ()
    """Lines that the warehouse was told not to send."""
    parcels: tuple[ParcelView, ...] = ()
    sightings: tuple[SightingView, ...] = ()
    """Of a tracking number: what carriers told of it, newest last."""
    outcomes: tuple[SightingOutcome, ...] = ()
    """What became of them, each once."""
    incidents: tuple[IncidentView, ...] = ()
    """Of a carrier and region: its incidents, newest last."""
    incident: Literal["open", "closed"] | None = None
    """Whether one of them is open."""


EMPTY: Final = LogisticsView()

_STAGES: Final[dict[type[Payload], str]] = {
    said.ParcelPickedUp: "picked_up",
    said.ParcelInTransit: "in_transit",
    said.ParcelOutForDelivery: "out_for_delivery",
    said.ParcelDelivered: "delivered",
    said.ParcelException: "exception",
    said.ParcelReturning: "returning",
    said.ParcelReturned: "returned",
    said.ParcelReturnOrdered: "returning",
    said.ParcelLost: "lost",
    said.ParcelPickupCancelled: "pickup_cancelled",
}
_INCIDENT: Final = (
    incidents.IncidentOpened,
    incidents.IncidentParcelsJoined,
    incidents.IncidentDeadlineChanged,
    incidents.IncidentClosed,
)
_ENDS: Final = frozenset(("delivered", "returned", "lost", "pickup_cancelled"))
_STARTED_AGAIN: Final = (
    said.ParcelMovingAgain,
    said.ParcelFound,
    said.ParcelMovementConfirmed,
    said.ParcelRebooked,
    said.ParcelDelayAnnounced,
    said.ParcelReturnOrdered,
    said.ParcelDispatched,
)
_SCANS: Final = (
    said.ParcelPickedUp,
    said.ParcelInTransit,
    said.ParcelOutForDelivery,
    said.ParcelDelivered,
    said.ParcelException,
    said.ParcelReturning,
    said.ParcelReturned,
)


def project(view: LogisticsView, event: Event) -> LogisticsView:
    """The view after one more event that the file said or heard."""
    match event.data:
        case orders.OrderPlaced() as placed:
            return view.model_copy(update={"shop_id": placed.shop_id})
        case said.ShipmentStopped() as stopped:
            lines = tuple(dict.fromkeys((*view.stopped, *stopped.lines)))
            return view.model_copy(update={"stopped": lines})
        case said.ShipmentResumed() as resumed:
            lines = tuple(line for line in view.stopped if line not in resumed.lines)
            return view.model_copy(update={"stopped": lines})
        case common.TaskWanted() as task if task.kind != "look_into":
            shown = TaskShown(task_id=task.task_id, kind=task.kind)
            return _about(view, task.details.get("parcel_id"), lambda parcel: _with_task(parcel, shown))
        case common.TaskWithdrawn() | notifications.TaskCompleted() as over:
            return _without_task(view, over.task_id)
        case said.SightingRecorded() | said.SightingMatched() | said.SightingUnmatched() as told:
            return _sighted(view, told)
        case data if isinstance(data, _INCIDENT):
            shown_ones = with_incident(view.incidents, event)
            newest = shown_ones[-1].stage if shown_ones else None
            return view.model_copy(update={"incidents": shown_ones, "incident": newest})
        case said.ParcelDispatched() as left if all(p.parcel_id != left.parcel_id for p in view.parcels):
            return _summed(view, (*view.parcels, _followed(_new(left), event)))
        case data:
            about = getattr(data, "parcel_id", None) if event.source == "logistics" else None
            return _about(view, about, lambda parcel: _followed(parcel, event))


def _sighted(
    view: LogisticsView, told: said.SightingRecorded | said.SightingMatched | said.SightingUnmatched
) -> LogisticsView:
    before = next((one for one in view.sightings if one.sighting_id == told.sighting_id), None)
    shown = SightingView(
        sighting_id=told.sighting_id,
        carrier=told.carrier,
        tracking_no=told.tracking_no,
        status=told.status,
        scanned_at=told.scanned_at,
        outcome="waiting",
        scheme_failed=None if before is None else before.scheme_failed,
    )
    changed: dict[str, object]
    match told:
        case said.SightingRecorded():
            changed = {"waits_until": told.waits_until, "scheme_failed": told.scheme_failed}
        case said.SightingMatched():
            changed = {"outcome": "matched", "order_id": told.order_id}
        case said.SightingUnmatched():
            changed = {"outcome": "unmatched", "because": told.reason}
    others = tuple(one for one in view.sightings if one.sighting_id != told.sighting_id)
    sightings = (*others, shown.model_copy(update=changed))[-SIGHTINGS_SHOWN:]
    outcomes = tuple(dict.fromkeys(one.outcome for one in sightings))
    return view.model_copy(update={"sightings": sightings, "outcomes": outcomes})


def _summed(view: LogisticsView, parcels: tuple[ParcelView, ...]) -> LogisticsView:
    clocks = [moment for parcel in parcels for moment in _clocks(parcel) if moment is not None]
    changed: dict[str, object] = {
        "parcels": parcels,
        "stages": tuple(dict.fromkeys(parcel.stage for parcel in parcels)),
        "deadline_at": min(clocks) if clocks else None,
    }
    return view.model_copy(update=changed)


def _clocks(parcel: ParcelView) -> tuple[datetime | None, ...]:
    claim = None if parcel.claim is None else parcel.claim.deadline_at
    enquiry = None if parcel.enquiry is None else parcel.enquiry.deadline_at
    return (parcel.deadline_at, claim, enquiry)


def _about(
    view: LogisticsView, parcel_id: JsonValue, change: Callable[[ParcelView], ParcelView]
) -> LogisticsView:
    if all(parcel.parcel_id != parcel_id for parcel in view.parcels):
        return view
    changed = (change(parcel) if parcel.parcel_id == parcel_id else parcel for parcel in view.parcels)
    return _summed(view, tuple(changed))


def _with_task(parcel: ParcelView, task: TaskShown) -> ParcelView:
    return parcel.model_copy(update={"open_tasks": (*parcel.open_tasks, task)})


def _without_task(view: LogisticsView, task_id: str) -> LogisticsView:
    if all(task.task_id != task_id for parcel in view.parcels for task in parcel.open_tasks):
        return view
    parcels = tuple(
        parcel.model_copy(update={"open_tasks": tuple(t for t in parcel.open_tasks if t.task_id != task_id)})
        for parcel in view.parcels
    )
    return view.model_copy(update={"parcels": parcels})


def _new(left: said.ParcelDispatched) -> ParcelView:
    return ParcelView(
        parcel_id=left.parcel_id,
        carrier=left.carrier,
        tracking_no=left.tracking_no,
        lines=left.lines,
        dispatched_at=left.dispatched_at,
    )


def _followed(parcel: ParcelView, event: Event) -> ParcelView:
    """The parcel after one more event about it, with the event in its trace."""
    data = event.data
    scanned_at: datetime | None = getattr(data, "scanned_at", None)
    location: str | None = getattr(data, "location", None)
    line = TraceLine(at=event.time, what=event.name, scanned_at=scanned_at, location=location)
    changed: dict[str, object] = {"trace": (*parcel.trace, line)[-SHOWN:], **_stage_after(parcel, data)}
    if "deadline" in type(data).model_fields:
        changed["deadline"] = getattr(data, "deadline", None)
        changed["deadline_at"] = getattr(data, "deadline_at", None)
    if isinstance(data, _SCANS):
        status = _STAGES[type(data)]
        changed["newest_scan"] = NewestScan(status=status, scanned_at=data.scanned_at, location=data.location)
    if isinstance(data, (*_SCANS, *_STARTED_AGAIN)):
        changed |= {"stalled_level": 0, "lost_suspected": False}
    changed |= _details_after(data)
    if isinstance(data, incidents.ParcelComplainedOf):
        changed["complaints"] = (*parcel.complaints, data.case_id)
    if isinstance(data, said.ParcelDispatched) and data.weight_grams is not None:
        changed["weights"] = parcel.weights.model_copy(update={"warehouse_grams": data.weight_grams})
    return parcel.model_copy(update={**changed, **cared(parcel.claim, parcel.enquiry, event)})


def _stage_after(parcel: ParcelView, data: Payload) -> dict[str, object]:
    stage = _STAGES.get(type(data))
    if isinstance(data, said.ParcelDispatched) and parcel.stage == "pickup_cancelled":
        return {"stage": "dispatched"}
    if isinstance(data, said.ParcelException) and parcel.stage == "returning":
        return {"exception": data.reason, "fault": data.fault}
    if isinstance(data, said.ParcelException):
        before = parcel.stage_before_exception or parcel.stage
        return {
            "stage": stage,
            "stage_before_exception": before,
            "exception": data.reason,
            "fault": data.fault,
        }
    over: dict[str, object] = {"stage_before_exception": None, "exception": None, "fault": None}
    if isinstance(data, said.ParcelExceptionResolved):
        return {"stage": parcel.stage_before_exception or parcel.stage, **over}
    if stage is None:
        return {}
    ended = {"deadline": None, "deadline_at": None} if stage in _ENDS else {}
    return {"stage": stage, **over, **ended}


def _details_after(data: Payload) -> dict[str, object]:
    match data:
        case said.ParcelStalled():
            return {"stalled_level": data.level}
        case said.ParcelLostSuspected():
            return {"lost_suspected": True}
        case said.ParcelRebooked():
            return {"carrier": data.carrier}
        case said.ParcelDispatched():
            return {
                "carrier": data.carrier,
                "tracking_no": data.tracking_no,
                "dispatched_at": data.dispatched_at,
            }
        case said.CarrierClaimOpened():
            return {"claim_for": data.case_id}
        case said.ParcelResurfaced():
            return {"resurfaced": data.how}
        case _:
            return {}
