"""Sample payloads as platforms send them, signed as they sign."""

import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from services.orders.inlets import INLETS
from shared.kernel.inlets import Delivery, Inlet

SAMPLES = Path(__file__).parent / "samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.json"))
NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
TOKEN, AES_KEY = "sample-token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
SECRETS = {
    "shopify": "shopify-secret-1",
    "woocommerce": "woocommerce-secret-1",
    "wechat_shop": f"{TOKEN}:{AES_KEY}",
    "taobao": "taobao-secret-1",
    "medusa": "medusa-secret-1",
    "generic": "whsec_" + b64encode(b"generic-secret-1").decode(),
}
ENTRIES = [
    {"name": system, "system": system, "shop_id": "demo", "secrets": [secret]}
    for system, secret in SECRETS.items()
]
BY_SYSTEM: dict[str, Inlet] = {inlet.system: inlet for inlet in INLETS}


@dataclass
class Posted:
    """One request of a platform."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)

    def delivery(self, shop_id: str = "demo") -> Delivery:
        """As an inlet sees it."""
        return Delivery(shop_id, self.body, NOW, self.headers, self.query)

    def address(self, system: str) -> str:
        """Where it goes."""
        return f"/inlets/{system}" + (f"?{urlencode(self.query)}" if self.query else "")


def system_of(name: str) -> str:
    """The platform of a sample."""
    return name.partition("-")[0]


def sample(name: str) -> tuple[dict[str, str], Any]:
    """A sample's headers and its payload."""
    raw = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    return raw["headers"], raw["body"]


def post_of(name: str) -> Posted:
    """A sample, signed."""
    headers, payload = sample(name)
    return sign(system_of(name), headers, written(payload))


def written(payload: Any) -> bytes:
    """A payload as bytes."""
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")


def sign(system: str, headers: dict[str, str], body: bytes, secret: str | None = None) -> Posted:
    """A body, signed as the platform signs."""
    secret = secret or SECRETS[system]
    match system:
        case "shopify":
            return Posted(body, {**headers, "x-shopify-hmac-sha256": _base64(secret, body)})
        case "woocommerce":
            return Posted(body, {**headers, "x-wc-webhook-signature": _base64(secret, body)})
        case "generic":
            return standard_webhook(body, secret, "msg-1", NOW)
        case _:
            digest = hmac.new(secret.encode(), body, sha256).hexdigest()
            return Posted(body, {**headers, "x-orderlink-signature": f"sha256={digest}"})


def standard_webhook(body: bytes, secret: str, message_id: str, at: datetime) -> Posted:
    """A body, signed by Standard Webhooks."""
    timestamp = str(int(at.timestamp()))
    key = b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, sha256).digest()
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
    return Posted(body, headers)


def encrypted(payload: Any, key: str = AES_KEY, token: str = TOKEN) -> Posted:
    """An event as WeChat itself sends it."""
    message = written(payload)
    raw = b64decode(key + "=")
    plain = b"r" * 16 + len(message).to_bytes(4, "big") + message + b"wx-sample-app"
    padding = 32 - len(plain) % 32
    plain += bytes([padding]) * padding
    encryptor = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).encryptor()
    text = b64encode(encryptor.update(plain) + encryptor.finalize()).decode()
    query = {"timestamp": "1772481600", "nonce": "415670741", "encrypt_type": "aes"}
    parts = sorted((token, query["timestamp"], query["nonce"], text))
    query["msg_signature"] = sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
    return Posted(written({"ToUserName": "gh_sample", "Encrypt": text}), {}, query)


def _base64(secret: str, body: bytes) -> str:
    return b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode()
