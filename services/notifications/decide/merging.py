"""Reminders of one buyer that go together: what an order's file says to the buyer's day and to others."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue, ValidationError

from services.notifications.decide.occasion import Occasion
from services.notifications.state import OrderFile
from services.notifications.state.messages import REMINDER, Asking, OpenMessage, Sending, stage_of
from services.notifications.templates import Template, local_text
from shared.contracts.events.notifications import (
    MergedReminder,
    MessageMerged,
    MessageWithdrawn,
    ReminderAsked,
)
from shared.kernel import money
from shared.kernel.calendar import local_date
from shared.kernel.decision import NOTHING, Decision

SEVERAL: Final = "several"
"""The text of a reminder of more than one order."""


def asked(
    file: OrderFile, message: OpenMessage, template: Template, occasion: Occasion
) -> ReminderAsked | None:
    """What the buyer's day is told of a reminder that it shall gather; None for what goes by itself."""
    if not template.reminds or not occasion.values.payment_reminder_merge_within:
        return None
    params = _params(file, message)
    said = {name: params.get(name) for name in ("total", "currency", "closes_at")}
    try:
        return ReminderAsked.model_validate({**said, "stage": stage_of(message)})
    except ValidationError:
        return None


def came_too_late(message: OpenMessage, template: Template, occasion: Occasion) -> bool:
    """Rule `payment_reminder_stale_after`: of an earlier local day, and later than that.

    Source: CCMS trade centre of 2013, UrpayTimeFilter.
    """
    values, zone = occasion.values, occasion.profile.zone
    if not template.reminds or values.payment_reminder_next_day or message.wanted_at is None:
        return False
    is_earlier = local_date(message.wanted_at, zone) < local_date(occasion.now, zone)
    return is_earlier and occasion.now - message.wanted_at > values.payment_reminder_stale_after


def params_of(
    file: OrderFile, message: OpenMessage, merged: tuple[MergedReminder, ...], zone: str
) -> Mapping[str, JsonValue]:
    """The values of a reminder's text: those of its own order, or of all orders that it reminds of, each
    once, though two stages of one may have waited together.
    """
    params = _params(file, message)
    own = {**params, "order_id": file.order_id}
    each_once = {each.order_id: each for each in merged if each.order_id != file.order_id}
    if not each_once:
        return params
    others = [each.model_dump(mode="json") for each in each_once.values()]
    return {**params, "stage": SEVERAL, "orders": list(_lines((own, *others), zone))}


def _params(file: OrderFile, message: OpenMessage) -> Mapping[str, JsonValue]:
    """What was wanted to be said, with what a reminded order costs by now: it may have waited for a night."""
    if message.template != REMINDER or file.knows.total is None:
        return message.params
    return {**message.params, "total": money.plain(file.knows.total)}


def _lines(reminders: tuple[dict[str, JsonValue], ...], zone: str) -> Iterator[JsonValue]:
    for each in reminders:
        until = local_text(str(each.get("closes_at")), zone) or "its payment deadline"
        yield f"{each['order_id']}: {each.get('total')} {each.get('currency')}, kept until {until}"


def not_now(message: Asking) -> Decision:
    """The buyer's day hears that a reminder which it gathers won't go out now."""
    if not message.gathers:
        return NOTHING
    gone = MessageWithdrawn(
        message_id=message.message_id, template=message.template, buyer_day=message.buyer_day
    )
    return Decision(rule="payment_reminder_merge_within", events=(gone,))


def carried(message: Sending) -> Decision:
    """The letter is out: the other orders' files hear that it told of them."""
    if not message.merged:
        return NOTHING
    told = MessageMerged(message_id=message.message_id, template=message.template, others=message.merged)
    return Decision(rule="payment_reminder_merge_within", events=(told,))


def not_carried(message: Sending) -> Decision:
    """The letter can't be sent: another order's message takes the others along."""
    if not message.merged or message.gathered_by is None:
        return NOTHING
    gone = MessageWithdrawn(
        message_id=message.message_id, template=message.template, buyer_day=message.gathered_by
    )
    return Decision(rule="payment_reminder_merge_within", events=(gone,))
