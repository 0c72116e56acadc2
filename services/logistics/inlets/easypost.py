"""EasyPost events: `tracker.created` and `tracker.updated` with a tracker's details."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final

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
from shared.kernel.signatures import TOLERANCE, hmac_hex

SYSTEM: Final = "easypost"
TABLE: Final = status_table(SYSTEM)
_PREFIX: Final = "hmac-sha256-hex="
_GRAMS_AN_OUNCE: Final = Decimal("28.349523125")
_OUNCES_MAX: Final = 3_000_000


def signed(delivery: Delivery, secret: str) -> bool:
    """The newer signature, with its time and path, where it is sent; the plain one over the body otherwise.

    The plain scheme is EasyPost's documentation and clients' (`X-Hmac-Signature`, the secret in NFKD). The
    newer one (`X-Hmac-Signature-V2` over timestamp, method, path and body) is known from public code only,
    so a delivery that has both passes by either.
    """
    key = unicodedata.normalize("NFKD", secret)
    plain = same(delivery.headers.get("x-hmac-signature", ""), _PREFIX + hmac_hex(key, delivery.body))
    timestamp, path = delivery.headers.get("x-timestamp", ""), delivery.headers.get("x-path", "")
    message = f"{timestamp}POST{path}".encode("utf-8", "replace") + delivery.body
    given = delivery.headers.get("x-hmac-signature-v2", "").removeprefix(_PREFIX)
    newer = same(given, hmac_hex(key, message)) and _fresh(timestamp, delivery.received_at)
    return plain or newer


def _fresh(timestamp: str, received_at: datetime) -> bool:
    told = moment(timestamp)
    if told is None:
        try:
            told = parsedate_to_datetime(timestamp)
        except (TypeError, ValueError, OverflowError, IndexError):
            return False
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told
    return abs(received_at - told) <= TOLERANCE


def read(delivery: Delivery) -> Reading:
    """Every detail of the tracker; events about anything else are left."""
    told = payload(delivery.body, delivery.depth_max)
    if isinstance(told, Unreadable):
        return told
    about = word(told, "description") or ""
    if not about.startswith("tracker."):
        return Read(facts=(), left=(f"event {about[:60] or 'without description'}: not about a parcel",))
    tracker = part(told, "result")
    if not tracker:
        return Unreadable(field="result", expected="a tracker", got=kind(told.get("result")))
    tracking_no, details = number(tracker, "tracking_code"), entries(tracker, "tracking_details")
    if isinstance(tracking_no, Unreadable):
        return tracking_no
    if isinstance(details, Unreadable):
        return details
    points = [point for point in (_checkpoint(detail) for detail in details) if point is not None]
    return sightings(SYSTEM, delivery, word(tracker, "carrier"), tracking_no, _weighed(points, tracker))


def _checkpoint(of: Json) -> Checkpoint | None:
    scanned_at = moment(word(of, "datetime"))
    if scanned_at is None:
        return None
    status, detail = word(of, "status"), word(of, "status_detail")
    return Checkpoint(
        meaning=TABLE.refined(status, detail),
        code="/".join(part for part in (status, detail) if part),
        scanned_at=scanned_at,
        text=word(of, "message", "description") or "",
        location=place(part(of, "tracking_location"), "city", "state", "country"),
    )


def _weighed(points: list[Checkpoint], tracker: Json) -> list[Checkpoint]:
    """The carrier's weight, told in ounces for the whole tracker, goes with the first scan."""
    grams = _grams(tracker.get("weight"))
    scans = [point for point in points if point.meaning is not None and point.meaning.means != "nothing"]
    if grams is None or not scans:
        return points
    first = min(scans, key=lambda point: point.scanned_at)
    return [replace(point, weight_grams=grams) if point is first else point for point in points]


def _grams(ounces: Any) -> int | None:
    if isinstance(ounces, bool) or not isinstance(ounces, int | Decimal) or not 0 < ounces < _OUNCES_MAX:
        return None
    return round(Decimal(ounces) * _GRAMS_AN_OUNCE)


INLET: Final = Inlet(system=SYSTEM, signed=signed, read=read)
