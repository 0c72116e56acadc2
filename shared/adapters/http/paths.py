"""Ids in addresses: opaque, so they may hold a slash, written `%2F`."""

from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from fastapi import Path
from pydantic import BeforeValidator
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.contracts.base import Id

_SLASH_INSIDE: Final = "\ue000"
"""Stands for a slash that belongs to an id while the address is taken apart."""


def _restored(value: object) -> object:
    return value.replace(_SLASH_INSIDE, "/") if isinstance(value, str) else value


PathId = Annotated[Id, BeforeValidator(_restored), Path()]
"""An id that is part of an address."""


class SlashesInIds:
    """ASGI middleware: keeps `%2F` inside an id from looking like the end of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark the slashes that were written as `%2F`."""
        raw: bytes = scope.get("raw_path") or b""
        if scope["type"] == "http" and b"%2f" in raw.lower():
            marked = raw.replace(b"%2f", b"%2F").replace(b"%2F", _SLASH_INSIDE.encode())
            scope["path"] = unquote_to_bytes(marked.partition(b"?")[0]).decode("utf-8", "replace")
        await self._app(scope, receive, send)
