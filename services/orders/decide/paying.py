"""From the placing to the payment: the close, and what a payment sets going."""

from datetime import datetime
from typing import Final

from services.orders.decide import late_payment, reminding, timers, wishes
from services.orders.decide.changes import mark_of
from services.orders.state import (
    Cancelled,
    Closed,
    Completed,
    Order,
    Refunded,
    State,
    Unknown,
    Unpaid,
)
from services.orders.templates import WishRules
from shared.contracts import facts
from shared.contracts.events import orders
from shared.contracts.events.common import MessageWanted, TaskWanted, TaskWithdrawn
from shared.contracts.wishes import FIELDS, VerifiedField
from shared.kernel import money
from shared.kernel.calendar import later, utc_text
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Contact,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TimerChange,
    task_id,
)
from shared.kernel.profiles import Profile

UNKNOWN_ORDER: Final = Refused(
    slug="order-unknown", detail="No order of this id was placed.", early=True, missing=True
)


def stop_unpaid(profile: Profile) -> tuple[CancelTimer, ...]:
    """What waits for the payment of an order waits no longer."""
    return (*reminding.stopped(profile), CancelTimer(name=timers.CLOSE_UNPAID))


def placed(fact: facts.OrderPlaced, state: State, profile: Profile, rules: WishRules) -> Outcome:
    """`payment_reminder_stages`, `payment_call_after`, `close_unpaid_after`: set going."""
    if not isinstance(state, Unknown):
        if _same_order(fact, state.order):
            return NOTHING
        return Refused(slug="already-placed", detail="Another order was placed under this id.")
    told, values = fact.data, profile.values
    closes_at = later(fact.at, values.close_unpaid_after)
    event = orders.OrderPlaced(
        shop_id=told.shop_id,
        platform=told.platform,
        buyer_id=told.buyer_id,
        currency=told.currency,
        total=told.total,
        lines=told.lines,
        ship_service=told.ship_service,
        closes_at=closes_at,
        freight=told.freight,
        ships_to=mark_of(told.buyer_id, told.receiver),
        supplements=told.supplements,
        checks=_checks(told),
    )
    contact = orders.ContactChanged(buyer_id=told.buyer_id, receiver=told.receiver)
    return Decision(
        rule="close_unpaid_after",
        events=(event,),
        contacts=(Contact(payload=contact),),
        timers=(
            *reminding.set_going(fact.at, closes_at, profile),
            SetTimer(name=timers.CLOSE_UNPAID, due_at=closes_at),
        ),
    ) + wishes.told_with_order(told.requests, fact.at, profile, rules)


def _checks(told: facts.OrderPlacedBody) -> tuple[VerifiedField, ...]:
    """Rule `verification`: what looks complete. Lines and freight make up the total; a place and a way to
    reach the receiver are there.
    """
    receiver = told.receiver
    sums_up = money.total(line.amount for line in told.lines) + (told.freight or money.ZERO) == told.total
    found: dict[VerifiedField, bool] = {
        "items": sums_up,
        "address": bool(receiver.address and (receiver.city or receiver.postal_code)),
        "contact": bool(receiver.phone or receiver.email),
    }
    return tuple(field for field in FIELDS if found[field])


def _same_order(fact: facts.OrderPlaced, order: Order) -> bool:
    told = fact.data
    return (told.shop_id, told.buyer_id, told.currency, told.total, told.lines, told.ship_service) == (
        order.shop_id,
        order.buyer_id,
        order.currency,
        order.total,
        order.lines,
        order.ship_service,
    )


def close(state: State, profile: Profile) -> Outcome:
    """`close_unpaid_after`: still unpaid when the time to pay is over."""
    if not isinstance(state, Unpaid):
        return NOTHING
    return Decision(
        rule="close_unpaid_after",
        events=(orders.OrderClosed(reason="unpaid"),),
        timers=stop_unpaid(profile),
        tasks=reminding.no_call_needed(state, "closed"),
    )


