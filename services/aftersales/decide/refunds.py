"""What the payment provider answers: the money moved, or an agent must look into it."""

from typing import Final

from services.aftersales.commands import RetryRefund
from services.aftersales.decide.ends import closing
from services.aftersales.decide.money import again, still_owed
from services.aftersales.decide.terms import (
    ALREADY_COMPENSATED,
    CASE_UNKNOWN,
    PAID_BY_ANOTHER_WAY,
    PAID_BY_PLATFORM,
    SERVICE,
)
from services.aftersales.state import CaseIs, File, Refund, Refunded, RefundFailed, Refunding, Unknown
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.kernel.decision import (
    NOTHING,
    Decision,
    EffectDone,
    EffectFailed,
    EffectRecalled,
    Outcome,
    Refused,
    task_id,
)

REASON_MAX_CHARS = 200
_FAILED: Final = "A refund failed for good: pay it by another way (fixed), or give it up (ignored)."
_STOPPED: Final = (
    "A refund failed for good, and the goods are stopped: pay it by another way (fixed), or give it up "
    "(ignored), then the goods are sent after all."
)


def answered(command: EffectDone | EffectFailed | EffectRecalled, state: File) -> Decision:
    """What became of a refund that was asked for."""
    match command:
        case EffectDone():
            return money_moved(command, state)
        case EffectFailed():
            return money_stuck(command, state)
        case EffectRecalled():
            return recalled(command, state)


def money_moved(command: EffectDone, state: File) -> Decision:
    """The provider paid: now, and only now, `case.refunded` is said."""
    for case in state.cases:
        match case:
            case Refunding(about=about, refund=refund) | RefundFailed(about=about, refund=refund):
                if refund.refund_id != command.effect_id:
                    continue
                said = says.CaseRefunded(
                    case_id=about.case_id,
                    kind=about.kind,
                    refund_id=refund.refund_id,
                    lines=refund.lines,
                    amount=refund.amount,
                    currency=about.currency,
                    decided_by=refund.decided_by,
                    by_rule=refund.by_rule,
                    before_dispatch=refund.before_dispatch,
                    parcel_id=about.parcel_id,
                    goods_wanted=refund.goods_wanted,
                )
                note = CaseIs(case=Refunded(about=about, refund=refund))
                return Decision(rule=refund.by_rule, notes=(note,), events=(said,))
            case _:
                pass
    return NOTHING


def money_stuck(command: EffectFailed, state: File) -> Decision:
    """The provider refused for good: the case stays open until an agent has looked into it."""
    if isinstance(state.order, Unknown):
        return NOTHING
    order_id = state.order.order_id
    for case in state.cases:
        if not isinstance(case, Refunding) or case.refund.refund_id != command.effect_id:
            continue
        about, refund = case.about, case.refund
        task = task_id(SERVICE, order_id, "look_into", "refund", refund.refund_id)
        reason = command.reason.strip()[:REASON_MAX_CHARS] or "no reason given"
        said = says.CaseRefundFailed(
            case_id=about.case_id, kind=about.kind, refund_id=refund.refund_id, reason=reason
        )
        wanted = TaskWanted(
            task_id=task,
            kind="look_into",
            order_id=order_id,
            priority="high",
            summary=_STOPPED if refund.before_dispatch else _FAILED,
            details={
                "case_id": about.case_id,
                "refund_id": refund.refund_id,
                "stopped_lines": [*refund.lines] if refund.before_dispatch else [],
            },
        )
        note = CaseIs(case=RefundFailed(about=about, refund=refund, task_id=task))
        return Decision(rule="money", notes=(note,), events=(said,), tasks=(wanted,))
    return NOTHING


def recalled(command: EffectRecalled, state: File) -> Decision:
    """The platform paid for it: a refund that the provider had not been asked for is not paid.

    Where it had been, the buyer may be paid twice: an agent looks into it.
    """
    if isinstance(state.order, Unknown):
        return NOTHING
    for case in state.cases:
        if not isinstance(case, Refunding) or case.refund.refund_id != command.effect_id:
            continue
        if command.in_time:
            ended = closing(case.about, PAID_BY_PLATFORM, stopped=_stopped(case.refund))
            return Decision(rule="money") + ended
        return Decision(rule="money", tasks=(paid_back_meanwhile(state.order.order_id, case),))
    return NOTHING


def paid_back_meanwhile(order_id: str, case: Refunding | RefundFailed) -> TaskWanted:
    """The task about a refund that may have been paid here and by the platform."""
    return TaskWanted(
        task_id=task_id(SERVICE, order_id, "look_into", "paid_back_elsewhere", case.case_id),
        kind="look_into",
        order_id=order_id,
        priority="high",
        summary="The platform paid for what a refund of ours, which was under way, is for: "
        "was the buyer paid twice?",
        details={"case_id": case.case_id, "refund_id": case.refund.refund_id},
    )


def _stopped(refund: Refund) -> tuple[str, ...]:
    return refund.lines if refund.before_dispatch else ()


def looked_into(case: RefundFailed, outcome: str) -> Decision:
    """An agent saw to a failed refund: paid by another way, which counts as paid, or given up."""
    if outcome == "fixed":
        refund = case.refund
        paid = closing(
            case.about,
            PAID_BY_ANOTHER_WAY,
            refund.shares,
            refund.amount,
            settled=() if refund.goods_wanted else refund.lines,
            stopped=_stopped(refund),
        )
        return Decision(rule="money") + paid
    return Decision(rule="money") + closing(case.about, "refund_given_up")


def retry(command: RetryRefund, state: File) -> Outcome:
    """An agent saw at the provider that nothing was paid: ask it again."""
    case = state.case_of(command.case_id)
    if case is None or isinstance(state.order, Unknown):
        return Refused(slug=CASE_UNKNOWN, detail=f"there is no case {command.case_id}", missing=True)
    if not isinstance(case, RefundFailed):
        return Refused(slug="no-refund-failed", detail=f"the case is {case.stage}, no refund of it failed")
    if not still_owed(state, state.order, case):
        return Refused(slug=ALREADY_COMPENSATED, detail="what it was for has been paid back meanwhile")
    return Decision(rule="money") + again(state.order.order_id, case.about, case.refund)
