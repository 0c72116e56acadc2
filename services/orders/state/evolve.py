"""How the file changes: by its own events, and by what it learnt without saying it."""

from typing import assert_never

from pydantic import ValidationError

from services.orders.state.buyer import Buyer, OrderOfBuyer, after_order
from services.orders.state.goods import Goods
from services.orders.state.handling import Handling
from services.orders.state.notes import (
    CompletionDropped,
    CompletionSet,
    HandlingAnswered,
    Heard,
    OrdersNote,
    PaidBackBefore,
    TextKept,
    UrgeAnswered,
)
from services.orders.state.stages import (
    AnyFile,
    Cancelled,
    Cancelling,
    Closed,
    Completed,
    Completion,
    Delivered,
    Dispatched,
    Known,
    LatePayment,
    Order,
    Paid,
    Payment,
    Refunded,
    Served,
    ShipPromise,
    State,
    Unknown,
    Unpaid,
    Urge,
    served,
)
from shared.contracts.event import Event
from shared.contracts.events import handling, orders
from shared.contracts.events.common import TaskWanted, TaskWithdrawn
from shared.kernel.decision import Note, task_id


def evolve(state: AnyFile, happened: Event | Note) -> AnyFile:
    """The file after one of its own events or notes; unchanged by what it does not care about."""
    if isinstance(happened, OrderOfBuyer) and isinstance(state, Unknown | Buyer):
        return after_order(state if isinstance(state, Buyer) else Buyer(), happened.order)
    return state if isinstance(state, Buyer) else of_order(state, happened)


def of_order(state: State, happened: Event | Note) -> State:
    """An order's file after one of its own events or notes."""
    if isinstance(state, Unknown):
        if isinstance(happened, Event) and isinstance(happened.data, orders.OrderPlaced):
            order = _order(happened, happened.data)
            order = order.model_copy(update={"texts": state.texts, "erased": state.erased})
            return Unpaid(order=order, closes_at=happened.data.closes_at)
        if isinstance(happened, TextKept):
            return state.model_copy(update={"texts": (*state.texts, happened.kept)})
        if isinstance(happened, Event) and isinstance(happened.data, orders.OrderErased):
            return state.model_copy(update={"erased": True})
        return state
    match happened:
        case Event():
            return _handled(_said(state, happened), happened)
        case (
            Heard()
            | CompletionSet()
            | CompletionDropped()
            | UrgeAnswered()
            | TextKept()
            | PaidBackBefore()
            | HandlingAnswered()
        ):
            return _learnt(state, happened)
        case _:
            return state


def _order(event: Event, placed: orders.OrderPlaced) -> Order:
    return Order(
        order_id=event.subject,
        shop_id=placed.shop_id,
        buyer_id=placed.buyer_id,
        currency=placed.currency,
        total=placed.total,
        lines=placed.lines,
        ship_service=placed.ship_service,
        placed_at=event.time,
        goods=Goods(lines=tuple(dict.fromkeys(line.line_id for line in placed.lines))),
        freight=placed.freight,
        ships_to=placed.ships_to,
        checks=placed.checks,
    )


def _learnt(state: Known, note: OrdersNote) -> Known:
    match note:
        case Heard():
            return _with_order(state, _with_goods(state.order, state.order.goods.after(note.heard)))
        case CompletionSet() if isinstance(state, Paid | Cancelling | Dispatched | Delivered):
            return served(state, state.order, state.promise, note.completion)
        case CompletionDropped() if isinstance(state, Delivered):
            return served(state, state.order, state.promise, None)
        case UrgeAnswered() if isinstance(state, Paid | Cancelling | Dispatched | Delivered):
            if state.promise.task_id != note.task_id:
                return state
            return _with_promise(state, state.promise.model_copy(update={"task_id": None}))
        case TextKept():
            kept = (*(one for one in state.order.texts if one.about != note.kept.about), note.kept)
            return _in_stage(state, state.order.model_copy(update={"texts": kept}))
        case PaidBackBefore():
            return _in_stage(state, state.order.model_copy(update={"paid_back_at": note.at}))
        case HandlingAnswered():
            return _with_handling(state, state.order.handling.without_task(note.task_id))
        case CompletionSet() | CompletionDropped() | UrgeAnswered():
            return state
        case _:
            assert_never(note)


def _handled(state: Known, event: Event) -> Known:
    """What the event means for the order's handling, its lines and its money, in any stage."""
    said = event.data
    if isinstance(said, handling.OrderChanged):
        changed = {"lines": said.lines, "total": said.total, "freight": said.freight}
        return _in_stage(state, state.order.model_copy(update=changed))
    return _with_handling(state, state.order.handling.after(said, event.time))


def _said(state: Known, event: Event) -> Known:
    said = event.data
    match said:
        case TaskWanted(kind="late_payment"):
            late = late_payment(said)
            return state if late is None else _with_late(state, (*state.order.late_payments, late))
        case orders.OrderUrgeRequested() | orders.OrderUrgeAnswered():
            return _with_urges(state, said)
        case orders.OrderErased():
            return _in_stage(state, state.order.model_copy(update={"erased": True}))
        case orders.LatePaymentRefundWanted():
            return _decided(state, said.payment_id)
        case TaskWithdrawn(kind="late_payment"):
            left = tuple(without_task(one, said.task_id) for one in state.order.late_payments)
            return _with_late(state, left)
        case orders.OrderReopened() if isinstance(state, Closed | Cancelled):
            ended = _decided(state, said.payment_id)
            return _paid(ended.order, event, said)
        case _:
            pass
    match state:
        case Unpaid():
            return _said_unpaid(state, event)
        case Paid() | Cancelling() | Dispatched() | Delivered():
            return _said_served(state, event)
        case Closed() | Cancelled() | Refunded() | Completed():
            return state
        case _:
            assert_never(state)


