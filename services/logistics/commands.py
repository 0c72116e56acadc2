"""What may be asked of an order's parcels and of a tracking number, beside the facts from outside."""

from typing import ClassVar, Literal

from shared.contracts.base import Amount, Currency, Id, Name, Utc
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
    remedy: Literal["refund", "reship"] | None = None
    served_with: Amount | None = None
    """What the buyer got, as money or as goods."""
    currency: Currency | None = None


class _ClaimStep(Command):
    """A step of the claim about a lost parcel."""

    parcel_id: Id


class AddClaimEvidence(_ClaimStep):
    """A document that the carrier wants to see is there."""

    kind: Name
    ref: Id


class SubmitClaim(_ClaimStep):
    """The claim goes to the carrier."""

    amount: Amount
    reference: Id | None = None


class ApproveClaim(_ClaimStep):
    """The carrier will pay."""

    amount: Amount


class RefuseClaim(_ClaimStep):
    """The carrier won't pay."""

    reason: Name


class AppealClaim(_ClaimStep):
    """The shop does not accept the refusal."""


class SettleClaim(_ClaimStep):
    """The carrier paid."""

    amount: Amount


class GiveUpClaim(_ClaimStep):
    """The shop does not go on with the claim."""


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


class AwaitCarrier(Answer):
    """`chase_claim`: the carrier named another day."""

    KIND = "chase_claim"

    until: Utc


class WriteClaimOff(Answer):
    """`chase_claim`: nothing will come of it."""

    KIND = "chase_claim"


ClaimStep = (
    AddClaimEvidence | SubmitClaim | ApproveClaim | RefuseClaim | AppealClaim | SettleClaim | GiveUpClaim
)
ClaimAnswer = AwaitCarrier | WriteClaimOff
PickupAnswer = ConfirmPickup | RebookPickup | CancelPickup
CarrierAnswer = ReportMoving | AnnounceDelay | SuspectLoss | ReportReturning
LossAnswer = ConfirmLoss | ReportFound
ExceptionAnswer = ResolveException | CorrectAddress | OrderReturn
ReturnAnswer = Resend | PayBack
ParcelAnswer = PickupAnswer | CarrierAnswer | LossAnswer | ExceptionAnswer | ReturnAnswer
AnyAnswer = ParcelAnswer | ClaimAnswer

LogisticsCommand = (
    ShipmentDispatched
    | ShipmentScanned
    | LearnOrder
    | KeepReceiver
    | StopLines
    | StopOrder
    | OpenCarrierClaim
    | ClaimStep
    | Sighting
    | AwaitNumber
    | TakeScan
    | AnyAnswer
    | TimerDue
    | EffectDone
    | EffectFailed
)
