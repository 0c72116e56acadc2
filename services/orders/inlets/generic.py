"""Facts themselves, in the format of `POST /facts`, signed by Standard Webhooks.

Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md: the signature is over
`webhook-id.webhook-timestamp.body`, several are separated by spaces, secrets may begin with `whsec_` and
are base64 then. What is older or younger than five minutes is a replay, or a clock that is wrong.
"""

import binascii
import hmac
from base64 import b64decode, b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from shared.contracts.facts import (
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    RefundPaid,
    RefundRequested,
    ReturnReceived,
    ReturnShipped,
    ShipmentDispatched,
    ShipmentScanned,
)
from shared.kernel.inlets import Delivery, Inlet, Read, Reading, read_json, same

SYSTEM: Final = "generic"
TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "whsec_"
_Told = Annotated[
    OrderPlaced
    | OrderPaid
    | OrderCancelled
    | ShipmentDispatched
    | ShipmentScanned
    | RefundRequested
    | ReturnShipped
    | ReturnReceived
    | RefundPaid,
    Field(discriminator="fact"),
]
_ONE: Final[TypeAdapter[Any]] = TypeAdapter(_Told)
_SEVERAL: Final[TypeAdapter[Any]] = TypeAdapter(list[_Told])


def signed(delivery: Delivery, secret: str) -> bool:
    """Whether one of the signatures is right, and the moment is now."""
    message_id = delivery.headers.get("webhook-id", "")
    timestamp = delivery.headers.get("webhook-timestamp", "")
    if not (message_id and timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    if abs(int(timestamp) - delivery.received_at.timestamp()) > TOLERANCE.total_seconds():
        return False
    content = f"{message_id}.{timestamp}.".encode("utf-8", "replace") + delivery.body
    digest = hmac.new(_key(secret), content, sha256).digest()
    expected = f"v1,{b64encode(digest).decode()}"
    given = delivery.headers.get("webhook-signature", "").split(" ")[:20]
    return any(same(one, expected) for one in given)


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()


def read(delivery: Delivery) -> Reading:
    """One fact, or a list of them, as `POST /facts` takes them."""
    payload = read_json(delivery.body, delivery.depth_max)
    if isinstance(payload, list):
        return Read(tuple(_SEVERAL.validate_python(payload)))
    return Read((_ONE.validate_python(payload),))


INLET: Final = Inlet(system=SYSTEM, signed=signed, read=read)
