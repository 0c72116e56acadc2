"""What can be seen of an order's tasks, messages and conversation, from its events alone."""

from typing import Any, Final, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.event import Event
from shared.contracts.events import notifications as said
from shared.contracts.tasks import Priority, TaskKind

STEPS_KEPT: Final = 50


class StepSeen(Frozen):
    """One line of a task's history."""

    at: Utc
    what: Name
    agent_id: Id | None = None


class TaskSeen(Frozen):
    """A task on the board."""

    task_id: Id
    kind: TaskKind
    status: Literal["open", "claimed", "completed", "closed"] = "open"
    wanted_by: Name
    rule: str | None = None
    priority: Priority
    level: Name = "colleague"
    summary: str
    details: dict[str, JsonValue] = Field(default_factory=dict)
    blocked_by: Id | None = None
    created_at: Utc
    due_at: Utc | None = None
    deadline_at: Utc | None = None
    """When something happens to it by itself: it becomes overdue, or its lease runs out."""
    overdue: bool = False
    agent_id: Id | None = None
    lease_until: Utc | None = None
    outcome: Name | None = None
    """What an agent completed it with, or the reason for which it closed itself."""
    ended_at: Utc | None = None
    history: tuple[StepSeen, ...] = ()


class MessageSeen(Frozen):
    """A message in the outbox."""

    message_id: Id
    template: Name
    status: Literal["wanted", "postponed", "asked", "sent", "suppressed", "failed"] = "wanted"
    wanted_at: Utc
    deadline_at: Utc | None = None
    """When it is looked at again."""
    reason: Name | None = None
    sent_at: Utc | None = None
    channel: Name | None = None
    rule: str | None = None


class LineSeen(Frozen):
    """That the buyer wrote; the text is in the file and in no event."""

    message_id: Id
    at: Utc
    channel: Name
    status: Literal["waiting", "unanswered", "answered"] = "waiting"
    task_id: Id | None = None
    answered_by: Name | None = None
    answered_at: Utc | None = None
    reply_id: Id | None = None


def task_created(event: Event, data: said.TaskCreated) -> TaskSeen:
    """A task as it comes onto the board."""
    return TaskSeen(
        task_id=data.task_id,
        kind=data.kind,
        wanted_by=data.wanted_by,
        rule=event.rule,
        priority=data.priority,
        summary=data.summary,
        details=data.details,
        blocked_by=data.blocked_by,
        created_at=event.time,
        due_at=data.due_at,
        deadline_at=data.due_at,
        history=(StepSeen(at=event.time, what="created"),),
    )


def task_moved(task: TaskSeen, event: Event) -> TaskSeen:
    """The task after one of its events."""
    match event.data:
        case said.TaskClaimed(agent_id=agent_id, lease_until=until):
            return _changed(
                task, event, "claimed", agent_id, status="claimed", agent_id=agent_id, lease_until=until
            )
        case said.TaskLeaseRenewed(lease_until=until):
            return _seen(task, lease_until=until)
        case said.TaskReturned(agent_id=agent_id, reason=reason):
            return _changed(task, event, reason, agent_id, status="open", agent_id=None, lease_until=None)
        case said.TaskOverdue(priority=priority, level=level):
            return _changed(task, event, "overdue", None, overdue=True, priority=priority, level=level)
        case said.TaskPriorityRaised(priority=priority):
            return _changed(task, event, "raised", None, priority=priority)
        case said.TaskCompleted(agent_id=agent_id, outcome=outcome):
            ended: dict[str, Any] = {"status": "completed", "outcome": outcome, "lease_until": None}
            return _changed(task, event, "completed", agent_id, ended_at=event.time, **ended)
        case said.TaskClosed(reason=reason):
            ended = {"status": "closed", "outcome": reason, "agent_id": None, "lease_until": None}
            return _changed(task, event, "closed", None, ended_at=event.time, **ended)
        case _:
            return task


def task_has_line(task: TaskSeen, message_id: str) -> TaskSeen:
    """An `answer_buyer` task that has one more of the buyer's messages."""
    known = task.details.get("message_ids")
    message_ids: list[JsonValue] = list(known) if isinstance(known, list) else []
    if message_id in message_ids:
        return task
    return task.model_copy(update={"details": {**task.details, "message_ids": [*message_ids, message_id]}})


def _changed(task: TaskSeen, event: Event, what: str, by: str | None, **fields: Any) -> TaskSeen:
    step = StepSeen(at=event.time, what=what, agent_id=by)
    return _seen(task, history=(*task.history, step)[-STEPS_KEPT:], **fields)


def _seen(task: TaskSeen, **fields: Any) -> TaskSeen:
    changed = task.model_copy(update=fields)
    match changed.status:
        case "open" | "claimed":
            due_at = None if changed.overdue else changed.due_at
            moments = [moment for moment in (due_at, changed.lease_until) if moment is not None]
            return changed.model_copy(update={"deadline_at": min(moments, default=None)})
        case "completed" | "closed":
            return changed.model_copy(update={"deadline_at": None})


def message_moved(message: MessageSeen, event: Event) -> MessageSeen:
    """The message after one of its events."""
    match event.data:
        case said.MessagePostponed(until=until):
            return message.model_copy(update={"status": "postponed", "deadline_at": until})
        case said.MessageAsked():
            return message.model_copy(update={"status": "asked", "deadline_at": None})
        case said.MessageSent(channel=channel):
            sent = {"status": "sent", "sent_at": event.time, "channel": channel, "deadline_at": None}
            return message.model_copy(update=sent)
        case said.MessageSuppressed(reason=reason):
            return message.model_copy(update={"status": "suppressed", "reason": reason, "deadline_at": None})
        case said.MessageFailed(reason=reason):
            return message.model_copy(update={"status": "failed", "reason": reason, "deadline_at": None})
        case _:
            return message


def line_moved(line: LineSeen, event: Event) -> LineSeen:
    """What the buyer wrote, after one of its events."""
    match event.data:
        case said.MessageUnanswered(message_id=message_id, task_id=task_id) if message_id == line.message_id:
            return line.model_copy(update={"status": "unanswered", "task_id": task_id})
        case said.MessageAnswered(message_ids=message_ids) if line.message_id in message_ids:
            data = event.data
            answered = {"answered_by": data.by, "answered_at": event.time, "reply_id": data.reply_id}
            return line.model_copy(update={"status": "answered", **answered})
        case _:
            return line
