"""What may be asked of an order, beside the facts that orders takes, for itself or for others."""

from typing import Literal

from shared.contracts.base import Amount, Id, Name, Utc
from shared.contracts.facts import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    RefundRequested,
    ReturnReceived,
    ReturnShipped,
    ShipmentDispatched,
    ShipmentScanned,
)
from shared.kernel.decision import Command, EffectDone, EffectFailed, TimerDue


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


ForOthers = ShipmentDispatched | ShipmentScanned | RefundRequested | ReturnShipped | ReturnReceived
"""Facts that another service takes: a shop platform has one address for all it says."""

OrdersCommand = (
    OrderPlaced
    | OrderPaid
    | OrderCancelled
    | ForOthers
    | HeardOfGoods
    | PromiseShipment
    | CallOffRest
    | RefundLatePayment
    | ReopenOrder
    | ExtendReceipt
    | RequestUrge
    | AnswerUrge
    | TimerDue
    | EffectDone
    | EffectFailed
)
