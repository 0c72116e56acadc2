"""Tasks: made of what services want, escalated when overdue, closed when their cause is gone."""

from datetime import datetime
from typing import Final, TypedDict, assert_never

from services.notifications.commands import RaiseTask, WantTask, WithdrawTask
from services.notifications.state import OrderFile
from services.notifications.state.tasks import AnyTask, ClaimedTask, LiveTask
from shared.contracts.events.notifications import (
    TaskClosed,
    TaskCreated,
    TaskOverdue,
    TaskPriorityRaised,
    TaskReturned,
)
from shared.contracts.tasks import PRIORITIES, Priority, TaskKind
from shared.kernel.decision import NOTHING, CancelTimer, Decision, SetTimer, TimerDue

DUE: Final = "task_due"
LEASE: Final = "lease"


class Named(TypedDict):
    """What every event about a task says of it."""

    task_id: str
    kind: TaskKind
    wanted_by: str


def told(command: WantTask | RaiseTask | WithdrawTask, file: OrderFile) -> Decision:
    """What a service says about work that it wants done."""
    match command:
        case WantTask():
            return _want(command, file)
        case RaiseTask():
            return _raise(command, file)
        case WithdrawTask(withdrawn=withdrawn):
            task = file.live_task(withdrawn.task_id)
            return NOTHING if task is None else _withdraw(task, command.at, withdrawn.reason)
        case _:
            assert_never(command)


def _want(command: WantTask, file: OrderFile) -> Decision:
    """A wanted task becomes a task, once for each id."""
    wanted = command.wanted
    if file.task(wanted.task_id) is not None:
        return NOTHING
    blocker = file.task(wanted.blocked_by) if wanted.blocked_by is not None else None
    has_ended = blocker is not None and file.live_task(blocker.task_id) is None
    created = TaskCreated(
        task_id=wanted.task_id,
        kind=wanted.kind,
        wanted_by=command.wanted_by,
        due_at=wanted.due_at,
        priority=wanted.priority,
        summary=wanted.summary,
        details=wanted.details,
        blocked_by=None if has_ended else wanted.blocked_by,
    )
    timers = (SetTimer(name=DUE, key=wanted.task_id, due_at=wanted.due_at),) if wanted.due_at else ()
    return Decision(rule=command.rule or "", events=(created,), timers=timers)


def _raise(command: RaiseTask, file: OrderFile) -> Decision:
    raised = command.raised
    task = file.live_task(raised.task_id)
    if task is None or PRIORITIES.index(raised.priority) <= PRIORITIES.index(task.priority):
        return NOTHING
    said = TaskPriorityRaised(**named(task), priority=raised.priority, reason=raised.reason)
    return Decision(rule=task.rule, events=(said,))


def _withdraw(task: LiveTask, at: datetime, reason: str) -> Decision:
    """Close a task whose cause is gone; if it was due by then, it was overdue first.

    A case that decides itself at its deadline and the task's own timer come at the same moment, in
    two services between which there is no order. So both orders must come to the same.
    """
    was_due = task.due_at is not None and task.due_at <= at
    return (escalate(task) if was_due else NOTHING) + close(task, reason)


def close(task: LiveTask, reason: str) -> Decision:
    """A task closes itself when its cause is gone."""
    closed = TaskClosed(**named(task), reason=reason)
    return Decision(rule=task.rule, events=(closed,), timers=no_timers(task.task_id))


def overdue(command: TimerDue, file: OrderFile) -> Decision:
    """Rule `task_overdue`: once, one level up and one step more urgent. The task stays to be done."""
    task = file.live_task(command.key)
    return NOTHING if task is None else escalate(task)


def escalate(task: LiveTask) -> Decision:
    """Say that a task is overdue, unless that was said or it has no due time."""
    if task.overdue or task.due_at is None:
        return NOTHING
    said = TaskOverdue(
        **named(task), due_at=task.due_at, priority=one_step_up(task.priority), level="supervisor"
    )
    return Decision(rule="task_overdue", events=(said,))


def lease_ran_out(command: TimerDue, file: OrderFile) -> Decision:
    """Rule `claim_lease`: a task whose agent is silent goes back to the queue, with its history."""
    task = file.live_task(command.key)
    if not isinstance(task, ClaimedTask) or task.lease_until > command.due_at:
        return NOTHING
    return Decision(rule="claim_lease", events=(given_up(task),))


def given_up(task: ClaimedTask) -> TaskReturned:
    """The event of a lease that ran out."""
    return TaskReturned(**named(task), agent_id=task.agent_id, reason="lease_ran_out")


def one_step_up(priority: Priority) -> Priority:
    """The next higher priority; the highest stays."""
    return PRIORITIES[min(PRIORITIES.index(priority) + 1, len(PRIORITIES) - 1)]


def named(task: AnyTask) -> Named:
    """The fields by which an event names a task."""
    return {"task_id": task.task_id, "kind": task.kind, "wanted_by": task.wanted_by}


def no_timers(task_id: str) -> tuple[CancelTimer, ...]:
    """Nothing runs any more for a task that has ended."""
    return (CancelTimer(name=DUE, key=task_id), CancelTimer(name=LEASE, key=task_id))
