"""Reminders of an unpaid order, in the stages that its profile has, and the phone call after the last."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from services.orders.commands import CancelAfterCall
from services.orders.decide import timers
from services.orders.state import Order, State, Unknown, Unpaid
from shared.contracts.events import orders
from shared.contracts.events.common import MessageWanted, TaskWanted, TaskWithdrawn
from shared.kernel import money
from shared.kernel.calendar import later, utc_text
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Outcome,
    Refused,
    SetTimer,
    TimerDue,
    task_id,
)
from shared.kernel.profiles import Profile
from shared.kernel.reminders import ReminderStage, Withheld

_OF_ITS_OWN: Final = {"first": timers.REMINDER_FIRST, "last_call": timers.REMINDER_LAST_CALL}
"""The timers of the two stages that hold where a profile has no others."""
_RULES: Final = {"first": "payment_reminder_after", "last_call": "payment_last_call_before_close"}
_NOT_UNPAID: Final = Refused(slug="not-unpaid", detail="The order is not awaiting its payment any more.")


def set_going(placed_at: datetime, closes_at: datetime, profile: Profile) -> tuple[SetTimer, ...]:
    """Rules `payment_reminder_stages`, `payment_call_after`: what is to come between placing and close.

    A stage that would not come in between does not come at all, and without a stage nobody phones.
    """
    moments = [
        (stage, stage.moment(placed_at, closes_at, profile.zone)) for stage in profile.values.reminder_stages
    ]
    coming = [(stage, due_at) for stage, due_at in moments if placed_at < due_at < closes_at]
    reminders = tuple(
        SetTimer(name=name, key=key, due_at=due_at)
        for stage, due_at in coming
        for name, key in [_timer(stage, profile)]
    )
    call_after = profile.values.payment_call_after
    if call_after is None or not coming:
        return reminders
    call_at = later(max(due_at for _, due_at in coming), call_after)
    return (
        (*reminders, SetTimer(name=timers.PAYMENT_CALL, due_at=call_at)) if call_at < closes_at else reminders
    )


def stopped(profile: Profile) -> tuple[CancelTimer, ...]:
    """Nothing of it comes any more."""
    stages = (_timer(stage, profile) for stage in profile.values.reminder_stages)
    reminders = tuple(CancelTimer(name=name, key=key) for name, key in stages)
    return reminders if profile.values.payment_call_after is None else (*reminders, *_NO_CALL)


_NO_CALL: Final = (CancelTimer(name=timers.PAYMENT_CALL),)


def _timer(stage: ReminderStage, profile: Profile) -> tuple[str, str]:
    """A stage's timer: name and key."""
    own = bool(profile.values.payment_reminder_stages)
    return (timers.REMINDER, stage.name) if own else (_OF_ITS_OWN[stage.name], "")


def remind(due: TimerDue, state: State, profile: Profile) -> Outcome:
    """Still unpaid at a stage's moment. What the shop's settings keep from the buyer says why.

    Rules `payment_reminder_after`, `payment_last_call_before_close`, `payment_reminder_stages`.
    """
    stages = _stages_of(due, profile)
    stage = next(stages, None)
    if not isinstance(state, Unpaid) or stage is None:
        return NOTHING
    own = bool(profile.values.payment_reminder_stages)
    order = state.order
    withheld = _withheld(order, profile)
    said = orders.PaymentReminderDue(
        stage=stage.text,
        total=order.total,
        currency=order.currency,
        closes_at=state.closes_at,
        step=stage.name if own else None,
        withheld=withheld,
    )
    rule = "payment_reminder_stages" if own else _RULES[stage.name]
    messages = () if withheld is not None else (_message(order, stage, state.closes_at, own=own),)
    return Decision(rule=rule, events=(said,), messages=messages)


def _withheld(order: Order, profile: Profile) -> Withheld | None:
    return profile.reminders.withheld(order.buyer_id, order.total, {line.sku for line in order.lines})


def _stages_of(due: TimerDue, profile: Profile) -> Iterator[ReminderStage]:
    return (
        stage for stage in profile.values.reminder_stages if _timer(stage, profile) == (due.name, due.key)
    )


def _message(order: Order, stage: ReminderStage, closes_at: datetime, *, own: bool) -> MessageWanted:
    params: dict[str, JsonValue] = {
        "stage": stage.text,
        "total": money.plain(order.total),
        "currency": order.currency,
        "closes_at": utc_text(closes_at),
    }
    return MessageWanted(
        message_id=task_id("orders", order.order_id, "payment_reminder", stage.name),
        template="payment_reminder",
        order_id=order.order_id,
        params={**params, "step": stage.name} if own else params,
        stale_at=closes_at,
    )


def call(state: State, profile: Profile) -> Outcome:
    """Rule `payment_call_after`: messages have not helped, so somebody phones while there is time.

    Whom the shop's settings keep reminders from, nobody phones.
    """
    if not isinstance(state, Unpaid) or state.call_task is not None:
        return NOTHING
    order = state.order
    if _withheld(order, profile) is not None:
        return NOTHING
    total = money.plain(order.total)
    wanted = TaskWanted(
        task_id=task_id("orders", order.order_id, "call_about_payment"),
        kind="call_about_payment",
        order_id=order.order_id,
        due_at=state.closes_at,
        summary=f"{total} {order.currency} are still unpaid after every reminder: phone the buyer.",
        details={"total": total, "currency": order.currency, "closes_at": utc_text(state.closes_at)},
    )
    return Decision(rule="payment_call_after", tasks=(wanted,))


def no_call_needed(state: Unpaid, why: str) -> tuple[TaskWithdrawn, ...]:
    """The open call has lost its cause."""
    if state.call_task is None:
        return ()
    order_id = state.order.order_id
    return (TaskWithdrawn(task_id=state.call_task, kind="call_about_payment", order_id=order_id, reason=why),)


def cancelled_on_the_phone(command: CancelAfterCall, state: State, profile: Profile) -> Outcome:
    """`call_about_payment` was answered by `cancel`: the buyer does not want it any more."""
    if isinstance(state, Unknown) or not isinstance(state, Unpaid) or command.at > state.closes_at:
        return _NOT_UNPAID
    off = orders.OrderCancelled(reason="said_on_the_phone", by="buyer")
    ended = (*stopped(profile), CancelTimer(name=timers.CLOSE_UNPAID))
    return Decision(rule="cancelled", events=(off,), timers=ended)
