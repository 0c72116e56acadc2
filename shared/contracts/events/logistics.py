"""What `logistics` says."""

from typing import Literal

from shared.contracts.base import Amount, Currency, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.facts import Fault, Grams, ScanStatus


class _Parcel(Payload):
    parcel_id: Id
    carrier: Id
    tracking_no: Id


class _Clocked(_Parcel):
    deadline: Name | None = None
    """The clock that comes next if nothing is heard: `pickup_overdue`, `stalled_1`, `stalled_2` or
    `lost_suspected`; None when no clock runs."""
    deadline_at: Utc | None = None
    """When that clock comes."""


@says("parcel.dispatched", "logistics")
class ParcelDispatched(_Clocked):
    """A parcel was handed to a carrier. Said again when a rebooked parcel gets its new tracking number."""

    lines: tuple[Id, ...]
    dispatched_at: Utc
    weight_grams: Grams | None = None


@says("parcel.deadline_changed", "logistics")
class ParcelDeadlineChanged(_Clocked):
    """The clock that comes next is another, or comes at another moment: the receiver's place changed."""

    was: Utc | None
    """When the clock that came next would have come."""
    reason: Name


class _Scanned(_Clocked):
    scanned_at: Utc
    """The carrier's time."""
    location: Name | None = None
    weight_grams: Grams | None = None
    """What the carrier weighed."""


@says("parcel.picked_up", "logistics")
class ParcelPickedUp(_Scanned):
    """The carrier has the parcel."""


@says("parcel.in_transit", "logistics")
class ParcelInTransit(_Scanned):
    """The parcel is on its way."""


@says("parcel.out_for_delivery", "logistics")
class ParcelOutForDelivery(_Scanned):
    """The parcel is in the van."""


@says("parcel.delivered", "logistics")
class ParcelDelivered(_Scanned):
    """The parcel arrived."""

    lines: tuple[Id, ...]


@says("parcel.exception", "logistics")
class ParcelException(_Scanned):
    """Something went wrong on the way."""

    reason: Name
    """A word of ours such as `address_not_found`; the carrier's own text stays in the file."""
    fault: Fault


@says("parcel.exception_resolved", "logistics")
class ParcelExceptionResolved(_Parcel):
    """The trouble is over: a later scan or an agent says so."""

    by: Name


@says("parcel.returning", "logistics")
class ParcelReturning(_Scanned):
    """The parcel is on its way back to the sender."""


@says("parcel.returned", "logistics")
class ParcelReturned(_Scanned):
    """The parcel is back at the sender."""

    lines: tuple[Id, ...]


@says("parcel.pickup_overdue", "logistics")
class ParcelPickupOverdue(_Clocked):
    """No carrier has seen the parcel since it was dispatched."""

    dispatched_at: Utc


@says("parcel.stalled", "logistics")
class ParcelStalled(_Clocked):
    """No newer scan for a while."""

    level: Literal[1, 2]
    since: Utc
    """The newest scan, or the dispatch."""


@says("parcel.moving_again", "logistics")
class ParcelMovingAgain(_Parcel):
    """A newer scan ended a stall."""

    level: Literal[1, 2]
    stood_since: Utc
    scanned_at: Utc


@says("parcel.movement_confirmed", "logistics")
class ParcelMovementConfirmed(_Clocked):
    """The carrier was asked and has the parcel, although no scan shows it; the clocks start again."""

    answer: Literal["picked_up", "moving"]
    confirmed_at: Utc


@says("parcel.lost_suspected", "logistics")
class ParcelLostSuspected(_Clocked):
    """No newer scan for so long that the parcel may be lost."""

    since: Utc


@says("parcel.lost", "logistics")
class ParcelLost(_Parcel):
    """An agent confirmed the loss. The buyer now chooses between a new parcel and the money."""

    lines: tuple[Id, ...]


Resurfaced = Literal["seen", "delivered", "returned"]


@says("parcel.resurfaced", "logistics")
class ParcelResurfaced(_Parcel):
    """A parcel whose loss was confirmed was scanned after all; an agent puts goods and money in order."""

    lines: tuple[Id, ...]
    how: Resurfaced
    scanned_at: Utc
    served: Literal["refund", "reship", "served"] | None = None
    """What the buyer got for the loss; `served` where that was not told, none while he has nothing."""
    claim: Name | None = None
    """How far the claim against the carrier is."""


@says("parcel.found", "logistics")
class ParcelFound(_Clocked):
    """A parcel that was thought lost is not."""


@says("parcel.pickup_cancelled", "logistics")
class ParcelPickupCancelled(_Parcel):
    """The parcel never left: its lines are to be dispatched again."""

    lines: tuple[Id, ...]


@says("parcel.rebooked", "logistics")
class ParcelRebooked(_Clocked):
    """Another carrier will collect the parcel; `carrier` is the new one."""

    was_carrier: Id


@says("parcel.delay_announced", "logistics")
class ParcelDelayAnnounced(_Clocked):
    """The carrier gave a new day; stall levels start again from there."""

    until: Utc


@says("parcel.return_ordered", "logistics")
class ParcelReturnOrdered(_Clocked):
    """The carrier was told to bring the parcel back."""


@says("parcel.address_corrected", "logistics")
class ParcelAddressCorrected(_Parcel):
    """The carrier has a corrected address; the address itself is in the file and on no topic."""


