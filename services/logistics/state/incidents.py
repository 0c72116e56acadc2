"""The file of one carrier and region of a shop: how many of its parcels stand, and the incident, if any.

It counts and does not list: parcels that left by the day of their dispatch, and of those that stand the
newest ones, so that it stays small whatever the carrier does. Parcels reach it by `parcel.watched`, which
every order's file says of its own parcels and each of which is heard once; it reaches them by the events
of the incident. Whose parcels they are it knows by opaque ids alone.
"""

from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from shared.contracts.base import Frozen, Id, Name, Utc
from shared.contracts.events.incidents import AffectedParcel
from shared.kernel.decision import Note

STANDING_MAX: Final = 500
"""Standing parcels that are listed, and parcels of one incident; more are counted only."""
TOLD_MAX: Final = 2_000
"""Buyers of one incident of whom it is known that they were told."""
PREFIX: Final = "incident~"
_WORD_CHARS: Final = 24
_DIGEST_CHARS: Final = 8
_BUYER_CHARS: Final = 12


def subject_of(prefix: str, *parts: str) -> str:
    """A subject that can be read and stand in an address: words of each part, and a digest of all."""
    words = ["".join(c if c.isascii() and c.isalnum() else "-" for c in part.casefold()) for part in parts]
    digest = sha256("\x1f".join(part.casefold() for part in parts).encode()).hexdigest()[:_DIGEST_CHARS]
    return prefix + "~".join([*(word.strip("-")[:_WORD_CHARS] or "-" for word in words), digest])


def incident_subject(shop_id: str | None, carrier: str, region: str) -> str:
    """The file of a shop's parcels with one carrier in one region."""
    return subject_of(PREFIX, shop_id or "", carrier, region)


class Standing(Frozen):
    """A parcel that stands."""

    order_id: Id
    parcel_id: Id
    since: Utc
    buyer_id: Id | None = None
    told: bool = False
    """Whether its buyer has heard of the delay."""
    held: bool = False
    """Whether it stands because somebody says so."""

    @property
    def buyer(self) -> str:
        """Who is to hear of it: a digest of the buyer, or of the order where he is not known."""
        return sha256((self.buyer_id or self.order_id).encode()).hexdigest()[:_BUYER_CHARS]

    @property
    def affected(self) -> AffectedParcel:
        """As events name it."""
        return AffectedParcel(order_id=self.order_id, parcel_id=self.parcel_id, held=self.held)


class Incident(Frozen):
    """Parcels that stand together."""

    incident_id: Id
    opened_at: Utc
    by: Literal["rule", "hand"]
    reason: Name
    affected: int
    """Parcels that have belonged to it."""
    members: tuple[Standing, ...]
    """Those that still stand."""
    not_joined: int = 0
    """Parcels that came to a stand when it had as many as it may hold; they have their own tasks."""
    told: tuple[Id, ...] = ()
    """Digests of the buyers who were told."""
    deadline_at: Utc | None
    """When it is looked at again; None once its task can't matter more."""
    task_id: Id | None = None
    """Its open task."""
    tasks: int = 0

    def has(self, order_id: str, parcel_id: str) -> bool:
        """Whether the parcel belongs to it and stands."""
        return any((one.order_id, one.parcel_id) == (order_id, parcel_id) for one in self.members)


class Watching(Frozen):
    """One carrier and region of a shop."""

    stage: Literal["watching"] = "watching"
    shop_id: Id | None = None
    carrier: Id
    region: Name
    counts: tuple[tuple[date, int], ...] = ()
    """Parcels that have not arrived, by the day of their dispatch in UTC."""
    standing: tuple[Standing, ...] = ()
    """Those that stand and belong to no incident, the oldest first."""
    opened: int = 0
    """Incidents so far; numbers the next one."""
    incident: Incident | None = None

    @property
    def subject(self) -> str:
        """Its name."""
        return incident_subject(self.shop_id, self.carrier, self.region)

    def under_way(self, at: datetime, among: timedelta) -> int:
        """How many parcels that left within that time have not arrived."""
        first = (at - among).date()
        return sum(number for day, number in self.counts if day >= first)


class WatchIs(Note):
    """What is known of the carrier and region from now on."""

    watching: Watching
