"""Messages to buyers: whether, when and how often. Everything that is dropped says why."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from services.notifications.commands import TakeDaysNo, TakeDaysYes, TakeMerged, WantMessage
from services.notifications.decide import merging, reports
from services.notifications.decide.conditions import holds
from services.notifications.decide.days import buyer_day
from services.notifications.decide.occasion import SERVICE, Occasion
from services.notifications.state import OrderFile
from services.notifications.state.knowledge import ContactErased, Reachable
from services.notifications.state.messages import (
    Asking,
    Dropped,
    Due,
    NeedsContact,
    OpenMessage,
    Postponed,
    Sending,
    Sent,
    content_of,
)
from services.notifications.state.notes import ContactAwaited, MessageKept, SendingBegun
from services.notifications.templates import Template, write
from shared.contracts.events.notifications import (
    MergedReminder,
    MessageAsked,
    MessageFailed,
    MessagePostponed,
    MessageSent,
    MessageSuppressed,
    TaskCreated,
)
from shared.kernel.calendar import local_date, quiet_until
from shared.kernel.decision import (
    NOTHING,
    CancelTimer,
    Decision,
    Effect,
    EffectDone,
    EffectDue,
    EffectFailed,
    SetTimer,
    TimerDue,
    task_id,
)
from shared.kernel.erasure import RULE

SEND: Final = "send"
"""The timer at which a postponed or waiting message is looked at again; its key is the message."""
CHANNEL: Final = "mail"
Dropping = Literal["daily_cap", "stale", "no_longer_true", "already_told", "no_contact"]


@dataclass(frozen=True, slots=True)
class Allowed:
    """The buyer's day that has room for a message, and what it shall take along."""

    day: str
    merged: tuple[MergedReminder, ...]
    gathered: bool


def want(command: WantMessage, file: OrderFile, occasion: Occasion) -> Decision:
    """Take a wanted message in, once for each id, and try to send it."""
    wanted = command.wanted
    if file.message(wanted.message_id) is not None:
        return NOTHING
    message = Due(
        message_id=wanted.message_id,
        template=wanted.template,
        params=wanted.params,
        stale_at=wanted.stale_at,
        rule=command.rule or "",
        wanted_at=command.at,
    )
    return keep(file, message) + attempt(file, message, occasion)


def keep(file: OrderFile, message: Due) -> Decision:
    """Remember a message with its values."""
    return Decision(notes=(MessageKept(order_id=file.order_id, message=message),))


def look_again(command: TimerDue, file: OrderFile, occasion: Occasion) -> Decision:
    """The quiet hours are over, or the contact has been awaited long enough."""
    message = file.open_message(command.key)
    if isinstance(message, NeedsContact) and not isinstance(file.contact, Reachable):
        return _drop(file, message, "no_contact", occasion)
    if isinstance(message, Postponed | NeedsContact):
        return attempt(file, message, occasion)
    return NOTHING


def contact_came(file: OrderFile, occasion: Occasion) -> Decision:
    """Try everything that waited for the contact; what says the same goes once."""
    decision = NOTHING
    tried: set[str] = set()
    for message in file.messages:
        if not isinstance(message, NeedsContact):
            continue
        if content_of(message) in tried:
            decision += _drop(file, message, "already_told", occasion)
        else:
            decision += attempt(file, message, occasion)
            tried.add(content_of(message))
    return decision


def days_yes(command: TakeDaysYes, file: OrderFile, occasion: Occasion) -> Decision:
    """The buyer's day has room: send, if everything still holds and it is still that day."""
    message = file.open_message(command.message_id)
    if not isinstance(message, Asking) or message.buyer_day != command.buyer_day:
        return NOTHING
    allowed = Allowed(command.buyer_day, command.merged, message.gathers)
    decision = attempt(file, message, occasion, allowed)
    return decision if decision.effects else decision + merging.not_now(message)


def days_no(command: TakeDaysNo, file: OrderFile, occasion: Occasion) -> Decision:
    """Rule `buyer_daily_cap`: what is over the cap is dropped."""
    message = file.open_message(command.message_id)
    if not isinstance(message, Asking) or message.buyer_day != command.buyer_day:
        return NOTHING
    return _drop(file, message, "daily_cap", occasion)


def channel_took(command: EffectDone, file: OrderFile, occasion: Occasion) -> Decision:
    """The letter is out."""
    message = _sending(file, command.effect_id)
    if message is None:
        return NOTHING
    sent = MessageSent(message_id=message.message_id, template=message.template, channel=CHANNEL)
    out = Decision(rule=message.rule, events=(sent,)) + merging.carried(message)
    return out + reports.reminded(file, message, occasion, messages=1)


