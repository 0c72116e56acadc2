"""Facts: what the outside tells us. This is the HTTP inlet's format and the import format."""

from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import EmailStr, Field, StringConstraints, TypeAdapter

from shared.contracts.base import PERSONAL, Amount, Currency, Id, Name, OrderId, Strict, Text, Utc
from shared.contracts.wishes import REQUESTS_MAX, SpecialRequest

Stars = Annotated[int, Field(strict=True, ge=1, le=5)]
Grams = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Phone = Annotated[
    str, StringConstraints(min_length=3, max_length=40, pattern=r"^[0-9+()./ \-x#*]+$"), PERSONAL
]
_Named = Annotated[Name, PERSONAL]

ScanStatus = Literal[
    "picked_up", "in_transit", "out_for_delivery", "delivered", "exception", "returning", "returned"
]
RefundKind = Literal["refund_only", "return_and_refund", "exchange", "reship", "repair"]
Fault = Literal["carrier", "shop", "buyer", "customs", "weather", "unknown"]


class Line(Strict):
    """One line of an order."""

    line_id: Id
    sku: Id
    name: Name
    quantity: Quantity
    amount: Amount
    weight_grams: Grams | None = None
    """What all its pieces weigh, where the shop knows it."""


class Receiver(Strict):
    """Who gets the parcel. Personal: it travels on the contacts topic only.

    Country and state alone lead to nobody: deadlines and incidents of carriers go by them.
    """

    name: _Named
    phone: Phone | None = None
    email: Annotated[EmailStr, PERSONAL] | None = None
    country: Name | None = None
    state: Name | None = None
    city: _Named | None = None
    postal_code: _Named | None = None
    address: Text | None = None


class OrderPlacedBody(Strict):
    """A buyer placed an order."""

    shop_id: Id
    platform: Id = "default"
    buyer_id: Id
    currency: Currency
    total: Amount
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=500)]
    ship_service: Name = "Standard"
    receiver: Receiver
    freight: Amount | None = None
    """What of the total is for the carriage; none where the shop does not say."""
    requests: Annotated[tuple[SpecialRequest, ...], Field(max_length=REQUESTS_MAX)] = ()
    supplements: OrderId | None = None
    """The order that this one adds to: a missing part, one more line."""


class OrderPaidBody(Strict):
    """The order's money arrived."""

    amount: Amount
    payment_id: Id


class OrderCancelledBody(Strict):
    """Somebody wants the order off."""

    reason: Name
    by: Literal["buyer", "shop", "platform"] = "buyer"
    paid_back: bool = False
    """Whether its teller has paid the money back already, as platforms do: then nobody here pays it."""


class PaymentFailedBody(Strict):
    """The buyer tried to pay and could not."""

    reason: Name
    """A slug such as `card_declined`, in the payment provider's words."""
    payment_id: Id | None = None


class StockShortBody(Strict):
    """The warehouse does not have everything that was ordered."""

    lines: Annotated[tuple[Id, ...], Field(min_length=1, max_length=500)]
    back_at: Utc | None = None
    """When it expects the goods, if it knows."""


class InstructionAcknowledgedBody(Strict):
    """The warehouse has seen an instruction and goes by it."""

    wish_id: Id
    by: Name = "warehouse"


class ShipmentDispatchedBody(Strict):
    """The warehouse handed a parcel to a carrier."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: Annotated[tuple[Id, ...], Field(min_length=1, max_length=500)]
    weight_grams: Grams | None = None


class ShipmentScannedBody(Strict):
    """A carrier saw the parcel. `scanned_at` is the carrier's time: the parcel's clock goes by it."""

    carrier: Id
    tracking_no: Id
    status: ScanStatus
    text: Text = ""
    location: Name | None = None
    scanned_at: Utc
    fault: Fault | None = None
    weight_grams: Grams | None = None


class RefundRequestedBody(Strict):
    """The buyer asks for money, goods or repair."""

    case_id: Id
    kind: RefundKind
    reason: Name
    amount: Amount
    lines: Annotated[tuple[Id, ...], Field(min_length=1, max_length=500)]


class ReturnShippedBody(Strict):
    """The buyer sent the goods back."""

    case_id: Id
    carrier: Id
    tracking_no: Id


class ReturnReceivedBody(Strict):
    """The warehouse got the goods back and looked at them."""

    case_id: Id
    condition: Literal["intact", "damaged", "incomplete", "wrong_item"]


class BuyerMessageBody(Strict):
    """The buyer wrote to the shop."""

    channel: Name = "chat"
    text: Text


class RefundPaidBody(Strict):
    """The platform gave the buyer money back itself: all of it, or a part."""

    refund_id: Id
    """The platform's own id of it: told twice, it counts once."""
    amount: Amount
    lines: Annotated[tuple[Id, ...], Field(max_length=500)] = ()
    """What it is for; none where the platform does not say."""
    case_id: Id | None = None
    """The request that it answers, where that was told as `refund.requested`."""


class ReviewPostedBody(Strict):
    """The buyer reviewed the order."""

    stars: Stars
    text: Text = ""


class _Fact(Strict):
    """What every fact has: its sender's id, when it reached us, and the order it is about."""

    OUTSIDE: ClassVar[bool] = True

    id: Id
    at: Utc
    order_id: OrderId


class OrderPlaced(_Fact):
    """`order.placed`, taken by orders."""

    fact: Literal["order.placed"] = "order.placed"
    data: OrderPlacedBody


class OrderPaid(_Fact):
    """`order.paid`, taken by orders."""

    fact: Literal["order.paid"] = "order.paid"
    data: OrderPaidBody


class OrderCancelled(_Fact):
    """`order.cancelled`, taken by orders."""

    fact: Literal["order.cancelled"] = "order.cancelled"
    data: OrderCancelledBody


