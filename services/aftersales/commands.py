"""What may be asked of an after-sales file. Its facts are commands too; see the contracts."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.contracts import facts
from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Text, Utc
from shared.contracts.facts import Grams, Line
from shared.contracts.tasks import TaskKind
from shared.kernel.decision import Command, EffectDone, EffectFailed, EffectRecalled, TimerDue
from shared.kernel.erasure import EraseBuyer


class Weights(Frozen):
    """A parcel's weights side by side, as logistics compared them."""

    ordered_grams: Grams | None = None
    warehouse_grams: Grams | None = None
    carrier_grams: Grams | None = None
    tolerance_grams: Grams | None = None
    recommendation: Literal["matches", "short", "unclear"] = "unclear"
    reason: Name = "one_weight_only"


Refs = Annotated[tuple[Id, ...], Field(min_length=1, max_length=100)]


class LearnOrder(Command):
    """An order was placed: its lines and what they cost."""

    order_id: Id
    currency: Currency
    total: Amount
    lines: tuple[Line, ...]
    ship_service: Name


class LearnPayment(Command):
    """The order's money arrived, at last if the order had closed before."""

    payment_id: Id
    amount: Amount


class LearnPaidBack(Command):
    """The platform took the order off and paid all of it back itself."""


class LearnTakenOff(Command):
    """The platform took the order off when goods had left, and paid back what was left of it itself."""

    told_by: Id
    """The fact that said so."""


class LearnDispatch(Command):
    """A parcel left the warehouse."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]
    weight_grams: Grams | None = None


class LearnWeights(Command):
    """What is known of a parcel's weight, and what that speaks for."""

    parcel_id: Id
    weights: Weights


class LearnPickupCancelled(Command):
    """A parcel never left after all."""

    parcel_id: Id


class LearnDelivery(Command):
    """A parcel arrived, by the carrier's own time."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]
    delivered_at: Utc


class LearnReturned(Command):
    """A parcel is back at the warehouse: it will not be delivered."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]


class OpenForLostParcel(Command):
    """A parcel is lost: the buyer is to choose between a new one and his money."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]


class PayBackReturnedParcel(Command):
    """A parcel came back and shall be paid back rather than sent again."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]


class CancelPaidOrder(Command):
    """Lines of a paid order that have not left shall be taken off."""

    request_id: Name
    """Tells one such wish from the next."""
    reason: Name
    lines: tuple[Id, ...] = ()
    """None named: all of them."""


class PayBackLatePayment(Command):
    """A payment that came too late shall be given back."""

    payment_id: Id
    amount: Amount
    currency: Currency


class PayBackDifference(Command):
    """An order became cheaper after it was paid: a line, or the freight where none is named."""

    wish_id: Id
    amount: Amount
    currency: Currency
    lines: tuple[Id, ...]


class LearnChange(Command):
    """An order has other lines or another total now."""

    total: Amount
    lines: tuple[Line, ...]


class TakeOutcome(Command):
    """An agent completed a task that this service wanted."""

    task_id: Id
    kind: TaskKind
    outcome: Name
    details: dict[str, JsonValue] = Field(default_factory=dict)


class BuyerAnswersOffer(Command):
    """The buyer takes or declines what the shop offered instead."""

    case_id: Id
    accept: bool


class BuyerChooses(Command):
    """The buyer of a lost parcel chooses between a new parcel and his money."""

    case_id: Id | None = None
    """None: the order's oldest case that waits for a choice."""
    choice: Literal["refund", "reship"]


class RetryRefund(Command):
    """An agent who saw at the provider that nothing was paid lets a failed refund be tried again."""

    case_id: Id


class Negotiate(Command):
    """Shop and buyer talked about a refusal. What was said stays in the file."""

    case_id: Id
    note: Text = Field(min_length=1)


class OpenDispute(Command):
    """The buyer brings in the platform after a refusal."""

    case_id: Id


class SubmitEvidence(Command):
    """The shop hands in its evidence: references of documents, photos, chat logs."""

    case_id: Id
    refs: Refs


class SettleDispute(Command):
    """The platform decided a dispute."""

    case_id: Id
    winner: Literal["buyer", "shop"]


Knowledge = (
    LearnOrder
    | LearnPayment
    | LearnPaidBack
    | LearnTakenOff
    | LearnDispatch
    | LearnWeights
    | LearnPickupCancelled
    | LearnDelivery
    | LearnReturned
    | OpenForLostParcel
    | PayBackReturnedParcel
    | EraseBuyer
)
"""What others' events teach the file of the order, its parcels and its buyer."""
OnRequest = (
    BuyerAnswersOffer | BuyerChooses | RetryRefund | Negotiate | OpenDispute | SubmitEvidence | SettleDispute
)
"""What is asked over HTTP."""

AftersalesCommand = (
    facts.RefundRequested
    | facts.ReturnShipped
    | facts.ReturnReceived
    | facts.RefundPaid
    | facts.ReviewPosted
    | Knowledge
    | CancelPaidOrder
    | PayBackLatePayment
    | PayBackDifference
    | LearnChange
    | TakeOutcome
    | OnRequest
    | TimerDue
    | EffectDone
    | EffectFailed
    | EffectRecalled
)
"""Everything that an after-sales file may be asked."""
