"""Who answers a request: the shop by its task, the buyer of an offer, or the deadline."""

from typing import Final

from services.aftersales.commands import BuyerAnswersOffer, BuyerChooses
from services.aftersales.decide.approval import approval, approved, exchange, money, reship
from services.aftersales.decide.ends import closing, refusal
from services.aftersales.decide.money import account, shares_of
from services.aftersales.decide.opening import answer_tasks
from services.aftersales.decide.terms import (
    AMOUNT_TOO_HIGH,
    CASE_DECIDED,
    CASE_UNKNOWN,
    GOODWILL,
    OFFER_NOT_ANSWERED,
    SERVICE,
    WEIGHT_NOT_VERIFIED,
    Why,
)
from services.aftersales.state import (
    About,
    Answerable,
    CaseIs,
    Choosing,
    Deciding,
    File,
    Offered,
    Paid,
    Weighing,
)
from shared.contracts.base import Strict
from shared.contracts.events import aftersales as says
from shared.contracts.tasks import WithLines, WithOffer, WithReason
from shared.kernel.calendar import later
from shared.kernel.decision import Command, Decision, Outcome, Refused, task_id
from shared.kernel.money import ZERO
from shared.kernel.profiles import Profile

GOODS: Final = frozenset({"reship", "exchange"})
"""Offers of goods instead of money."""


def case_decided(
    command: Command, details: Strict, case: Answerable, state: File, order: Paid, profile: Profile
) -> Outcome:
    """An agent answered `decide_case`: approved, refused, or something else is offered."""
    if isinstance(case, Weighing):
        return Refused(slug=WEIGHT_NOT_VERIFIED, detail="the weights are to be compared first")
    match details:
        case WithOffer():
            return _offer(command, details, case, state, order, profile)
        case WithReason():
            ended = refusal(case.about, "agent", "refused-by-shop", command.at, profile)
            return Decision(rule="decide_case") + ended
        case _:
            why = Why("agent", "decide_case")
            given = approval(state, order, case.about, why, command.at, profile)
            return Decision(rule="decide_case") + given


def _offer(
    command: Command,
    offer: WithOffer,
    case: Deciding | Choosing,
    state: File,
    order: Paid,
    profile: Profile,
) -> Outcome:
    about = case.about
    if offer.kind in ("partial_refund", "gift"):
        most = account(state, order).worth(about.lines)
        if offer.amount > most:
            return Refused(slug=AMOUNT_TOO_HIGH, detail=f"at most {most} is left for these lines")
    partly = _partly_compensated(state, order, about) if offer.kind in GOODS else None
    if partly is not None:
        return partly
    if offer.kind == "partial_refund" and offer.amount <= ZERO:
        return Refused(slug="amount-missing", detail="an offer of money names an amount")
    until = later(command.at, profile.values.answer_within)
    offered = Offered(about=about, offer=offer.kind, amount=offer.amount, round=case.round, deadline_at=until)
    said = says.CaseOffered(
        case_id=about.case_id, kind=about.kind, offer=offer.kind, amount=offer.amount, deadline_at=until
    )
    return Decision(rule="offer", notes=(CaseIs(case=offered),), events=(said,))


def _partly_compensated(state: File, order: Paid, about: About) -> Refused | None:
    """Rule `money`: goods are sent whole, so a line of which a part was paid back is settled in money."""
    partly = account(state, order).partly(about.lines)
    if not partly or about.kind == "repair":
        return None
    return Refused(
        slug="partly-compensated",
        detail=f"a part of line {partly[0]} was paid back before: what is left of it can be refunded",
    )


def weight_verified(outcome: str, details: Strict, case: Weighing) -> Decision:
    """Rule `missing_item`: the weights were compared, now the shop may answer."""
    about = case.about
    deciding = Deciding(about=about, task_id=case.task_id, round=case.round, deadline_at=case.deadline_at)
    said = says.CaseWeightVerified.model_validate(
        {
            "case_id": about.case_id,
            "kind": about.kind,
            "result": outcome,
            "lines": details.lines if isinstance(details, WithLines) else (),
        }
    )
    return Decision(rule="missing_item", notes=(CaseIs(case=deciding),), events=(said,))


