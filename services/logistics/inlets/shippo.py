"""Shippo webhooks: `track_updated` with a tracking status and the history before it."""

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
from shared.kernel.signatures import fresh, hmac_hex

SYSTEM: Final = "shippo"
TABLE: Final = status_table(SYSTEM)


def signed(delivery: Delivery, secret: str) -> bool:
    """`Shippo-Auth-Signature: t=<seconds>,v1=<hex>` over `t.body`; else the token that the address ends in.

    Both are Shippo's (docs.goshippo.com, Webhook security): the signature has to be asked for, the token
    is one's own, as `?token=`. Where a signature is sent, it decides.
    """
    header = delivery.headers.get("shippo-auth-signature")
    if header is None:
        return same(delivery.query.get("token", ""), secret)
    fields: dict[str, str] = {}
    for field in header.split(","):
        name, _, value = field.strip().partition("=")
        fields[name] = value
    timestamp = fields.get("t", "")
    message = f"{timestamp}.".encode("utf-8", "replace") + delivery.body
    return same(fields.get("v1", "").lower(), hmac_hex(secret, message)) and fresh(
        timestamp, delivery.received_at
    )


def read(delivery: Delivery) -> Reading:
    """Every entry of the history, the newest included; other events are left."""
    told = payload(delivery.body, delivery.depth_max)
    if isinstance(told, Unreadable):
        return told
    event = word(told, "event")
    if event is not None and event != "track_updated":
        return Read(facts=(), left=(f"event {event[:60]}: not about a parcel's way",))
    track = part(told, "data")
    if not track:
        return Unreadable(field="data", expected="a tracking", got=kind(told.get("data")))
    tracking_no, history = number(track), entries(track, "tracking_history")
    if isinstance(tracking_no, Unreadable):
        return tracking_no
    if isinstance(history, Unreadable):
        return history
    told_points = [_checkpoint(entry) for entry in (*history, part(track, "tracking_status"))]
    points = [point for point in told_points if point is not None]
    return sightings(SYSTEM, delivery, word(track, "carrier"), tracking_no, points)


def _checkpoint(of: Json) -> Checkpoint | None:
    scanned_at = moment(word(of, "status_date"))
    if scanned_at is None:
        return None
    status, detail = word(of, "status"), word(part(of, "substatus"), "code")
    return Checkpoint(
        meaning=TABLE.refined(status, detail),
        code="/".join(part for part in (status, detail) if part),
        scanned_at=scanned_at,
        text=word(of, "status_details") or "",
        location=place(part(of, "location"), "city", "state", "country"),
    )


INLET: Final = Inlet(system=SYSTEM, signed=signed, read=read)
