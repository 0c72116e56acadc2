"""快递100 (Kuaidi100) pushes: a form with `param`, the trace as JSON, and its `sign`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import md5
from typing import Final

from services.logistics.inlets.checkpoints import (
    Checkpoint,
    Json,
    entries,
    kind,
    number,
    part,
    payload,
    sightings,
    word,
)
from services.logistics.inlets.reading import status_table
from services.logistics.inlets.tables import Meaning
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable, same

SYSTEM: Final = "kuaidi100"
TABLE: Final = status_table(SYSTEM)
CHINA: Final = timezone(timedelta(hours=8))
"""Times come as on the wall in China, without an offset; China has had no summer time since 1991."""


def signed(delivery: Delivery, secret: str) -> bool:
    """MD5 of `param` and the salt, in capitals. The salt is given when a number is subscribed to."""
    form = delivery.form
    expected = md5((form.get("param", "") + secret).encode("utf-8", "replace"), usedforsecurity=False)
    return bool(form.get("param")) and same(form.get("sign", "").upper(), expected.hexdigest().upper())


def read(delivery: Delivery) -> Reading:
    """Every line of the trace. A subscription that ended without one has nothing to tell."""
    param = delivery.form.get("param")
    if param is None:
        return Unreadable(field="param", expected="a form field with JSON", got="nothing")
    told = payload(param, delivery.depth_max)
    if isinstance(told, Unreadable):
        return Unreadable(field="param", expected=told.expected, got=told.got)
    result = part(told, "lastResult")
    if not result:
        status = word(told, "status") or kind(told.get("lastResult"))
        return Read(facts=(), left=(f"status {status[:60]!r} without a trace",))
    tracking_no, lines = number(result, "nu"), entries(result, "data")
    if isinstance(tracking_no, Unreadable):
        return tracking_no
    if isinstance(lines, Unreadable):
        return lines
    points = [point for point in map(_checkpoint, lines) if point is not None]
    carrier = word(told, "comNew") or word(result, "com")
    return sightings(SYSTEM, delivery, carrier, tracking_no, _with_state(points, result))


def _checkpoint(of: Json) -> Checkpoint | None:
    scanned_at = _time(word(of, "ftime", "time"))
    if scanned_at is None:
        return None
    code, name = word(of, "statusCode"), word(of, "status")
    return Checkpoint(
        meaning=TABLE.status(code, name),
        code=code or name or "",
        scanned_at=scanned_at,
        text=word(of, "context") or "",
        location=word(of, "location", "areaName", "areaCenter"),
    )


def _with_state(points: list[Checkpoint], result: Json) -> list[Checkpoint]:
    """The state of the whole is that of its newest line, which may have no state of its own."""
    whole: Meaning | None = TABLE.status(word(result, "state"))
    if not points or whole is None:
        return points
    newest = min(points, key=lambda point: -point.scanned_at.timestamp())
    if newest.code:
        return points
    told = replace(newest, meaning=whole, code=whole.code)
    return [told if point is newest else point for point in points]


def _time(text: str | None) -> datetime | None:
    try:
        told = datetime.fromisoformat(text or "")
        return (told.replace(tzinfo=CHINA) if told.tzinfo is None else told).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


INLET: Final = Inlet(
    system=SYSTEM,
    signed=signed,
    read=read,
    answer='{"result":true,"returnCode":"200","message":"成功"}'.encode(),
)
"""Without this answer Kuaidi100 pushes again, three times in all."""
