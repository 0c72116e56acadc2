"""What the file knows of its order, its parcels, its cases and who receives it."""

from typing import Annotated, Literal

from pydantic import Field

from services.notifications.commands import OrderEnd, ParcelStage
from shared.contracts.base import PERSONAL, Amount, Currency, Frozen, Id, Name, Utc


class Parcel(Frozen):
    """How far a parcel is."""

    parcel_id: Id
    stage: ParcelStage
    stalled: bool = False


class Knowledge(Frozen):
    """What other services said about the order, as far as a message or an invitation depends on it."""

    shop_id: Id | None = None
    buyer_id: Id | None = None
    paid: bool = False
    ended: OrderEnd | None = None
    all_dispatched: bool = False
    delivered_at: Utc | None = None
    parcels: tuple[Parcel, ...] = ()
    open_cases: tuple[Id, ...] = ()
    reviewed: bool = False
    placed_at: Utc | None = None
    currency: Currency | None = None
    total: Amount | None = None
    """What it costs, where that was changed after the placing."""
    ship_by: Utc | None = None
    had_case: bool = False
    """Whether any case of the order was ever opened."""
    disputed: tuple[Id, ...] = ()
    """Those of the open cases into which the buyer brought the platform."""
    review_id: Id | None = None


class ContactUnknown(Frozen):
    """Nobody has said yet who receives the order."""

    known: Literal[False] = False


class Reachable(Frozen):
    """Who receives the order, as far as a letter needs it."""

    known: Literal[True] = True
    name: Annotated[Name, PERSONAL]
    email: Annotated[str, PERSONAL] | None = None


class ContactErased(Frozen):
    """The buyer was erased: nobody may say any more who receives the order."""

    known: Literal["erased"] = "erased"


Contact = Annotated[ContactUnknown | Reachable | ContactErased, Field(discriminator="known")]
