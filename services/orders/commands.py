"""What may be asked of an order, beside the facts that orders takes, for itself or for others."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Strict, Text, Utc
from shared.contracts.facts import (
    InstructionAcknowledged,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    PaymentFailed,
    Quantity,
    Receiver,
    RefundPaid,
    RefundRequested,
    ReturnReceived,
    ReturnShipped,
    ShipmentDispatched,
    ShipmentScanned,
    StockShort,
)
from shared.contracts.tasks import TaskKind, WithReplacement
from shared.contracts.wishes import FlagColour, SpecialRequest
from shared.kernel.decision import Command, EffectDone, EffectFailed, TimerDue
from shared.kernel.erasure import EraseBuyer


class _AboutParcel(Command):
    parcel_id: Id
    carrier: Id
    tracking_no: Id


class HearParcelLeft(_AboutParcel):
    """A parcel was handed to a carrier, or got another tracking number."""

    lines: tuple[Id, ...]


class HearParcelArrived(_AboutParcel):
    """A parcel reached the buyer."""

    lines: tuple[Id, ...]
    arrived_at: Utc
    """The carrier's time."""


class HearParcelStrayed(_AboutParcel):
    """A parcel won't arrive: it is lost, back at the sender, or was never collected."""

    lines: tuple[Id, ...]
    how: Literal["lost", "returned", "pickup_cancelled"]


class HearParcelFound(_AboutParcel):
    """A parcel that was thought lost is on its way."""


class HearParcelRebooked(_AboutParcel):
    """Another carrier takes the parcel."""


class _AboutCase(Command):
    case_id: Id
    kind: Name


class HearCaseOpened(_AboutCase):
    """An after-sales case of the order was opened."""

    lines: tuple[Id, ...]
    holds: bool
    """Whether the order's completion stands still meanwhile."""


class HearShipmentStopped(_AboutCase):
    """A case was approved before its lines had left: they shall not leave any more."""

    lines: tuple[Id, ...]


class HearRefund(_AboutCase):
    """A case ended with money paid back."""

    refund_id: Id
    lines: tuple[Id, ...]
    amount: Amount
    settles: bool
    """Whether the lines are paid back; a goodwill for lines that the buyer keeps or awaits does not."""


class HearCaseEnded(_AboutCase):
    """A case ended without money: it was refused or closed."""


HeardOfGoods = (
    HearParcelLeft
    | HearParcelArrived
    | HearParcelStrayed
    | HearParcelFound
    | HearParcelRebooked
    | HearCaseOpened
    | HearShipmentStopped
    | HearRefund
    | HearCaseEnded
)
"""What others say about the order's parcels and cases."""


class PromiseShipment(Command):
    """`urge_shipment`: the shop says when the rest leaves."""

    task_id: Id
    ships_on: Utc


class CallOffRest(Command):
    """`urge_shipment`: what has not left won't leave."""

    task_id: Id
    reason: Name


class CancelAfterCall(Command):
    """`call_about_payment`: the buyer said on the phone that he does not want it any more."""

    task_id: Id


class RefundLatePayment(Command):
    """`late_payment`: the money goes back."""

    task_id: Id


class ReopenOrder(Command):
    """`late_payment`: the order is served after all."""

    task_id: Id


class ExtendReceipt(Command):
    """The buyer shall have more days to confirm the receipt."""

    days: int


class RequestUrge(Command):
    """The platform urges the shipment with a ticket."""

    ticket_id: Id


class AnswerUrge(Command):
    """`answer_urge`: the buyer was told."""

    task_id: Id


ForOthers = (
    ShipmentDispatched | ShipmentScanned | RefundRequested | ReturnShipped | ReturnReceived | RefundPaid
)
"""Facts that another service takes: a shop platform has one address for all it says."""


class AddressChange(Strict):
    """Another receiver or address. Personal: it goes to the contacts topic and is not kept here."""

    kind: Literal["address"] = "address"
    receiver: Receiver


class AttributeChange(Strict):
    """Another size, colour or style of a line, at the same price."""

    kind: Literal["attribute"] = "attribute"
    line_id: Id
    name: Name
    """What the line is called now."""
    sku: Id | None = None


class PriceChange(Strict):
    """Another price of a line."""

    kind: Literal["price"] = "price"
    line_id: Id
    amount: Amount


