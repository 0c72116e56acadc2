"""What logistics makes of others' events, and of its own where one file asks another."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from services.logistics import commands as ask
from services.logistics.state.incidents import incident_subject
from services.logistics.state.scorecards import scorecard_subject
from shared.contracts.event import Event
from shared.contracts.events import aftersales, incidents, logistics, notifications, orders
from shared.contracts.facts import (
    ShipmentDispatched,
    ShipmentScanned,
    ShipmentScannedBody,
    tracking_subject,
)
from shared.contracts.tasks import OnDate, WithCarrier, WithResult, outcome_details
from shared.kernel.decision import Command
from shared.kernel.erasure import EraseBuyer

_BY_REFERENCE: Final = {
    ("resolve_exception", "new_address"),
    ("confirm_address_and_resend", "resend"),
    ("answer_enquiry", "feedback"),
}
"""Outcomes that bring a contact or a text: the event has a reference only."""

_ANSWERS: Final[dict[tuple[str, str], type[ask.Answer]]] = {
    ("check_pickup", "picked_up"): ask.ConfirmPickup,
    ("check_pickup", "cancelled"): ask.CancelPickup,
    ("check_with_carrier", "moving"): ask.ReportMoving,
    ("check_with_carrier", "lost"): ask.SuspectLoss,
    ("check_with_carrier", "returning"): ask.ReportReturning,
    ("confirm_loss", "lost"): ask.ConfirmLoss,
    ("confirm_loss", "found"): ask.ReportFound,
    ("resolve_exception", "resolved"): ask.ResolveException,
    ("resolve_exception", "new_address"): ask.CorrectAddress,
    ("resolve_exception", "return_to_sender"): ask.OrderReturn,
    ("confirm_address_and_resend", "resend"): ask.Resend,
    ("confirm_address_and_resend", "refund"): ask.PayBack,
    ("chase_claim", "given_up"): ask.WriteClaimOff,
    ("answer_enquiry", "feedback"): ask.GiveFeedback,
    ("follow_up_enquiry", "ask_again"): ask.AskAgain,
}


CANCELLATION: Final = "cancellation"
"""The cause of a stop that orders asked for, and that it alone takes back."""

CARRIAGE_REASONS: Final = frozenset(
    ("not_received", "delivered_late", "damaged_in_transit", "delivered_elsewhere", "carrier_conduct")
)
"""Reasons of a case that speak of how a parcel was carried."""

Asked = Command | ShipmentDispatched | ShipmentScanned


def react(event: Event) -> Sequence[tuple[str, Asked]]:
    """The commands that follow from an event; none from one that is nothing to us."""
    match event.data:
        case logistics.ParcelDispatched() as left:
            await_it = ask.AwaitNumber(
                at=event.time,
                order_id=event.subject,
                parcel_id=left.parcel_id,
                shop_id=event.shop_id,
                carrier=left.carrier,
                tracking_no=left.tracking_no,
                dispatched_at=left.dispatched_at,
            )
            return ((tracking_subject(left.tracking_no), await_it),)
        case logistics.SightingMatched() as matched:
            return ((matched.order_id, _scan_of(matched, event.time)),)
        case (
            incidents.ParcelWatched()
            | incidents.ParcelMeasured()
            | incidents.IncidentParcelsJoined()
            | incidents.IncidentParcelsReleased()
            | incidents.IncidentRuledOut()
        ) as told:
            return _between_files(event, told)
        case _:
            command = _command(event)
            return ((event.subject, command),) if command is not None else ()


def _between_files(
    event: Event,
    told: incidents.ParcelWatched
    | incidents.ParcelMeasured
    | incidents.IncidentParcelsJoined
    | incidents.IncidentParcelsReleased
    | incidents.IncidentRuledOut,
) -> Sequence[tuple[str, Asked]]:
    """Orders' files and those of carriers, of which one reaches the other only so."""
    at = event.time
    match told:
        case incidents.ParcelWatched():
            count = ask.CountParcel(
                at=at,
                shop_id=event.shop_id,
                carrier=told.carrier,
                region=told.region,
                order_id=event.subject,
                parcel_id=told.parcel_id,
                buyer_id=told.buyer_id,
                dispatched_at=told.dispatched_at,
                before=told.before,
                now=told.now,
                asks=told.asks,
            )
            return ((incident_subject(event.shop_id, told.carrier, told.region), count),)
        case incidents.ParcelMeasured():
            measure = ask.MeasureParcel(at=at, shop_id=event.shop_id, measured=told)
            card = scorecard_subject(event.shop_id, told.carrier, told.route, told.week)
            return ((card, measure),)
        case incidents.IncidentParcelsJoined():
            return tuple(
                (
                    one.order_id,
                    ask.JoinIncident(
                        at=at,
                        parcel_id=one.parcel_id,
                        incident_id=told.incident_id,
                        carrier=told.carrier,
                        region=told.region,
                        reason=told.reason,
                        tell=one.tell,
                        held=one.held,
                    ),
                )
                for one in told.parcels
            )
        case incidents.IncidentParcelsReleased():
            return tuple(
                (
                    one.order_id,
                    ask.LeaveIncident(at=at, parcel_id=one.parcel_id, incident_id=told.incident_id),
                )
                for one in told.parcels
            )
        case incidents.IncidentRuledOut():
            return tuple(
                (one.order_id, ask.TellAlone(at=at, parcel_id=one.parcel_id)) for one in told.parcels
            )


