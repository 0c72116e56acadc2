"""What is kept of a parcel beside its stage: weights, an enquiry, the count that it belongs to."""

from typing import Literal

from shared.contracts.base import Frozen, Id, Name, Text, Utc
from shared.contracts.facts import Grams
from shared.kernel.decision import Note

Verdict = Literal["matches", "short", "unclear"]
EnquiryStage = Literal["registered", "answered", "settled"]


class Weights(Frozen):
    """What a parcel weighs: by the order, by the warehouse, by the carrier."""

    ordered: Grams | None = None
    warehouse: Grams | None = None
    carrier: Grams | None = None


class Watch(Frozen):
    """The carrier and region among whose parcels this one is counted."""

    carrier: Id
    region: Name
    standing: bool = False
    incident_id: Id | None = None
    """The incident to which it belongs: that has one task for all of them."""
    held_from: Utc | None = None
    """When somebody said that it stands, although its clock does not say so."""


class Enquiry(Frozen):
    """The buyer asks where his parcel is: registered, answered with the carrier's word, followed up."""

    enquiry_id: Id
    number: int
    about: Literal["lookup", "urge"]
    channel: Name
    text: Text = ""
    """What the buyer wrote. Personal: it leaves this file in no event."""
    stage: EnquiryStage = "registered"
    asked: int = 1
    """How often the carrier was asked."""
    deadline_at: Utc | None = None

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self.stage != "settled"


class EnquiryKept(Note):
    """What the buyer asked, with his words."""

    parcel_id: Id
    enquiry: Enquiry