class FreightChange(Strict):
    """Another price of the carriage."""

    kind: Literal["freight"] = "freight"
    amount: Amount


class LineSwap(Strict):
    """Another article in the place of a line."""

    kind: Literal["swap"] = "swap"
    line_id: Id
    sku: Id
    name: Name
    quantity: Quantity
    amount: Amount


Change = Annotated[
    AddressChange | AttributeChange | PriceChange | FreightChange | LineSwap, Field(discriminator="kind")
]


class MakeRequest(Command):
    """Step 1 of a special request: it is taken, with its detail."""

    request: SpecialRequest
    by: Name


class MakeChange(Command):
    """Step 1 of a change: it is made."""

    change: Change
    by: Name


class FlagWish(Command):
    """Step 2: the order gets its flag and the shop's fixed remark."""

    wish_id: Id
    colour: FlagColour | None = None
    """None: the colour of the wish's kind."""
    by: Name


class ConfirmWish(Command):
    """Step 3: the buyer stands by it."""

    wish_id: Id
    by: Name


class TellWarehouse(Command):
    """Step 4: the warehouse and the label printer are told. Comes by itself as soon as the order is paid."""

    wish_id: Id


class AcknowledgeWish(Command):
    """Step 5: the warehouse goes by it. The warehouse's own word is the fact `instruction.acknowledged`."""

    wish_id: Id
    by: Name


class DropWish(Command):
    """The wish is over: the buyer took it back, or the shop can't."""

    wish_id: Id
    reason: Name
    by: Name
    refused: bool = False
    """Whether the shop refuses it, which a platform may forbid."""


class WriteRemark(Command):
    """Somebody of the shop notes something on the order. Personal: the text stays in the file."""

    text: Text = Field(min_length=1)
    colour: FlagColour | None = None
    by: Name


class VerifyOrder(Command):
    """The order was checked before its release."""

    items: bool
    address: bool
    contact: bool
    by: Name


class CancelOrder(Command):
    """Somebody wants the order off, and asks whether that can be."""

    reason: Name
    by: Literal["buyer", "shop", "platform"]


class ChooseForShortage(Command):
    """What becomes of lines that are out of stock."""

    shortage_id: Id
    choice: Literal["wait", "replace", "cancel_lines"]
    until: Utc | None = None
    """For `wait`: until when."""
    replacement: WithReplacement | None = None
    """For `replace`."""
    by: Name


class AnswerTask(Command):
    """An agent completed a task about the order's handling."""

    task_id: Id
    kind: TaskKind
    outcome: Name
    details: dict[str, JsonValue]
    by: Name


class LearnSupplement(Command):
    """Another order was placed to add to this one."""

    by_order: Id
    shop_id: Id
    buyer_id: Id
    """Whose it is: nobody adds to another's order."""


class PlacedWithFreight(Frozen):
    """An order for which the buyer pays a carriage."""

    order_id: Id
    ships_to: Name
    """The mark of its address."""
    currency: Currency
    freight: Amount
    placed_at: Utc


class MergeFreight(Command):
    """The order leaves with others of its buyer, and its freight is too much."""

    give_back: Amount
    leaves_with: tuple[Id, ...]


class KnowOrder(Command):
    """To a buyer's file: he placed an order with freight."""

    order: PlacedWithFreight


HandlingCommand = (
    MakeRequest
    | MakeChange
    | FlagWish
    | ConfirmWish
    | TellWarehouse
    | AcknowledgeWish
    | DropWish
    | WriteRemark
    | VerifyOrder
    | ChooseForShortage
    | AnswerTask
    | LearnSupplement
    | MergeFreight
    | PaymentFailed
    | StockShort
    | InstructionAcknowledged
)
"""What the service team, the warehouse and the payment provider ask and tell."""

OrderCommand = (
    OrderPlaced
    | OrderPaid
    | OrderCancelled
    | ForOthers
    | CancelOrder
    | EraseBuyer
    | HandlingCommand
    | HeardOfGoods
    | PromiseShipment
    | CallOffRest
    | CancelAfterCall
    | RefundLatePayment
    | ReopenOrder
    | ExtendReceipt
    | RequestUrge
    | AnswerUrge
    | TimerDue
    | EffectDone
    | EffectFailed
)
"""What may be asked of an order's file."""

OrdersCommand = OrderCommand | KnowOrder
"""What may be asked of any file of orders."""
