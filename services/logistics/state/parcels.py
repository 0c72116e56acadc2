"""A parcel, stage by stage, and the clock that its deadlines count from."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field

from services.logistics.state.care import Enquiry, Watch, Weights
from services.logistics.state.claims import AnyClaim, Claim, Gathering
from shared.contracts.base import Frozen, Id, Name, Text, Utc
from shared.contracts.events.logistics import Resurfaced
from shared.contracts.facts import Fault, Grams, ScanStatus
from shared.contracts.tasks import TaskKind

MAX_PARCELS: Final = 100
"""Parcels of one order; a file is one document and stays below the database's limit."""
MAX_TRACE: Final = 100
"""Scans that a parcel keeps, newest last; older ones are only counted."""

WayStage = Literal["dispatched", "picked_up", "in_transit", "out_for_delivery"]
WAY: Final[tuple[WayStage, ...]] = ("dispatched", "picked_up", "in_transit", "out_for_delivery")
"""The stages before the end, in the order in which a parcel goes through them."""

StallLevel = Literal[0, 1, 2]


class Clock(Frozen):
    """What a parcel's deadlines count from, and how far they have got."""

    since: Utc
    """The newest scan, the dispatch, or what the carrier said when an agent asked."""
    level: StallLevel = 0
    """The highest stall level reached since then."""
    lost_suspected: bool = False
    pickup_from: Utc | None = None
    """When the carrier was to come; None once a scan, an agent or the deadline has settled it."""
    asked_at: Utc | None = None
    """When an agent last had the carrier's word: an older scan does not take it back."""

    @classmethod
    def handed_over(cls, at: Utc) -> "Clock":
        """Dispatched, or booked with another carrier: the pickup is awaited too."""
        return cls(since=at, pickup_from=at)

    def scanned(self, at: Utc) -> "Clock":
        """A newer scan: levels start again."""
        return Clock(since=at if self.asked_at is None else max(at, self.asked_at), asked_at=self.asked_at)

    def confirmed(self, at: Utc) -> "Clock":
        """The carrier has the parcel, as an agent learnt: levels start again."""
        return Clock(since=at, asked_at=at)

    def delayed(self, until: Utc, at: Utc) -> "Clock":
        """The carrier gave a day: the next level counts from it, and never from before the answer."""
        return Clock(since=max(until, at), asked_at=at, pickup_from=self.pickup_from)

    def stalled(self, level: StallLevel) -> "Clock":
        """A stall level was reached."""
        return self.model_copy(update={"level": level})

    def suspected(self) -> "Clock":
        """The parcel may be lost: no further level follows."""
        return self.model_copy(update={"lost_suspected": True})

    def pickup_missed(self) -> "Clock":
        """The pickup's deadline has come."""
        return self.model_copy(update={"pickup_from": None})


class Seen(Frozen):
    """One scan as it is kept in the trace."""

    status: ScanStatus
    scanned_at: Utc
    heard_at: Utc
    text: Text = ""
    """The carrier's words, shortened."""
    location: Name | None = None
    taken: bool
    """Whether it moved the parcel; otherwise it came late, backwards or after the end."""

    @property
    def counts_from(self) -> datetime:
        """When it happened, for clocks: as the carrier says, and never after it was heard of.

        A carrier's clock that runs ahead, or local time told as UTC, would hide every true scan after it.
        """
        return min(self.scanned_at, self.heard_at)

    def same_as(self, other: "Seen") -> bool:
        """Whether the carrier told the same scan again."""
        return (self.status, self.scanned_at, self.text, self.location) == (
            other.status,
            other.scanned_at,
            other.text,
            other.location,
        )


class Told(Frozen):
    """A carrier and a tracking number under which the parcel was dispatched."""

    carrier: Id
    tracking_no: Id
    weight_grams: Grams | None = None


class OpenTask(Frozen):
    """A task about the parcel that an agent has not completed."""

    task_id: Id
    kind: TaskKind


