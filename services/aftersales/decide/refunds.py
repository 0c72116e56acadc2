"""What the payment provider answers: the money moved, or an agent must look into it."""

from services.aftersales.commands import RetryRefund
from services.aftersales.decide.ends import closing
from services.aftersales.decide.money import again, still_owed
from services.aftersales.decide.terms import ALREADY_COMPENSATED, CASE_UNKNOWN, SERVICE
from services.aftersales.state import CaseIs, File, Refunded, RefundFailed, Refunding, Unknown
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.kernel.decision import (
    NOTHING,
    Decision,
    EffectDone,
    EffectFailed,
    Outcome,
    Refused,
    task_id,
)

REASON_MAX_CHARS = 200


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
            summary="A refund failed for good: pay it by another way (fixed), or give it up (ignored).",
            details={"case_id": about.case_id, "refund_id": refund.refund_id},
        )
        note = CaseIs(case=RefundFailed(about=about, refund=refund, task_id=task))
        return Decision(rule="money", notes=(note,), events=(said,), tasks=(wanted,))
    return NOTHING


def looked_into(case: RefundFailed, outcome: str) -> Decision:
    """An agent saw to a failed refund: paid by another way, which counts as paid, or given up."""
    if outcome == "fixed":
        refund = case.refund
        paid = closing(case.about, "paid_by_another_way", refund.shares, refund.amount)
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
