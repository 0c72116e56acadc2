"""Field types that every contract is written in: ids, times, amounts and frozen models."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

ID_MAX_CHARS: Final = 128
TEXT_MAX_CHARS: Final = 4000
AMOUNT_MAX_DIGITS: Final = 15
AMOUNT_MAX_PLACES: Final = 4
_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")
_RFC3339_START: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


class Personal:
    """The mark of a field that may name a buyer, reach him, place him or quote him."""

    def __repr__(self) -> str:
        """As it stands in annotations."""
        return "PERSONAL"


PERSONAL: Final = Personal()
"""Erasing a buyer blanks every field with this mark, wherever a file holds it."""


class Frozen(BaseModel):
    """An immutable value. Unknown fields are ignored, so that old readers read new writers."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Strict(BaseModel):
    """An immutable value from outside. Unknown fields are refused, so that typing errors are seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _moment_text(value: object) -> object:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339_START.match(value):
        raise ValueError("a moment is written as RFC 3339 with an offset, such as '2026-03-02T12:00:00Z'")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as problem:
        raise ValueError("a moment lies between the years 1 and 9999, in UTC too") from problem


def _decimal_text(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError("an amount is a decimal number written as a string, for example '16.45'")
    if not _PLAIN_NUMBER.fullmatch(value):
        raise ValueError("an amount is written in digits with at most one point, for example '16.45'")
    return value


def _limited_amount(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("an amount is zero or more")
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or -exponent > AMOUNT_MAX_PLACES:
        raise ValueError(f"an amount has at most {AMOUNT_MAX_PLACES} decimal places")
    if len(digits) > AMOUNT_MAX_DIGITS:
        raise ValueError(f"an amount has at most {AMOUNT_MAX_DIGITS} digits")
    return value


def _limited_sum(value: Decimal) -> Decimal:
    if value < 0 or not value.is_finite():
        raise ValueError("a sum is zero or more")
    return value


def _amount_text(value: Decimal) -> str:
    return format(value, "f")


Id = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=ID_MAX_CHARS, pattern=r"^[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*)$"
    ),
]
"""An opaque name given by somebody: 1 to 128 characters, none of them a control character."""

OWN_SUBJECTS: Final = ("buyer/", "day~", "incident~", "report~", "scorecard~", "shifts~", "tracking/")
"""How the subjects of those files begin that are no order's: a buyer's, a day's, an agent's shifts."""


def _of_an_order(value: str) -> str:
    if value.startswith(OWN_SUBJECTS):
        own = ", ".join(repr(start) for start in OWN_SUBJECTS)
        raise ValueError(
            f"an id that does not begin with {own}: so Orderlink names files that are no order's"
        )
    return value


OrderId = Annotated[Id, AfterValidator(_of_an_order)]
"""An order's id as the outside gives it. It is the subject of the order's files, so it is none of ours."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A short label, 1 to 200 characters."""

Text = Annotated[str, StringConstraints(max_length=TEXT_MAX_CHARS), PERSONAL]
"""Free text, at most 4,000 characters. Personal, since it may hold anything."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

Utc = Annotated[AwareDatetime, BeforeValidator(_moment_text), AfterValidator(_utc)]
"""A moment. Any offset is accepted, UTC is kept."""

Amount = Annotated[
    Decimal,
    BeforeValidator(_decimal_text),
    AfterValidator(_limited_amount),
    PlainSerializer(_amount_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,4})?$", "examples": ["16.45"]}),
]
"""An amount of money, zero or more, written as a decimal string. Its currency is the order's."""

Sum = Annotated[
    Decimal,
    BeforeValidator(_decimal_text),
    AfterValidator(_limited_sum),
    PlainSerializer(_amount_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,60}(\.[0-9]{1,60})?$", "examples": ["1234.50"]}),
]
"""What many amounts come to, or how often one goes into another: zero or more, as a decimal string."""
