"""What `logistics` says of many parcels at once, of single ones' care, and of what carriers do."""

from typing import Literal

from pydantic import Field

from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.event import Payload, says
from shared.contracts.facts import Grams


class _Parcel(Payload):
    parcel_id: Id
    carrier: Id
    tracking_no: Id


@says("parcel.watched", "logistics")
class ParcelWatched(_Parcel):
    """The parcel counts, or counts no longer, among those of its carrier and region that may stand.

    Said only where the shop's profile has a rule for incidents, or the parcel belongs to one.
    """

    region: Name
    """The receiver's state, or his country where no state is known."""
    dispatched_at: Utc
    before: Literal["under_way", "standing"] | None = None
    """How it counted until now; None where it did not."""
    now: Literal["under_way", "standing", "over"]
    """On its way, come to a stand, or arrived, lost, or no longer of that carrier and region."""
    buyer_id: Id | None = None
    incident_id: Id | None = None
    """The incident to which it belonged before."""
    asks: bool = False
    """Whether its buyer is to hear of the delay, by an incident or, where there is none, by itself."""


@says("parcel.joined_incident", "logistics")
class ParcelJoinedIncident(_Parcel):
    """The parcel belongs to an incident: that has one task for all of them."""

    incident_id: Id
    region: Name
    held_from: Utc | None = None
    """Since when it counts as standing, where its own clock does not say so."""


@says("parcel.left_incident", "logistics")
class ParcelLeftIncident(_Parcel):
    """The incident is over and the parcel still stands: it has its own task again."""

    incident_id: Id


class AffectedParcel(Frozen):
    """A parcel of an incident."""

    order_id: Id
    parcel_id: Id
    tell: bool = True
    """Whether its order's buyer is to be told: of several parcels of one buyer the first one."""
    held: bool = False
    """Whether somebody says that it stands; otherwise it belongs to the incident only as long as it does."""


class _Incident(Payload):
    incident_id: Id
    carrier: Id
    region: Name


@says("incident.opened", "logistics")
class IncidentOpened(_Incident):
    """Many parcels of one carrier and region came to a stand at once, or somebody says so."""

    by: Literal["rule", "hand"]
    reason: Name = "parcels_stand"
    standing: int = Field(ge=0)
    under_way: int = Field(ge=0)
    """Parcels of this carrier and region that have not arrived, the standing ones included."""
    orders: tuple[Id, ...]
    """The first of the affected orders; `incident.parcels_joined` names all of them."""
    deadline_at: Utc | None = None
    """When somebody looks at it again."""


@says("incident.parcels_joined", "logistics")
class IncidentParcelsJoined(_Incident):
    """These parcels belong to the incident from now on: it has one task, and each buyer is told once."""

    parcels: tuple[AffectedParcel, ...]
    reason: Name = "parcels_stand"


@says("incident.deadline_changed", "logistics")
class IncidentDeadlineChanged(_Incident):
    """Somebody saw that it goes on, and looks at it again then."""

    was: Utc | None
    deadline_at: Utc | None
    reason: Name


@says("incident.closed", "logistics")
class IncidentClosed(_Incident):
    """The incident is over; what still stands is looked after parcel by parcel."""

    reason: Literal["moving_again", "by_hand"]
    affected: int = Field(ge=0)
    still_standing: int = Field(ge=0)


@says("incident.parcels_released", "logistics")
class IncidentParcelsReleased(_Incident):
    """The incident is over for these parcels, which still stand: each has its own task again."""

    parcels: tuple[AffectedParcel, ...]


@says("incident.ruled_out", "logistics")
class IncidentRuledOut(Payload):
    """These parcels stand and belong to no incident so far: the buyer of each is told of it alone."""

    carrier: Id
    region: Name
    parcels: tuple[AffectedParcel, ...]


@says("parcel.weighed", "logistics")
class ParcelWeighed(_Parcel):
    """The weights that are known of a parcel, side by side."""

    ordered_grams: Grams | None = None
    """What its lines weigh by the order, where that is told for all of them and they are in no other."""
    warehouse_grams: Grams | None = None
    carrier_grams: Grams | None = None
    tolerance_grams: Grams
    verdict: Literal["matches", "short", "unclear"]
    reason: Name
    """Which weights say so."""


class _Enquiry(_Parcel):
    enquiry_id: Id


@says("enquiry.registered", "logistics")
class EnquiryRegistered(_Enquiry):
    """The buyer asks where his parcel is, or urges it. What he wrote stays in the file."""

    about: Literal["lookup", "urge"]
    channel: Name
    lines: tuple[Id, ...]
    deadline_at: Utc | None = None
    """Until when he is to have an answer."""


@says("enquiry.answered", "logistics")
class EnquiryAnswered(_Enquiry):
    """The carrier's word was passed on to the buyer."""

    deadline_at: Utc | None = None
    """When somebody sees whether it helped."""


@says("enquiry.followed_up", "logistics")
class EnquiryFollowedUp(_Enquiry):
    """Somebody saw whether the answer helped; the enquiry is over, or asked once more."""

    result: Name
    settled: bool
    deadline_at: Utc | None = None


@says("enquiry.closed", "logistics")
class EnquiryClosed(_Enquiry):
    """The enquiry lost its cause, since the parcel arrived or came back."""

    reason: Name


@says("parcel.refused", "logistics")
class ParcelRefused(_Parcel):
    """The buyer looked at the parcel before signing for it and does not take it."""

    reason: Name
    lines: tuple[Id, ...]


@says("parcel.complained_of", "logistics")
class ParcelComplainedOf(_Parcel):
    """A complaint about the order is about how this parcel was carried."""

    case_id: Id
    reason: Name
    incident_id: Id | None = None


@says("parcel.measured", "logistics")
class ParcelMeasured(_Parcel):
    """What a carrier did with one parcel, once it is known. Said where the profile wants scorecards."""

    route: Name
    week: Name
    """The ISO week of its dispatch, in UTC, such as `2026-W10`."""
    what: Literal["delivered", "returned", "lost", "claimed", "claim_paid", "complained"]
    pickup_hours: int | None = Field(default=None, ge=0)
    """From its dispatch to the first scan, begun hours."""
    transit_hours: int | None = Field(default=None, ge=0)
    """From the first scan to the delivery."""
    longest_gap_hours: int | None = Field(default=None, ge=0)
    """The longest time without a scan."""
    stalled: bool = False
