"""What is asked for: by the buyer, by the order that is taken off, by a parcel that does not arrive."""

from datetime import datetime
from typing import Final

from services.aftersales.commands import CancelPaidOrder, PayBackDifference, PayBackLatePayment
from services.aftersales.decide.approval import approval, approved
from services.aftersales.decide.ends import closing, refusal
from services.aftersales.decide.money import account, pay_back_payment, pay_difference
from services.aftersales.decide.opening import opened, quality_signals, waits
from services.aftersales.decide.terms import (
    ALREADY_COMPENSATED,
    AMOUNT_TOO_HIGH,
    LINES_UNKNOWN,
    SERVICE,
    Why,
)
from services.aftersales.state import About, Delivered, File, Lost, OnTheWay, Paid, Placed, ToPayBack, Unknown
from shared.contracts.events.aftersales import CaseKind
from shared.contracts.facts import RefundRequested
from shared.kernel.calendar import local_days_after
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, task_id
from shared.kernel.money import total, writable
from shared.kernel.profiles import Profile

FOR_MONEY = frozenset({"refund_only", "return_and_refund"})
NO_REASON = "no_reason"
CASES_MAX: Final = 500
"""Cases of an order with which a buyer may still ask for more: as many as it may have lines."""


def refund_requested(fact: RefundRequested, state: File, profile: Profile) -> Outcome:
    """The buyer asks for something: decided at once where a rule knows how, by the shop otherwise."""
    match state.order:
        case Unknown():
            return Refused(slug="order-unknown", detail="the order is not known yet", early=True)
        case Placed():
            return Refused(slug="order-not-paid", detail="the order is not paid yet", early=True)
        case Paid() as order:
            asked = fact.data
            about = About(
                case_id=asked.case_id,
                kind=asked.kind,
                reason=asked.reason,
                lines=tuple(dict.fromkeys(asked.lines)),
                amount=asked.amount,
                currency=order.currency,
                opened_at=fact.at,
            )
            known = state.case_of(about.case_id)
            if known is None and len(state.cases) >= CASES_MAX:
                return Refused(slug="too-many-cases", detail=f"an order has at most {CASES_MAX} cases")
            if known is None:
                return _new_request(state, order, about, profile)
            if known.about.model_copy(update={"opened_at": about.opened_at}) == about:
                return NOTHING
            return Refused(slug="case-known", detail=f"case {about.case_id} is about something else")


def _new_request(state: File, order: Paid, about: About, profile: Profile) -> Decision:
    at = about.opened_at
    slug = _unpayable(state, order, about)
    if slug is not None:
        return opened(about) + refusal(about, "automatic", slug, at, profile)
    if about.kind == "refund_only" and not state.parcels:
        return _before_dispatch(state, order, about, profile)
    if about.kind == "return_and_refund" and about.reason == NO_REASON:
        delivered_at = _delivered_at(state, about)
        if delivered_at is not None:
            return _no_reason_return(state, order, about, delivered_at, profile)
    return waits(state, order, about, profile) + Decision(rule="answer_within")


def _unpayable(state: File, order: Paid, about: About) -> str | None:
    """Rule `money`, at the door: why this request can't be met at all, if it can't."""
    book = account(state, order)
    if not set(about.lines) <= set(book.left):
        return LINES_UNKNOWN
    if about.kind not in FOR_MONEY:
        given = about.kind != "repair" and book.any_touched(about.lines)
        return ALREADY_COMPENSATED if given else None
    if any(book.compensated(line) for line in about.lines):
        return ALREADY_COMPENSATED
    if about.amount > book.worth(about.lines):
        return ALREADY_COMPENSATED if book.any_touched(about.lines) else AMOUNT_TOO_HIGH
    return None


def _before_dispatch(state: File, order: Paid, about: About, profile: Profile) -> Decision:
    """Rule `refund_before_dispatch`: nothing has left, so the money goes back at once."""
    why = Why("automatic", "refund_before_dispatch")
    return (
        Decision(rule=why.by_rule)
        + opened(about)
        + quality_signals(order, about)
        + approval(state, order, about, why, about.opened_at, profile)
    )


def _no_reason_return(
    state: File, order: Paid, about: About, delivered_at: datetime, profile: Profile
) -> Decision:
    """Rule `no_reason_return`: in time by the shop's calendar, the return is approved; later, refused."""
    why = Why("automatic", "no_reason_return")
    at = about.opened_at
    if _days_since(delivered_at, at, profile.zone) <= profile.values.no_reason_return_local_days:
        follows = approval(state, order, about, why, at, profile)
    else:
        follows = refusal(about, "automatic", "return-window-closed", at, profile)
    return Decision(rule=why.by_rule) + opened(about) + follows


