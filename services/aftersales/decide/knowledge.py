"""What the file learns from others: the order, its payment, and where its parcels are."""

from collections.abc import Iterator
from typing import TypeVar

from services.aftersales.commands import (
    LearnChange,
    LearnDelivery,
    LearnDispatch,
    LearnOrder,
    LearnPayment,
    LearnPickupCancelled,
    LearnReturned,
    LearnWeights,
    OpenForLostParcel,
    PayBackReturnedParcel,
)
from services.aftersales.decide import replacing
from services.aftersales.decide.ends import closing
from services.aftersales.decide.refunds import paid_back_meanwhile
from services.aftersales.decide.requests import parcel_case
from services.aftersales.decide.terms import PAID_BY_PLATFORM, SERVICE
from services.aftersales.state import (
    CameBack,
    Choosing,
    Closed,
    Deciding,
    Delivered,
    File,
    LeftAnyway,
    Lost,
    Offered,
    OnTheWay,
    OrderIs,
    OrderLine,
    Paid,
    ParcelIs,
    ParcelNeverLeft,
    Placed,
    Refunded,
    RefundFailed,
    Refunding,
    ToPayBack,
    Unknown,
    Weighing,
    WeightsLearnt,
    evolved,
)
from shared.contracts.events.common import TaskWanted
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

P = TypeVar("P", Delivered, CameBack, Lost, ToPayBack)


def order_placed(command: LearnOrder, state: File) -> Decision:
    """Remember the lines and what they cost."""
    if not isinstance(state.order, Unknown):
        return NOTHING
    lines = tuple(
        OrderLine(line_id=line.line_id, sku=line.sku, quantity=line.quantity, amount=line.amount)
        for line in command.lines
    )
    order = Placed(
        order_id=command.order_id,
        currency=command.currency,
        total=command.total,
        lines=lines,
        ship_service=command.ship_service,
    )
    return Decision(notes=(OrderIs(order=order),))


def order_changed(command: LearnChange, state: File) -> Decision:
    """What is to be paid has changed. Of a paid order the difference is given back instead, as a case:
    its lines are other articles, and are worth what was paid for them.
    """
    if isinstance(state.order, Paid):
        return _swapped(command, state.order)
    if not isinstance(state.order, Placed):
        return NOTHING
    lines = tuple(
        OrderLine(line_id=line.line_id, sku=line.sku, quantity=line.quantity, amount=line.amount)
        for line in command.lines
    )
    order = state.order.model_copy(update={"lines": lines, "total": command.total})
    return Decision(notes=(OrderIs(order=order),))


def _swapped(command: LearnChange, order: Paid) -> Decision:
    now = {line.line_id: {"sku": line.sku, "quantity": line.quantity} for line in command.lines}
    lines = tuple(line.model_copy(update=now.get(line.line_id, {})) for line in order.lines)
    if lines == order.lines:
        return NOTHING
    return Decision(notes=(OrderIs(order=order.model_copy(update={"lines": lines})),))


def order_paid(command: LearnPayment, state: File, profile: Profile) -> Outcome:
    """Remember the payment; what was heard of lost or returned parcels before leads to cases now."""
    match state.order:
        case Unknown():
            return Refused(slug="order-unknown", detail="the order is not known yet")
        case Paid():
            return NOTHING
        case Placed() as placed:
            paid = Paid(
                order_id=placed.order_id,
                currency=placed.currency,
                total=placed.total,
                lines=placed.lines,
                ship_service=placed.ship_service,
                payment_id=command.payment_id,
                paid=command.amount,
            )
            decision = Decision(notes=(OrderIs(order=paid),))
            for parcel in state.parcels:
                if isinstance(parcel, Lost | ToPayBack):
                    decision += parcel_case(evolved(state, decision.notes), paid, parcel, profile)
            return decision


def paid_back_elsewhere(state: File) -> Decision:
    """Rule `money`: what the platform paid back is compensated, and nothing of it is paid again.

    A request that still waits is over with it. A refund of ours that was not asked of the provider yet
    never will be; one that was may pay it twice, so an agent looks into it.
    """
    order = state.order
    if not isinstance(order, Paid) or order.paid_back_elsewhere:
        return NOTHING
    note = OrderIs(order=order.model_copy(update={"paid_back_elsewhere": True}))
    decision = Decision(rule="money", notes=(note,))
    for case in state.cases:
        match case:
            case Weighing() | Deciding() | Choosing() | Offered():
                decision += closing(case.about, PAID_BY_PLATFORM)
            case Refunding(about=about, refund=refund) if about.kind != "late_payment":
                decision += Decision(recalls=(refund.refund_id,))
            case RefundFailed() if case.about.kind != "late_payment":
                decision += Decision(tasks=(paid_back_meanwhile(order.order_id, case),))
            case _:
                pass
    return decision


