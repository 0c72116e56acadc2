"""What every decision about a case has in common: its clock, its tasks, and news of a moved deadline."""

from datetime import datetime
from typing import Final

from services.aftersales.commands import AftersalesCommand, TakeOutcome
from services.aftersales.decide.terms import SHIP_WITHIN
from services.aftersales.state import AnyCase, Closed, File, Judging, Unknown, open_tasks
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWithdrawn
from shared.contracts.tasks import TaskKind
from shared.kernel.decision import CancelTimer, Decision, SetTimer, TimerChange

EVIDENCE_IS_OVER: Final = "evidence_over"
DECIDED: Final = "decided"
LEFT: Final = "dispatched"


def with_clocks(command: AftersalesCommand, state: File, after: File, decision: Decision) -> Decision:
    """Add to a decision what follows from the stages that it moves cases to, as they are `after` it.

    A case has one clock: it is set, moved or cancelled as the stage says. A task whose case went on
    without it is withdrawn. A deadline that had been announced, has not come and is no longer true
    is said to have changed, unless the case is over.
    """
    if after.cases is state.cases or isinstance(after.order, Unknown):
        return decision
    order_id = after.order.order_id
    done = command.task_id if isinstance(command, TakeOutcome) else ""
    for case in after.cases:
        before = state.case_of(case.case_id)
        if before is case:
            continue
        decision += Decision(
            events=() if before is None else _moved_deadline(before, case, command.at),
            timers=_clock(before, case),
            tasks=tuple(
                TaskWithdrawn(task_id=task, kind=kind, order_id=order_id, reason=_gone(before, case))
                for task, kind in _dropped(before, case)
                if task != done
            ),
        )
    return decision


def _dropped(before: AnyCase | None, case: AnyCase) -> tuple[tuple[str, TaskKind], ...]:
    if before is None:
        return ()
    still = open_tasks(case)
    return tuple(task for task in open_tasks(before) if task not in still)


def _gone(before: AnyCase | None, case: AnyCase) -> str:
    if isinstance(before, Closed):
        return LEFT
    return EVIDENCE_IS_OVER if isinstance(case, Judging) else DECIDED


def _clock(before: AnyCase | None, case: AnyCase) -> tuple[TimerChange, ...]:
    changes: list[TimerChange] = []
    was = None if before is None else before.deadline
    if before is not None and was is not None and before.timer != case.timer:
        changes.append(CancelTimer(name=before.timer, key=case.case_id))
    same = before is not None and before.timer == case.timer and was == case.deadline
    if case.deadline is not None and not same:
        changes.append(SetTimer(name=case.timer, due_at=case.deadline, key=case.case_id))
    return (*changes, *_watch(before, case))


def _watch(before: AnyCase | None, case: AnyCase) -> tuple[TimerChange, ...]:
    """What is sent again has a clock of its own, since its case is over."""
    was = before.leaves_by if isinstance(before, Closed) else None
    now = case.leaves_by if isinstance(case, Closed) else None
    if was == now:
        return ()
    if now is None:
        return (CancelTimer(name=SHIP_WITHIN, key=case.case_id),)
    return (SetTimer(name=SHIP_WITHIN, due_at=now, key=case.case_id),)


def _moved_deadline(before: AnyCase, case: AnyCase, at: datetime) -> tuple[says.CaseDeadlineChanged, ...]:
    was, now = before.deadline, case.deadline
    if case.ended or was is None or was <= at or was == now:
        return ()
    return (
        says.CaseDeadlineChanged(
            case_id=case.case_id, kind=case.about.kind, was=was, deadline_at=now, reason=case.stage
        ),
    )
