"""AfterShip Tracking webhooks: `tracking_update` with all checkpoints of a tracking."""

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
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable
from shared.kernel.signatures import in_base64

SYSTEM: Final = "aftership"
TABLE: Final = status_table(SYSTEM)
_HEADERS: Final = ("aftership-hmac-sha256", "as-signature-hmac-sha256")
"""Tracking signs in the first; AfterShip's other products, alike, in the second (its Webhook Signature)."""
_OTHERS: Final = ("edd_revise", "tracking_pending_time")


def signed(delivery: Delivery, secret: str) -> bool:
    """Base64 of HMAC-SHA256 over the body."""
    return in_base64(delivery, secret, *_HEADERS)


def read(delivery: Delivery) -> Reading:
    """Every checkpoint of the tracking; an estimate or a silence that AfterShip reports is left."""
    told = payload(delivery.body, delivery.depth_max)
    if isinstance(told, Unreadable):
        return told
    event = word(told, "event")
    if event in _OTHERS:
        return Read(facts=(), left=(f"event {event}: our own clocks and the carrier's scans say it",))
    tracking = part(told, "msg")
    if not tracking:
        return Unreadable(field="msg", expected="a tracking", got=kind(told.get("msg")))
    tracking_no, points = number(tracking), entries(tracking, "checkpoints")
    if isinstance(tracking_no, Unreadable):
        return tracking_no
    if isinstance(points, Unreadable):
        return points
    read_points = [point for point in map(_checkpoint, points) if point is not None]
    carrier = word(tracking, "slug")
    return sightings(SYSTEM, delivery, carrier, tracking_no, read_points)


def _checkpoint(of: Json) -> Checkpoint | None:
    """A checkpoint; its time may lack an offset, and then lies before AfterShip heard of it."""
    scanned_at = moment(word(of, "checkpoint_time"), moment(word(of, "created_at")))
    if scanned_at is None:
        return None
    tag, subtag = word(of, "tag"), word(of, "subtag")
    return Checkpoint(
        meaning=TABLE.status(subtag, tag),
        code=subtag or tag or "",
        scanned_at=scanned_at,
        text=word(of, "message", "subtag_message") or "",
        location=word(of, "location") or place(of, "city", "state", "country_region_name", "country_name"),
    )


INLET: Final = Inlet(system=SYSTEM, signed=signed, read=read)