def _scan_of(matched: logistics.SightingMatched, at: datetime) -> ask.TakeScan:
    scan = ShipmentScannedBody(
        carrier=matched.carrier,
        tracking_no=matched.tracking_no,
        status=matched.status,
        scanned_at=matched.scanned_at,
        location=matched.location,
        fault=matched.fault,
        weight_grams=matched.weight_grams,
    )
    return ask.TakeScan(
        at=at,
        sighting_id=matched.sighting_id,
        order_id=matched.order_id,
        parcel_id=matched.parcel_id,
        told_at=matched.told_at,
        scan=scan,
        reason=matched.reason,
    )


def _command(event: Event) -> Asked | None:
    match event.data:
        case orders.FactPassedOn(fact=ShipmentDispatched() | ShipmentScanned() as fact):
            return fact
        case orders.OrderErased():
            return EraseBuyer(at=event.time)
        case orders.OrderPlaced() as placed:
            return ask.LearnOrder(
                at=event.time,
                order_id=event.subject,
                lines=tuple(line.line_id for line in placed.lines),
                ship_service=placed.ship_service,
                buyer_id=placed.buyer_id,
                line_grams={
                    line.line_id: line.weight_grams for line in placed.lines if line.weight_grams is not None
                },
            )
        case orders.ContactChanged() as contact:
            return ask.KeepReceiver(at=event.time, receiver=contact.receiver)
        case orders.CancellationRequested() as cancelled:
            return ask.StopLines(at=event.time, lines=cancelled.lines, reason="cancelled", cause=CANCELLATION)
        case orders.CancellationUndone() as undone:
            return ask.ResumeLines(
                at=event.time, lines=undone.lines, reason=undone.reason, cause=CANCELLATION
            )
        case orders.OrderRefunded():
            return ask.StopLines(at=event.time, reason="refunded")
        case aftersales.CaseApproved(before_dispatch=True) as case:
            return ask.StopLines(
                at=event.time,
                lines=case.lines,
                reason="refund_before_dispatch",
                cause=_case(case.case_id),
            )
        case aftersales.CaseClosed(reason="refund_given_up") as case:
            return ask.ResumeLines(
                at=event.time, lines=case.lines, reason=case.reason, cause=_case(case.case_id)
            )
        case (
            aftersales.CaseRefunded(kind="lost_parcel")
            | aftersales.CaseReshipWanted(kind="lost_parcel")
            | aftersales.CaseClosed(kind="lost_parcel")
            | aftersales.CaseRefused(kind="lost_parcel") as case
        ):
            return _claim_after(case, event.time)
        case (
            aftersales.RefundPaidElsewhere(settled=lines)
            | aftersales.CaseRefunded(goods_wanted=False, lines=lines) as paid
        ) if lines:
            by_us = isinstance(paid, aftersales.CaseRefunded)
            return ask.StopLines(at=event.time, lines=lines, reason="refunded" if by_us else "paid_elsewhere")
        case aftersales.CaseOpened(reason=reason) as case if reason in CARRIAGE_REASONS:
            return ask.LinkComplaint(
                at=event.time,
                case_id=case.case_id,
                reason=reason,
                lines=case.lines,
                parcel_id=case.parcel_id,
            )
        case notifications.TaskCompleted(wanted_by="logistics") as task:
            return _answer(task, event.time)
        case _:
            return None


def _case(case_id: str) -> str:
    """A case as the cause of a stop, under a name that no other cause has."""
    return f"case/{case_id}"


def _claim_after(
    case: aftersales.CaseRefunded
    | aftersales.CaseReshipWanted
    | aftersales.CaseClosed
    | aftersales.CaseRefused,
    at: datetime,
) -> ask.OpenCarrierClaim | None:
    """The claim that follows once the buyer of a lost parcel was served, in whatever way; none before."""
    remedy: Literal["refund", "reship"] | None = None
    currency: str | None = None
    got: Decimal | None = None
    match case:
        case aftersales.CaseRefunded():
            remedy, got, currency = "refund", case.amount, case.currency
        case aftersales.CaseReshipWanted():
            remedy, got, currency = "reship", case.worth, case.currency
        case aftersales.CaseClosed(served_with=Decimal() as got, currency=currency):
            remedy = "refund" if case.reason == "paid_by_another_way" else None
        case aftersales.CaseRefused(slug="already-compensated", parcel_id=str()):
            pass
        case _:
            return None
    return ask.OpenCarrierClaim(
        at=at,
        case_id=case.case_id,
        lines=case.lines,
        parcel_id=case.parcel_id,
        remedy=remedy,
        served_with=got,
        currency=currency,
    )


def _answer(task: notifications.TaskCompleted, at: datetime) -> Command | None:
    """The command of a task's outcome; none for an outcome that changes no parcel or is malformed."""
    which = (task.kind, task.outcome)
    if which in _BY_REFERENCE:
        return _ANSWERS[which](at=at, task_id=task.task_id)
    if which == ("work_incident", "over"):
        return ask.WorkedIncident(at=at, task_id=task.task_id)
    try:
        details = outcome_details(task.kind, task.outcome, task.details)
    except (KeyError, ValueError):
        return None
    match details:
        case WithCarrier():
            return ask.RebookPickup(at=at, task_id=task.task_id, carrier=details.carrier)
        case OnDate() if task.kind == "work_incident":
            return ask.WorkedIncident(at=at, task_id=task.task_id, until=details.date)
        case WithResult():
            return ask.SettleEnquiry(at=at, task_id=task.task_id, result=details.result)
        case OnDate() if task.kind == "chase_claim":
            return ask.AwaitCarrier(at=at, task_id=task.task_id, until=details.date)
        case OnDate():
            return ask.AnnounceDelay(at=at, task_id=task.task_id, until=details.date)
        case _:
            command = _ANSWERS.get(which)
            return command(at=at, task_id=task.task_id) if command is not None else None
