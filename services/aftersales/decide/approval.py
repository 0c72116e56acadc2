"""What follows when a case is approved: money, goods, or first of all the goods back."""

from datetime import datetime
from decimal import Decimal

from services.aftersales.decide.ends import refusal
from services.aftersales.decide.money import account, pay, send_again
from services.aftersales.decide.terms import ALREADY_COMPENSATED, GOODWILL, MISSING_ITEM, SERVICE, Why
from services.aftersales.state import About, AwaitingReturn, CaseIs, File, Paid, Remedy
from shared.contracts.events import aftersales as says
from shared.contracts.events.aftersales import DecidedBy
from shared.contracts.events.common import TaskWanted
from shared.kernel.calendar import later
from shared.kernel.decision import Decision, task_id
from shared.kernel.money import plain
from shared.kernel.profiles import Profile


def approval(state: File, order: Paid, about: About, why: Why, at: datetime, profile: Profile) -> Decision:
    """Give the buyer what the case asks for, as far as nothing was given for its lines before."""
    match about.kind:
        case "return_and_refund":
            if account(state, order).exhausted(about.lines):
                return refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
            return goods_first(about, "refund", why.decided_by, at, profile)
        case "exchange" | "repair":
            return exchange(state, order, about, why.decided_by, at, profile)
        case "reship":
            return reship(state, order, about, why.decided_by, at, profile)
        case _:
            return money(state, order, about, about.amount, why, at, profile)


def money(
    state: File, order: Paid, about: About, amount: Decimal, why: Why, at: datetime, profile: Profile
) -> Decision:
    """Approve, and pay back at once. Where nothing of the lines had left, their shipment is stopped.

    Not where there is nothing to pay, nor for a part: its goods stay wanted, and where they are still here
    somebody sees to how many. A goodwill leaves the goods wanted too, but for those of a parcel that does
    not arrive.
    """
    book = account(state, order)
    if book.exhausted(about.lines):
        return refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
    goodwill = why.by_rule == GOODWILL
    here = state.sent.isdisjoint(about.lines) and not goodwill
    part = not goodwill and not book.covered(about.lines, amount)
    paying = pay(
        state,
        order,
        about,
        about.lines,
        amount,
        why,
        at,
        profile,
        before_dispatch=here and not part,
        goods_wanted=part or (goodwill and about.parcel_id is None),
    )
    stops = here and not part and bool(paying.effects)
    asks = Decision()
    if here and part and paying.effects:
        asks = Decision(tasks=(_part_paid_back(order, about, amount),))
    return approved(about, why.decided_by, before_dispatch=stops) + paying + asks


def _part_paid_back(order: Paid, about: About, amount: Decimal) -> TaskWanted:
    """Nobody but the buyer knows whether he wants fewer pieces or the same for less."""
    return TaskWanted(
        task_id=task_id(SERVICE, order.order_id, "look_into", "part_paid_back", about.case_id),
        kind="look_into",
        order_id=order.order_id,
        priority="high",
        summary=f"{plain(amount)} {about.currency} go back for a part of goods that are still to be sent: "
        "see that the right number of pieces is.",
        details={"case_id": about.case_id, "lines": [*about.lines], "amount": plain(amount)},
    )


def reship(
    state: File, order: Paid, about: About, decided_by: DecidedBy, at: datetime, profile: Profile
) -> Decision:
    """Approve, and have the goods sent again at once."""
    if not account(state, order).untouched(about.lines):
        return refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
    return approved(about, decided_by) + send_again(state, order, about, about.lines, at, profile)


def exchange(
    state: File, order: Paid, about: About, decided_by: DecidedBy, at: datetime, profile: Profile
) -> Decision:
    """Approve, and send goods once the old ones are back, unless there is nothing to send back."""
    if about.parcel_id is not None or about.reason == MISSING_ITEM:
        return reship(state, order, about, decided_by, at, profile)
    if about.kind != "repair" and not account(state, order).untouched(about.lines):
        return refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
    return goods_first(about, "reship", decided_by, at, profile)


def goods_first(
    about: About, remedy: Remedy, decided_by: DecidedBy, at: datetime, profile: Profile
) -> Decision:
    """Approve a return: rule `ship_back_within` runs from now."""
    until = later(at, profile.values.ship_back_within)
    case = AwaitingReturn(about=about, remedy=remedy, deadline_at=until)
    return approved(about, decided_by, deadline_at=until) + Decision(notes=(CaseIs(case=case),))


def approved(
    about: About,
    decided_by: DecidedBy,
    before_dispatch: bool = False,
    deadline_at: datetime | None = None,
) -> Decision:
    """Say that the buyer gets it."""
    said = says.CaseApproved(
        case_id=about.case_id,
        kind=about.kind,
        decided_by=decided_by,
        lines=about.lines,
        before_dispatch=before_dispatch,
        deadline_at=deadline_at,
    )
    return Decision(events=(said,))
