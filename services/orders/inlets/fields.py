"""How platforms write ids, money, moments and labels, and what we make of them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, EmailStr, TypeAdapter, ValidationError

from shared.contracts.base import AMOUNT_MAX_PLACES, Amount, Frozen, Id, Name, Text, Utc
from shared.contracts.facts import Phone

CHINA: Final = timezone(timedelta(hours=8))
"""Chinese platforms write local times without a zone; China has one, without summer time."""
_NAME_MAX_CHARS: Final = 200
_EPOCH_MAX_SECONDS: Final = 253_402_300_799
_WRITTEN: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_NAMELESS: Final = "(not told)"
_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?")


class Seen(Frozen):
    """Base of what is read of a payload: only the fields that we need; others are tolerated."""


def _plain_id(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def _decimal(value: object) -> Decimal:
    match value:
        case Decimal() if value.is_finite() and abs(value.adjusted()) <= 18:
            return value
        case int() if not isinstance(value, bool) and abs(value) < 10**18:
            return Decimal(value)
        case str() if _WRITTEN.fullmatch(value.strip()):
            return Decimal(value.strip())
        case _:
            raise ValueError("an amount is a decimal number, such as '16.45' or 16.45")


def _money(value: object) -> Decimal:
    """Rounded to the places that amounts have: platforms that count in floats write more."""
    return _rounded(_decimal(value))


def _given_back(value: object) -> Decimal:
    """An amount that went back: some platforms write it below zero."""
    return abs(_money(value))


def _cents(value: object) -> Decimal:
    """An amount that is counted in hundredths."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("an amount is a whole number of hundredths, such as 1645")
    return _rounded(_decimal(value) / 100)


def _rounded(amount: Decimal) -> Decimal:
    places = -int(amount.as_tuple().exponent)
    return (
        amount.quantize(Decimal(1).scaleb(-AMOUNT_MAX_PLACES), ROUND_HALF_UP)
        if places > AMOUNT_MAX_PLACES
        else amount.quantize(Decimal(1))
        if places < 0
        else amount
    )


def _epoch(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _EPOCH_MAX_SECONDS:
        raise ValueError("a moment is written as seconds since 1970, such as 1772452800")
    return datetime.fromtimestamp(value, UTC)


def _without_zone(zone: timezone) -> BeforeValidator:
    def read(value: object) -> object:
        if not isinstance(value, str) or not _LOCAL.fullmatch(value):
            raise ValueError("a moment is written as '2026-03-02 12:00:00'")
        try:
            return datetime.fromisoformat(value).replace(tzinfo=zone)
        except ValueError:
            raise ValueError("a moment is a day that exists, such as '2026-03-02 12:00:00'") from None

    return BeforeValidator(read)


def _short(value: object) -> object:
    return value.strip()[:_NAME_MAX_CHARS] if isinstance(value, str) else value


PlainId = Annotated[Id, BeforeValidator(_plain_id)]
"""An id that platforms write as a number or as a string."""
Money = Annotated[Amount, BeforeValidator(_money)]
"""An amount, zero or more, that platforms write as a string or as a number."""
GivenBack = Annotated[Amount, BeforeValidator(_given_back)]
"""An amount that was paid back, written with its sign or without."""
Cents = Annotated[Amount, BeforeValidator(_cents)]
"""An amount in hundredths."""
Epoch = Annotated[Utc, BeforeValidator(_epoch)]
"""Seconds since 1970."""
LocalUtc = Annotated[Utc, _without_zone(UTC)]
"""UTC, written without saying so."""
LocalChina = Annotated[Utc, _without_zone(CHINA)]
"""Chinese local time, written without its zone."""
Label = Annotated[Name, BeforeValidator(_short)]
"""A name, cut to the length that names have."""

_PERSONAL: Final[dict[str, TypeAdapter[Any]]] = {
    "phone": TypeAdapter(Phone),
    "email": TypeAdapter(EmailStr),
    "country": TypeAdapter(Name),
    "state": TypeAdapter(Name),
    "city": TypeAdapter(Name),
    "postal_code": TypeAdapter(Name),
    "address": TypeAdapter(Text),
}


def receiver(name: object, **told: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Who gets the order, and what of it could not be read: no order is refused for a buyer's typing."""
    label = name.strip()[:_NAME_MAX_CHARS] if isinstance(name, str) else ""
    found: dict[str, Any] = {"name": label or _NAMELESS}
    left: list[str] = []
    for field, value in told.items():
        if value is None or value == "":
            continue
        try:
            found[field] = _PERSONAL[field].validate_python(value)
        except ValidationError:
            left.append(f"receiver.{field}: it is not written as such a thing is")
    return found, tuple(left)


def joined(*parts: object, between: str = ", ") -> str:
    """The texts among the parts that say something, as one text."""
    texts = [part.strip() for part in parts if isinstance(part, str)]
    return between.join(text for text in texts if text)


def slug(text: str) -> str:
    """A label as an id of ours: small letters, no spaces. `DHL Express` is `dhl-express`."""
    return re.sub(r"\s+", "-", text.strip().lower())
