"""Goods on their way back: sent, received, inspected, and what happens when nothing is heard."""

from decimal import Decimal

from services.aftersales.decide.ends import closing, refusal
from services.aftersales.decide.money import part_of, pay, send_again
from services.aftersales.decide.terms import CASE_UNKNOWN, LINES_UNKNOWN, NOT_SENT_BACK, SERVICE, Why
from services.aftersales.state import (
    AnyCase,
    AwaitingReturn,
    CaseIs,
    Choosing,
    Deciding,
    File,
    Inspecting,
    Offered,
    Paid,
    Returning,
    Weighing,
)
from shared.contracts.base import Strict
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import ReturnReceived, ReturnShipped
from shared.contracts.tasks import WithLines, WithReasonAndPhotos
from shared.kernel.calendar import later
from shared.kernel.decision import NOTHING, Command, Decision, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

GOODS_COME_BACK = frozenset({"return_and_refund", "exchange", "repair"})


def return_shipped(fact: ReturnShipped, state: File, profile: Profile) -> Outcome:
    """The buyer sent the goods back: rule `inspect_within` runs from now."""
    case = state.case_of(fact.data.case_id)
    match case:
        case AwaitingReturn(about=about, remedy=remedy):
            until = later(fact.at, profile.values.inspect_within)
            returning = Returning(
                about=about,
                remedy=remedy,
                carrier=fact.data.carrier,
                tracking_no=fact.data.tracking_no,
                deadline_at=until,
            )
            said = says.CaseReturnShipped(
                case_id=about.case_id,
                kind=about.kind,
                carrier=fact.data.carrier,
                tracking_no=fact.data.tracking_no,
                deadline_at=until,
            )
            return Decision(rule="inspect_within", notes=(CaseIs(case=returning),), events=(said,))
        case Returning(carrier=carrier, tracking_no=tracking_no):
            if (carrier, tracking_no) == (fact.data.carrier, fact.data.tracking_no):
                return NOTHING
            return Refused(slug="return-already-shipped", detail=f"it was sent back as {tracking_no} before")
        case _:
            return _no_return_awaited(fact.data.case_id, case)


def return_received(fact: ReturnReceived, state: File, profile: Profile) -> Outcome:
    """Rule `inspection`: intact goods settle the case, anything else is judged by an agent."""
    case = state.case_of(fact.data.case_id)
    if isinstance(case, Inspecting) and case.condition == fact.data.condition:
        return NOTHING
    if not isinstance(case, AwaitingReturn | Returning) or not isinstance(state.order, Paid):
        return _no_return_awaited(fact.data.case_id, case)
    about, order = case.about, state.order
    if fact.data.condition == "intact":
        why = Why("automatic", "inspection")
        said = says.CaseReturnReceived(case_id=about.case_id, kind=about.kind, condition=fact.data.condition)
        given = remedied(fact, case, about.lines, about.amount, why, state, order, profile)
        return Decision(rule="inspection", events=(said,)) + given
    until = later(fact.at, profile.values.decide_inspection_within)
    task = task_id(SERVICE, order.order_id, "decide_inspection", about.case_id)
    inspecting = Inspecting(
        about=about,
        remedy=case.remedy,
        condition=fact.data.condition,
        task_id=task,
        deadline_at=until,
    )
    received = says.CaseReturnReceived(
        case_id=about.case_id, kind=about.kind, condition=fact.data.condition, deadline_at=until
    )
    wanted = TaskWanted(
        task_id=task,
        kind="decide_inspection",
        order_id=order.order_id,
        due_at=until,
        summary=f"Goods came back {fact.data.condition.replace('_', ' ')}: what are they worth?",
        details={"case_id": about.case_id, "condition": fact.data.condition, "lines": list(about.lines)},
    )
    return Decision(rule="inspection", notes=(CaseIs(case=inspecting),), events=(received,), tasks=(wanted,))


def _no_return_awaited(case_id: str, case: AnyCase | None) -> Refused:
    match case:
        case None:
            return Refused(slug=CASE_UNKNOWN, detail=f"there is no case {case_id} yet", early=True)
        case Weighing() | Deciding() | Offered() | Choosing():
            comes_back = case.about.kind in GOODS_COME_BACK or isinstance(case, Offered)
            if comes_back:
                return Refused(slug="case-undecided", detail="the case is not decided yet", early=True)
            return Refused(slug="no-return-awaited", detail=f"nothing is to come back for {case.about.kind}")
        case Inspecting():
            return Refused(slug="return-already-received", detail="the goods came back before")
        case _:
            slug = f"case-{case.stage.replace('_', '-')}"
            return Refused(slug=slug, detail=f"the case is {case.stage.replace('_', ' ')}")


def inspected(
    command: Command, details: Strict, case: Inspecting, state: File, order: Paid, profile: Profile
) -> Outcome:
    """An agent judged the goods: all of them accepted, some of them, or none."""
    about = case.about
    why = Why("agent", "decide_inspection")
    rule = Decision(rule="decide_inspection")
    match details:
        case WithLines(lines=lines):
            if not set(lines) <= set(about.lines):
                return Refused(slug=LINES_UNKNOWN, detail="not all of these lines are the case's")
            accepted = tuple(line for line in about.lines if line in lines)
            amount = part_of(about, order, accepted)
            said = says.CaseInspected(
                case_id=about.case_id, kind=about.kind, result="accept_part", lines=accepted
            )
            given = remedied(command, case, accepted, amount, why, state, order, profile)
            return rule + Decision(events=(said,)) + given
        case WithReasonAndPhotos(photos=photos):
            said = says.CaseInspected(case_id=about.case_id, kind=about.kind, result="refuse", lines=())
            ended = refusal(about, "agent", "refused-at-inspection", command.at, profile, photos=photos)
            return rule + Decision(events=(said,)) + ended
        case _:
            said = says.CaseInspected(
                case_id=about.case_id, kind=about.kind, result="accept", lines=about.lines
            )
            given = remedied(command, case, about.lines, about.amount, why, state, order, profile)
            return rule + Decision(events=(said,)) + given


def ship_back_due(case: AwaitingReturn) -> Decision:
    """Rule `ship_back_within`: nothing was sent back, so the case is over."""
    return Decision(rule="ship_back_within") + closing(case.about, NOT_SENT_BACK)


def inspection_due(
    command: Command, case: Returning | Inspecting, state: File, order: Paid, profile: Profile
) -> Decision:
    """Rules `inspect_within` and `inspection_unanswered`: nobody said otherwise, so the buyer gets it."""
    by_rule = "inspect_within" if isinstance(case, Returning) else "inspection_unanswered"
    about, why = case.about, Why("deadline", by_rule)
    given = remedied(command, case, about.lines, about.amount, why, state, order, profile)
    return Decision(rule=by_rule) + given


def remedied(
    command: Command | ReturnReceived,
    case: AwaitingReturn | Returning | Inspecting,
    lines: tuple[str, ...],
    amount: Decimal,
    why: Why,
    state: File,
    order: Paid,
    profile: Profile,
) -> Decision:
    """Give what the return was for: the money, or goods instead of those that came back."""
    if case.remedy == "reship":
        return send_again(state, order, case.about, lines, command.at, profile)
    return pay(state, order, case.about, lines, amount, why, command.at, profile)
