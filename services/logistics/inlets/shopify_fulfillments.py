"""Shopify webhooks `fulfillment_events/create` and `/update`: scans that name order and fulfillment.

They carry no tracking number. The order is known, and its parcel goes by the fulfillment's id, as the
inlet for `fulfillments/*` dispatched it: so this is a scan of that order at once, by the parcel's id.
"""

from typing import Final

from pydantic import ValidationError

from services.logistics.inlets.checkpoints import (
    Checkpoint,
    kind,
    moment,
    number,
    payload,
    place,
    what_is_said,
    word,
)
from services.logistics.inlets.reading import status_table
from services.logistics.state import BY_PARCEL
from shared.contracts.base import TEXT_MAX_CHARS
from shared.contracts.facts import ShipmentScanned, ShipmentScannedBody
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, Unreadable, fact_id
from shared.kernel.signatures import in_base64

SYSTEM: Final = "shopify_fulfillments"
TABLE: Final = status_table(SYSTEM)
_TOPICS: Final = ("fulfillment_events/create", "fulfillment_events/update", "")


def signed(delivery: Delivery, secret: str) -> bool:
    """`X-Shopify-Hmac-Sha256`: base64 of HMAC-SHA256 over the body."""
    return in_base64(delivery, secret, "x-shopify-hmac-sha256")


def read(delivery: Delivery) -> Reading:
    """One event of one fulfillment."""
    topic = delivery.headers.get("x-shopify-topic", "")
    if topic not in _TOPICS:
        return Read(facts=(), left=(f"topic {topic[:60]!r}: not a fulfillment's event",))
    told = payload(delivery.body, delivery.depth_max)
    if isinstance(told, Unreadable):
        return told
    order_id, fulfillment = number(told, "order_id"), number(told, "fulfillment_id")
    if isinstance(order_id, Unreadable):
        return Unreadable(field="order_id", expected="an order's id", got=order_id.got)
    if isinstance(fulfillment, Unreadable):
        return Unreadable(field="fulfillment_id", expected="a fulfillment's id", got=fulfillment.got)
    scanned_at = moment(word(told, "happened_at", "created_at"))
    if scanned_at is None:
        return Unreadable(
            field="happened_at", expected="a moment with its offset", got=kind(told.get("happened_at"))
        )
    status = word(told, "status") or ""
    point = Checkpoint(meaning=TABLE.status(status), code=status, scanned_at=scanned_at)
    said = what_is_said(point)
    if isinstance(said, str):
        return Read(facts=(), left=(said,))
    try:
        body = ShipmentScannedBody(
            carrier=BY_PARCEL,
            tracking_no=fulfillment,
            status=said[0],
            text=": ".join(filter(None, (status, word(told, "message"))))[:TEXT_MAX_CHARS],
            location=(place(told, "city", "province", "country") or "")[:200] or None,
            scanned_at=scanned_at,
        )
        fact = ShipmentScanned(
            id=fact_id(SYSTEM, order_id, body=body), at=delivery.received_at, order_id=order_id, data=body
        )
    except ValidationError as problem:
        error = problem.errors()[0]
        return Unreadable(field=str(error["loc"][-1]), expected=error["msg"][:200], got="something else")
    return Read(facts=(fact,))


INLET: Final = Inlet(system=SYSTEM, signed=signed, read=read, one_shop=True)
