"""Signatures over the raw body: HMAC-SHA256, as platforms and our own bridges write it."""

import hmac
from base64 import b64encode
from hashlib import sha256
from typing import Final

from shared.kernel.inlets import Delivery, same

BRIDGE_HEADER: Final = "x-orderlink-signature"
"""`sha256=<hex>`: for systems that don't post by themselves, so that a bridge of yours does it for them."""


def in_base64(header: str, delivery: Delivery, secret: str) -> bool:
    """Whether the header holds the body's HMAC-SHA256 in base64."""
    digest = hmac.new(secret.encode(), delivery.body, sha256).digest()
    return same(delivery.headers.get(header, ""), b64encode(digest).decode())


def by_bridge(delivery: Delivery, secret: str) -> bool:
    """Whether a bridge signed it: the body's HMAC-SHA256 in hexadecimal after `sha256=`."""
    digest = hmac.new(secret.encode(), delivery.body, sha256).hexdigest()
    return same(delivery.headers.get(BRIDGE_HEADER, ""), f"sha256={digest}")
