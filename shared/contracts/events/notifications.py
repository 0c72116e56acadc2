"""What `notifications` says."""

from typing import Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.tasks import Priority, TaskKind


class _Message(Payload):
    message_id: Id
    template: Name


class ReminderAsked(Frozen):
    """What a reminder is of, for one that may go together with others of the same buyer."""

    stage: Name
    total: Amount
    currency: Currency
    closes_at: Utc


class MergedReminder(ReminderAsked):
    """A reminder that goes out with another order's message."""

    order_id: Id
    message_id: Id


@says("message.asked", "notifications")
class MessageAsked(_Message):
    """An order's file asks the buyer's day whether one more message fits."""

    buyer_day: Id
    """The subject of the buyer's day: shop, buyer and local date."""
    reminder: ReminderAsked | None = None
    """Set where the day shall gather this buyer's reminders for a while."""


@says("message.withdrawn", "notifications")
class MessageWithdrawn(_Message):
    """An order's file tells the buyer's day that a reminder which it gathers won't go out now."""

    buyer_day: Id


@says("message.allowed", "notifications")
class MessageAllowed(_Message):
    """The buyer's day has room; said by the day's file about an order."""

    order_id: Id
    merged: tuple[MergedReminder, ...] = ()
    """Other orders' reminders that this message shall take along."""


@says("message.capped", "notifications")
class MessageCapped(_Message):
    """The buyer's day is full; said by the day's file about an order."""

    order_id: Id


@says("message.sent", "notifications")
class MessageSent(_Message):
    """The channel took the message."""

    channel: Name


@says("message.merged", "notifications")
class MessageMerged(_Message):
    """A message that was sent reminded of other orders too."""

    others: tuple[MergedReminder, ...]


@says("message.suppressed", "notifications")
class MessageSuppressed(_Message):
    """A wanted message was dropped."""

    reason: Literal[
        "daily_cap", "stale", "no_longer_true", "already_told", "no_contact", "merged_into", "erased"
    ]
    into: Id | None = None
    """The message that told it instead."""
    into_order: Id | None = None
    """The order of that message."""


@says("message.postponed", "notifications")
class MessagePostponed(_Message):
    """A wanted message waits for the end of the quiet hours."""

    until: Utc


@says("message.failed", "notifications")
class MessageFailed(_Message):
    """The channel refused the message for good."""

    reason: Name


@says("message.received", "notifications")
class MessageReceived(Payload):
    """The buyer wrote; the text stays in the file."""

    message_id: Id
    channel: Name


@says("message.unanswered", "notifications")
class MessageUnanswered(Payload):
    """Nobody answered the buyer in time."""

    message_id: Id
    waiting_since: Utc
    task_id: Id | None = None
    """The `answer_buyer` task that now has it."""


@says("message.answered", "notifications")
class MessageAnswered(Payload):
    """Somebody answered the buyer, or decided that no answer is needed."""

    message_ids: tuple[Id, ...]
    by: Name
    reply_id: Id | None = None
    """The message that carries the answer; its text stays in the file. None: no answer was needed."""


class _Task(Payload):
    task_id: Id
    kind: TaskKind
    wanted_by: Name
    """The service that wanted the task."""


@says("task.created", "notifications")
class TaskCreated(_Task):
    """There is work for an agent."""

    due_at: Utc | None
    priority: Priority
    summary: str
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """What the agent needs to decide; no personal data."""
    blocked_by: Id | None = None
    """The task that must be completed before this one can be."""


@says("task.claimed", "notifications")
class TaskClaimed(_Task):
    """An agent took the task; its lease runs."""

    agent_id: Id
    lease_until: Utc


@says("task.lease_renewed", "notifications")
class TaskLeaseRenewed(_Task):
    """The agent is still at it: the lease runs anew."""

    agent_id: Id
    lease_until: Utc


@says("task.returned", "notifications")
class TaskReturned(_Task):
    """The task is back in the queue: given back, or its lease ran out."""

    agent_id: Id
    reason: Literal["given_back", "lease_ran_out"]


@says("task.overdue", "notifications")
class TaskOverdue(_Task):
    """Nobody completed the task in time; it was escalated one level."""

    due_at: Utc
    priority: Priority
    level: Name


@says("task.priority_raised", "notifications")
class TaskPriorityRaised(_Task):
    """The task matters more now."""

    priority: Priority
    reason: str


@says("task.completed", "notifications")
class TaskCompleted(_Task):
    """An agent completed the task with an outcome; the service that wanted it acts on that."""

    agent_id: Id
    outcome: Name
    details: dict[str, JsonValue] = Field(default_factory=dict)
    """The outcome's arguments as in the task catalogue. Contacts are replaced by a reference."""


@says("task.closed", "notifications")
class TaskClosed(_Task):
    """The task closed itself because its cause is gone."""

    reason: Name
