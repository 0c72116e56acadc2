"""What `aftersales` says."""

from typing import Literal

from shared.contracts.base import Amount, Currency, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.facts import RefundKind

CaseKind = (
    RefundKind
    | Literal["lost_parcel", "returned_parcel", "cancellation", "late_payment", "difference", "review"]
)
DecidedBy = Literal["automatic", "deadline", "agent", "buyer"]


class _Case(Payload):
    case_id: Id
    kind: CaseKind


@says("case.opened", "aftersales")
class CaseOpened(_Case):
    """The buyer, or the course of things, asks for something."""

    reason: Name
    lines: tuple[Id, ...]
    amount: Amount
    currency: Currency
    holds_order: bool
    """Whether the order's completion stands still meanwhile; review cases do not hold it."""
    deadline_at: Utc | None = None
    """When the case decides itself, if it waits for an answer."""
    parcel_id: Id | None = None
    """The parcel, for a case about a lost or returned one."""


@says("case.deadline_changed", "aftersales")
class CaseDeadlineChanged(_Case):
    """What happens next to the case, and when, if nobody acts."""

    was: Utc | None
    deadline_at: Utc | None
    reason: Name


@says("case.approved", "aftersales")
class CaseApproved(_Case):
    """The buyer gets what the case is about."""

    decided_by: DecidedBy
    lines: tuple[Id, ...]
    before_dispatch: bool = False
    """Whether nothing of these lines had left: their shipment is stopped."""
    deadline_at: Utc | None = None
    """Until when the goods are to be sent back, if they are."""


@says("case.refused", "aftersales")
class CaseRefused(_Case):
    """The buyer does not get it, and the slug says why."""

    decided_by: DecidedBy
    slug: Name
    dispute_until: Utc | None = None
    """Until when the buyer may bring in the platform."""
    parcel_id: Id | None = None
    """The parcel, for a case about a lost or returned one."""
    lines: tuple[Id, ...] = ()


@says("case.offered", "aftersales")
class CaseOffered(_Case):
    """The shop offered something else; the buyer's answer is awaited."""

    offer: Name
    amount: Amount
    deadline_at: Utc | None = None
    """Until when the buyer may answer."""


@says("case.offer_declined", "aftersales")
class CaseOfferDeclined(_Case):
    """The buyer does not want what was offered; the shop is to decide again."""

    deadline_at: Utc | None = None


@says("case.return_shipped", "aftersales")
class CaseReturnShipped(_Case):
    """The buyer sent the goods back."""

    carrier: Id
    tracking_no: Id
    deadline_at: Utc | None = None
    """Until when the warehouse is to say that they arrived."""


@says("case.return_received", "aftersales")
class CaseReturnReceived(_Case):
    """The goods came back."""

    condition: Name
    deadline_at: Utc | None = None
    """Until when an agent is to judge them, if they are not intact."""


@says("case.inspected", "aftersales")
class CaseInspected(_Case):
    """An agent decided what the returned goods are worth."""

    result: Literal["accept", "accept_part", "refuse"]
    lines: tuple[Id, ...]


@says("case.refund_started", "aftersales")
class CaseRefundStarted(_Case):
    """The payment provider is asked to pay the money back. It has not moved yet."""

    refund_id: Id
    lines: tuple[Id, ...]
    amount: Amount
    currency: Currency
    decided_by: DecidedBy
    by_rule: Name


@says("case.refunded", "aftersales")
class CaseRefunded(_Case):
    """The payment provider paid the money back."""

    refund_id: Id
    lines: tuple[Id, ...]
    amount: Amount
    currency: Currency
    decided_by: DecidedBy
    by_rule: Name
    """The rule that led to the money, such as `inspect_within`."""
    before_dispatch: bool = False
    parcel_id: Id | None = None
    goods_wanted: bool = False
    """Whether the goods stay wanted: a part of the money, or a goodwill, went back for them."""


@says("case.refund_failed", "aftersales")
class CaseRefundFailed(_Case):
    """The payment provider refused for good; a `look_into` task is open."""

    refund_id: Id
    reason: Name


@says("case.reship_wanted", "aftersales")
class CaseReshipWanted(_Case):
    """The warehouse shall send these lines again instead of money."""

    lines: tuple[Id, ...]
    parcel_id: Id | None = None
    worth: Amount | None = None
    """What the goods that are sent again cost the buyer."""
    currency: Currency | None = None


@says("case.closed", "aftersales")
class CaseClosed(_Case):
    """The case ended without, or after, money."""

    reason: Name
    parcel_id: Id | None = None
    """The parcel, for a case about a lost or returned one."""
    lines: tuple[Id, ...] = ()
    served_with: Amount | None = None
    """What the buyer got by it other than a refund of ours; None where he got nothing."""
    currency: Currency | None = None
    settled: tuple[Id, ...] = ()
    """Lines that are not owed any more: an agent paid them back by another way than the provider, or what was
    called off cost nothing.
    """


@says("case.weight_verified", "aftersales")
class CaseWeightVerified(_Case):
    """Warehouse and carrier weights were compared with the order's."""

    result: Literal["matches", "short", "unclear"]
    lines: tuple[Id, ...]


@says("case.negotiated", "aftersales")
class CaseNegotiated(_Case):
    """Shop and buyer talked about a refusal; what was said stays in the file."""


@says("case.disputed", "aftersales")
class CaseDisputed(_Case):
    """The buyer brought in the platform after a refusal."""

    deadline_at: Utc | None = None
    """Until when the shop's evidence must be in."""


@says("case.evidence_submitted", "aftersales")
class CaseEvidenceSubmitted(_Case):
    """The shop handed in its evidence; the platform decides."""

    refs: tuple[Id, ...]


@says("case.evidence_missed", "aftersales")
class CaseEvidenceMissed(_Case):
    """No evidence came in time; the platform decides without it."""


@says("case.dispute_settled", "aftersales")
class CaseDisputeSettled(_Case):
    """The platform decided a dispute."""

    winner: Literal["buyer", "shop"]


@says("refund.paid_elsewhere", "aftersales")
class RefundPaidElsewhere(Payload):
    """The platform gave the buyer money back itself; it counts as paid, and is not paid here again."""

    refund_id: Id
    """The platform's own."""
    case_id: Id | None = None
    lines: tuple[Id, ...] = ()
    """What it is for, as far as the platform says."""
    settled: tuple[Id, ...] = ()
    """Lines for which nothing is left to be given since."""
    amount: Amount
    currency: Currency
    left: Amount
    """What is left of the payment."""


@says("review.received", "aftersales")
class ReviewReceived(Payload):
    """The buyer reviewed the order; the text stays in the file."""

    stars: int
    review_id: Id


@says("quality.signal", "aftersales")
class QualitySignal(Payload):
    """A product got the same complaint again."""

    sku: Id
    reason: Name
    case_id: Id
