"""Wishes: what a buyer wants of an order beside its lines, as special requests and as changes."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from shared.contracts.base import PERSONAL, Id, Name, Strict

RequestKind = Literal["courier", "invoice", "card", "slot"]
ChangeKind = Literal["address", "attribute", "price", "freight", "swap"]
WishKind = Literal["courier", "invoice", "card", "slot", "address", "attribute", "price", "freight", "swap"]

FlagColour = Literal["gray", "red", "yellow", "green", "blue", "pink"]
"""The six colours of an order's flag. Source: CCMS trade centre, `AffairCons`, order memos."""

VerifiedField = Literal["items", "address", "contact"]
"""What is checked of an order before it is released."""
FIELDS: Final[tuple[VerifiedField, ...]] = ("items", "address", "contact")

Slot = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
"""Hours of a day in the buyer's local time, such as `18:00-21:00`."""

CardText = Annotated[str, StringConstraints(min_length=1, max_length=500), PERSONAL]


class CourierRequest(Strict):
    """The buyer chose a carrier."""

    kind: Literal["courier"] = "courier"
    carrier: Id


class InvoiceRequest(Strict):
    """The buyer wants an invoice. Personal: the title stays in the order's file."""

    kind: Literal["invoice"] = "invoice"
    title: Annotated[Name, PERSONAL]
    """To whom it is made out."""


class CardRequest(Strict):
    """The buyer wants a card in the parcel. Personal: its text stays in the order's file."""

    kind: Literal["card"] = "card"
    text: CardText


class SlotRequest(Strict):
    """The buyer wants the parcel at certain hours."""

    kind: Literal["slot"] = "slot"
    slot: Slot


SpecialRequest = Annotated[
    CourierRequest | InvoiceRequest | CardRequest | SlotRequest, Field(discriminator="kind")
]
"""A request of one kind, each with its one mandatory detail."""

REQUESTS_MAX: Final = 4
