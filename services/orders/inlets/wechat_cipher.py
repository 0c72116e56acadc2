"""WeChat's message encryption: the signature over the cipher text, and its opening.

Source: developers.weixin.qq.com, doc/store/API/basics/message_push: sha1 over the sorted token, timestamp,
nonce and `Encrypt`; AES-256-CBC with the key as initial vector, PKCS#7 over 32 bytes; inside are 16 random
bytes, the length in 4, the message, and the app's id.
"""

import binascii
from base64 import b64decode
from hashlib import sha1
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_KEY_CHARS: Final = 43
_KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 32
_VECTOR_BYTES: Final = 16
_HEAD_BYTES: Final = 20


def signature(token: str, timestamp: str, nonce: str, *more: str) -> str:
    """The signature that WeChat sends along."""
    parts = sorted((token, timestamp, nonce, *more))
    return sha1("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def key_of(written: str) -> bytes | None:
    """The key in an EncodingAESKey of 43 characters; None for anything else."""
    if len(written) != _KEY_CHARS:
        return None
    try:
        key = b64decode(written + "=")
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None


class Opened(NamedTuple):
    """What was inside."""

    message: bytes
    app_id: str
    """Whom WeChat encrypted it for."""


def opened(encrypted: str, key: bytes) -> Opened | None:
    """The message inside and its app's id; None where it was not encrypted with this key."""
    try:
        text = b64decode(encrypted, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not text or len(text) % _VECTOR_BYTES:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:_VECTOR_BYTES])).decryptor()
    plain = decryptor.update(text) + decryptor.finalize()
    padding = plain[-1]
    if not 1 <= padding <= _BLOCK_BYTES or plain[-padding:] != bytes([padding]) * padding:
        return None
    plain = plain[:-padding]
    length = int.from_bytes(plain[_VECTOR_BYTES:_HEAD_BYTES], "big")
    message, app_id = plain[_HEAD_BYTES : _HEAD_BYTES + length], plain[_HEAD_BYTES + length :]
    if len(plain) < _HEAD_BYTES or len(message) != length:
        return None
    return Opened(message, app_id.decode("utf-8", "replace"))
