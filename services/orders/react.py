"""Other services' events as commands to the order's file; the only place that knows them."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import ValidationError

from services.orders.commands import (
    AnswerTask,
    AnswerUrge,
    CallOffRest,
    CancelAfterCall,
    HearCaseEnded,
    HearCaseOpened,
    HeardOfGoods,
    HearParcelArrived,
    HearParcelFound,
    HearParcelLeft,
    HearParcelRebooked,
    HearParcelStrayed,
    HearRefund,
    HearShipmentStopped,
    KnowOrder,
    LearnSupplement,
    MergeFreight,
    OrdersCommand,
    PlacedWithFreight,
    PromiseShipment,
    RefundLatePayment,
    ReopenOrder,
)
from services.orders.state.buyer import buyer_file
from services.orders.state.handling import TASKS
from shared.contracts.event import Event
from shared.contracts.events import aftersales, handling, incidents, logistics, notifications, orders
from shared.contracts.tasks import OnDate, outcome_details
from shared.kernel.erasure import EraseBuyer

Answer = (
    AnswerUrge
    | AnswerTask
    | PromiseShipment
    | CallOffRest
    | CancelAfterCall
    | RefundLatePayment
    | ReopenOrder
)


def react(event: Event) -> Sequence[tuple[str, OrdersCommand]]:
    """What an event asks of the order that it is about, and of a buyer's other orders."""
    command: OrdersCommand | None
    if event.source == "orders":
        return _own(event)
    if isinstance(event.data, notifications.TaskCompleted):
        command = _answer(event, event.data)
    else:
        command = heard_of_goods(event)
    return () if command is None else ((event.subject, command),)


def _own(event: Event) -> Sequence[tuple[str, OrdersCommand]]:
    """What one order's file says to others: to its buyer's, and to the order that it adds to."""
    at, said = event.time, event.data
    match said:
        case orders.OrderErased():
            # Done already, but for a database that was restored to before it.
            return ((event.subject, EraseBuyer(at=at, even_though_open=True)),)
        case orders.OrderPlaced():
            return (*_with_freight(event, said), *_adding(event, said))
        case handling.FreightMergeDue():
            ids = tuple(share.order_id for share in said.orders)
            return tuple(
                (share.order_id, MergeFreight(at=at, give_back=share.give_back, leaves_with=ids))
                for share in said.orders
                if share.give_back > 0
            )
        case _:
            return ()


def _with_freight(event: Event, said: orders.OrderPlaced) -> Sequence[tuple[str, OrdersCommand]]:
    if not said.freight or said.ships_to is None:
        return ()
    order = PlacedWithFreight(
        order_id=event.subject,
        ships_to=said.ships_to,
        currency=said.currency,
        freight=said.freight,
        placed_at=event.time,
    )
    return ((buyer_file(said.shop_id, said.buyer_id), KnowOrder(at=event.time, order=order)),)


def _adding(event: Event, said: orders.OrderPlaced) -> Sequence[tuple[str, OrdersCommand]]:
    if said.supplements is None or said.supplements == event.subject:
        return ()
    learn = LearnSupplement(
        at=event.time, by_order=event.subject, shop_id=said.shop_id, buyer_id=said.buyer_id
    )
    return ((said.supplements, learn),)


def heard_of_goods(event: Event) -> HeardOfGoods | None:
    """What an event says about the order's parcels and cases, if anything."""
    return _heard_of_parcel(event) or _heard_of_case(event)


def _heard_of_parcel(event: Event) -> HeardOfGoods | None:
    said = event.data
    match said:
        case logistics.ParcelDispatched():
            return HearParcelLeft(at=event.time, lines=said.lines, **_parcel(said))
        case logistics.ParcelDelivered():
            return HearParcelArrived(
                at=event.time, lines=said.lines, arrived_at=said.scanned_at, **_parcel(said)
            )
        case logistics.ParcelResurfaced(how="delivered"):
            return HearParcelArrived(
                at=event.time, lines=said.lines, arrived_at=said.scanned_at, **_parcel(said)
            )
        case logistics.ParcelLost():
            return HearParcelStrayed(at=event.time, lines=said.lines, how="lost", **_parcel(said))
        case logistics.ParcelReturned():
            return HearParcelStrayed(at=event.time, lines=said.lines, how="returned", **_parcel(said))
        case logistics.ParcelPickupCancelled():
            return HearParcelStrayed(at=event.time, lines=said.lines, how="pickup_cancelled", **_parcel(said))
        case logistics.ParcelFound():
            return HearParcelFound(at=event.time, **_parcel(said))
        case logistics.ParcelRebooked():
            return HearParcelRebooked(at=event.time, **_parcel(said))
        case _:
            return None