def about_to_go(command: EffectDue, file: OrderFile, occasion: Occasion) -> Decision:
    """Rule `quiet_hours`: the channel, or a worker, may have been away since; so it is checked at each try.

    What may not go now is recalled: it waits for the end of the quiet hours, or is dropped.
    """
    message = _sending(file, command.effect_id)
    recalled = Decision(recalls=(command.effect_id,))
    if message is None:
        return recalled
    template = occasion.templates.get(message.template)
    if template is None:
        return NOTHING
    dropping = _no_use(file, message, template, occasion)
    if dropping is not None:
        return recalled + _drop(file, message, dropping, occasion) + merging.not_carried(message)
    quiet_end = _quiet_end(template, occasion)
    if quiet_end is not None:
        return recalled + _postpone(message, quiet_end) + merging.not_carried(message)
    return NOTHING


def told_by_another(command: TakeMerged, file: OrderFile, occasion: Occasion) -> Decision:
    """Rule `payment_reminder_merge_within`: another order's message named this one."""
    message = file.open_message(command.message_id)
    if not isinstance(message, Asking):
        return NOTHING
    dropped = MessageSuppressed(
        message_id=message.message_id,
        template=message.template,
        reason="merged_into",
        into=command.into,
        into_order=command.into_order,
    )
    told = Decision(rule="payment_reminder_merge_within", events=(dropped,))
    return told + reports.reminded(file, message, occasion, messages=0)


def no_longer_gathered(file: OrderFile, occasion: Occasion) -> Decision:
    """A reminder that waits for others waits no longer when its order is paid or has ended."""
    decision = NOTHING
    for message in file.messages:
        template = occasion.templates.get(message.template)
        if not isinstance(message, Asking) or not message.gathers or template is None:
            continue
        if not holds(template.holds_while, file, message.params):
            decision += _drop(file, message, "no_longer_true", occasion) + merging.not_now(message)
    return decision


def all_dropped(file: OrderFile) -> Decision:
    """Rule `erasure`: nothing reaches the buyer any more. What a letter was to take along, another takes."""
    decision = NOTHING
    for message in file.messages:
        if isinstance(message, Sent | Dropped):
            continue
        decision += Decision(events=(_erased(message),), timers=_no_timer(message))
        match message:
            case Asking():
                decision += merging.not_now(message)
            case Sending():
                decision += merging.not_carried(message)
            case _:
                pass
    return decision


def _erased(message: OpenMessage) -> MessageSuppressed:
    return MessageSuppressed(message_id=message.message_id, template=message.template, reason="erased")


def channel_refused(command: EffectFailed, file: OrderFile, occasion: Occasion) -> Decision:
    """The letter could not be sent for good."""
    message = _sending(file, command.effect_id)
    if message is None:
        return NOTHING
    return _fail(file, message, plain(command.reason), occasion) + merging.not_carried(message)


def attempt(
    file: OrderFile, message: OpenMessage, occasion: Occasion, allowed: Allowed | None = None
) -> Decision:
    """Send the message, or let it wait, or drop it; `allowed` says that the buyer's day has room for it."""
    if isinstance(file.contact, ContactErased):
        return Decision(rule=RULE, events=(_erased(message),), timers=_no_timer(message))
    template = occasion.templates.get(message.template)
    if template is None:
        return _fail(file, message, "unknown_template", occasion)
    dropping = _no_use(file, message, template, occasion)
    if dropping is not None:
        return _drop(file, message, dropping, occasion)
    quiet_end = _quiet_end(template, occasion)
    if quiet_end is not None:
        return _postpone(message, quiet_end)
    if not isinstance(file.contact, Reachable):
        return _await_contact(file, message, occasion)
    if not file.contact.email:
        return _drop(file, message, "no_contact", occasion)
    if template.answers_buyer:
        return _send(file, file.contact, message, template, occasion)
    day = buyer_day(
        file.knows.shop_id,
        file.knows.buyer_id or file.order_id,
        local_date(occasion.now, occasion.profile.zone),
    )
    if allowed is not None and day == allowed.day:
        return _send(file, file.contact, message, template, occasion, allowed)
    asked = MessageAsked(
        message_id=message.message_id,
        template=message.template,
        buyer_day=day,
        reminder=merging.asked(file, message, template, occasion),
    )
    return Decision(rule="buyer_daily_cap", events=(asked,), timers=_no_timer(message))


def _quiet_end(template: Template, occasion: Occasion) -> datetime | None:
    """When a message of the template may go again; None where it may go now."""
    if template.answers_buyer:
        return None
    return quiet_until(occasion.now, occasion.values.quiet_hours, occasion.profile.zone)


def _no_use(file: OrderFile, message: OpenMessage, template: Template, occasion: Occasion) -> Dropping | None:
    """Why the message is not worth sending, if it is not."""
    if message.stale_at is not None and occasion.now >= message.stale_at:
        return "stale"
    if merging.came_too_late(message, template, occasion):
        return "stale"
    if not holds(template.holds_while, file, message.params):
        return "no_longer_true"
    if not template.answers_buyer and _told(file, message, occasion):
        return "already_told"
    return None


