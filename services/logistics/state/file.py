"""The kinds of file, and what an order's learns without saying it."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import Field

from services.logistics.state.incidents import Watching
from services.logistics.state.parcels import OpenTask, Parcel, PickupCancelled, Seen
from services.logistics.state.scorecards import Scorecard
from services.logistics.state.tracking import Tracked
from shared.contracts.base import PERSONAL, Frozen, Id, Name, Utc
from shared.contracts.facts import Grams, Receiver
from shared.kernel.decision import Note

BY_PARCEL: Final = "parcel-id"
"""In place of a carrier: the scan names the parcel by its own id, as a platform does that has no number."""


class Contact(Frozen):
    """Who receives the order. Personal: it leaves this file in no event."""

    receiver: Receiver
    since: Utc


class Hold(Frozen):
    """Lines that shall not leave until what they are held for comes to nothing."""

    cause: Name
    lines: tuple[Id, ...]


class _File(Frozen):
    contact: Annotated[Contact | None, PERSONAL] = None
    erased: bool = False
    """Whether the buyer was erased: no contact is taken any more."""
    unwanted: tuple[Id, ...] = ()
    """Lines that shall not leave any more, whether or not they had left already."""
    holds: tuple[Hold, ...] = ()
    """Lines that shall not leave either, as long as their cause lasts; a cause has one hold."""
    stopped: tuple[Id, ...] = ()
    """Lines that the warehouse was told not to send."""

    def held(self, cause: str | None) -> tuple[Id, ...]:
        """The lines that are not wanted for this cause; for good where it is None."""
        if cause is None:
            return self.unwanted
        return next((hold.lines for hold in self.holds if hold.cause == cause), ())

    def wanted(self, lines: Iterable[Id]) -> tuple[Id, ...]:
        """Those of the lines that nobody has taken back for good."""
        return tuple(line for line in lines if line not in self.unwanted)

    def kept_back(self, but_for: str | None = None) -> frozenset[Id]:
        """The lines that are not wanted for whatever cause, one of them not looked at."""
        return frozenset(self.unwanted).union(*(hold.lines for hold in self.holds if hold.cause != but_for))


class NotPlaced(_File):
    """The order is not known yet; others may have spoken of it."""

    stage: Literal["not_placed"] = "not_placed"


class Placed(_File):
    """The order is known; its parcels come and go."""

    stage: Literal["placed"] = "placed"
    order_id: Id
    lines: tuple[Id, ...]
    ship_service: Name
    buyer_id: Id | None = None
    line_grams: dict[Id, Grams] = Field(default_factory=dict)
    """What lines weigh, as far as the order told it."""
    parcels: tuple[Parcel, ...] = ()
    """In the order in which their dispatch was heard."""

    def parcel(self, parcel_id: str) -> Parcel | None:
        """The parcel of that id."""
        return next((parcel for parcel in self.parcels if parcel.parcel_id == parcel_id), None)

    def tracked(self, carrier: str, tracking_no: str, parcel_id: str | None = None) -> Parcel | None:
        """The parcel that a scan is about; of two with one number the named one, else the last to leave."""
        if carrier == BY_PARCEL:
            return self.parcel(tracking_no)
        same = [p for p in self.parcels if (p.carrier, p.tracking_no) == (carrier, tracking_no)]
        same = [p for p in same if p.parcel_id == parcel_id] or same
        return max(enumerate(same), key=lambda at: (at[1].dispatched_at, at[0]))[1] if same else None

    def asked(self, task_id: str) -> tuple[Parcel, OpenTask] | None:
        """The open task of that id and the parcel that it is about."""
        for parcel in self.parcels:
            for task in parcel.tasks:
                if task.task_id == task_id:
                    return parcel, task
        return None

    def left(self, except_in: str = "") -> frozenset[Id]:
        """The lines that left in some parcel, one of them not looked at."""
        return frozenset(
            line
            for parcel in self.parcels
            if not isinstance(parcel, PickupCancelled) and parcel.parcel_id != except_in
            for line in parcel.lines
        )


State = Annotated[NotPlaced | Placed | Tracked | Watching | Scorecard, Field(discriminator="stage")]


def keys(state: State) -> tuple[str, ...]:
    """What a file is found by, beside the order: parcel ids and `carrier/tracking_no`."""
    match state:
        case NotPlaced() | Tracked() | Watching() | Scorecard():
            return ()
        case Placed():
            ids = [parcel.parcel_id for parcel in state.parcels]
            numbers = [f"{told.carrier}/{told.tracking_no}" for p in state.parcels for told in p.told]
            rebooked = [f"{p.carrier}/{p.tracking_no}" for p in state.parcels]
            return tuple(dict.fromkeys((*ids, *numbers, *rebooked)))


class OrderLearnt(Note):
    """The order was placed."""

    order_id: Id
    lines: tuple[Id, ...]
    ship_service: Name
    buyer_id: Id | None = None
    line_grams: dict[Id, Grams] = Field(default_factory=dict)


class ContactLearnt(Note):
    """Who receives the order now."""

    contact: Contact


class BuyerErased(Note):
    """The buyer was erased."""


class LinesUnwanted(Note):
    """Lines that shall not leave any more, or not as long as their cause lasts."""

    lines: tuple[Id, ...]
    cause: Name | None = None


class HoldLifted(Note):
    """What these lines were held for came to nothing."""

    lines: tuple[Id, ...]
    cause: Name


class ScanSeen(Note):
    """A scan goes into the parcel's trace."""

    parcel_id: Id
    seen: Seen


class AnswerTaken(Note):
    """An agent completed a task about the parcel."""

    parcel_id: Id
    task_id: Id
