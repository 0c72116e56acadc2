"""What can be seen of claims, enquiries, weights and incidents: made from events alone."""

from collections.abc import Callable
from typing import Any, Final, Literal

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Utc
from shared.contracts.event import Event, Payload
from shared.contracts.events import incidents
from shared.contracts.events import logistics as said
from shared.contracts.facts import Grams

INCIDENTS_SHOWN: Final = 20
"""Incidents of one carrier and region that are shown, newest last."""


class ClaimView(Frozen):
    """The claim about a lost parcel."""

    case_id: Id
    """The case by which the buyer was served."""
    stage: Literal["gathering", "submitted", "refused", "approved", "reconciled"] = "gathering"
    remedy: Name | None = None
    served_with: Amount | None = None
    """What the buyer got, as money or as goods."""
    currency: Currency | None = None
    evidence: tuple[Name, ...] = ()
    missing: tuple[Name, ...] = ()
    """What the carrier wants to see and is not there."""
    claimed: Amount | None = None
    reference: Id | None = None
    approved: Amount | None = None
    refused_because: Name | None = None
    appealed: bool = False
    paid_by_carrier: Amount | None = None
    shortfall: Amount | None = None
    """What the shop bears."""
    surplus: Amount | None = None
    deadline_at: Utc | None = None


class EnquiryView(Frozen):
    """The newest enquiry about a parcel."""

    enquiry_id: Id
    about: Name
    stage: Literal["registered", "answered", "settled"] = "registered"
    registered_at: Utc
    answered_at: Utc | None = None
    followed_up_at: Utc | None = None
    result: Name | None = None
    deadline_at: Utc | None = None


class WeightsView(Frozen):
    """What a parcel weighs, side by side, and what that speaks for."""

    ordered_grams: Grams | None = None
    warehouse_grams: Grams | None = None
    carrier_grams: Grams | None = None
    tolerance_grams: Grams | None = None
    verdict: Literal["matches", "short", "unclear"] = "unclear"
    reason: Name = "one_weight_only"


class IncidentView(Frozen):
    """An incident of one carrier and region."""

    incident_id: Id
    carrier: Id
    region: Name
    stage: Literal["open", "closed"] = "open"
    by: Name
    reason: Name
    opened_at: Utc
    affected: int
    orders: tuple[Id, ...]
    """The first of the affected orders."""
    deadline_at: Utc | None = None
    closed_at: Utc | None = None
    closed_because: Name | None = None
    still_standing: int | None = None
    """How many of its parcels stood when it was closed."""


def cared(claim: ClaimView | None, enquiry: EnquiryView | None, event: Event) -> dict[str, Any]:
    """What changes in a parcel's view with an event about it."""
    match event.data:
        case incidents.ParcelWeighed() as weighed:
            return {"weights": WeightsView.model_validate(weighed.model_dump())}
        case incidents.ParcelJoinedIncident(incident_id=incident_id):
            return {"incident_id": incident_id}
        case incidents.ParcelLeftIncident():
            return {"incident_id": None}
        case incidents.ParcelWatched(now="under_way" | "over"):
            return {"incident_id": None}
        case incidents.ParcelRefused(reason=reason):
            return {"refused_because": reason}
        case said.CarrierClaimOpened() as opened:
            return {"claim": _opened(opened)}
        case data if claim is not None and data.name.startswith("carrier_claim."):
            return {"claim": claim.model_copy(update=_claim(claim, data))}
        case data if data.name.startswith("enquiry."):
            return {"enquiry": _enquiry(enquiry, event)}
        case _:
            return {}


def _opened(opened: said.CarrierClaimOpened) -> ClaimView:
    return ClaimView(
        case_id=opened.case_id,
        remedy=opened.remedy,
        served_with=opened.served_with,
        currency=opened.currency,
        missing=opened.evidence,
        deadline_at=opened.deadline_at,
    )


def _claim(claim: ClaimView, data: Payload) -> dict[str, Any]:
    match data:
        case said.CarrierClaimEvidenceAdded():
            return {"evidence": (*claim.evidence, data.evidence), "missing": data.missing}
        case said.CarrierClaimSubmitted():
            handed = {"claimed": data.amount, "reference": data.reference}
            return {"stage": "submitted", "deadline_at": data.deadline_at, **handed}
        case said.CarrierClaimApproved():
            return {"stage": "approved", "approved": data.amount, "deadline_at": data.deadline_at}
        case said.CarrierClaimRefused():
            return {"stage": "refused", "refused_because": data.reason, "deadline_at": data.deadline_at}
        case said.CarrierClaimAppealed():
            return {"stage": "submitted", "appealed": True, "deadline_at": data.deadline_at}
        case said.CarrierClaimOverdue():
            return {"deadline_at": None}
        case said.CarrierClaimDeadlineChanged():
            return {"deadline_at": data.deadline_at}
        case said.CarrierClaimReconciled():
            money = {"paid_by_carrier": data.paid_by_carrier, "shortfall": data.shortfall}
            return {"stage": "reconciled", "deadline_at": None, "surplus": data.surplus, **money}
        case _:
            return {}


def _enquiry(enquiry: EnquiryView | None, event: Event) -> EnquiryView | None:
    match event.data:
        case incidents.EnquiryRegistered() as told:
            return EnquiryView(
                enquiry_id=told.enquiry_id,
                about=told.about,
                registered_at=event.time,
                deadline_at=told.deadline_at,
            )
        case incidents.EnquiryAnswered() as told if enquiry is not None:
            changed = {"stage": "answered", "answered_at": event.time, "deadline_at": told.deadline_at}
            return enquiry.model_copy(update=changed)
        case incidents.EnquiryFollowedUp() as told if enquiry is not None:
            stage = "settled" if told.settled else "registered"
            done = {"stage": stage, "followed_up_at": event.time, "result": told.result}
            return enquiry.model_copy(update={**done, "deadline_at": told.deadline_at})
        case incidents.EnquiryClosed() as told if enquiry is not None:
            return enquiry.model_copy(update={"stage": "settled", "result": told.reason, "deadline_at": None})
        case _:
            return enquiry


def with_incident(shown: tuple[IncidentView, ...], event: Event) -> tuple[IncidentView, ...]:
    """The incidents of a carrier and region after one more event."""
    match event.data:
        case incidents.IncidentOpened() as opened:
            view = IncidentView(
                incident_id=opened.incident_id,
                carrier=opened.carrier,
                region=opened.region,
                by=opened.by,
                reason=opened.reason,
                opened_at=event.time,
                affected=0,
                orders=opened.orders,
                deadline_at=opened.deadline_at,
            )
            return (*shown, view)[-INCIDENTS_SHOWN:]
        case incidents.IncidentParcelsJoined() as joined:
            return _last(shown, lambda one: {"affected": one.affected + len(joined.parcels)})
        case incidents.IncidentDeadlineChanged() as moved:
            return _last(shown, lambda _: {"deadline_at": moved.deadline_at})
        case incidents.IncidentClosed() as closed:
            over: dict[str, object] = {
                "stage": "closed",
                "closed_at": event.time,
                "closed_because": closed.reason,
            }
            left: dict[str, object] = {"still_standing": closed.still_standing, "deadline_at": None}
            return _last(shown, lambda _: {**over, **left})
        case _:
            return shown


def _last(
    shown: tuple[IncidentView, ...], change: Callable[[IncidentView], dict[str, object]]
) -> tuple[IncidentView, ...]:
    if not shown:
        return shown
    return (*shown[:-1], shown[-1].model_copy(update=change(shown[-1])))