def parcel_dispatched(command: LearnDispatch, state: File) -> Decision:
    """Remember the parcel. Where its lines were paid back because nothing had left, look into it."""
    if state.parcel_of(command.parcel_id) is not None:
        return NOTHING
    parcel = OnTheWay(
        parcel_id=command.parcel_id,
        carrier=command.carrier,
        tracking_no=command.tracking_no,
        lines=command.lines,
        weight_grams=command.weight_grams,
        carries=replacing.carried(state, command.lines),
    )
    decision = Decision(notes=(ParcelIs(parcel=parcel),)) + replacing.left(state, command.lines)
    order = state.order
    if isinstance(order, Unknown):
        return decision
    for why, lines in _stopped(state):
        known = why.get("case_id") or why.get("refund_id") or order.order_id
        if known not in state.left_anyway and not set(lines).isdisjoint(command.lines):
            decision += _left_anyway(order.order_id, known, why, command.parcel_id)
    return decision


def _stopped(state: File) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Lines that should not have left, since they were paid back before, with what they were paid back by."""
    of_cases: set[str] = set()
    for case in state.cases:
        match case:
            case Refunding(refund=refund) | RefundFailed(refund=refund) | Refunded(refund=refund):
                lines = refund.lines if refund.before_dispatch else ()
            case Closed(stopped=lines):
                pass
            case _:
                lines = ()
        of_cases.update(lines)
        yield {"case_id": case.case_id}, lines
    for paid in state.paid_elsewhere:
        yield {"refund_id": paid.refund_id}, tuple(line for line in paid.stopped if line not in of_cases)
    if isinstance(state.order, Paid) and state.order.paid_back_elsewhere:
        yield {}, tuple(line.line_id for line in state.order.lines if line.line_id not in of_cases)


def _left_anyway(order_id: str, known: str, why: dict[str, str], parcel_id: str) -> Decision:
    """Rule `refund_before_dispatch`, decided on old knowledge: an agent is to get the goods back."""
    task = TaskWanted(
        task_id=task_id(SERVICE, order_id, "look_into", "left_anyway", known),
        kind="look_into",
        order_id=order_id,
        priority="high",
        summary=f"Parcel {parcel_id} left although its lines were paid back before anything had left.",
        details={**why, "parcel_id": parcel_id},
    )
    note = LeftAnyway(paid_by=known)
    return Decision(rule="refund_before_dispatch", notes=(note,), tasks=(task,))


def weights_compared(command: LearnWeights, state: File) -> Decision:
    """Remember what a parcel weighs, for whoever is to verify it."""
    if state.weights_of(command.parcel_id) == command.weights:
        return NOTHING
    return Decision(notes=(WeightsLearnt(parcel_id=command.parcel_id, weights=command.weights),))


def pickup_cancelled(command: LearnPickupCancelled, state: File, profile: Profile) -> Decision:
    """Forget a parcel that never left."""
    parcel = state.parcel_of(command.parcel_id)
    if parcel is None:
        return NOTHING
    forgotten = Decision(notes=(ParcelNeverLeft(parcel_id=command.parcel_id),))
    return forgotten + replacing.never_left(state, parcel, command.at, profile)


def parcel_delivered(command: LearnDelivery, state: File) -> Decision:
    """Remember when the parcel arrived."""
    parcel = Delivered(
        parcel_id=command.parcel_id,
        carrier=command.carrier,
        tracking_no=command.tracking_no,
        lines=command.lines,
        delivered_at=command.delivered_at,
    )
    return _moved(state, _kept(state, parcel))


def parcel_returned(command: LearnReturned, state: File) -> Decision:
    """Remember that the parcel came back."""
    parcel = CameBack(
        parcel_id=command.parcel_id,
        carrier=command.carrier,
        tracking_no=command.tracking_no,
        lines=command.lines,
    )
    return _moved(state, _kept(state, parcel))


def parcel_lost(command: OpenForLostParcel, state: File, profile: Profile) -> Decision:
    """Rule `lost_parcel`: a case is opened as soon as there is a payment to give back."""
    parcel = Lost(
        parcel_id=command.parcel_id,
        carrier=command.carrier,
        tracking_no=command.tracking_no,
        lines=command.lines,
        since=command.at,
    )
    return _owed(state, _kept(state, parcel), profile)


def parcel_to_pay_back(command: PayBackReturnedParcel, state: File, profile: Profile) -> Decision:
    """Rule `returned_to_sender`: paid back as soon as there is a payment to give back."""
    parcel = ToPayBack(
        parcel_id=command.parcel_id,
        carrier=command.carrier,
        tracking_no=command.tracking_no,
        lines=command.lines,
        since=command.at,
    )
    return _owed(state, _kept(state, parcel), profile)


def _owed(state: File, parcel: Lost | ToPayBack, profile: Profile) -> Decision:
    decision = _moved(state, parcel)
    if isinstance(state.order, Paid):
        decision += replacing.strayed(state, parcel)
        decision += parcel_case(evolved(state, decision.notes), state.order, parcel, profile)
    return decision


def _moved(state: File, parcel: Delivered | CameBack | Lost | ToPayBack) -> Decision:
    if state.parcel_of(parcel.parcel_id) == parcel:
        return NOTHING
    return Decision(notes=(ParcelIs(parcel=parcel),))


def _kept(state: File, parcel: P) -> P:
    """A parcel as it is now, with what was known of it since it left."""
    known = state.parcel_of(parcel.parcel_id)
    if known is None:
        return parcel.model_copy(update={"carries": replacing.carried(state, parcel.lines)})
    return parcel.model_copy(update={"weight_grams": known.weight_grams, "carries": known.carries})