def paid(fact: facts.OrderPaid, state: State, profile: Profile) -> Outcome:
    """The money arrived: the ship deadline runs, and the buyer confirms the address."""
    match state:
        case Unknown():
            return UNKNOWN_ORDER
        case Unpaid():
            if fact.at > state.closes_at:
                return time_is_over(state)
            return _in_time(fact, state, profile)
        case Closed() | Cancelled():
            return late_payment.arrived(fact, state)
        case _:
            known = {state.payment.payment_id, *(late.payment_id for late in state.order.late_payments)}
            if fact.data.payment_id in known:
                return NOTHING
            if isinstance(state, Refunded | Completed):
                return Refused(slug=f"order-{state.stage}", detail=f"The order is {state.stage} already.")
            return Refused(slug="already-paid", detail="The order was paid by another payment before.")


def time_is_over(state: Unpaid) -> Refused:
    """The fact is younger than the close, which is due and has not been taken yet: it waits for it.

    What becomes of an order depends on the moments of its facts, not on when a worker got to them.
    """
    closes_at = utc_text(state.closes_at)
    return Refused(slug="order-closing", detail=f"The time to pay was over at {closes_at}.", early=True)


def _in_time(fact: facts.OrderPaid, state: Unpaid, profile: Profile) -> Decision:
    order, told = state.order, fact.data
    ship_by = later(fact.at, profile.values.ship_within_of(order.ship_service))
    event = orders.OrderPaid(amount=told.amount, payment_id=told.payment_id, ship_by=ship_by)
    starts = serve(order, fact.at, ship_by, event)
    over = Decision(
        rule="address_confirmation",
        events=(event,),
        timers=stop_unpaid(profile),
        tasks=reminding.no_call_needed(state, "paid"),
    )
    return over + starts


def serve(
    order: Order, at: datetime, ship_by: datetime, money_in: orders.OrderPaid | orders.OrderReopened
) -> Decision:
    """`ship_within`, `address_confirmation`: what starts when an order is paid, or reopened as paid.

    Where all of it has left by then, an address is confirmed too late.
    """
    going: tuple[TimerChange, ...] = (SetTimer(name=timers.SHIP, due_at=ship_by),)
    if order.goods.owed() != order.goods.lines:
        going = (*going, SetTimer(name=timers.CATCH_UP, due_at=at))
    confirm = MessageWanted(
        message_id=task_id("orders", order.order_id, "confirm_address"),
        template="confirm_address",
        order_id=order.order_id,
        stale_at=ship_by,
    )
    stays = not order.goods.settled().issuperset(order.goods.lines)
    return Decision(
        timers=going,
        tasks=(*_paid_after_all(order), *_differs(order, money_in)),
        messages=(confirm,) if stays else (),
    )


def _paid_after_all(order: Order) -> tuple[TaskWithdrawn, ...]:
    """Goods left before the payment was told: what somebody was to look into is explained by it."""
    if not order.goods.gone():
        return ()
    task = task_id("orders", order.order_id, "look_into", "left_unpaid")
    return (TaskWithdrawn(task_id=task, kind="look_into", order_id=order.order_id, reason="paid"),)


def _differs(order: Order, money_in: orders.OrderPaid | orders.OrderReopened) -> tuple[TaskWanted, ...]:
    """The order is served for what was paid; somebody looks into the difference."""
    if money_in.amount == order.total:
        return ()
    paid_text, total_text = money.plain(money_in.amount), money.plain(order.total)
    wanted = TaskWanted(
        task_id=task_id("orders", order.order_id, "look_into", "payment_differs", money_in.payment_id),
        kind="look_into",
        order_id=order.order_id,
        summary=f"{paid_text} {order.currency} were paid for an order of {total_text} {order.currency}.",
        details={
            "payment_id": money_in.payment_id,
            "paid": paid_text,
            "total": total_text,
            "currency": order.currency,
        },
    )
    return (wanted,)