def answer_offer(command: BuyerAnswersOffer, state: File, profile: Profile) -> Outcome:
    """The buyer takes what was offered, or the shop is to decide again."""
    case = state.case_of(command.case_id)
    if case is None or not isinstance(state.order, Paid):
        return Refused(slug=CASE_UNKNOWN, detail=f"there is no case {command.case_id}", missing=True)
    if not isinstance(case, Offered):
        return Refused(slug="nothing-offered", detail=f"the case is {case.stage}, no offer is open")
    if command.accept:
        partly = _partly_compensated(state, state.order, case.about) if case.offer in GOODS else None
        if partly is not None:
            return partly
        return Decision(rule="offer") + _accepted(command, case, state, state.order, profile)
    return _declined(command, case, state, state.order, profile)


def _accepted(command: Command, case: Offered, state: File, order: Paid, profile: Profile) -> Decision:
    about, at = case.about, command.at
    match case.offer:
        case "partial_refund":
            return money(state, order, about, case.amount, Why("buyer", GOODWILL), at, profile)
        case "reship":
            return reship(state, order, about, "buyer", at, profile)
        case "exchange":
            return exchange(state, order, about, "buyer", at, profile)
        case "gift":
            book = account(state, order)
            # What was lost on the way is not owed beside the gift that he took for it.
            settled = () if about.parcel_id is None else about.lines
            gave = shares_of(min(case.amount, book.worth(about.lines)), about.lines, book)
            return approved(about, "buyer") + closing(about, "gift_accepted", gave, settled=settled)


def _declined(command: Command, case: Offered, state: File, order: Paid, profile: Profile) -> Decision:
    about, round_ = case.about, case.round + 1
    task = task_id(SERVICE, order.order_id, "decide_case", about.case_id, round_)
    until = later(command.at, profile.values.answer_within)
    waiting: Choosing | Deciding
    if about.parcel_id is not None:
        waiting = Choosing(about=about, task_id=task, round=round_, deadline_at=until)
    else:
        waiting = Deciding(about=about, task_id=task, round=round_, deadline_at=until)
    said = says.CaseOfferDeclined(case_id=about.case_id, kind=about.kind, deadline_at=until)
    return Decision(
        rule="offer",
        notes=(CaseIs(case=waiting),),
        events=(said,),
        tasks=answer_tasks(state, order, waiting),
    )


def buyer_chooses(command: BuyerChooses, state: File, profile: Profile) -> Outcome:
    """Rule `lost_parcel`: the buyer says whether he wants a new parcel or his money."""
    waiting = [
        case
        for case in state.cases
        if isinstance(case, Choosing) or (isinstance(case, Offered) and case.about.parcel_id is not None)
    ]
    if command.case_id is not None and state.case_of(command.case_id) is None:
        return Refused(slug=CASE_UNKNOWN, detail=f"there is no case {command.case_id}", missing=True)
    if command.case_id is not None:
        waiting = [case for case in waiting if case.case_id == command.case_id]
    if not waiting or not isinstance(state.order, Paid):
        return Refused(slug="no-choice-open", detail="no case of this order waits for the buyer's choice")
    about, order = waiting[0].about, state.order
    if command.choice == "reship":
        partly = _partly_compensated(state, order, about)
        if partly is not None:
            return partly
        chosen = reship(state, order, about, "buyer", command.at, profile)
    else:
        why = Why("buyer", "lost_parcel")
        chosen = money(state, order, about, about.amount, why, command.at, profile)
    return Decision(rule="lost_parcel") + chosen


def answer_due(command: Command, case: Answerable, state: File, order: Paid, profile: Profile) -> Decision:
    """Rule `answer_within`: the shop did not answer, so the case decides itself for the buyer."""
    why = Why("deadline", "answer_within")
    return Decision(rule="answer_within") + approval(state, order, case.about, why, command.at, profile)


def offer_due(command: Command, case: Offered, state: File, order: Paid, profile: Profile) -> Decision:
    """Rule `offer`: the buyer did not answer. Only what he lost on the way is paid back all the same."""
    about = case.about
    if about.parcel_id is None:
        return Decision(rule="offer") + closing(about, OFFER_NOT_ANSWERED)
    why = Why("deadline", "answer_within")
    return Decision(rule="offer") + approval(state, order, about, why, command.at, profile)


def already_decided(case_id: str) -> Refused:
    """The case went on before the agent's outcome came."""
    return Refused(slug=CASE_DECIDED, detail=f"case {case_id} was decided before")
