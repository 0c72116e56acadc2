"""Inlets: how another system's deliveries become facts of ours.

An inlet is a value with two pure functions: `signed` says whether a delivery is from whom it claims
to be, by the sender's own scheme over the raw bytes; `read` says which facts it tells. Neither knows
HTTP, a clock or a database. What a sender adds to its payloads later is tolerated; what a fact can't
be made without, and a version that nobody has mapped, is `Unreadable` and names the field.

A fact's id comes from what it says (`fact_id`), so a payload that is delivered twice, or under two
topics, tells nothing new, and one that was changed meanwhile is another fact.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from pydantic import BaseModel

from shared.contracts.base import ID_MAX_CHARS
from shared.contracts.facts import AnyFact, Sighting

_DIGEST_CHARS = 16


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request of another system, as it came."""

    shop_id: str
    """The shop that this inlet was opened for; `*` where it serves all, as a carrier's does."""
    body: bytes
    """The raw body: signatures are over these very bytes."""
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """By name in lower case."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])


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
    answer: Callable[[bool], bytes] | None = None
    """The body that the sender wants to see, for taken and not taken; None where any will do."""
    greet: Callable[[Delivery], bytes] | None = None
    """The answer to the GET by which the sender tries an address, once it is signed."""


def fact_id(system: str, *what: str, body: BaseModel) -> str:
    """An id that says what is told: the same statement has the same id, whoever delivers it again."""
    digest = sha256(body.model_dump_json().encode()).hexdigest()[:_DIGEST_CHARS]
    told = "/".join((system, *what))
    return f"{told[: ID_MAX_CHARS - _DIGEST_CHARS - 1]}/{digest}"


def same(given: str, computed: str) -> bool:
    """Whether two signatures are equal, compared in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), computed.encode())
