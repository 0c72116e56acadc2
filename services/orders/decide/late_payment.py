"""Money that comes when the order has ended unpaid: somebody decides, and nothing is lost."""

from datetime import datetime

from services.orders.commands import RefundLatePayment, ReopenOrder
from services.orders.decide import paying
from services.orders.state import Cancelled, Closed, LatePayment, Order, PaidBackBefore, State, Unknown
from shared.contracts import facts
from shared.contracts.events import orders
from shared.contracts.events.common import TaskWanted, TaskWithdrawn
from shared.kernel import money
from shared.kernel.calendar import later
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

_RULE = "close_unpaid_after"
_NOT_KNOWN = Refused(slug="payment-unknown", detail="No late payment is behind this task.", missing=True)
_DECIDED = Refused(slug="already-decided", detail="It was decided before what becomes of this payment.")


def arrived(fact: facts.OrderPaid, state: Closed | Cancelled) -> Outcome:
    """`close_unpaid_after`: a payment that arrives later opens a task `late_payment`.

    Not where its money had gone back by the time it was told: it would go back twice.
    """
    order, told = state.order, fact.data
    if any(late.payment_id == told.payment_id for late in order.late_payments):
        return NOTHING
    if order.paid_back_at is not None and fact.at <= order.paid_back_at:
        return Refused(
            slug=f"order-{state.stage}", detail="Whoever took the order off has paid this payment back."
        )
    amount = money.plain(told.amount)
    ended = f"The order was {state.stage} before this payment came."
    return Refused(
        slug=f"order-{state.stage}",
        detail=ended,
        task=TaskWanted(
            task_id=task_id("orders", order.order_id, "late_payment", told.payment_id),
            kind="late_payment",
            order_id=order.order_id,
            priority="high",
            summary=f"{amount} {order.currency} came for an order that was {state.stage}: "
            "give them back or reopen the order.",
            details={
                "payment_id": told.payment_id,
                "amount": amount,
                "currency": order.currency,
                "total": money.plain(order.total),
                "ended": state.stage,
            },
        ),
    )


def paid_back_before(state: Closed | Cancelled, at: datetime) -> Decision:
    """`cancelled`: the platform has paid back what came late or was not told yet; nobody decides on it."""
    order = state.order
    if order.paid_back_at is not None:
        return NOTHING
    over = tuple(
        TaskWithdrawn(
            task_id=late.task_id, kind="late_payment", order_id=order.order_id, reason="paid_by_platform"
        )
        for late in order.late_payments
        if not late.decided
    )
    return Decision(rule="cancelled", notes=(PaidBackBefore(at=at),), tasks=over)


def refund(command: RefundLatePayment, state: State) -> Outcome:
    """`late_payment` was answered by `refund`: the money goes back."""
    late = _late(state, command.task_id)
    if late is None or isinstance(state, Unknown):
        return _NOT_KNOWN
    return _DECIDED if late.decided else _give_back(state.order, late)


def reopen(command: ReopenOrder, state: State, profile: Profile) -> Outcome:
    """`late_payment` was answered by `reopen`: the order is paid as of now.

    An order that was reopened for another payment meanwhile does not take this one: it goes back.
    """
    late = _late(state, command.task_id)
    if late is None or isinstance(state, Unknown):
        return _NOT_KNOWN
    if late.decided:
        return _DECIDED
    if not isinstance(state, Closed | Cancelled):
        return _give_back(state.order, late)
    ship_by = later(command.at, profile.values.ship_within_of(state.order.ship_service))
    event = orders.OrderReopened(amount=late.amount, payment_id=late.payment_id, ship_by=ship_by)
    return Decision(rule=_RULE, events=(event,)) + paying.serve(state.order, command.at, ship_by, event)


def _late(state: State, wanted: str) -> LatePayment | None:
    if isinstance(state, Unknown):
        return None
    return next((late for late in state.order.late_payments if late.task_id == wanted), None)


def _give_back(order: Order, late: LatePayment) -> Decision:
    event = orders.LatePaymentRefundWanted(
        amount=late.amount, currency=order.currency, payment_id=late.payment_id
    )
    return Decision(rule=_RULE, events=(event,))
