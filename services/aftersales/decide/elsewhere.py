"""Rule `money`, for what others paid: a platform gives money back itself, all of it or a part.

It counts as if it had been paid here, so that the buyer never gets more than he paid. A case of the same
request is over. A refund of ours for all of the same is recalled, since what the provider was not asked for
yet need not be paid. Where one was for the same otherwise, the buyer may have been paid twice: an agent looks
into it, since nobody here can tell a second payment from the platform's word about ours.
"""

from pydantic import JsonValue

from services.aftersales.commands import LearnTakenOff
from services.aftersales.decide.ends import closing
from services.aftersales.decide.money import Account, account, shares_of
from services.aftersales.decide.terms import PAID_BY_PLATFORM, SERVICE
from services.aftersales.state import (
    AnyCase,
    Closed,
    File,
    Paid,
    PaidElsewhere,
    PaidElsewhereKept,
    Refunded,
    RefundFailed,
    Refunding,
    Unknown,
    evolve,
)
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import RefundPaid, RefundPaidBody
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, task_id
from shared.kernel.money import ZERO, plain, writable

MAX_PAID_ELSEWHERE = 200
"""Refunds of a platform for one order; a file is one document."""
OURS = (Refunding, RefundFailed, Refunded)


def refund_paid(fact: RefundPaid, state: File) -> Outcome:
    """A platform paid money back: it counts, once for each id of its own."""
    told, order = fact.data, state.order
    if not isinstance(order, Paid):
        slug = "order-unknown" if isinstance(order, Unknown) else "order-unpaid"
        return Refused(slug=slug, detail="Nothing was paid yet that could be paid back.", early=True)
    if order.paid_back_elsewhere or _known(told.refund_id, state):
        return NOTHING
    if len(state.paid_elsewhere) >= MAX_PAID_ELSEWHERE:
        detail = f"An order has at most {MAX_PAID_ELSEWHERE} refunds of its platform."
        return Refused(slug="too-many-refunds", detail=detail)
    book, moved = account(state, order), _moved(state)
    before = account(moved, order)
    case = None if told.case_id is None else state.case_of(told.case_id)
    about = told.lines or (() if case is None else case.about.lines)
    named = tuple(line for line in dict.fromkeys(about) if line in book.left)
    lines = named or (tuple(book.left) if told.amount >= book.payment else ())
    kept = PaidElsewhere(
        refund_id=told.refund_id, amount=told.amount, shares=shares_of(told.amount, lines, before)
    )
    after = account(evolve(moved, PaidElsewhereKept(paid=kept)), order)
    settled = tuple(line for line in book.left if after.compensated(line) and not before.compensated(line))
    stopped = tuple(line for line in settled if line not in state.sent)
    said = says.RefundPaidElsewhere(
        refund_id=told.refund_id,
        case_id=told.case_id,
        lines=lines,
        settled=settled,
        amount=told.amount,
        currency=order.currency,
        left=writable(max(book.payment - told.amount, ZERO)),
    )
    needless = [case for case in state.cases if isinstance(case, Refunding) and _needless(case, fact, after)]
    decision = Decision(
        rule="money",
        notes=(PaidElsewhereKept(paid=kept.model_copy(update={"stopped": stopped})),),
        events=(said,),
        recalls=tuple(case.refund.refund_id for case in needless),
    )
    if case is not None and not isinstance(case, OURS) and not case.ended:
        decision += closing(case.about, PAID_BY_PLATFORM)
    others = state.model_copy(update={"cases": tuple(one for one in state.cases if one not in needless)})
    return decision + _twice(fact, lines, others, order)


def taken_off(command: LearnTakenOff, state: File) -> Outcome:
    """Rule `money`: what was left of the payment went back too, though something had left the warehouse."""
    order = state.order
    if not isinstance(order, Paid):
        return NOTHING
    left = account(state, order).payment
    if left <= 0:
        return NOTHING
    refund_id = task_id(SERVICE, order.order_id, "taken_off", command.told_by)
    told = RefundPaidBody(refund_id=refund_id, amount=writable(left))
    return refund_paid(
        RefundPaid(id=command.told_by, at=command.at, order_id=order.order_id, data=told), state
    )


def _moved(state: File) -> File:
    """The file as far as money has moved: a refund of ours that has not, or failed, settled no line."""
    cases = tuple(case for case in state.cases if not isinstance(case, Refunding | RefundFailed))
    return state.model_copy(update={"cases": cases})


def _known(refund_id: str, state: File) -> bool:
    ours = (case.refund.refund_id for case in state.cases if isinstance(case, OURS))
    return refund_id in ours or any(one.refund_id == refund_id for one in state.paid_elsewhere)


def _needless(case: Refunding, fact: RefundPaid, after: Account) -> bool:
    """Whether a refund that is under way is for what the platform paid, and for no more."""
    if case.about.kind == "late_payment":
        return False
    told, refund = fact.data, case.refund
    if told.case_id == case.case_id and told.amount >= refund.amount:
        return True
    return bool(refund.lines) and all(after.compensated(line) for line in refund.lines)


def _twice(fact: RefundPaid, lines: tuple[str, ...], state: File, order: Paid) -> Decision:
    """A refund of ours for the same case or lines, or more than was left of the payment."""
    same = [case.case_id for case in state.cases if _for_the_same(case, fact.data.case_id, lines)]
    if not same and fact.data.amount <= account(state, order).payment:
        return NOTHING
    details: dict[str, JsonValue] = {
        "slug": "paid-twice",
        "refund_id": fact.data.refund_id,
        "amount": plain(fact.data.amount),
        "cases": [*same],
    }
    why = "for what was paid back here too" if same else "which is more than was left of the payment"
    task = TaskWanted(
        task_id=task_id(SERVICE, order.order_id, "look_into", "paid_twice", fact.data.refund_id),
        kind="look_into",
        order_id=order.order_id,
        priority="high",
        summary=f"The platform says that it paid {plain(fact.data.amount)} {order.currency} back, {why}: "
        "was the buyer paid twice?",
        details=details,
    )
    return Decision(tasks=(task,))


def _for_the_same(case: AnyCase, case_id: str | None, lines: tuple[str, ...]) -> bool:
    match case:
        case Refunding(refund=refund) | RefundFailed(refund=refund) | Refunded(refund=refund):
            return case.case_id == case_id or not set(refund.lines).isdisjoint(lines)
        case Closed(gave=gave, paid=paid) if paid > ZERO:
            return case.case_id == case_id or any(share.line_id in lines for share in gave)
        case _:
            return False
