"""Request bodies, checked before anything looks into them: size, type, encoding, JSON, depth, numbers.

What passes is JSON that Orderlink can store and publish: no NaN, no number beyond 64 bits, no half
surrogate pairs, no key twice, no nesting beyond the limit. An inlet's body is only held to size and
time: what is in it is the sender's, and nobody looks before its signature is checked.
"""

import asyncio
import json
import math
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.adapters.http.auth import INLETS
from shared.adapters.http.fields import named
from shared.adapters.http.problems import ProblemRaised, come_again, wrong_field
from shared.adapters.settings import CommonSettings

_INTEGER_MAX: Final = 2**63 - 1
_INTEGER_MIN: Final = -(2**63)
_INTEGER_MAX_CHARS: Final = 40
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class _NotJson(ValueError):
    """Said by the hooks of the JSON reader."""


def _constant(text: str) -> NoReturn:
    raise _NotJson(f"{text} is no JSON number")


def _integer(text: str) -> int:
    if len(text) > _INTEGER_MAX_CHARS:
        raise _NotJson(f"a number of {len(text)} digits is longer than numbers may be")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _NotJson(f"the key {named(key)!r} stands twice in one object")
            seen.add(key)
    return found


def read_json(raw: bytes, depth_max: int) -> Any:
    """The JSON value of a body. Raises `ProblemRaised` with 400, or 422 where one field is at fault."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise malformed(f"The body is not UTF-8: byte {problem.start} can't be read.") from None
    try:
        value = json.loads(
            text.removeprefix("\ufeff"),
            parse_constant=_constant,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        raise malformed(f"The body is not JSON: {problem.msg} ({where}).") from None
    except _NotJson as problem:
        raise malformed(f"The body is not JSON as Orderlink takes it: {problem}.") from None
    except RecursionError:
        raise malformed(f"The body is nested deeper than {depth_max} levels.") from None
    _check(value, depth_max)
    return value


def malformed(detail: str) -> ProblemRaised:
    """A body that is not JSON."""
    return ProblemRaised(400, "malformed-json", detail)


def _check(value: Any, depth_max: int) -> None:
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        path, it = waiting.pop()
        if len(path) > depth_max:
            raise malformed(f"The body is nested deeper than {depth_max} levels.")
        match it:
            case bool() | None:
                pass
            case str():
                _check_text(path, it)
            case int() if not _INTEGER_MIN <= it <= _INTEGER_MAX:
                raise wrong_field(_joined(path), "a number of at most 64 bits", "a larger one")
            case float() if not math.isfinite(it):
                raise wrong_field(_joined(path), "a finite number", "one beyond all bounds")
            case dict() | list():
                waiting.extend(_below(path, it))
            case _:
                pass


def _below(path: tuple[str | int, ...], it: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(it, list):
        for index, item in enumerate(it):
            yield (*path, index), item
        return
    for key, item in it.items():
        _check_text(path, key)
        yield (*path, key), item


def _check_text(path: tuple[str | int, ...], text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise wrong_field(_joined(path), "a string of valid Unicode", "half a surrogate pair") from None


def _joined(path: tuple[str | int, ...]) -> str:
    return ".".join(named(part) for part in path) or "body"


class BodyGuard:
    """ASGI middleware: reads a body within its limits and hands on only what is JSON."""

    def __init__(self, app: ASGIApp, settings: CommonSettings) -> None:
        self._app = app
        self._settings = settings
        self._held_bytes = 0
        """Of all requests that are being answered."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request's body."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        self._check_length(headers)
        parts: list[bytes] = []
        try:
            raw = await self._read(receive, parts)
            if raw and not scope["path"].startswith(INLETS):
                self._check_type(headers)
                read_json(raw, self._settings.json_depth_max)
            await self._app(scope, _replay(raw, receive), send)
        finally:
            self._held_bytes -= sum(map(len, parts))

    def _check_length(self, headers: Headers) -> None:
        said = headers.get("content-length")
        if said is None:
            return
        if not (said.isascii() and said.isdigit()):
            raise ProblemRaised(400, "malformed-request", "Content-Length is not a number of bytes.")
        if len(said) > 18 or int(said) > self._settings.body_max_bytes:
            raise self._too_large()

    def _check_type(self, headers: Headers) -> None:
        kind, _, rest = headers.get("content-type", "").partition(";")
        kind = kind.strip().lower()
        if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
            raise ProblemRaised(
                415, "unsupported-media-type", "Content-Type: expected application/json, got something else."
            )
        charset = rest.lower().replace(" ", "").replace('"', "").partition("charset=")[2]
        if charset and charset.partition(";")[0] not in {"utf-8", "utf8"}:
            raise ProblemRaised(415, "unsupported-media-type", "Content-Type: expected the charset utf-8.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise ProblemRaised(
                415, "unsupported-media-type", "Content-Encoding: expected a body that is not compressed."
            )

    async def _read(self, receive: Receive, parts: list[bytes]) -> bytes:
        try:
            async with asyncio.timeout(self._settings.body_read_max_seconds):
                return await self._collect(receive, parts)
        except TimeoutError:
            raise ProblemRaised(
                408, "body-too-slow", "The body did not arrive in time.", headers={"Connection": "close"}
            ) from None

    async def _collect(self, receive: Receive, parts: list[bytes]) -> bytes:
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > self._settings.body_max_bytes:
                raise self._too_large()
            parts.append(part)
            self._held_bytes += len(part)
            # One alone always passes, however the two limits stand to each other.
            if size < self._held_bytes > self._settings.bodies_max_bytes:
                raise come_again(
                    f"The requests being answered have more than {self._settings.bodies_max_bytes} bytes of "
                    "bodies; try again."
                )
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> ProblemRaised:
        return ProblemRaised(
            413,
            "body-too-large",
            f"The body is larger than {self._settings.body_max_bytes} bytes.",
            headers={"Connection": "close"},
        )


class Disconnected(Exception):
    """The other side went away before its request was complete."""


def _replay(raw: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return again
