"""A task for an agent: one model for each stage, with its history."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Frozen, Id, Name, Text, Utc
from shared.contracts.event import Event
from shared.contracts.events import notifications as said
from shared.contracts.tasks import Priority, TaskKind

Level = Literal["colleague", "supervisor"]
STEPS_KEPT: Final = 50


class Step(Frozen):
    """One line of a task's history."""

    at: Utc
    what: Name
    agent_id: Id | None = None
    note: Text = ""
    """What the agent wrote when he gave it back, for the next one."""


class _Task(Frozen):
    task_id: Id
    kind: TaskKind
    wanted_by: Name
    """The service that wanted it."""
    rule: str = ""
    """The rule that wanted it."""
    summary: str
    details: dict[str, JsonValue] = Field(default_factory=dict)
    blocked_by: Id | None = None
    """The task that must have ended before this one can be completed."""
    created_at: Utc
    due_at: Utc | None = None
    overdue: bool = False
    priority: Priority
    level: Level = "colleague"
    history: tuple[Step, ...] = ()
    """The last 50 steps."""


class OpenTask(_Task):
    """In the queue."""

    stage: Literal["open"] = "open"


class ClaimedTask(_Task):
    """Held by an agent until his lease runs out."""

    stage: Literal["claimed"] = "claimed"
    agent_id: Id
    lease_until: Utc


class CompletedTask(_Task):
    """An agent completed it."""

    stage: Literal["completed"] = "completed"
    agent_id: Id
    outcome: Name
    ended_at: Utc


class ClosedTask(_Task):
    """It closed itself because its cause was gone."""

    stage: Literal["closed"] = "closed"
    reason: Name
    ended_at: Utc


LiveTask = OpenTask | ClaimedTask
EndedTask = CompletedTask | ClosedTask
AnyTask = OpenTask | ClaimedTask | CompletedTask | ClosedTask
Task = Annotated[AnyTask, Field(discriminator="stage")]


def created(event: Event, data: said.TaskCreated) -> OpenTask:
    """A task as it comes into the queue."""
    return OpenTask(
        task_id=data.task_id,
        kind=data.kind,
        wanted_by=data.wanted_by,
        rule=event.rule or "",
        summary=data.summary,
        details=data.details,
        blocked_by=data.blocked_by,
        created_at=event.time,
        due_at=data.due_at,
        priority=data.priority,
        history=(Step(at=event.time, what="created"),),
    )


def moved(task: LiveTask, event: Event) -> AnyTask:
    """The task after one of its own events."""
    match event.data:
        case said.TaskClaimed(agent_id=agent_id, lease_until=lease_until):
            step = Step(at=event.time, what="claimed", agent_id=agent_id)
            return ClaimedTask(**_carried(task, step), agent_id=agent_id, lease_until=lease_until)
        case said.TaskLeaseRenewed(agent_id=agent_id, lease_until=lease_until):
            return ClaimedTask(**_carried(task), agent_id=agent_id, lease_until=lease_until)
        case said.TaskReturned(agent_id=agent_id, reason=reason):
            return OpenTask(**_carried(task, Step(at=event.time, what=reason, agent_id=agent_id)))
        case said.TaskOverdue(priority=priority):
            step = Step(at=event.time, what="overdue")
            late = {"overdue": True, "level": "supervisor", "priority": priority}
            return task.model_copy(update={**late, "history": _history(task, step)})
        case said.TaskPriorityRaised(priority=priority):
            step = Step(at=event.time, what="raised")
            return task.model_copy(update={"priority": priority, "history": _history(task, step)})
        case said.TaskCompleted(agent_id=agent_id, outcome=outcome):
            step = Step(at=event.time, what="completed", agent_id=agent_id)
            return CompletedTask(
                **_carried(task, step), agent_id=agent_id, outcome=outcome, ended_at=event.time
            )
        case said.TaskClosed(reason=reason):
            step = Step(at=event.time, what="closed")
            return ClosedTask(**_carried(task, step), reason=reason, ended_at=event.time)
        case _:
            return task


def explained(task: LiveTask, step: Step) -> LiveTask:
    """The task with a step more in its history."""
    return task.model_copy(update={"history": _history(task, step)})


def with_line(task: LiveTask, message_id: str) -> LiveTask:
    """An `answer_buyer` task that has one more of the buyer's messages to answer."""
    message_ids = lines_of(task)
    if message_id in message_ids:
        return task
    details = {**task.details, "message_ids": [*message_ids, message_id]}
    return task.model_copy(update={"details": details})


def lines_of(task: AnyTask) -> tuple[str, ...]:
    """The buyer's messages that an `answer_buyer` task has."""
    message_ids = task.details.get("message_ids")
    if not isinstance(message_ids, list):
        return ()
    return tuple(each for each in message_ids if isinstance(each, str))


def _history(task: AnyTask, *steps: Step) -> tuple[Step, ...]:
    return (*task.history, *steps)[-STEPS_KEPT:]


def _carried(task: AnyTask, *steps: Step) -> dict[str, Any]:
    """What a task carries from one stage to the next."""
    return {
        "task_id": task.task_id,
        "kind": task.kind,
        "wanted_by": task.wanted_by,
        "rule": task.rule,
        "summary": task.summary,
        "details": task.details,
        "blocked_by": task.blocked_by,
        "created_at": task.created_at,
        "due_at": task.due_at,
        "overdue": task.overdue,
        "priority": task.priority,
        "level": task.level,
        "history": _history(task, *steps),
    }
