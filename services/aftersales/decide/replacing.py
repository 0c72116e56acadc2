"""Goods that are sent again: that they leave in time, and what becomes of those that stray as well.

A parcel that leaves with lines which a case gave anew carries that case's goods: nothing else tells it from
others. If it is lost, or comes back to be paid back, the buyer got nothing by that case, and the lines are
owed as before. The parcel that it replaces carries none of it, so that it is never paid for beside it.
"""

from datetime import datetime

from services.aftersales.decide.terms import SERVICE, SHIP_WITHIN
from services.aftersales.state import CaseIs, Closed, File, Lost, Paid, Resend, Share, ToPayBack
from services.aftersales.state.file import AnyParcel
from shared.contracts.events.common import TaskWanted
from shared.kernel.calendar import later
from shared.kernel.decision import Decision, TimerDue, task_id
from shared.kernel.profiles import Profile


def resend(order: Paid, lines: tuple[str, ...], at: datetime, profile: Profile) -> Resend:
    """What is sent again has the time of the order's ship service to leave, like what was bought."""
    within = profile.values.ship_within_of(order.ship_service)
    return Resend(lines=lines, leaves_by=later(at, within))


def carried(state: File, lines: tuple[str, ...]) -> tuple[str, ...]:
    """The cases whose goods a parcel with these lines carries when it leaves."""
    return tuple(
        case.case_id
        for case in state.cases
        if isinstance(case, Closed) and any(share.whole and share.line_id in lines for share in case.gave)
    )


def left(state: File, lines: tuple[str, ...]) -> Decision:
    """What has left needs no watching any more; the task about it closes itself."""
    decision = Decision()
    for case in state.cases:
        if isinstance(case, Closed) and case.resend and not set(case.resend.lines).isdisjoint(lines):
            rest = tuple(line for line in case.resend.lines if line not in lines)
            waits = case.resend.model_copy(update={"lines": rest}) if rest else None
            decision += _is(case.model_copy(update={"resend": waits}))
    return decision


def never_left(state: File, parcel: AnyParcel, at: datetime, profile: Profile) -> Decision:
    """A parcel did not leave after all: what it should have carried again has its time anew."""
    decision, order = Decision(), state.order
    if not isinstance(order, Paid):
        return decision
    for case in state.cases:
        if isinstance(case, Closed) and case.case_id in parcel.carries:
            given = tuple(share.line_id for share in case.gave if share.whole)
            lines = tuple(line for line in given if line in parcel.lines)
            waiting = case.resend.lines if case.resend else ()
            if lines:
                again = resend(order, tuple(dict.fromkeys((*waiting, *lines))), at, profile)
                decision += _is(case.model_copy(update={"resend": again}))
    return decision


def strayed(state: File, parcel: Lost | ToPayBack) -> Decision:
    """Rule `money`: what was given anew and did not arrive was not given."""
    decision = Decision()
    for case in state.cases:
        if isinstance(case, Closed) and case.case_id in parcel.carries:
            gave = _without(case, parcel.lines)
            if gave != case.gave:
                decision += _is(case.model_copy(update={"gave": gave}))
    return decision


def due(timer: TimerDue, case: Closed, order: Paid) -> Decision:
    """Rule `ship_within`: what was to be sent again has not left, so that somebody looks into it, once."""
    if case.resend is None:
        return Decision()
    lines = case.resend.lines
    task = TaskWanted(
        task_id=task_id(
            SERVICE, order.order_id, "look_into", "not_sent_again", case.case_id, str(timer.due_at)
        ),
        kind="look_into",
        order_id=order.order_id,
        priority="high",
        summary="The buyer's new goods were not sent in time: see that they leave (fixed), or give them up "
        "(ignored), then he may have his money for them.",
        details={"case_id": case.case_id, "lines": [*lines]},
    )
    asked = case.resend.model_copy(update={"leaves_by": None, "task_id": task.task_id})
    return Decision(rule=SHIP_WITHIN, tasks=(task,)) + _is(case.model_copy(update={"resend": asked}))


def looked_into(case: Closed, outcome: str) -> Decision:
    """An agent saw to it: the goods left, or they never will, and then nothing was given for them."""
    lines = case.resend.lines if case.resend is not None and outcome != "fixed" else ()
    return _is(case.model_copy(update={"resend": None, "gave": _without(case, lines)}))


def _without(case: Closed, lines: tuple[str, ...]) -> tuple[Share, ...]:
    """What a case gave, but for goods of these lines."""
    return tuple(share for share in case.gave if not (share.whole and share.line_id in lines))


def _is(case: Closed) -> Decision:
    return Decision(notes=(CaseIs(case=case),))
