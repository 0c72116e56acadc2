"""What may be asked of an order's parcels and of a tracking number, beside the facts from outside."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.base import Amount, Currency, Frozen, Id, Name, Text, Utc
from shared.contracts.events.incidents import ParcelMeasured
from shared.contracts.facts import (
    Grams,
    Receiver,
    ShipmentDispatched,
    ShipmentScanned,
    ShipmentScannedBody,
    Sighting,
)
from shared.contracts.tasks import TaskKind
from shared.kernel.decision import Command, EffectDone, EffectFailed, TimerDue
from shared.kernel.erasure import EraseBuyer


class LearnOrder(Command):
    """An order was placed: its parcels may come."""

    order_id: Id
    lines: tuple[Id, ...]
    ship_service: Name
    buyer_id: Id | None = None
    line_grams: dict[Id, Grams] = Field(default_factory=dict)


class KeepReceiver(Command):
    """Who receives the order now."""

    receiver: Receiver


class StopLines(Command):
    """These lines shall not leave any more; none named means all of the order."""

    lines: tuple[Id, ...] = ()
    reason: Name
    cause: Name | None = None
    """What may come to nothing; None where they are not wanted for good."""


class ResumeLines(Command):
    """What these lines were stopped for came to nothing."""

    lines: tuple[Id, ...]
    reason: Name
    cause: Name


class OpenCarrierClaim(Command):
    """The buyer of a lost parcel has been served: the carrier may be asked to pay."""

    case_id: Id
    lines: tuple[Id, ...]
    parcel_id: Id | None = None
    remedy: Literal["refund", "reship"] | None = None
    served_with: Amount | None = None
    """What the buyer got, as money or as goods."""
    currency: Currency | None = None


class RegisterEnquiry(Command):
    """The buyer asks where his parcel is, or urges it."""

    parcel_id: Id
    about: Literal["lookup", "urge"]
    channel: Name
    text: Text = ""


class RefuseParcel(Command):
    """The buyer looked at the parcel before signing and does not take it."""

    parcel_id: Id
    reason: Name


class LinkComplaint(Command):
    """A case is about how a parcel was carried; where none is named, about those with its lines."""

    case_id: Id
    reason: Name
    lines: tuple[Id, ...] = ()
    parcel_id: Id | None = None


class JoinIncident(Command):
    """The parcel belongs to an incident."""

    parcel_id: Id
    incident_id: Id
    carrier: Id
    region: Name
    reason: Name
    tell: bool
    held: bool = False
    """Whether somebody says that it stands, whatever its clock says."""


class LeaveIncident(Command):
    """The incident is over, and the parcel still stands."""

    parcel_id: Id
    incident_id: Id


class TellAlone(Command):
    """The parcel stands and belongs to no incident: its buyer hears of its own delay."""

    parcel_id: Id


class CountParcel(Command):
    """Asked of a carrier and region: one of their parcels counts otherwise from now on."""

    shop_id: Id | None
    carrier: Id
    region: Name
    order_id: Id
    parcel_id: Id
    buyer_id: Id | None
    dispatched_at: Utc
    before: Literal["under_way", "standing"] | None
    now: Literal["under_way", "standing", "over"]
    asks: bool = False
    """Whether it has just stalled, so that its buyer is to hear of it."""


class NamedParcel(Frozen):
    """A parcel that somebody counts among those of an incident."""

    order_id: Id
    parcel_id: Id
    buyer_id: Id | None = None


class OpenIncident(Command):
    """Somebody says that a carrier's parcels in a region stand."""

    shop_id: Id
    carrier: Id
    region: Name
    reason: Name
    parcels: tuple[NamedParcel, ...] = ()
    """Parcels that belong to it beside those that stand."""


class CloseIncident(Command):
    """Somebody says that the incident is over."""

    incident_id: Id


class WorkedIncident(Command):
    """`work_incident` was completed: it is over, or goes on until then."""

    task_id: Id
    until: Utc | None = None


class MeasureParcel(Command):
    """Asked of a scorecard: what a carrier did with one parcel."""

    shop_id: Id | None
    measured: ParcelMeasured


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
    parcel_id: Id | None = None
    """The parcel that it was found to be about."""
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


class GiveFeedback(Answer):
    """`answer_enquiry`: the buyer was told what the carrier says."""

    KIND = "answer_enquiry"


class SettleEnquiry(Answer):
    """`follow_up_enquiry`: it helped, or nothing more can be done."""

    KIND = "follow_up_enquiry"

    result: Name


class AskAgain(Answer):
    """`follow_up_enquiry`: it did not help, the carrier is asked again."""

    KIND = "follow_up_enquiry"


EnquiryAnswer = GiveFeedback | SettleEnquiry | AskAgain
Told = ShipmentDispatched | ShipmentScanned
OfOrder = LearnOrder | KeepReceiver | StopLines | ResumeLines | OpenCarrierClaim
Ended = TimerDue | EffectDone | EffectFailed
OfNumber = Sighting | AwaitNumber | TakeScan
OfIncident = CountParcel | OpenIncident | CloseIncident | WorkedIncident
Care = RegisterEnquiry | RefuseParcel | LinkComplaint | JoinIncident | LeaveIncident | TellAlone | EraseBuyer
PickupAnswer = ConfirmPickup | RebookPickup | CancelPickup
CarrierAnswer = ReportMoving | AnnounceDelay | SuspectLoss | ReportReturning
LossAnswer = ConfirmLoss | ReportFound
ExceptionAnswer = ResolveException | CorrectAddress | OrderReturn
ParcelAnswer = PickupAnswer | CarrierAnswer | LossAnswer | ExceptionAnswer | Resend | PayBack
AnyAnswer = ParcelAnswer | ClaimAnswer | EnquiryAnswer

LogisticsCommand = (
    Told | OfOrder | ClaimStep | Care | OfIncident | MeasureParcel | OfNumber | AnyAnswer | Ended
)