@says("parcel.resend_wanted", "logistics")
class ParcelResendWanted(_Parcel):
    """A returned parcel shall go out again to a confirmed address."""

    lines: tuple[Id, ...]


@says("parcel.refund_wanted", "logistics")
class ParcelRefundWanted(_Parcel):
    """A returned parcel shall be paid back; `aftersales` does it."""

    lines: tuple[Id, ...]


@says("shipment.stopped", "logistics")
class ShipmentStopped(Payload):
    """The warehouse was told not to send these lines."""

    lines: tuple[Id, ...]
    reason: Name


@says("shipment.resumed", "logistics")
class ShipmentResumed(Payload):
    """The warehouse was told to send these lines after all: what they were stopped for came to nothing."""

    lines: tuple[Id, ...]
    reason: Name


@says("carrier_claim.opened", "logistics")
class CarrierClaimOpened(_Parcel):
    """The carrier was asked to pay for a lost parcel, after the buyer had been served."""

    case_id: Id
    remedy: Literal["refund", "reship"] | None = None
    """How the buyer was served."""
    served_with: Amount | None = None
    """What he was paid back, or what the goods cost that he got again."""
    currency: Currency | None = None
    evidence: tuple[Name, ...] = ()
    """The documents that the carrier wants to see."""
    deadline_at: Utc | None = None
    """Until when the carrier takes the claim."""


class _Claim(_Parcel):
    case_id: Id


class _ClaimStep(_Claim):
    deadline_at: Utc | None = None
    """Until when the next step is to be done; None where nothing was agreed with the carrier."""


@says("carrier_claim.evidence_added", "logistics")
class CarrierClaimEvidenceAdded(_ClaimStep):
    """A document for the claim is there."""

    evidence: Name
    """Its kind, such as `proof_of_value`."""
    ref: Id
    missing: tuple[Name, ...]
    """What the carrier wants to see and is not there yet."""


@says("carrier_claim.submitted", "logistics")
class CarrierClaimSubmitted(_ClaimStep):
    """The claim was handed in to the carrier."""

    amount: Amount
    reference: Id | None = None
    """The carrier's own number of the claim."""


@says("carrier_claim.approved", "logistics")
class CarrierClaimApproved(_ClaimStep):
    """The carrier will pay."""

    amount: Amount


@says("carrier_claim.refused", "logistics")
class CarrierClaimRefused(_ClaimStep):
    """The carrier will not pay."""

    reason: Name
    final: bool
    """Whether it was appealed before: then nothing can be done any more."""


@says("carrier_claim.appealed", "logistics")
class CarrierClaimAppealed(_ClaimStep):
    """The shop does not accept the carrier's refusal. It may do so once."""


@says("carrier_claim.overdue", "logistics")
class CarrierClaimOverdue(_Claim):
    """The next step of the claim was not done in time."""

    awaited: Literal["submission", "decision", "payment"]
    was: Utc


@says("carrier_claim.deadline_changed", "logistics")
class CarrierClaimDeadlineChanged(_ClaimStep):
    """The carrier was asked and named another day."""

    was: Utc | None
    reason: Name


@says("carrier_claim.paid", "logistics")
class CarrierClaimPaid(_Claim):
    """The carrier paid."""

    amount: Amount


@says("carrier_claim.closed", "logistics")
class CarrierClaimClosed(_Claim):
    """The claim ended without money."""

    reason: Literal["refused", "not_appealed", "given_up"]


@says("carrier_claim.reconciled", "logistics")
class CarrierClaimReconciled(_Claim):
    """What the carrier paid beside what the buyer got: the last word about a lost parcel."""

    served_with: Amount | None
    """What the buyer got, as money or as goods; None where that was not told."""
    paid_by_carrier: Amount
    currency: Currency | None
    shortfall: Amount
    """What the shop bears."""
    surplus: Amount
    """What the carrier paid beyond it."""


class _Sighting(Payload):
    sighting_id: Id
    """The fact that told it; the carrier's own words stay in the file of the tracking number."""
    carrier: Id
    tracking_no: Id
    status: ScanStatus
    scanned_at: Utc
    """The carrier's time."""


@says("sighting.recorded", "logistics")
class SightingRecorded(_Sighting):
    """A carrier told of a tracking number that is no parcel's yet: it is kept, and waits for its parcel."""

    waits_until: Utc
    scheme_failed: Name | None = None
    """The check of its carrier that the number fails, such as `ups_1z`: it may be mistyped."""


@says("sighting.matched", "logistics")
class SightingMatched(_Sighting):
    """A carrier's scan belongs to this order's parcel; `carrier` and `tracking_no` as it was dispatched."""

    order_id: Id
    parcel_id: Id
    told_at: Utc
    """When the carrier's word reached us."""
    location: Name | None = None
    fault: Fault | None = None
    reason: Name | None = None
    """A word of ours, for an exception."""
    weight_grams: Grams | None = None


@says("sighting.unmatched", "logistics")
class SightingUnmatched(_Sighting):
    """A carrier's scan belongs to no parcel that we know of, and no longer waits for one."""

    reason: Name
    """`no-parcel`, `ambiguous`, `out-of-time` or `too-many-waiting`."""


@says("parcel.number_doubted", "logistics")
class ParcelNumberDoubted(_Parcel):
    """The tracking number fails the check of its carrier: somebody may have mistyped it."""

    scheme: Name
    """Which check it fails, such as `ups_1z`."""
