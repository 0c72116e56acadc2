"""Deliveries of every system that logistics reads: its sample, signed as it signs."""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from services.logistics.app import SERVICE
from shared.kernel.inlets import Delivery, Inlet

SAMPLES: Final = Path(__file__).parent / "samples"
INLETS: Final[dict[str, Inlet]] = {inlet.system: inlet for inlet in SERVICE.inlets}
NOW: Final = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
SECRET: Final = "a-secret-of-the-sender"
WHSEC: Final = "whsec_" + b64encode(b"24 bytes of a shop's key").decode()


def sample(system: str) -> Any:
    """The payload of a system's sample."""
    return json.loads((SAMPLES / f"{system}.json").read_text(encoding="utf-8"))


def secret_of(system: str) -> str:
    """A secret as the system gives them out."""
    return WHSEC if system == "scans" else SECRET


def _hex(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, sha256).hexdigest()


def _base64(key: bytes, message: bytes) -> str:
    return b64encode(hmac.new(key, message, sha256).digest()).decode()


def signature(system: str, body: bytes, secret: str, at: datetime = NOW) -> dict[str, str]:
    """The headers that the system signs a body with."""
    seconds = str(int(at.timestamp()))
    match system:
        case "aftership":
            return {"aftership-hmac-sha256": _base64(secret.encode(), body)}
        case "easypost":
            return {"x-hmac-signature": "hmac-sha256-hex=" + _hex(secret, body)}
        case "track17":
            return {"sign": sha256(body + b"/" + secret.encode()).hexdigest()}
        case "kuaidi100":
            return {"content-type": "application/x-www-form-urlencoded"}
        case "shippo":
            signed = _hex(secret, f"{seconds}.".encode() + body)
            return {"shippo-auth-signature": f"t={seconds},v1={signed}"}
        case "shopify_fulfillments":
            topic = {"x-shopify-topic": "fulfillment_events/create"}
            return {"x-shopify-hmac-sha256": _base64(secret.encode(), body), **topic}
        case _:
            key = b64decode(secret.removeprefix("whsec_"))
            signed = _base64(key, f"msg-1.{seconds}.".encode() + body)
            return {"webhook-id": "msg-1", "webhook-timestamp": seconds, "webhook-signature": f"v1,{signed}"}


def body_of(system: str, payload: Any, secret: str) -> bytes:
    """The raw body; Kuaidi100 signs inside it."""
    text = json.dumps(payload, ensure_ascii=False)
    if system != "kuaidi100":
        return text.encode()
    sign = md5((text + secret).encode(), usedforsecurity=False).hexdigest().upper()
    return urlencode({"sign": sign, "param": text}).encode()


def delivery(
    system: str, payload: Any, secret: str | None = None, *, shop_id: str = "*", at: datetime = NOW
) -> Delivery:
    """A delivery with that payload, signed."""
    secret = secret or secret_of(system)
    body = body_of(system, payload, secret)
    headers = signature(system, body, secret, at)
    return raw(system, body, headers, shop_id=shop_id)


def raw(
    system: str,
    body: bytes,
    headers: Mapping[str, str],
    query: Mapping[str, str] | None = None,
    shop_id: str = "*",
) -> Delivery:
    """A delivery as HTTP hands it on."""
    form = dict(parse_qsl(body.decode(), keep_blank_values=True)) if system == "kuaidi100" else {}
    return Delivery(
        shop_id=shop_id, body=body, received_at=NOW, headers=headers, query=query or {}, form=form
    )
