"""What others' events mean here: the only place that knows them."""

from services.aftersales.commands import (
    AftersalesCommand,
    CancelPaidOrder,
    LearnChange,
    LearnDelivery,
    LearnDispatch,
    LearnOrder,
    LearnPaidBack,
    LearnPayment,
    LearnPickupCancelled,
    LearnReturned,
    LearnTakenOff,
    LearnWeights,
    OpenForLostParcel,
    PayBackDifference,
    PayBackLatePayment,
    PayBackReturnedParcel,
    TakeOutcome,
    Weights,
)
from shared.contracts.event import Event
from shared.contracts.events import common, handling, incidents, logistics, notifications, orders
from shared.contracts.facts import RefundPaid, RefundRequested, ReturnReceived, ReturnShipped
from shared.kernel.erasure import EraseBuyer

OWN_NAME = "aftersales"


def react(event: Event) -> tuple[tuple[str, AftersalesCommand], ...]:
    """The commands that follow from an event, each with the file that it is for."""
    command = _of_orders(event) or _of_logistics(event) or _of_notifications(event)
    return () if command is None else ((event.subject, command),)


def _of_orders(event: Event) -> AftersalesCommand | None:
    at = event.time
    match event.data:
        case orders.OrderPlaced() as said:
            return LearnOrder(
                at=at,
                order_id=event.subject,
                currency=said.currency,
                total=said.total,
                lines=said.lines,
                ship_service=said.ship_service,
            )
        case orders.OrderPaid(payment_id=payment_id, amount=amount):
            return LearnPayment(at=at, payment_id=payment_id, amount=amount)
        case orders.OrderReopened(payment_id=payment_id, amount=amount):
            return LearnPayment(at=at, payment_id=payment_id, amount=amount)
        case orders.OrderErased():
            return EraseBuyer(at=at)
        case orders.OrderRefunded(by_platform=True):
            return LearnPaidBack(at=at)
        case common.FactOutOfStage(fact="order.cancelled", fact_id=told, slug=orders.PAID_BACK_LATE):
            return LearnTakenOff(at=at, told_by=told)
        case orders.CancellationRequested(reason=reason, lines=lines):
            return CancelPaidOrder(at=at, request_id=str(event.sequence), reason=reason, lines=lines)
        case handling.GiveBackWanted() as said:
            return PayBackDifference(
                at=at, wish_id=said.wish_id, amount=said.amount, currency=said.currency, lines=said.lines
            )
        case handling.OrderChanged() as said:
            return LearnChange(at=at, total=said.total, lines=said.lines)
        case orders.LatePaymentRefundWanted() as said:
            return PayBackLatePayment(
                at=at, payment_id=said.payment_id, amount=said.amount, currency=said.currency
            )
        case orders.FactPassedOn(
            fact=RefundRequested() | ReturnShipped() | ReturnReceived() | RefundPaid() as fact
        ):
            return fact
        case _:
            return None


def _of_logistics(event: Event) -> AftersalesCommand | None:
    at = event.time
    match event.data:
        case logistics.ParcelDispatched() as said:
            return LearnDispatch(
                at=at,
                parcel_id=said.parcel_id,
                carrier=said.carrier,
                tracking_no=said.tracking_no,
                lines=said.lines,
                weight_grams=said.weight_grams,
            )
        case incidents.ParcelWeighed() as said:
            weights = Weights(
                ordered_grams=said.ordered_grams,
                warehouse_grams=said.warehouse_grams,
                carrier_grams=said.carrier_grams,
                tolerance_grams=said.tolerance_grams,
                recommendation=said.verdict,
                reason=said.reason,
            )
            return LearnWeights(at=at, parcel_id=said.parcel_id, weights=weights)
        case logistics.ParcelPickupCancelled(parcel_id=parcel_id):
            return LearnPickupCancelled(at=at, parcel_id=parcel_id)
        case logistics.ParcelDelivered() as said:
            return LearnDelivery(
                at=at,
                parcel_id=said.parcel_id,
                carrier=said.carrier,
                tracking_no=said.tracking_no,
                lines=said.lines,
                delivered_at=said.scanned_at,
            )
        case logistics.ParcelReturned() as said:
            return LearnReturned(
                at=at,
                parcel_id=said.parcel_id,
                carrier=said.carrier,
                tracking_no=said.tracking_no,
                lines=said.lines,
            )
        case logistics.ParcelLost() as said:
            return OpenForLostParcel(
                at=at,
                parcel_id=said.parcel_id,
                carrier=said.carrier,
                tracking_no=said.tracking_no,
                lines=said.lines,
            )
        case logistics.ParcelRefundWanted() as said:
            return PayBackReturnedParcel(
                at=at,
                parcel_id=said.parcel_id,
                carrier=said.carrier,
                tracking_no=said.tracking_no,
                lines=said.lines,
            )
        case _:
            return None


def _of_notifications(event: Event) -> AftersalesCommand | None:
    match event.data:
        case notifications.TaskCompleted(wanted_by=wanted_by) as said if wanted_by == OWN_NAME:
            return TakeOutcome(
                at=event.time,
                task_id=said.task_id,
                kind=said.kind,
                outcome=said.outcome,
                details=said.details,
            )
        case _:
            return None