class ParcelBase(Frozen):
    """What is known of every parcel."""

    parcel_id: Id
    carrier: Id
    tracking_no: Id
    lines: tuple[Id, ...]
    dispatched_at: Utc
    told: tuple[Told, ...]
    """Every dispatch of it, oldest first: a rebooked parcel has several."""
    clock: Clock
    newest_scan_at: Utc | None = None
    """When the newest scan taken happened."""
    trace: tuple[Seen, ...] = ()
    trace_dropped: int = 0
    """Scans that no longer fit into the trace."""
    weights: Weights = Weights()
    """The warehouse's and the carrier's; what its lines weigh by the order is the order's to say."""
    first_scan_at: Utc | None = None
    longest_gap: timedelta = timedelta(0)
    """The longest time between two scans taken, or between its dispatch and the first."""
    has_stalled: bool = False
    watch: Watch | None = None
    """Where it counts among the parcels that may stand; None where nobody counts."""
    enquiry: Enquiry | None = None
    """The newest enquiry of the buyer about it."""
    refused_because: Name | None = None
    """Why the buyer does not take it, if he said so."""
    complaints: tuple[Id, ...] = ()
    """Cases about how it was carried."""
    tasks: tuple[OpenTask, ...] = ()
    tasks_wanted: int = 0
    """How many tasks were wanted about it so far; numbers the next one."""

    def task(self, kind: TaskKind) -> OpenTask | None:
        """Its open task of that kind."""
        return next((task for task in self.tasks if task.kind == kind), None)

    def newer(self, seen: Seen) -> bool:
        """Whether a scan is newer than the newest one taken; of two from the future what the carrier says."""
        newest = next((one for one in reversed(self.trace) if one.taken), None)
        if newest is not None:
            return (seen.counts_from, seen.scanned_at) > (newest.counts_from, newest.scanned_at)
        return self.newest_scan_at is None or seen.counts_from > self.newest_scan_at

    def keep(self, seen: Seen) -> Self:
        """The parcel with one more scan in its trace, the oldest dropped when there are too many."""
        trace = (*self.trace, seen)
        over = max(0, len(trace) - MAX_TRACE)
        newest, gap, first = self.newest_scan_at, self.longest_gap, self.first_scan_at
        if seen.taken:
            newest = seen.counts_from
            gap = max(gap, newest - (self.newest_scan_at or self.dispatched_at))
            first = first or newest
        changed = {
            "longest_gap": gap,
            "first_scan_at": first,
            "trace": trace[over:],
            "trace_dropped": self.trace_dropped + over,
            "newest_scan_at": newest,
        }
        return self.model_copy(update=changed)


class Moving(ParcelBase):
    """On its way to the buyer."""

    stage: WayStage = "dispatched"
    rebooked: bool = False
    """Whether another carrier was booked, whose tracking number may still come."""


class Troubled(ParcelBase):
    """Something went wrong on the way."""

    stage: Literal["exception"] = "exception"
    before: WayStage
    """The stage in which it happened, and from which it goes on."""
    reason: Name
    fault: Fault


class Returning(ParcelBase):
    """On its way back to the sender."""

    stage: Literal["returning"] = "returning"


class Delivered(ParcelBase):
    """It arrived."""

    stage: Literal["delivered"] = "delivered"
    delivered_at: Utc


class Returned(ParcelBase):
    """It is back at the sender; an agent settles with the buyer what becomes of it."""

    stage: Literal["returned"] = "returned"
    returned_at: Utc
    settled: Literal["resend", "refund"] | None = None


class Lost(ParcelBase):
    """An agent confirmed the loss."""

    stage: Literal["lost"] = "lost"
    lost_at: Utc
    claimed_for: Id | None = None
    """The case that served the buyer, once the carrier was asked to pay."""
    claim: Claim | None = None
    resurfaced: tuple[Resurfaced, ...] = ()
    """As what it was scanned since, each looked into once."""

    @property
    def open_claim(self) -> AnyClaim | None:
        """The claim; one that an earlier release opened has its case only."""
        if self.claim is None and self.claimed_for is not None:
            return Gathering(case_id=self.claimed_for)
        return self.claim


class PickupCancelled(ParcelBase):
    """It never left."""

    stage: Literal["pickup_cancelled"] = "pickup_cancelled"

    def after_all(self) -> Moving:
        """It as it was before somebody said that it never left."""
        kept: dict[str, Any] = {name: getattr(self, name) for name in ParcelBase.model_fields}
        kept["clock"] = Clock.handed_over(self.dispatched_at)
        return Moving(**kept)


OpenParcel = Moving | Troubled | Returning
EndedParcel = Delivered | Returned | Lost | PickupCancelled
Parcel = Annotated[OpenParcel | EndedParcel, Field(discriminator="stage")]
