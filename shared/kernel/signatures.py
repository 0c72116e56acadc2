"""Signature schemes that senders share, over the raw bytes of a delivery. Pure; compares in constant time."""

import hmac
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from shared.kernel.inlets import Delivery, same

TOLERANCE: Final = timedelta(minutes=5)
"""How far a signed timestamp may be from when the delivery reached us."""
BRIDGE_HEADER: Final = "x-orderlink-signature"
"""`sha256=<hex>`: for systems that don't post by themselves, so that a bridge of yours does it for them."""
SIGNATURES_MAX: Final = 20
"""How many of a delivery's signatures are tried."""
_WHSEC: Final = "whsec_"


def hmac_base64(secret: str, message: bytes) -> str:
    """HMAC-SHA256 in base64."""
    return b64encode(_hmac(secret.encode(), message)).decode()


def hmac_hex(secret: str, message: bytes) -> str:
    """HMAC-SHA256 in hexadecimal."""
    return _hmac(secret.encode(), message).hex()


def in_base64(delivery: Delivery, secret: str, *headers: str) -> bool:
    """Whether one of the headers holds the body's HMAC-SHA256 in base64."""
    expected = hmac_base64(secret, delivery.body)
    return any([same(delivery.headers.get(name, ""), expected) for name in headers])  # noqa: C419  # all, always


def by_bridge(delivery: Delivery, secret: str) -> bool:
    """Whether a bridge signed it: the body's HMAC-SHA256 in hexadecimal after `sha256=`."""
    return same(delivery.headers.get(BRIDGE_HEADER, ""), f"sha256={hmac_hex(secret, delivery.body)}")


def fresh(unix_seconds: str, received_at: datetime) -> bool:
    """Whether a signed timestamp is near enough to be no repetition of old."""
    if not (unix_seconds.isascii() and unix_seconds.isdigit() and len(unix_seconds) <= 12):
        return False
    return abs(received_at.timestamp() - int(unix_seconds)) <= TOLERANCE.total_seconds()


def standard_webhooks(delivery: Delivery, secret: str) -> bool:
    """Standard Webhooks (standardwebhooks.com): `webhook-id`, `webhook-timestamp`, `webhook-signature`.

    The secret is base64 after `whsec_`, or any other text; what is no base64 there signs nothing. Several
    signatures may stand in the header, for rotation. Source: standard-webhooks, spec/standard-webhooks.md.
    """
    told_id = delivery.headers.get("webhook-id", "")
    timestamp = delivery.headers.get("webhook-timestamp", "")
    if not told_id or not fresh(timestamp, delivery.received_at):
        return False
    key = _key(secret)
    if not key:
        return False
    message = f"{told_id}.{timestamp}.".encode("utf-8", "replace") + delivery.body
    expected = f"v1,{b64encode(_hmac(key, message)).decode()}"
    given = delivery.headers.get("webhook-signature", "").split(" ")[:SIGNATURES_MAX]
    return any([same(one, expected) for one in given])  # noqa: C419  # all are compared, always


def _key(secret: str) -> bytes:
    if not secret.startswith(_WHSEC):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(_WHSEC), validate=True)
    except ValueError:
        return b""


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, sha256).digest()