def _told(file: OrderFile, message: OpenMessage, occasion: Occasion) -> bool:
    """Whether the same text went to the buyer today, or is on its way to him, under another id."""
    content, zone = content_of(message), occasion.profile.zone
    today = local_date(occasion.now, zone)
    for other in file.messages:
        if other.message_id == message.message_id or other.template != message.template:
            continue
        if content_of(other) != content:
            continue
        if isinstance(other, Asking | Sending):
            return True
        if isinstance(other, Sent) and local_date(other.ended_at, zone) == today:
            return True
    return False


def _postpone(message: OpenMessage, until: datetime) -> Decision:
    """Rule `quiet_hours`: nothing reaches a buyer inside them; it is checked again at their end."""
    postponed = MessagePostponed(message_id=message.message_id, template=message.template, until=until)
    return Decision(
        rule="quiet_hours",
        events=(postponed,),
        timers=(SetTimer(name=SEND, key=message.message_id, due_at=until),),
    )


def _await_contact(file: OrderFile, message: OpenMessage, occasion: Occasion) -> Decision:
    """Contacts travel on a topic of their own and may come later than what is to be said."""
    if isinstance(message, NeedsContact):
        return NOTHING
    until = occasion.at + occasion.values.fact_wait
    awaited = ContactAwaited(order_id=file.order_id, message_id=message.message_id, until=until)
    return Decision(
        rule="fact_wait",
        notes=(awaited,),
        timers=(SetTimer(name=SEND, key=message.message_id, due_at=until),),
    )


def _send(
    file: OrderFile,
    contact: Reachable,
    message: OpenMessage,
    template: Template,
    occasion: Occasion,
    allowed: Allowed | None = None,
) -> Decision:
    merged = () if allowed is None else allowed.merged
    always = {"name": contact.name, "order_id": file.order_id, "shop_name": occasion.profile.shop_name}
    params = merging.params_of(file, message, merged, occasion.profile.zone)
    letter = write(template, params, always, occasion.profile.zone)
    effect_id = task_id(SERVICE, file.order_id, CHANNEL, message.message_id)
    begun = SendingBegun(
        order_id=file.order_id,
        message_id=message.message_id,
        effect_id=effect_id,
        merged=merged,
        gathered_by=allowed.day if allowed is not None and allowed.gathered else None,
    )
    mail = Effect(
        effect_id=effect_id,
        kind="mail",
        request={
            "to": contact.email,
            "from": occasion.profile.mail_from,
            "subject": letter.subject,
            "text": letter.text,
            "order_id": file.order_id,
        },
    )
    return Decision(rule=message.rule, notes=(begun,), effects=(mail,), timers=_no_timer(message))


def _drop(file: OrderFile, message: OpenMessage, reason: Dropping, occasion: Occasion) -> Decision:
    dropped = MessageSuppressed(message_id=message.message_id, template=message.template, reason=reason)
    rule = "buyer_daily_cap" if reason == "daily_cap" else message.rule
    decision = Decision(rule=rule, events=(dropped,), timers=_no_timer(message))
    return decision + _answer_lost(file, message, reason, occasion)


def _fail(file: OrderFile, message: OpenMessage, reason: str, occasion: Occasion) -> Decision:
    failed = MessageFailed(message_id=message.message_id, template=message.template, reason=reason)
    decision = Decision(rule=message.rule, events=(failed,), timers=_no_timer(message))
    return decision + _answer_lost(file, message, reason, occasion)


def _answer_lost(file: OrderFile, message: OpenMessage, reason: str, occasion: Occasion) -> Decision:
    """An agent's answer that can't reach the buyer must be seen by somebody."""
    template = occasion.templates.get(message.template)
    if template is None or not template.answers_buyer:
        return NOTHING
    task = TaskCreated(
        task_id=task_id(SERVICE, file.order_id, "look_into", "answer", message.message_id),
        kind="look_into",
        wanted_by=SERVICE,
        due_at=None,
        priority="normal",
        summary=f"An answer to the buyer could not be delivered: {reason}.",
        details={"message_id": message.message_id, "slug": "answer-not-delivered"},
    )
    return Decision(events=(task,))


def _sending(file: OrderFile, effect_id: str) -> Sending | None:
    return next(
        (each for each in file.messages if isinstance(each, Sending) and each.effect_id == effect_id), None
    )


def _no_timer(message: OpenMessage) -> tuple[CancelTimer, ...]:
    waits = isinstance(message, Postponed | NeedsContact)
    return (CancelTimer(name=SEND, key=message.message_id),) if waits else ()


def plain(reason: str) -> str:
    """A channel's reason without personal data: its reply code, since its words may quote an address."""
    code = re.match(r"\s*(?:the mail server answered )?([2-5]\d\d)\b", reason)
    return f"channel_refused_{code.group(1)}" if code else "channel_refused"
