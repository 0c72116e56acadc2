"""Whatever is sent, the answer is a 2xx or a 4xx problem, never a fault of ours, and the log stays clean."""

import asyncio
import io
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.logs import set_up_logs
from tests.http.kit import ADMIN, Door, placed, raw_request

SECRET = "Xq7Jane"
"""Stands in every personal value that is sent; it must not be in the log."""

texts = st.text(max_size=20) | st.just(SECRET) | st.sampled_from(["", "\x00", "\u202e", "é" * 300, "A-1"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    ("id",),
    ("at",),
    ("order_id",),
    ("fact",),
    ("data",),
    ("data", "shop_id"),
    ("data", "total"),
    ("data", "currency"),
    ("data", "lines"),
    ("data", "lines", 0),
    ("data", "lines", 0, "amount"),
    ("data", "lines", 0, "quantity"),
    ("data", "receiver"),
    ("data", "receiver", "name"),
    ("data", "receiver", "email"),
    ("data", "receiver", "phone"),
    ("new",),
    ("data", "receiver", "new"),
]
DOOR = Door()
"""One for all examples: what an earlier one did must not make a later one a fault either."""
FEW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    set_up_logs("toy", "api", "debug", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def run(ask: Callable[[Door], Awaitable[httpx.Response]]) -> httpx.Response:
    async def once() -> httpx.Response:
        return await ask(DOOR)

    return asyncio.run(once())


def clear(response: httpx.Response, log: io.StringIO) -> None:
    """The answer is a yes or a clear no."""
    assert 200 <= response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["type"].startswith("urn:orderlink:problem:")
        assert body["detail"]
        if response.status_code == 422 and body["slug"] == "validation":
            assert body["errors"]
    assert SECRET not in log.getvalue()
    log.seek(0)
    log.truncate()


@FEW
@given(field=st.sampled_from(FIELDS), value=anything)
def test_a_fact_with_any_value_in_any_field(log: io.StringIO, field: tuple[Any, ...], value: Any) -> None:
    fact = placed()
    fact["data"]["receiver"]["name"] = SECRET
    where: Any = fact
    for step in field[:-1]:
        where = where[step]
    where[field[-1]] = value
    body = json.dumps(fact).encode()
    headers = {"Content-Type": "application/json"}
    clear(run(lambda door: door.ask("POST", "/facts", content=body, headers=headers)), log)


@FEW
@given(body=st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_as_body(log: io.StringIO, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    clear(run(lambda door: door.ask("POST", "/facts", content=body, headers=headers)), log)


@FEW
@given(cut=st.integers(0, 400), put=st.binary(max_size=4))
def test_a_fact_damaged_on_its_way(log: io.StringIO, cut: int, put: bytes) -> None:
    whole = json.dumps(placed()).encode()
    body = whole[:cut] + put + whole[cut + len(put) :]
    headers = {"Content-Type": "application/json"}
    clear(run(lambda door: door.ask("POST", "/facts", content=body, headers=headers)), log)


@FEW
@given(
    path=st.binary(max_size=60).map(lambda raw: b"/" + raw),
    query=st.binary(max_size=60),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"]),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"content-type",
                    b"idempotency-key",
                    b"if-match",
                    b"x-request-id",
                    b"content-length",
                    b"cookie",
                ]
            ),
            st.binary(max_size=40),
        ),
        max_size=4,
    ),
)
def test_any_address_query_method_and_headers(
    log: io.StringIO, path: bytes, query: bytes, method: str, headers: list[tuple[bytes, bytes]]
) -> None:
    async def once() -> tuple[int, bytes]:
        scope = {
            "method": method,
            "path": path.decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "headers": [(b"authorization", b"Bearer " + ADMIN.encode()), *headers],
        }
        return await raw_request(DOOR.app, scope, {"type": "http.request", "body": b'{"word": "x"}'})

    status, _ = asyncio.run(once())
    assert 200 <= status < 500 or method == "HEAD"


@FEW
@given(
    order_id=texts.filter(lambda text: text not in {"", ".", ".."}),
    query=st.dictionaries(st.sampled_from(["cursor", "limit", "shop", "word", "odd"]), texts, max_size=3),
)
def test_any_id_in_the_address_and_any_query(log: io.StringIO, order_id: str, query: dict[str, str]) -> None:
    from urllib.parse import quote

    path = "/orders/" + quote(order_id, safe="")
    clear(run(lambda door: door.ask("GET", path)), log)
    clear(run(lambda door: door.ask("GET", "/orders", params=query)), log)


@FEW
@given(key=st.binary(min_size=1, max_size=140), body=anything, if_match=st.none() | st.binary(max_size=20))
def test_a_command_with_any_key_version_and_body(
    log: io.StringIO, key: bytes, body: Any, if_match: bytes | None
) -> None:
    async def once(door: Door) -> httpx.Response:
        await door.tell(placed(), ADMIN)
        headers = [
            (b"Authorization", b"Bearer " + ADMIN.encode()),
            (b"Content-Type", b"application/json"),
            (b"Idempotency-Key", key),
            *([(b"If-Match", if_match)] if if_match is not None else []),
        ]
        return await door.client.post("/orders/A-1/say", content=json.dumps(body).encode(), headers=headers)

    clear(run(once), log)
