"""A wanted message on its way to the buyer: one model for each stage, and what is left at the end."""

import json
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import PERSONAL, Frozen, Id, Name, Utc
from shared.contracts.event import Event
from shared.contracts.events import notifications as said
from shared.contracts.events.notifications import MergedReminder

REMINDER: Final = "payment_reminder"
"""The template of payment reminders."""


class _Wanted(Frozen):
    """What every message carries until it has ended."""

    message_id: Id
    template: Name
    params: Annotated[dict[str, JsonValue], PERSONAL] = Field(default_factory=dict)
    """Values for the text. An agent's answer is among them, so they go when the message has ended."""
    stale_at: Utc | None = None
    rule: str = ""
    """The rule that wanted it."""
    wanted_at: Utc | None = None
    """The moment at which it was wanted; of a reminder, the one that it fell due at."""


class Due(_Wanted):
    """Wanted, and being looked at now."""

    stage: Literal["due"] = "due"


class Postponed(_Wanted):
    """Waits for the end of the quiet hours."""

    stage: Literal["postponed"] = "postponed"
    until: Utc


class NeedsContact(_Wanted):
    """Waits until it is known who receives the order."""

    stage: Literal["needs_contact"] = "needs_contact"
    until: Utc


class Asking(_Wanted):
    """Waits for the answer of the buyer's day."""

    stage: Literal["asking"] = "asking"
    buyer_day: Id
    gathers: bool = False
    """Whether the day gathers it with other reminders for a while."""


class Sending(_Wanted):
    """Given to the channel; its answer is awaited."""

    stage: Literal["sending"] = "sending"
    effect_id: Id
    merged: tuple[MergedReminder, ...] = ()
    """Reminders of other orders that it takes along."""
    gathered_by: Id | None = None
    """The buyer's day that gathered them."""


class _Ended(Frozen):
    message_id: Id
    template: Name
    ended_at: Utc
    content: str
    """A digest of what it said, by which a repetition is recognised."""


class Sent(_Ended):
    """The channel took it."""

    stage: Literal["sent"] = "sent"


class Dropped(_Ended):
    """It was not worth sending, or the channel refused it."""

    stage: Literal["dropped"] = "dropped"
    reason: Name


OpenMessage = Due | Postponed | NeedsContact | Asking | Sending
EndedMessage = Sent | Dropped
Message = Annotated[
    Due | Postponed | NeedsContact | Asking | Sending | Sent | Dropped, Field(discriminator="stage")
]


def stage_of(message: OpenMessage) -> str:
    """The stage of a payment reminder, as its profile names it."""
    return str(message.params.get("step") or message.params.get("stage") or "")


def content_of(message: OpenMessage | EndedMessage) -> str:
    """A digest of template and values: equal where the buyer would read the same text."""
    if isinstance(message, (Sent, Dropped)):
        return message.content
    said = json.dumps([message.template, message.params], sort_keys=True, ensure_ascii=False)
    return sha256(said.encode()).hexdigest()[:16]


def wanted(message: OpenMessage) -> dict[str, Any]:
    """What a message carries from one stage to the next."""
    return {
        "message_id": message.message_id,
        "template": message.template,
        "params": message.params,
        "stale_at": message.stale_at,
        "rule": message.rule,
        "wanted_at": message.wanted_at,
    }


def moved(message: OpenMessage, event: Event) -> OpenMessage | EndedMessage:
    """The message after one of its own events."""
    match event.data:
        case said.MessagePostponed(until=until):
            return Postponed(**wanted(message), until=until)
        case said.MessageAsked(buyer_day=buyer_day, reminder=reminder):
            return Asking(**wanted(message), buyer_day=buyer_day, gathers=reminder is not None)
        case said.MessageSent():
            return Sent(**_ended(message, event))
        case said.MessageSuppressed(reason=reason):
            return Dropped(**_ended(message, event), reason=reason)
        case said.MessageFailed(reason=reason):
            return Dropped(**_ended(message, event), reason=reason)
        case _:
            return message


def _ended(message: OpenMessage, event: Event) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "template": message.template,
        "ended_at": event.time,
        "content": content_of(message),
    }
