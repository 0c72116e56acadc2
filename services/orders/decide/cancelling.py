"""Taking an order off: before it is paid, before anything leaves, or what is left of it."""

from datetime import datetime
from decimal import Decimal
from typing import assert_never

from services.orders.commands import CallOffRest, CancelOrder
from services.orders.decide import late_payment, paying, reminding, serving, shipping, urging
from services.orders.state import (
    Cancelled,
    Cancelling,
    Closed,
    Completed,
    Delivered,
    Dispatched,
    Paid,
    PaidBackBefore,
    Refunded,
    Served,
    State,
    Unknown,
    Unpaid,
    UrgeAnswered,
)
from shared.contracts import facts
from shared.contracts.events import orders
from shared.kernel import money
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from shared.kernel.profiles import Profile

_RULE = "cancelled"
_TOO_LATE = Refused(slug="out-of-stage", detail="Something of the order has left already.")
_PAID_BACK_LATE = Refused(
    slug=orders.PAID_BACK_LATE, detail="Something of the order has left already, and all of it was paid back."
)


def cancelled(fact: facts.OrderCancelled, state: State, profile: Profile) -> Outcome:
    """`cancelled`: unpaid it ends at once, paid it is paid back before dispatch, then it is too late.

    Where the teller has paid the money back already, the order ends refunded. One that ended unpaid, or ends
    so, keeps in mind that its payment went back before it was told.
    """
    match state:
        case Unknown():
            return paying.UNKNOWN_ORDER
        case Unpaid():
            if fact.at > state.closes_at:
                return paying.time_is_over(state)
            off = orders.OrderCancelled(reason=fact.data.reason, by=fact.data.by)
            return Decision(
                rule=_RULE,
                notes=(PaidBackBefore(at=fact.at),) if fact.data.paid_back else (),
                events=(off,),
                timers=paying.stop_unpaid(profile),
                tasks=reminding.no_call_needed(state, "cancelled"),
            )
        case Paid():
            if state.order.goods.gone():
                return _PAID_BACK_LATE if fact.data.paid_back else _TOO_LATE
            if fact.data.paid_back:
                return _paid_back(state, fact.at)
            return _call_off(state, fact.at, profile, reason=fact.data.reason, by=fact.data.by)
        case Cancelling() if fact.data.paid_back:
            # Perhaps it is the echo of our own refund; only `aftersales` knows how far that got.
            return _paid_back(state, fact.at)
        case Dispatched() | Delivered() | Completed():
            return _PAID_BACK_LATE if fact.data.paid_back else _TOO_LATE
        case Closed() | Cancelled() if fact.data.paid_back:
            return late_payment.paid_back_before(state, fact.at)
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


def asked_for(command: CancelOrder, state: State, profile: Profile) -> Outcome:
    """Somebody asks for the cancellation: as the fact, but what can't be is a refusal that says why."""
    match state:
        case Closed() | Cancelled() | Refunded() | Cancelling():
            return Refused(slug=f"order-{state.stage}", detail=f"The order is {state.stage} already.")
        case _:
            pass
    body = facts.OrderCancelledBody(reason=command.reason, by=command.by)
    order_id = "-" if isinstance(state, Unknown) else state.order.order_id
    fact = facts.OrderCancelled(id="-", at=command.at, order_id=order_id, data=body)
    outcome = cancelled(fact, state, profile)
    return outcome.model_copy(update={"early": False}) if isinstance(outcome, Refused) else outcome


def given_up(state: Served, lines: tuple[str, ...], at: datetime, profile: Profile) -> Decision:
    """`out_of_stock`: the buyer gives up lines that are out of stock; they are paid back."""
    return _call_off(state, at, profile, reason="out_of_stock", by="buyer", some=lines)


def _call_off(
    state: Served,
    at: datetime,
    profile: Profile,
    *,
    reason: str,
    by: str,
    some: tuple[str, ...] | None = None,
) -> Decision:
    """Ask `aftersales` to pay back what has not left, once: what was asked before is not owed any more."""
    goods = state.order.goods
    lines = goods.owed() if some is None else tuple(line for line in goods.owed() if line in some)
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


def _paid_back(state: Paid | Cancelling, at: datetime) -> Decision:
    """The platform took the order off and paid it back: it ends, and nobody here pays it again."""
    goods = state.order.goods
    follows = shipping.follow(state, goods.call_off(goods.owed()), at, why="refunded")
    follows += urging.settled(state, at)
    amount = money.writable(max(state.payment.amount - goods.paid_back(), money.ZERO))
    return follows + serving.ended(state, amount, by_platform=True)


def _worth(state: Served, lines: tuple[str, ...]) -> Decimal:
    """What was paid for these lines and is still here: all that is left of it where no line stays."""
    order = state.order
    left = max(state.payment.amount - order.goods.paid_back(), money.ZERO)
    if set(lines) == set(order.goods.lines):
        return money.writable(left)
    return money.writable(
        min(left, money.total(line.amount for line in order.lines if line.line_id in lines))
    )
