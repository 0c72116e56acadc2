"""The file of one tracking number: which parcels left under it, and what carriers told of it.

A carrier tells scans by tracking number. Which order they are about is decided here and nowhere else,
in the one file that has the number, so that no look-up can race with a dispatch:

- `parcel.dispatched` brings every parcel's number here, by an event of logistics to itself; an event
  is never lost, so sooner or later this file knows the parcel, whatever crashed in between.
- A sighting is committed here before its sender is answered. Where its parcel is known, the commit
  says `sighting.matched`, and the order takes the scan when it hears that. Where it is not, the
  sighting waits here in the same commit, and the commit that learns of the parcel says it.
- Both are work on one file under its version, so one of them comes second and sees the other.
  Dispatch first: the sighting finds the parcel. Sighting first: the dispatch finds the sighting.
- Each sighting is said to be matched once: its id is kept with the file's ids, its place here is
  marked in the same commit, and the order drops an event that it has heard. Told again after that, the
  order's parcel knows the scan by its content.

A sighting without a parcel waits for `fact_wait`, then it is said to be unmatched, stays listed and
is never put on a parcel by guess. Numbers of waiting and kept sightings have a limit; what is over it
is unmatched at once, and in the log as such. The carrier's own words stay here for as long as a
sighting waits, and go when it is settled: they may name a buyer, and events carry none.
"""

from typing import Final, Literal

from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.facts import ShipmentScannedBody
from shared.kernel.decision import Note

WAITING_MAX: Final = 100
"""Sightings of one number that wait for a parcel."""
SIGHTINGS_KEPT: Final = 200
"""Sightings of one number that are kept; the oldest settled ones go first and are counted."""
PARCELS_MAX: Final = 50
"""Parcels of one number; the one dispatched longest ago is forgotten when there are more."""

Reason = Literal["no-parcel", "ambiguous", "out-of-time", "too-many-waiting"]
Status = Literal["waiting", "matched", "unmatched"]


class Numbered(Frozen):
    """A parcel that was dispatched under this number."""

    order_id: Id
    parcel_id: Id
    shop_id: Id | None = None
    carrier: Id
    """As it was dispatched."""
    tracking_no: Id
    dispatched_at: Utc


class Sighted(Frozen):
    """What a carrier told, and what became of it."""

    sighting_id: Id
    told_at: Utc
    scan: ShipmentScannedBody
    """With the carrier's own words, shortened, while it waits."""
    shop_id: Id | None = None
    reason: Name | None = None
    status: Status
    order_id: Id | None = None
    """The order that it was found to be about."""
    because: Name | None = None
    """Why it is not matched."""


class Tracked(Frozen):
    """A tracking number."""

    stage: Literal["tracked"] = "tracked"
    parcels: tuple[Numbered, ...] = ()
    """In the order in which they were heard of."""
    sightings: tuple[Sighted, ...] = ()
    """In the order in which they were told."""
    dropped: int = 0
    """Settled sightings that are no longer kept."""

    @property
    def waiting(self) -> tuple[Sighted, ...]:
        """Those that wait for their parcel."""
        return tuple(one for one in self.sightings if one.status == "waiting")

    def with_parcel(self, parcel: Numbered) -> "Tracked":
        """One more parcel, or a newer dispatch of one."""
        others = tuple(
            one
            for one in self.parcels
            if (one.order_id, one.parcel_id, one.carrier)
            != (parcel.order_id, parcel.parcel_id, parcel.carrier)
        )
        return self.model_copy(update={"parcels": (*others, parcel)[-PARCELS_MAX:]})

    def with_sighting(self, sighted: Sighted) -> "Tracked":
        """One more sighting, or what became of one; the oldest settled one goes when there are too many."""
        if sighted.status != "waiting":
            sighted = sighted.model_copy(update={"scan": sighted.scan.model_copy(update={"text": ""})})
        others = [one for one in self.sightings if one.sighting_id != sighted.sighting_id]
        at = next(
            (n for n, one in enumerate(self.sightings) if one.sighting_id == sighted.sighting_id),
            len(others),
        )
        others.insert(at, sighted)
        over = len(others) - SIGHTINGS_KEPT
        kept: list[Sighted] = []
        for one in others:
            if over > 0 and one.status != "waiting":
                over -= 1
            else:
                kept.append(one)
        dropped = self.dropped + len(others) - len(kept)
        return self.model_copy(update={"sightings": tuple(kept), "dropped": dropped})


class NumberLearnt(Note):
    """A parcel left under this number."""

    parcel: Numbered


class SightingKept(Note):
    """A sighting was told, or settled."""

    sighted: Sighted
