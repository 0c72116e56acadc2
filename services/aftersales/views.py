"""What can be seen of an order's cases: a view folded from events alone."""

from typing import Any, Final

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Utc
from shared.contracts.event import Event
from shared.contracts.events import aftersales as says
from shared.contracts.events.aftersales import CaseKind, DecidedBy
from shared.contracts.events.common import TaskWanted
from shared.kernel.money import ZERO

ENDED: Final = frozenset({"refunded", "refused", "closed"})
OWN_NAME: Final = "aftersales"


class CaseView(Frozen):
    """One case as others see it."""

    case_id: Id
    kind: CaseKind
    reason: Name
    lines: tuple[Id, ...]
    amount: Amount
    currency: Currency
    holds_order: bool
    opened_at: Utc
    parcel_id: Id | None = None
    stage: Id
    """One of the case chart's."""
    deadline_at: Utc | None = None
    """When something happens by itself, or a right ends; the chart says what."""
    decided_by: DecidedBy | None = None
    slug: Name | None = None
    """Why it was refused."""
    closed_because: Name | None = None
    offer: Name | None = None
    offered_amount: Amount | None = None
    return_tracking_no: Id | None = None
    return_condition: Name | None = None
    weight: Name | None = None
    refund_id: Id | None = None
    refunded: Amount = ZERO
    """What moved."""
    refunded_at: Utc | None = None
    ended_at: Utc | None = None


class ReviewView(Frozen):
    """One review; its text is not for everybody."""

    review_id: Id
    stars: int
    posted_at: Utc


class OrderCases(Frozen):
    """The cases and reviews of one order."""

    cases: tuple[CaseView, ...] = ()
    reviews: tuple[ReviewView, ...] = ()
    stages: tuple[Id, ...] = ()
    """The stages that its cases are in, for lists."""
    open: bool = False
    """Whether a case is not over."""


INITIAL_VIEW: Final = OrderCases()


def project(view: OrderCases, event: Event) -> OrderCases:
    """The view after an event of this service; others' leave it as it is."""
    if event.source != OWN_NAME:
        return view
    match event.data:
        case says.ReviewReceived(review_id=review_id, stars=stars):
            review = ReviewView(review_id=review_id, stars=stars, posted_at=event.time)
            return view.model_copy(update={"reviews": (*view.reviews, review)})
        case says.CaseOpened() as said:
            return _summed(view, (*view.cases, _opened(said, event)))
        case TaskWanted(kind="decide_case", blocked_by=str(), details={"case_id": str(case_id)}):
            return _changed(view, case_id, {"stage": "weighing"})
        case data:
            about = getattr(data, "case_id", None)
            case = next((case for case in view.cases if case.case_id == about), None)
            if case is None:
                return view
            changes = {**_asked(event, case), **_returned(event), **_disputed(event), **_ended(event)}
            return _changed(view, case.case_id, changes) if changes else view


def _opened(said: says.CaseOpened, event: Event) -> CaseView:
    match said.kind:
        case "review":
            stage = "reviewing"
        case "lost_parcel":
            stage = "choosing"
        case _:
            stage = "deciding"
    return CaseView(
        case_id=said.case_id,
        kind=said.kind,
        reason=said.reason,
        lines=said.lines,
        amount=said.amount,
        currency=said.currency,
        holds_order=said.holds_order,
        opened_at=event.time,
        parcel_id=said.parcel_id,
        stage=stage,
        deadline_at=said.deadline_at,
    )


def _asked(event: Event, case: CaseView) -> dict[str, Any]:
    """What changes while a request is answered."""
    match event.data:
        case says.CaseDeadlineChanged(deadline_at=deadline_at):
            return {"deadline_at": deadline_at}
        case says.CaseWeightVerified(result=result):
            return {"stage": "deciding", "weight": result}
        case says.CaseOffered(offer=offer, amount=amount, deadline_at=deadline_at):
            offered = {"offer": offer, "offered_amount": amount}
            return {"stage": "offered", "deadline_at": deadline_at, **offered}
        case says.CaseOfferDeclined(deadline_at=deadline_at):
            stage = "choosing" if case.kind == "lost_parcel" else "deciding"
            return {"stage": stage, "deadline_at": deadline_at}
        case says.CaseApproved(decided_by=decided_by, deadline_at=deadline_at):
            # Where no goods are awaited, what follows is said with the approval.
            stage = case.stage if deadline_at is None else "awaiting_return"
            return {"stage": stage, "decided_by": decided_by, "deadline_at": deadline_at}
        case _:
            return {}


def _returned(event: Event) -> dict[str, Any]:
    """What changes while goods come back."""
    match event.data:
        case says.CaseReturnShipped(tracking_no=tracking_no, deadline_at=deadline_at):
            return {"stage": "returning", "return_tracking_no": tracking_no, "deadline_at": deadline_at}
        case says.CaseReturnReceived(condition=condition, deadline_at=deadline_at):
            # Intact goods are not inspected: what follows is said with their arrival.
            inspected = {} if deadline_at is None else {"stage": "inspecting"}
            return {"return_condition": condition, "deadline_at": deadline_at, **inspected}
        case _:
            return {}


def _disputed(event: Event) -> dict[str, Any]:
    """What changes while the platform is in."""
    match event.data:
        case says.CaseDisputed(deadline_at=deadline_at):
            return {"stage": "disputed", "deadline_at": deadline_at, "ended_at": None}
        case says.CaseEvidenceSubmitted() | says.CaseEvidenceMissed():
            return {"stage": "judging", "deadline_at": None}
        case _:
            return {}


def _ended(event: Event) -> dict[str, Any]:
    """What changes when money moves or the case is over."""
    match event.data:
        case says.CaseRefundStarted(refund_id=refund_id, decided_by=decided_by):
            started = {"refund_id": refund_id, "decided_by": decided_by}
            return {"stage": "refunding", "deadline_at": None, **started}
        case says.CaseRefundFailed():
            return {"stage": "refund_failed"}
        case says.CaseRefunded(amount=amount):
            moved = {"refunded": amount, "refunded_at": event.time}
            return {"stage": "refunded", "deadline_at": None, "ended_at": event.time, **moved}
        case says.CaseRefused(slug=slug, decided_by=decided_by, dispute_until=until):
            refused = {"slug": slug, "decided_by": decided_by}
            return {"stage": "refused", "deadline_at": until, "ended_at": event.time, **refused}
        case says.CaseClosed(reason=reason):
            return {
                "stage": "closed",
                "deadline_at": None,
                "ended_at": event.time,
                "closed_because": reason,
            }
        case _:
            return {}


def _changed(view: OrderCases, case_id: str, changes: dict[str, Any]) -> OrderCases:
    cases = tuple(case.model_copy(update=changes) if case.case_id == case_id else case for case in view.cases)
    return _summed(view, cases)


def _summed(view: OrderCases, cases: tuple[CaseView, ...]) -> OrderCases:
    return view.model_copy(
        update={
            "cases": cases,
            "stages": tuple(sorted({case.stage for case in cases})),
            "open": any(case.stage not in ENDED for case in cases),
        }
    )
