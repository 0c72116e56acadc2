"""Inlets: how another system's deliveries become facts of ours.

An inlet is a value with two pure functions: `signed` says whether a delivery is from whom it claims
to be, by the sender's own scheme over the raw bytes; `read` says which facts it tells. Neither knows
HTTP, a clock or a database. What a sender adds to its payloads later is tolerated; what a fact can't
be made without, and a version that nobody has mapped, is `Unreadable` and names the field.

A fact's id comes from what it says (`fact_id`), so a payload that is delivered twice, or under two
topics, tells nothing new, and one that was changed meanwhile is another fact. Its moment is no part
of that: where a payload has none, it is the delivery's.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final, NoReturn, TypeGuard

from pydantic import BaseModel

from shared.contracts.base import ID_MAX_CHARS
from shared.contracts.facts import AnyFact, Sighting

DEPTH_MAX: Final = 32
_DIGEST_CHARS: Final = 16
_NUMBER_MAX_CHARS: Final = 40
_EXPONENT_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of another system, as it came."""

    shop_id: str
    """The shop that this inlet was opened for; `*` where it serves all, as a carrier's does."""
    body: bytes
    """The raw body: signatures are over these very bytes."""
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """By name in lower case; the last, of one that is there twice."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Mapping[str, str] = field(default_factory=dict[str, str])
    """The fields of a body that is a form."""
    depth_max: int = DEPTH_MAX
    """How deep objects and arrays may be nested in it."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a delivery tells, in the order in which it is to be taken."""

    facts: tuple[AnyFact | Sighting, ...]
    left: tuple[str, ...] = ()
    """What of it Orderlink has no use for, and why, in a few words each."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that is signed well and can't be used: its sender, or our mapping, is wrong."""

    field: str
    expected: str
    got: str


Reading = Read | Unreadable


@dataclass(frozen=True, slots=True)
class Inlet:
    """One outside system: how its deliveries are checked, read and answered."""

    system: str
    """Its name in settings, addresses and fact ids, such as `shopify`."""
    signed: Callable[[Delivery, str], bool]
    """Whether the delivery is signed with this secret. Compares in constant time."""
    read: Callable[[Delivery], Reading]
    """What it tells. May raise `NotJson`, and `pydantic.ValidationError` for a payload, or a fact made
    of it, that lacks something: the sender is told the field, never the value."""
    opened: Callable[[Delivery, str], Delivery | Unreadable] | None = None
    """For a sender that encrypts: the delivery as it is read, opened with the secret it is signed with."""
    answer: bytes | None = None
    """The body that the sender wants to see when a delivery was taken; None where any will do."""
    greet: Callable[[Delivery], bytes] | None = None
    """The answer to the GET by which the sender tries an address, once it is signed."""
    tries: Callable[[Delivery], bool] | None = None
    """Whether a delivery only tries the address: it tells nothing, and its sender does not sign it."""
    one_shop: bool = False
    """Whether it can be opened for one shop only: its payloads don't say which shop they are about."""


class NotJson(ValueError):
    """A body, or a field of it, that is no JSON as Orderlink takes it. The text says why."""


def read_json(raw: bytes | str, depth_max: int = DEPTH_MAX) -> Any:
    """The JSON value that a sender wrote. Raises `NotJson`.

    Numbers with a point are decimals, so that money stays exact. Half a surrogate pair, which is what
    cutting a text in the middle of an emoji leaves, is replaced rather than refused.
    """
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        value = json.loads(text, parse_constant=_constant, parse_int=_whole, parse_float=_decimal)
    except UnicodeDecodeError as problem:
        raise NotJson(f"byte {problem.start} is not UTF-8") from None
    except json.JSONDecodeError as problem:
        raise NotJson(f"{problem.msg} (line {problem.lineno}, column {problem.colno})") from None
    except RecursionError:
        raise NotJson(f"it is nested deeper than {depth_max} levels") from None
    return _clean(value, depth_max, depth_max)


def _constant(text: str) -> NoReturn:
    raise NotJson(f"{text} is no JSON number")


def _whole(text: str) -> int:
    if len(text) > _NUMBER_MAX_CHARS:
        raise NotJson(f"a number of {len(text)} digits is longer than numbers may be")
    return int(text)


def _decimal(text: str) -> Decimal:
    with suppress(ArithmeticError):
        number = Decimal(text)
        if len(text) <= _NUMBER_MAX_CHARS and abs(number.adjusted()) <= _EXPONENT_MAX:
            return number
    raise NotJson("a number is longer than numbers may be")


def _clean(value: Any, depth_left: int, depth_max: int) -> Any:
    if depth_left < 0:
        raise NotJson(f"it is nested deeper than {depth_max} levels")
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if _is_array(value):
        return [_clean(item, depth_left - 1, depth_max) for item in value]
    if _is_object(value):
        return {
            _clean(key, depth_left, depth_max): _clean(item, depth_left - 1, depth_max)
            for key, item in value.items()
        }
    return value


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def fact_id(system: str, *what: str, body: BaseModel) -> str:
    """An id that says what is told: the same statement has the same id, whoever delivers it again."""
    digest = sha256(body.model_dump_json().encode()).hexdigest()[:_DIGEST_CHARS]
    told = "/".join((system, *what))
    return f"{told[: ID_MAX_CHARS - _DIGEST_CHARS - 1]}/{digest}"


def same(given: str, computed: str) -> bool:
    """Whether two signatures are equal, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), computed.encode())
