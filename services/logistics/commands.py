"""What may be asked of an order's parcels and of a tracking number, beside the facts from outside."""

from typing import ClassVar

from shared.contracts.base import Id, Name, Utc
from shared.contracts.facts import (
    Receiver,
    ShipmentDispatched,
    ShipmentScanned,
    ShipmentScannedBody,
    Sighting,
)
from shared.contracts.tasks import TaskKind
from shared.kernel.decision import Command, EffectDone, EffectFailed, TimerDue


class LearnOrder(Command):
    """An order was placed: its parcels may come."""

    order_id: Id
    lines: tuple[Id, ...]
    ship_service: Name


class KeepReceiver(Command):
    """Who receives the order now."""

    receiver: Receiver


class StopLines(Command):
    """These lines shall not leave any more."""

    order_id: Id
    lines: tuple[Id, ...]
    reason: Name


class StopOrder(Command):
    """Nothing of the order shall leave any more."""

    reason: Name


class OpenCarrierClaim(Command):
    """The buyer of a lost parcel has been served: the carrier may be asked to pay."""

    case_id: Id
    lines: tuple[Id, ...]
    parcel_id: Id | None = None


class TakeScan(Command):
    """A carrier told this of one of the order's parcels, by its tracking number."""

    sighting_id: Id
    order_id: Id
    told_at: Utc
    scan: ShipmentScannedBody
    reason: Name | None = None
    """What went wrong, in a word of ours."""


class AwaitNumber(Command):
    """Asked of a tracking number: this parcel left under it."""

    order_id: Id
    parcel_id: Id
    shop_id: Id | None
    carrier: Id
    tracking_no: Id
    dispatched_at: Utc


class Answer(Command):
    """An agent completed a task that logistics wanted."""

    KIND: ClassVar[TaskKind]

    task_id: Id


class ConfirmPickup(Answer):
    """`check_pickup`: the carrier has the parcel."""

    KIND = "check_pickup"


class RebookPickup(Answer):
    """`check_pickup`: another carrier collects the parcel."""

    KIND = "check_pickup"

    carrier: Id


class CancelPickup(Answer):
    """`check_pickup`: the parcel never left and won't."""

    KIND = "check_pickup"


class ReportMoving(Answer):
    """`check_with_carrier`: the parcel is on its way."""

    KIND = "check_with_carrier"


class AnnounceDelay(Answer):
    """`check_with_carrier`: the carrier gave a new day."""

    KIND = "check_with_carrier"

    until: Utc


class SuspectLoss(Answer):
    """`check_with_carrier`: the carrier can't find the parcel; the loss is confirmed first."""

    KIND = "check_with_carrier"


class ReportReturning(Answer):
    """`check_with_carrier`: the parcel is on its way back."""

    KIND = "check_with_carrier"


class ConfirmLoss(Answer):
    """`confirm_loss`: the parcel is lost."""

    KIND = "confirm_loss"


class ReportFound(Answer):
    """`confirm_loss`: the parcel is there."""

    KIND = "confirm_loss"


class ResolveException(Answer):
    """`resolve_exception`: the trouble is over."""

    KIND = "resolve_exception"


class CorrectAddress(Answer):
    """`resolve_exception`: the carrier has a corrected address."""

    KIND = "resolve_exception"


class OrderReturn(Answer):
    """`resolve_exception`: the carrier brings the parcel back."""

    KIND = "resolve_exception"


class Resend(Answer):
    """`confirm_address_and_resend`: the returned parcel goes out again."""

    KIND = "confirm_address_and_resend"


class PayBack(Answer):
    """`confirm_address_and_resend`: the buyer of the returned parcel gets the money."""

    KIND = "confirm_address_and_resend"


PickupAnswer = ConfirmPickup | RebookPickup | CancelPickup
CarrierAnswer = ReportMoving | AnnounceDelay | SuspectLoss | ReportReturning
LossAnswer = ConfirmLoss | ReportFound
ExceptionAnswer = ResolveException | CorrectAddress | OrderReturn
ReturnAnswer = Resend | PayBack
AnyAnswer = PickupAnswer | CarrierAnswer | LossAnswer | ExceptionAnswer | ReturnAnswer

LogisticsCommand = (
    ShipmentDispatched
    | ShipmentScanned
    | LearnOrder
    | KeepReceiver
    | StopLines
    | StopOrder
    | OpenCarrierClaim
    | Sighting
    | AwaitNumber
    | TakeScan
    | AnyAnswer
    | TimerDue
    | EffectDone
    | EffectFailed
)