def _delivered_at(state: File, about: About) -> datetime | None:
    """When the last of these lines arrived; None while one of them has not."""
    moments: list[datetime] = []
    for line in about.lines:
        holding = [parcel for parcel in state.parcels if line in parcel.lines]
        arrived = [parcel.delivered_at for parcel in holding if isinstance(parcel, Delivered)]
        if not arrived or any(isinstance(parcel, OnTheWay) for parcel in holding):
            return None
        moments += arrived
    return max(moments, default=None)


def _days_since(first: datetime, then: datetime, zone: str) -> int:
    try:
        return local_days_after(first, then, zone)
    except OverflowError:  # at the ends of time there is no local calendar
        return (then - first).days


def cancellation(command: CancelPaidOrder, state: File, profile: Profile) -> Outcome:
    """Rule `cancellation`: lines that have not left are paid back at once, like a refund before dispatch."""
    if not isinstance(state.order, Paid):
        return Refused(slug="order-not-paid", detail="there is no payment to give back")
    order = state.order
    book = account(state, order)
    named = tuple(line for line in book.left if not command.lines or line in command.lines)
    lines = book.uncompensated(named) or named
    about = About(
        case_id=task_id(SERVICE, order.order_id, "cancellation", command.request_id),
        kind="cancellation",
        reason=command.reason,
        lines=lines,
        amount=book.worth(lines),
        currency=order.currency,
        opened_at=command.at,
    )
    if state.case_of(about.case_id) is not None:
        return NOTHING
    why = Why("automatic", "cancellation")
    rule = Decision(rule=why.by_rule)
    if not book.uncompensated(named):
        return rule + opened(about) + refusal(about, "automatic", ALREADY_COMPENSATED, command.at, profile)
    if not state.sent.isdisjoint(lines):
        return rule + waits(state, order, about, profile)
    return rule + opened(about) + approval(state, order, about, why, command.at, profile)


def late_payment(command: PayBackLatePayment, state: File) -> Outcome:
    """Rule `late_payment`: a payment that came too late goes back as it came, once."""
    if isinstance(state.order, Unknown):
        return Refused(slug="order-unknown", detail="the order is not known yet")
    order_id = state.order.order_id
    about = About(
        case_id=task_id(SERVICE, order_id, "late_payment", command.payment_id),
        kind="late_payment",
        reason="late_payment",
        lines=(),
        amount=command.amount,
        currency=command.currency,
        opened_at=command.at,
    )
    if state.case_of(about.case_id) is not None:
        return NOTHING
    why = Why("automatic", "late_payment")
    return (
        Decision(rule=why.by_rule)
        + opened(about)
        + approved(about, why.decided_by)
        + pay_back_payment(order_id, about, command.payment_id, why)
    )


def difference(command: PayBackDifference, state: File) -> Outcome:
    """Rule `difference`: what an order became cheaper by after its payment goes back, once a wish.

    The goods stay wanted: nothing of the line is compensated by that.
    """
    if not isinstance(state.order, Paid):
        return Refused(slug="order-not-paid", detail="there is no payment to give back")
    order, why = state.order, Why("automatic", "difference")
    book = account(state, order)
    lines = tuple(line for line in book.left if line in command.lines)
    most = total(book.left[line] for line in lines) if lines else book.rest
    amount = writable(min(command.amount, most, book.payment))
    about = About(
        case_id=task_id(SERVICE, order.order_id, "difference", command.wish_id),
        kind="difference",
        reason="difference",
        lines=lines,
        amount=amount,
        currency=command.currency,
        opened_at=command.at,
    )
    if state.case_of(about.case_id) is not None:
        return NOTHING
    rule = Decision(rule=why.by_rule) + opened(about)
    if amount <= 0:
        return rule + closing(about, "nothing_to_pay")
    return rule + approved(about, why.decided_by) + pay_difference(order, about, why)


def parcel_case(state: File, order: Paid, parcel: Lost | ToPayBack, profile: Profile) -> Decision:
    """Rules `lost_parcel` and `returned_to_sender`: the buyer is owed what the parcel held, once."""
    kind: CaseKind = "lost_parcel"
    why, at = Why("automatic", "lost_parcel"), parcel.since
    if isinstance(parcel, ToPayBack):
        kind, why = "returned_parcel", Why("automatic", "returned_to_sender")
    case_id = task_id(SERVICE, order.order_id, kind, parcel.parcel_id)
    if state.case_of(case_id) is not None:
        return NOTHING
    book = account(state, order)
    held = tuple(line for line in dict.fromkeys(parcel.lines) if line in book.left)
    lines = book.uncompensated(held) or held
    about = About(
        case_id=case_id,
        kind=kind,
        reason=kind,
        lines=lines,
        amount=book.worth(lines),
        currency=order.currency,
        opened_at=at,
        parcel_id=parcel.parcel_id,
    )
    rule = Decision(rule=why.by_rule)
    if not book.uncompensated(held):
        return rule + opened(about) + refusal(about, "automatic", ALREADY_COMPENSATED, at, profile)
    if isinstance(parcel, Lost):
        return rule + waits(state, order, about, profile)
    return rule + opened(about) + approval(state, order, about, why, at, profile)