def _said_unpaid(state: Unpaid, event: Event) -> Known:
    said = event.data
    match said:
        case orders.OrderPaid():
            return _paid(state.order, event, said)
        case orders.OrderClosed():
            return Closed(order=state.order, reason=said.reason)
        case orders.OrderCancelled():
            return Cancelled(order=state.order, reason=said.reason, by=said.by)
        case TaskWanted(kind="call_about_payment"):
            return state.model_copy(update={"call_task": said.task_id})
        case _:
            return state


def _said_served(state: Served, event: Event) -> Known:
    said, promise = event.data, state.promise
    match said:
        case orders.CancellationRequested():
            return _with_order(state, _with_goods(state.order, state.order.goods.call_off(said.lines)))
        case orders.ShipOverdue():
            return _with_promise(state, promise.model_copy(update={"runs": False, "overdue_said": True}))
        case TaskWanted(kind="urge_shipment"):
            urged = {"runs": False, "urged": promise.urged + 1, "task_id": said.task_id}
            return _with_promise(state, promise.model_copy(update=urged))
        case TaskWithdrawn(kind="urge_shipment"):
            return _with_promise(state, promise.model_copy(update={"task_id": None}))
        case orders.OrderDeadlineChanged(deadline="ship"):
            moved = {"runs": said.deadline_at is not None, "ship_by": said.deadline_at or promise.ship_by}
            return _with_promise(state, promise.model_copy(update=moved))
        case orders.OrderDispatched():
            left = state.model_copy(update={"dispatched_said": True})
            return _with_promise(left, promise.model_copy(update={"runs": False}))
        case orders.OrderDelivered():
            return state.model_copy(update={"delivered_said": True})
        case orders.OrderReceiptExtended():
            extensions = (*state.order.extensions, said.days)
            return _with_order(state, state.order.model_copy(update={"extensions": extensions}))
        case orders.OrderRefunded():
            return Refunded(order=state.order, payment=state.payment)
        case orders.OrderCompleted() if isinstance(state, Delivered):
            return Completed(order=state.order, payment=state.payment, after_case=said.after_case)
        case _:
            return state


def late_payment(wanted: TaskWanted) -> LatePayment | None:
    """The late payment that a `late_payment` task is about, as its details tell it."""
    details = {"payment_id": wanted.details.get("payment_id"), "amount": wanted.details.get("amount")}
    try:
        return LatePayment.model_validate({"task_id": wanted.task_id, **details})
    except ValidationError:
        return None


def _paid(order: Order, event: Event, said: orders.OrderPaid | orders.OrderReopened) -> Paid:
    payment = Payment(payment_id=said.payment_id, amount=said.amount, paid_at=event.time)
    return Paid(order=order, payment=payment, promise=ShipPromise(ship_by=said.ship_by))


def _with_goods(order: Order, goods: Goods) -> Order:
    return order if goods is order.goods else order.model_copy(update={"goods": goods})


def _with_handling(state: Known, now: Handling) -> Known:
    if now is state.order.handling:
        return state
    return _in_stage(state, state.order.model_copy(update={"handling": now}))


def _in_stage(state: Known, order: Order) -> Known:
    """The same stage, whatever was learnt of its goods before the payment: `catch_up` draws that."""
    return state.model_copy(update={"order": order})


def _with_order(state: Known, order: Order) -> Known:
    if order is state.order:
        return state
    if isinstance(state, Paid | Cancelling | Dispatched | Delivered):
        return served(state, order, state.promise, _completion(state))
    return state.model_copy(update={"order": order})


def _with_promise(state: Served, promise: ShipPromise) -> Served:
    return served(state, state.order, promise, _completion(state))


def _with_late(state: Known, late: tuple[LatePayment, ...]) -> Known:
    return state.model_copy(update={"order": state.order.model_copy(update={"late_payments": late})})


def _with_urges(state: Known, said: orders.OrderUrgeRequested | orders.OrderUrgeAnswered) -> Known:
    urges = state.order.urges
    match said:
        case orders.OrderUrgeRequested():
            task_id = urge_task(state.order.order_id, said.ticket_id)
            urges = (
                *urges,
                Urge(ticket_id=said.ticket_id, task_id=task_id, deadline_at=said.deadline_at),
            )
        case orders.OrderUrgeAnswered():
            urges = tuple(
                one.model_copy(update={"answered": True}) if one.ticket_id == said.ticket_id else one
                for one in urges
            )
    return _with_order(state, state.order.model_copy(update={"urges": urges}))


def urge_task(order_id: str, ticket_id: str) -> str:
    """The task of a platform's ticket."""
    return task_id("orders", order_id, "answer_urge", ticket_id)


def without_task(late: LatePayment, task_id: str) -> LatePayment:
    """The late payment after a task was withdrawn: decided on, if it was its own."""
    return late.model_copy(update={"decided": True}) if late.task_id == task_id else late


def _decided(state: Known, payment_id: str) -> Known:
    late = tuple(
        one.model_copy(update={"decided": True}) if one.payment_id == payment_id else one
        for one in state.order.late_payments
    )
    return _with_late(state, late)


def _completion(state: Served) -> Completion | None:
    return state.completion if isinstance(state, Delivered) else None
