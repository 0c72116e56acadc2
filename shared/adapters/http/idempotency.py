"""Idempotency keys: a command says under which key it is asked, so that asking again does nothing again."""

import re
from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request

from shared.adapters.http.problems import ProblemRaised

KEY_MAX_CHARS: Final = 128
_PRINTABLE: Final = re.compile(r"^[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?$")


def _key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            description=f"Yours, 1 to {KEY_MAX_CHARS} printable characters. Asking again under the same key "
            "changes nothing and gives the state as it is now; another body under it is a 422.",
            examples=["claim-7f3a"],
        ),
    ] = None,
) -> str:
    said = request.headers.getlist("idempotency-key")
    if not said or idempotency_key is None:
        raise ProblemRaised(
            400,
            "idempotency-key-missing",
            "Idempotency-Key: expected a key of yours in this header, got nothing.",
        )
    if len(said) > 1 or not _PRINTABLE.match(said[0]):
        raise ProblemRaised(
            400,
            "idempotency-key-invalid",
            f"Idempotency-Key: expected one key of 1 to {KEY_MAX_CHARS} printable ASCII characters, "
            f"got {len(said)} of {len(said[0])} characters.",
        )
    request.state.correlation_id = request.state.correlation_id or said[0]
    return said[0]


IdempotencyKey = Annotated[str, Depends(_key)]
"""The request's key; 400 without one."""


def scoped(key: str, actor: str) -> str:
    """The key as it is remembered: two actors may use the same key for different things."""
    return f"{actor}/{key}"


def digest_of(command: str, subject: str, body: Mapping[str, Any]) -> str:
    """What tells a repetition from another command under the same key."""
    told = dumps([command, subject, body], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(told.encode()).hexdigest()[:32]
