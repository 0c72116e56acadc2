"""Rule `disputes`: negotiation first, then the platform, then evidence within its time."""

from typing import Final

from services.aftersales.commands import Negotiate, OpenDispute, SettleDispute, SubmitEvidence
from services.aftersales.decide.approval import money
from services.aftersales.decide.ends import closing
from services.aftersales.decide.money import account
from services.aftersales.decide.requests import FOR_MONEY
from services.aftersales.decide.terms import ALREADY_COMPENSATED, CASE_UNKNOWN, SERVICE, Why
from services.aftersales.state import CaseIs, Disputed, File, Judging, Paid, RefusedCase
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.kernel.calendar import later, utc_text
from shared.kernel.decision import Decision, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

NEGOTIATIONS_MAX: Final = 20
"""Talks about one refusal that are kept, each with its text."""


def negotiated(command: Negotiate, state: File) -> Outcome:
    """Keep what shop and buyer said about a refusal."""
    case = state.case_of(command.case_id)
    if case is None:
        return _unknown(command.case_id)
    if not isinstance(case, RefusedCase):
        return Refused(slug="nothing-refused", detail=f"the case is {case.stage}, not refused")
    if len(case.negotiations) >= NEGOTIATIONS_MAX:
        return Refused(
            slug="too-many-negotiations", detail=f"at most {NEGOTIATIONS_MAX} talks of one case are kept"
        )
    kept = case.model_copy(update={"negotiations": (*case.negotiations, command.note)})
    said = says.CaseNegotiated(case_id=case.case_id, kind=case.about.kind)
    return Decision(rule="disputes", notes=(CaseIs(case=kept),), events=(said,))


def opened(command: OpenDispute, state: File, profile: Profile) -> Outcome:
    """The buyer brings in the platform: in time, and after talking to the shop."""
    case = state.case_of(command.case_id)
    if case is None or not isinstance(state.order, Paid):
        return _unknown(command.case_id)
    if not isinstance(case, RefusedCase):
        return Refused(slug="nothing-refused", detail=f"the case is {case.stage}, not refused")
    if command.at > case.dispute_until:
        return Refused(slug="dispute-window-closed", detail="the time to bring in the platform is over")
    if not case.negotiations:
        return Refused(slug="negotiate-first", detail="shop and buyer are to talk first")
    about = case.about
    if account(state, state.order).exhausted(about.lines):
        return Refused(slug=ALREADY_COMPENSATED, detail="these lines were paid for before")
    until = later(command.at, profile.values.evidence_within)
    task = task_id(SERVICE, state.order.order_id, "look_into", "dispute", about.case_id)
    said = says.CaseDisputed(case_id=about.case_id, kind=about.kind, deadline_at=until)
    wanted = TaskWanted(
        task_id=task,
        kind="look_into",
        order_id=state.order.order_id,
        due_at=until,
        priority="high",
        summary="The buyer brought in the platform: hand in the evidence for the refusal.",
        details={"case_id": about.case_id, "slug": case.slug, "evidence_due_at": utc_text(until)},
    )
    note = CaseIs(case=Disputed(about=about, task_id=task, deadline_at=until))
    return Decision(rule="disputes", notes=(note,), events=(said,), tasks=(wanted,))


def evidence_submitted(command: SubmitEvidence, state: File) -> Outcome:
    """The shop's evidence is in: the platform decides."""
    case = state.case_of(command.case_id)
    if case is None:
        return _unknown(command.case_id)
    if not isinstance(case, Disputed):
        return Refused(slug="no-evidence-awaited", detail=f"the case is {case.stage}")
    note = CaseIs(case=Judging(about=case.about, evidence=command.refs))
    said = says.CaseEvidenceSubmitted(case_id=case.case_id, kind=case.about.kind, refs=command.refs)
    return Decision(rule="disputes", notes=(note,), events=(said,))


def evidence_due(case: Disputed) -> Decision:
    """No evidence came in time: the platform decides without it."""
    note = CaseIs(case=Judging(about=case.about, evidence=()))
    said = says.CaseEvidenceMissed(case_id=case.case_id, kind=case.about.kind)
    return Decision(rule="disputes", notes=(note,), events=(said,))


def settled(command: SettleDispute, state: File, profile: Profile) -> Outcome:
    """The platform decided: the buyer gets his money, or the refusal stands."""
    case = state.case_of(command.case_id)
    if case is None or not isinstance(state.order, Paid):
        return _unknown(command.case_id)
    if not isinstance(case, Disputed | Judging):
        return Refused(slug="no-dispute-open", detail=f"the case is {case.stage}")
    about, order = case.about, state.order
    said = says.CaseDisputeSettled(case_id=about.case_id, kind=about.kind, winner=command.winner)
    decision = Decision(rule="disputes", events=(said,))
    if command.winner == "shop":
        return decision + closing(about, "dispute_won_by_shop")
    book = account(state, order)
    if book.exhausted(about.lines):
        return decision + closing(about, "already_compensated")
    amount = about.amount if about.kind in FOR_MONEY else book.worth(about.lines)
    why = Why("agent", "disputes")
    return decision + money(state, order, about, amount, why, command.at, profile)


def _unknown(case_id: str) -> Refused:
    return Refused(slug=CASE_UNKNOWN, detail=f"there is no case {case_id}", missing=True)
