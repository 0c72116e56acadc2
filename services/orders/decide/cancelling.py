"""Taking an order off: before it is paid, before anything leaves, or what is left of it."""

from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import assert_never

from services.orders.commands import CallOffRest
from services.orders.decide import paying, serving, shipping
from services.orders.state import (
    Cancelled,
    Cancelling,
    Closed,
    Completed,
    Delivered,
    Dispatched,
    Paid,
    Refunded,
    Served,
    State,
    Unknown,
    Unpaid,
    UrgeAnswered,
)
from shared.contracts import facts
from shared.contracts.base import AMOUNT_MAX_DIGITS
from shared.contracts.events import orders
from shared.kernel import money
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_RULE = "cancelled"
_TOO_LATE = Refused(slug="out-of-stage", detail="Something of the order has left already.")


def cancelled(fact: facts.OrderCancelled, state: State, profile: Profile) -> Outcome:
    """`cancelled`: unpaid it ends at once, paid it is paid back before dispatch, then it is too late.

    Where the teller has paid the money back already, the order ends refunded.
    """
    match state:
        case Unknown():
            return paying.UNKNOWN_ORDER
        case Unpaid():
            if fact.at > state.closes_at:
                return paying.time_is_over(state)
            off = orders.OrderCancelled(reason=fact.data.reason, by=fact.data.by)
            return Decision(rule=_RULE, events=(off,), timers=paying.STOP_UNPAID)
        case Paid():
            if state.order.goods.gone():
                return _TOO_LATE
            if fact.data.paid_back:
                return _paid_back(state, fact.at)
            return _call_off(state, fact.at, profile, reason=fact.data.reason, by=fact.data.by)
        case Dispatched() | Delivered() | Completed():
            return _TOO_LATE
        case Cancelling() | Closed() | Cancelled() | Refunded():
            return NOTHING
        case _:
            assert_never(state)


def called_off(command: CallOffRest, state: State, profile: Profile) -> Outcome:
    """`urge_shipment` was answered by `out_of_stock` or `cancel`: what has not left is paid back."""
    if not isinstance(state, Paid | Cancelling | Dispatched | Delivered) or not state.order.goods.owed():
        return shipping.NOTHING_TO_SHIP
    answered = UrgeAnswered(task_id=command.task_id)
    open_task = None if state.promise.task_id == command.task_id else state.promise.task_id
    promise = state.promise.model_copy(update={"task_id": open_task})
    off = _call_off(
        state.model_copy(update={"promise": promise}), command.at, profile, reason=command.reason, by="shop"
    )
    return Decision(notes=(answered,)) + off


def _call_off(state: Served, at: datetime, profile: Profile, *, reason: str, by: str) -> Decision:
    """Ask `aftersales` to pay back what has not left, once: what was asked before is not owed any more."""
    goods = state.order.goods
    lines = goods.owed()
    if not lines:
        return NOTHING
    event = orders.CancellationRequested(
        reason=reason,
        by=by,
        amount=_worth(state, lines),
        currency=state.order.currency,
        lines=lines,
    )
    follows = serving.follow(state, goods.call_off(lines), at, profile, why="cancellation_requested")
    return Decision(rule=_RULE, events=(event,)) + follows


def _paid_back(state: Paid, at: datetime) -> Decision:
    """The platform took the order off and paid it back: it ends, and nobody here pays it again."""
    goods = state.order.goods
    follows = shipping.follow(state, goods.call_off(goods.owed()), at, why="refunded")
    amount = _writable(max(state.payment.amount - goods.paid_back(), money.ZERO))
    return follows + serving.ended(state, amount, by_platform=True)


def _worth(state: Served, lines: tuple[str, ...]) -> Decimal:
    """What was paid for these lines and is still here: all that is left of it where no line stays."""
    order = state.order
    left = max(state.payment.amount - order.goods.paid_back(), money.ZERO)
    if set(lines) == set(order.goods.lines):
        return _writable(left)
    return _writable(min(left, money.total(line.amount for line in order.lines if line.line_id in lines)))


def _writable(amount: Decimal) -> Decimal:
    """The amount with as many places as the contracts let it have."""
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or len(digits) <= AMOUNT_MAX_DIGITS:
        return amount
    places = max(0, -exponent - (len(digits) - AMOUNT_MAX_DIGITS))
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
