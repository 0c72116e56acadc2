"""The task catalogue: every kind of task, the outcomes it allows and the arguments they take."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from shared.contracts.base import Amount, Id, Name, Strict, Text, Utc
from shared.contracts.facts import Quantity, Receiver

TaskKind = Literal[
    "urge_shipment",
    "late_payment",
    "call_about_payment",
    "check_pickup",
    "check_with_carrier",
    "confirm_loss",
    "resolve_exception",
    "confirm_address_and_resend",
    "decide_case",
    "verify_weight",
    "decide_inspection",
    "answer_buyer",
    "call_about_review",
    "look_into",
    "work_incident",
    "chase_claim",
    "answer_enquiry",
    "follow_up_enquiry",
    "answer_urge",
    "confirm_wish",
    "call_warehouse",
    "verify_order",
    "offer_choice",
    "help_with_payment",
    "merge_freight",
]
Priority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: Final[tuple[Priority, ...]] = ("low", "normal", "high", "urgent")

Lines = Annotated[tuple[Id, ...], Field(min_length=1, max_length=500)]


class NoDetails(Strict):
    """The outcome says it all."""


class OnDate(Strict):
    """A moment that was promised."""

    date: Utc


class WithCarrier(Strict):
    """Another carrier."""

    carrier: Id


class WithContact(Strict):
    """A receiver, confirmed with the buyer. Personal: it is published on the contacts topic only."""

    contact: Receiver


class WithReason(Strict):
    """Why; the buyer may be told so."""

    reason: Text = Field(min_length=1)


class WithReasonAndPhotos(Strict):
    """Why, and references of the photos that show it."""

    reason: Text = Field(min_length=1)
    photos: Annotated[tuple[Id, ...], Field(max_length=20)] = ()


class WithOffer(Strict):
    """Something else than what was asked for."""

    kind: Literal["partial_refund", "reship", "exchange", "gift"]
    amount: Amount


class WithLines(Strict):
    """Some of the order's lines."""

    lines: Lines


class WithReplacement(Strict):
    """Another article in the place of a line, chosen by the buyer, for at most what the line costs."""

    line_id: Id
    sku: Id
    name: Name
    quantity: Quantity
    amount: Amount


class WithChecks(Strict):
    """What was found of each field of an order."""

    items: bool
    address: bool
    contact: bool


class WithText(Strict):
    """What the buyer is told."""

    text: Text = Field(min_length=1)


class WithResult(Strict):
    """How it went."""

    result: Name


Outcomes = dict[str, type[Strict]]

OUTCOMES: Final[dict[TaskKind, Outcomes]] = {
    "urge_shipment": {"ships_on": OnDate, "out_of_stock": NoDetails, "cancel": NoDetails},
    "late_payment": {"refund": NoDetails, "reopen": NoDetails},
    "call_about_payment": {"reached": WithResult, "not_reached": NoDetails, "cancel": NoDetails},
    "check_pickup": {"picked_up": NoDetails, "rebook": WithCarrier, "cancelled": NoDetails},
    "check_with_carrier": {
        "moving": NoDetails,
        "delayed_until": OnDate,
        "lost": NoDetails,
        "returning": NoDetails,
    },
    "confirm_loss": {"lost": NoDetails, "found": NoDetails},
    "resolve_exception": {
        "resolved": NoDetails,
        "new_address": WithContact,
        "return_to_sender": NoDetails,
    },
    "confirm_address_and_resend": {"resend": WithContact, "refund": NoDetails},
    "decide_case": {"approve": NoDetails, "refuse": WithReason, "offer": WithOffer},
    "verify_weight": {"matches": NoDetails, "short": WithLines, "unclear": NoDetails},
    "decide_inspection": {
        "accept": NoDetails,
        "accept_part": WithLines,
        "refuse": WithReasonAndPhotos,
    },
    "answer_buyer": {"answered": WithText, "no_answer_needed": NoDetails},
    "call_about_review": {"reached": WithResult, "not_reached": NoDetails},
    "look_into": {"fixed": NoDetails, "ignored": WithReason},
    "work_incident": {"over": NoDetails, "goes_on_until": OnDate},
    "chase_claim": {"promised": OnDate, "given_up": NoDetails},
    "answer_enquiry": {"feedback": WithText},
    "follow_up_enquiry": {"settled": WithResult, "ask_again": NoDetails},
    "answer_urge": {"answered": WithText},
    "confirm_wish": {"confirmed": NoDetails, "declined": WithReason},
    "call_warehouse": {"acknowledged": NoDetails, "impossible": WithReason},
    "verify_order": {"checked": WithChecks},
    "offer_choice": {"wait": OnDate, "replace": WithReplacement, "cancel_lines": NoDetails},
    "help_with_payment": {"helped": NoDetails, "not_reached": NoDetails},
    "merge_freight": {"give_back": NoDetails, "leave": NoDetails},
}
"""For each kind of task, the outcomes it allows and the model of each outcome's arguments."""


def outcome_details(kind: TaskKind, outcome: str, details: dict[str, Any]) -> Strict:
    """Check an outcome's arguments.

    Raises `KeyError` when the kind does not allow the outcome and `pydantic.ValidationError`
    when the arguments are not those of the outcome.
    """
    return OUTCOMES[kind][outcome].model_validate(details)
