"""From the checkpoints of a payload to sightings: in order of time, with ids from their content, limited.

A payload usually repeats the whole trace of its parcel. The same checkpoint gets the same id each time, so
that what was told before tells nothing new. A code that no table knows moves no parcel: it is left, and the
answer to the sender says so; only where its text says clearly what happened, the text is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeGuard, cast

from pydantic import ValidationError

from services.logistics.inlets.reading import CARRIERS, CHINESE
from services.logistics.inlets.tables import Meaning
from shared.contracts.base import ID_MAX_CHARS, TEXT_MAX_CHARS
from shared.contracts.facts import Fault, ScanStatus, ShipmentScannedBody, Sighting
from shared.kernel.inlets import Delivery, Read, Reading, Unreadable, fact_id, read_json

CHECKPOINTS_MAX: Final = 200
"""Checkpoints of one delivery that are taken, the newest; older ones are left."""
LEFT_MAX: Final = 50
"""Reasons for what was left that are told."""
_LABEL_CHARS: Final = 200

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One scan of a payload."""

    meaning: Meaning | None
    """What the table says of its code; None for one that it does not know."""
    code: str
    """The sender's own word, for what is told of a code that is left."""
    scanned_at: datetime
    text: str = ""
    location: str | None = None
    weight_grams: int | None = None


def sightings(
    system: str, delivery: Delivery, carrier: str | None, tracking_no: str, points: Sequence[Checkpoint]
) -> Reading:
    """The checkpoints as sightings of ours. `carrier` is the system's own code."""
    left: list[str] = []
    found: list[Sighting] = []
    ordered = sorted(points, key=lambda point: point.scanned_at)
    if len(ordered) > CHECKPOINTS_MAX:
        left.append(f"{len(ordered) - CHECKPOINTS_MAX} older checkpoints, beyond {CHECKPOINTS_MAX}")
    called = CARRIERS.told_by(system, carrier) if carrier else f"{system}:"
    for point in ordered[-CHECKPOINTS_MAX:]:
        said = what_is_said(point)
        if isinstance(said, str):
            left.append(said)
            continue
        status, reason, fault = said
        sighting = _sighting(system, delivery, called, tracking_no, point, status, fault, reason)
        if isinstance(sighting, Unreadable):
            return sighting
        found.append(sighting)
    return Read(facts=tuple(dict.fromkeys(found)), left=tuple(dict.fromkeys(left))[:LEFT_MAX])


def what_is_said(point: Checkpoint) -> tuple[ScanStatus, str | None, Fault | None] | str:
    """What a checkpoint says of the parcel, or why it is left."""
    meaning = point.meaning
    by_words = CHINESE.status_of(point.text)
    if meaning is None:
        return f"status {point.code[:60]!r} is not known" if by_words is None else (by_words, None, None)
    match meaning.means:
        case "nothing" | "as_status":
            return f"status {point.code[:60]!r} is no scan of the parcel"
        case "by_words":
            return by_words or meaning.otherwise or "in_transit", None, None
        case status:
            return status, meaning.reason, meaning.fault


def _sighting(
    system: str,
    delivery: Delivery,
    carrier: str,
    tracking_no: str,
    point: Checkpoint,
    status: ScanStatus,
    fault: Fault | None,
    reason: str | None,
) -> Sighting | Unreadable:
    try:
        body = ShipmentScannedBody(
            carrier=carrier,
            tracking_no=tracking_no,
            status=status,
            text=point.text[:TEXT_MAX_CHARS],
            location=(point.location or "")[:_LABEL_CHARS] or None,
            scanned_at=point.scanned_at,
            fault=fault,
            weight_grams=point.weight_grams,
        )
        shop_id = None if delivery.shop_id == "*" else delivery.shop_id
        what = (tracking_no, *(part for part in (reason, shop_id) if part))
        return Sighting(
            id=fact_id(system, *what, body=body),
            at=delivery.received_at,
            data=body,
            shop_id=shop_id,
            reason=reason,
        )
    except ValidationError as problem:
        error = problem.errors()[0]
        field = str(error["loc"][-1]) if error["loc"] else "payload"
        return Unreadable(field=field, expected=error["msg"][:_LABEL_CHARS], got="something else")


def payload(raw: bytes | str, depth_max: int) -> Json | Unreadable:
    """A payload that is a JSON object. Raises `NotJson`."""
    parsed = read_json(raw, depth_max)
    found = _object(parsed)
    if found is None:
        return Unreadable(field="body", expected="a JSON object", got=kind(parsed))
    return found


def part(of: Any, *path: str) -> Json:
    """The object at a path; an empty one where there is none."""
    found = _object(of) or {}
    for name in path:
        found = _object(found.get(name)) or {}
    return found


def entries(of: Json, name: str) -> list[Json] | Unreadable:
    """The objects of a list; none where it is absent. Anything that is no list is wrong."""
    value = of.get(name)
    if value is None:
        return []
    if not _is_list(value):
        return Unreadable(field=name, expected="a list", got=kind(value))
    objects = (_object(entry) for entry in value)
    return [entry for entry in objects if entry is not None]


def _object(value: Any) -> Json | None:
    return cast(Json, value) if isinstance(value, dict) else None


def word(of: Json, *names: str) -> str | None:
    """The first of these fields that has a text or a whole number, as text; None where none has."""
    for name in names:
        value = of.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**30:
            return str(value)
    return None


def number(of: Json, name: str = "tracking_number") -> str | Unreadable:
    """The tracking number: without it there is nothing to tell."""
    told = word(of, name)
    if told is None or len(told) > ID_MAX_CHARS or not told.isprintable():
        return Unreadable(field=name, expected="a tracking number", got=kind(of.get(name)))
    return told


def moment(text: str | None, otherwise: datetime | None = None) -> datetime | None:
    """A moment from ISO 8601, in UTC; one without an offset is taken as UTC, but not as after `otherwise`."""
    try:
        told = datetime.fromisoformat(text or "")
        if told.tzinfo is not None:
            return told.astimezone(UTC)
        told = told.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return told if otherwise is None else min(told, otherwise)


def place(of: Json, *names: str) -> str | None:
    """A place in words, from its parts."""
    parts = [part for part in (word(of, name) for name in names) if part]
    return ", ".join(dict.fromkeys(parts)) or None


def kind(value: Any) -> str:
    """What came instead, without its content: it may name somebody."""
    match value:
        case None:
            return "nothing"
        case bool() | int() | Decimal():
            return "a number" if not isinstance(value, bool) else "yes or no"
        case str():
            return f"a text of {len(value)} characters"
        case list():
            return "a list"
        case _:
            return "an object"


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