class PaymentFailed(_Fact):
    """`payment.failed`, taken by orders."""

    fact: Literal["payment.failed"] = "payment.failed"
    data: PaymentFailedBody


class StockShort(_Fact):
    """`stock.short`, taken by orders."""

    fact: Literal["stock.short"] = "stock.short"
    data: StockShortBody


class InstructionAcknowledged(_Fact):
    """`instruction.acknowledged`, taken by orders."""

    fact: Literal["instruction.acknowledged"] = "instruction.acknowledged"
    data: InstructionAcknowledgedBody


class ShipmentDispatched(_Fact):
    """`shipment.dispatched`, taken by logistics."""

    fact: Literal["shipment.dispatched"] = "shipment.dispatched"
    data: ShipmentDispatchedBody


class ShipmentScanned(_Fact):
    """`shipment.scanned`, taken by logistics."""

    fact: Literal["shipment.scanned"] = "shipment.scanned"
    data: ShipmentScannedBody


class RefundRequested(_Fact):
    """`refund.requested`, taken by aftersales."""

    fact: Literal["refund.requested"] = "refund.requested"
    data: RefundRequestedBody


class ReturnShipped(_Fact):
    """`return.shipped`, taken by aftersales."""

    fact: Literal["return.shipped"] = "return.shipped"
    data: ReturnShippedBody


class ReturnReceived(_Fact):
    """`return.received`, taken by aftersales."""

    fact: Literal["return.received"] = "return.received"
    data: ReturnReceivedBody


class RefundPaid(_Fact):
    """`refund.paid`, taken by aftersales."""

    fact: Literal["refund.paid"] = "refund.paid"
    data: RefundPaidBody


class ReviewPosted(_Fact):
    """`review.posted`, taken by aftersales."""

    fact: Literal["review.posted"] = "review.posted"
    data: ReviewPostedBody


class BuyerMessage(_Fact):
    """`buyer.message`, taken by notifications."""

    fact: Literal["buyer.message"] = "buyer.message"
    data: BuyerMessageBody


class Sighting(Strict):
    """A carrier's scan as carriers tell it: by tracking number, without knowing the order.

    Logistics finds the parcel that it is about, and takes it as `shipment.scanned` of that order.
    """

    OUTSIDE: ClassVar[bool] = True
    fact: ClassVar[str] = "shipment.sighted"

    id: Id
    at: Utc
    data: ShipmentScannedBody
    shop_id: Id | None = None
    """The shop whose inlet told it, whose parcels alone it can be about; None where a carrier serves all."""
    reason: Name | None = None
    """What went wrong, in a word of ours, where the sender's own code says so."""

    @property
    def subject(self) -> str:
        """The file that gathers what is told under this tracking number."""
        return tracking_subject(self.data.tracking_no)


TRACKING_PREFIX: Final = "tracking/"
_NUMBER_MAX_CHARS: Final = 100


def plain_number(tracking_no: str) -> str:
    """A tracking number as it is compared: letters and digits only, in capitals."""
    return "".join(sign for sign in tracking_no.upper() if sign.isalnum())


def tracking_subject(tracking_no: str) -> str:
    """The subject of the file about a tracking number, however it is spaced and capitalized."""
    number = plain_number(tracking_no)
    if not 0 < len(number) <= _NUMBER_MAX_CHARS:
        number = sha256((number or tracking_no).encode()).hexdigest()
    return TRACKING_PREFIX + number


OrdersFact = Annotated[
    OrderPlaced | OrderPaid | OrderCancelled | PaymentFailed | StockShort | InstructionAcknowledged,
    Field(discriminator="fact"),
]
LogisticsFact = Annotated[ShipmentDispatched | ShipmentScanned, Field(discriminator="fact")]
AftersalesFact = Annotated[
    RefundRequested | ReturnShipped | ReturnReceived | RefundPaid | ReviewPosted,
    Field(discriminator="fact"),
]
NotificationsFact = BuyerMessage
AnyFact = (
    OrderPlaced
    | OrderPaid
    | OrderCancelled
    | PaymentFailed
    | StockShort
    | InstructionAcknowledged
    | ShipmentDispatched
    | ShipmentScanned
    | RefundRequested
    | ReturnShipped
    | ReturnReceived
    | RefundPaid
    | ReviewPosted
    | BuyerMessage
)
Fact = Annotated[AnyFact, Field(discriminator="fact")]

PassedFact = Annotated[
    ShipmentDispatched | ShipmentScanned | RefundRequested | ReturnShipped | ReturnReceived | RefundPaid,
    Field(discriminator="fact"),
]
"""What orders takes for another service, since shop platforms have one address for all they say."""

TAKEN_BY: dict[str, str] = {
    "order.placed": "orders",
    "order.paid": "orders",
    "order.cancelled": "orders",
    "payment.failed": "orders",
    "stock.short": "orders",
    "instruction.acknowledged": "orders",
    "shipment.dispatched": "logistics",
    "shipment.scanned": "logistics",
    "refund.requested": "aftersales",
    "return.shipped": "aftersales",
    "return.received": "aftersales",
    "refund.paid": "aftersales",
    "review.posted": "aftersales",
    "buyer.message": "notifications",
}
"""Which service takes which fact."""

_ADAPTER: TypeAdapter[AnyFact] = TypeAdapter(Fact)


def parse_fact(raw: bytes | str) -> AnyFact:
    """Read one line of the import format. Raises `pydantic.ValidationError`, naming the field."""
    return _ADAPTER.validate_json(raw)


def fact_from(raw: dict[str, Any]) -> AnyFact:
    """Read a fact from parsed JSON. Raises `pydantic.ValidationError`, naming the field."""
    return _ADAPTER.validate_python(raw)