def _parcel(
    said: logistics.ParcelDispatched
    | logistics.ParcelDelivered
    | logistics.ParcelResurfaced
    | logistics.ParcelLost
    | logistics.ParcelReturned
    | logistics.ParcelPickupCancelled
    | logistics.ParcelFound
    | logistics.ParcelRebooked,
) -> dict[str, str]:
    return {"parcel_id": said.parcel_id, "carrier": said.carrier, "tracking_no": said.tracking_no}


def _heard_of_case(event: Event) -> HeardOfGoods | None:
    said, at = event.data, event.time
    match said:
        case aftersales.CaseOpened():
            return HearCaseOpened(
                at=at, case_id=said.case_id, kind=said.kind, lines=said.lines, holds=said.holds_order
            )
        case aftersales.CaseApproved(before_dispatch=True):
            return HearShipmentStopped(at=at, case_id=said.case_id, kind=said.kind, lines=said.lines)
        case aftersales.CaseRefunded():
            return HearRefund(
                at=at,
                case_id=said.case_id,
                kind=said.kind,
                refund_id=said.refund_id,
                lines=said.lines,
                amount=said.amount,
                settles=not said.goods_wanted,
            )
        case aftersales.CaseClosed(settled=lines, served_with=amount) if lines:
            # Paid by hand, since the provider would not, called off and free of charge, or lost on the way
            # and made good by a gift, which is no money: the goods are not owed any more.
            by_hand = amount if said.reason == "paid_by_another_way" else None
            return HearRefund(
                at=at,
                case_id=said.case_id,
                kind=said.kind,
                refund_id=f"by-hand-{said.case_id}"[:128],
                lines=lines,
                amount=by_hand or Decimal(0),
                settles=True,
            )
        case aftersales.RefundPaidElsewhere():
            return HearRefund(
                at=at,
                case_id=f"elsewhere-{said.refund_id}"[:128],
                kind="paid_elsewhere",
                refund_id=said.refund_id,
                lines=said.settled,
                amount=said.amount,
                settles=True,
            )
        case aftersales.CaseDisputed():
            return HearCaseOpened(at=at, case_id=said.case_id, kind=said.kind, lines=(), holds=True)
        case aftersales.CaseDisputeSettled(winner="shop"):
            return HearCaseEnded(at=at, case_id=said.case_id, kind=said.kind)
        case incidents.EnquiryRegistered():
            return HearCaseOpened(
                at=at, case_id=said.enquiry_id, kind="enquiry", lines=said.lines, holds=True
            )
        case incidents.EnquiryFollowedUp(settled=True) | incidents.EnquiryClosed():
            return HearCaseEnded(at=at, case_id=said.enquiry_id, kind="enquiry")
        case aftersales.CaseRefused() | aftersales.CaseClosed():
            return HearCaseEnded(at=at, case_id=said.case_id, kind=said.kind)
        case _:
            return None


def _answer(event: Event, said: notifications.TaskCompleted) -> Answer | None:
    """The outcome of a task that orders wanted; nothing where the outcome says so or makes no sense."""
    if said.wanted_by != "orders":
        return None
    if (said.kind, said.outcome) == ("answer_urge", "answered"):
        return AnswerUrge(at=event.time, task_id=said.task_id)
    try:
        details = outcome_details(said.kind, said.outcome, said.details)
    except (KeyError, ValidationError):
        return None
    if said.kind in TASKS:
        return AnswerTask(
            at=event.time,
            task_id=said.task_id,
            kind=said.kind,
            outcome=said.outcome,
            details=said.details,
            by=said.agent_id,
        )
    match (said.kind, said.outcome):
        case ("urge_shipment", "ships_on") if isinstance(details, OnDate):
            return PromiseShipment(at=event.time, task_id=said.task_id, ships_on=details.date)
        case ("urge_shipment", "out_of_stock" | "cancel"):
            return CallOffRest(at=event.time, task_id=said.task_id, reason=said.outcome)
        case ("call_about_payment", "cancel"):
            return CancelAfterCall(at=event.time, task_id=said.task_id)
        case ("late_payment", "refund"):
            return RefundLatePayment(at=event.time, task_id=said.task_id)
        case ("late_payment", "reopen"):
            return ReopenOrder(at=event.time, task_id=said.task_id)
        case _:
            return None
