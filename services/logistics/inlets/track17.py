"""17TRACK v2.4 webhooks: `TRACKING_UPDATED` with the events of all carriers that had the parcel."""

from datetime import datetime
from hashlib import sha256
from typing import Final

from services.logistics.inlets.checkpoints import (
    Checkpoint,
    Json,
    entries,
    kind,
    moment,
    number,
    part,
    payload,
    place,
    sightings,
    word,
)
from services.logistics.inlets.reading import status_table
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable, same

SYSTEM: Final = "track17"
TABLE: Final = status_table(SYSTEM)


def signed(delivery: Delivery, secret: str) -> bool:
    """Header `sign`: SHA-256 of the body, a slash and the key, in hexadecimal."""
    expected = sha256(delivery.body + b"/" + secret.encode()).hexdigest()
    return same(delivery.headers.get("sign", "").lower(), expected)


def read(delivery: Delivery) -> Reading:
    """Every event of every carrier; that tracking stopped is left."""
    told = payload(delivery.body, delivery.depth_max)
    if isinstance(told, Unreadable):
        return told
    event = word(told, "event")
    if event != "TRACKING_UPDATED":
        if event is None:
            return Unreadable(field="event", expected="TRACKING_UPDATED", got=kind(told.get("event")))
        return Read(facts=(), left=(f"event {event[:60]}: no scan of the parcel",))
    about = part(told, "data")
    tracking_no = number(about, "number")
    if isinstance(tracking_no, Unreadable):
        return tracking_no
    points = _points(about)
    if isinstance(points, Unreadable):
        return points
    return sightings(SYSTEM, delivery, word(about, "carrier"), tracking_no, points)


def _points(about: Json) -> list[Checkpoint] | Unreadable:
    """The events of all providers; the latest event alone where a payload has no more."""
    providers = entries(part(about, "track_info", "tracking"), "providers")
    if isinstance(providers, Unreadable):
        return providers
    points: list[Checkpoint] = []
    for provider in providers:
        events = entries(provider, "events")
        if isinstance(events, Unreadable):
            return events
        points.extend(point for point in map(_checkpoint, events) if point is not None)
    if points:
        return points
    status = part(about, "track_info", "latest_status")
    latest = _checkpoint({**status, **part(about, "track_info", "latest_event")})
    return [] if latest is None else [latest]


def _checkpoint(of: Json) -> Checkpoint | None:
    """An event; a sub-status that the table lacks means what its stage does, else its main status."""
    scanned_at = _time(of)
    if scanned_at is None:
        return None
    fine, stage = word(of, "sub_status"), word(of, "stage", "status")
    main = None if fine is None else fine.partition("_")[0]
    return Checkpoint(
        meaning=TABLE.status(fine, stage, main),
        code=fine or stage or "",
        scanned_at=scanned_at,
        text=word(of, "description") or "",
        location=word(of, "location") or place(part(of, "address"), "city", "state", "country"),
    )


def _time(of: Json) -> datetime | None:
    return moment(word(of, "time_utc")) or moment(word(of, "time_iso"))


INLET: Final = Inlet(system=SYSTEM, signed=signed, read=read)
