"""The server on a real socket: what is no HTTP, and what has begun when it is told to stop."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.adapters.http.requests import Requests
from shared.adapters.http.server import HttpServer, PortTaken
from shared.runtime.metrics import NoMetrics
from tests.http.kit import ADMIN, Door, placed


@pytest.fixture
async def server(door: Door) -> AsyncIterator[HttpServer]:
    it = HttpServer(door.app.served, "127.0.0.1", 0, 2.0)
    await it.start()
    yield it
    await it.stop()


async def said(port: int, raw: bytes) -> tuple[bytes, bytes]:
    """The head and the body of what comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    try:
        async with asyncio.timeout(5):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize(
    "raw",
    [
        b"JANE ROE\r\n\r\n",
        b"GET /orders/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /facts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /facts HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\nhello",
        b"GET /orders HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
    ],
)
async def test_what_is_no_http_request_is_a_problem(server: HttpServer, raw: bytes) -> None:
    head, body = await said(server.port, raw)
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["slug"] == "malformed-request"
    assert b"JANE" not in body


async def test_a_request_that_has_begun_is_answered_before_the_server_ends(door: Door) -> None:
    server = HttpServer(door.app.served, "127.0.0.1", 0, 2.0)
    await server.start()
    gate = asyncio.Event()
    door.world.store.before_commit.append(gate.wait)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=headers) as client:
        asked = asyncio.create_task(client.post("/facts", json=placed()))
        while door.app.requests.in_flight == 0:
            await asyncio.sleep(0.01)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.05)
        gate.set()
        assert (await asked).status_code == 202
    await stopping


async def test_a_request_that_outlasts_the_wait_of_an_ending_server_is_put_off() -> None:
    begun = asyncio.Event()

    async def hangs(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    server = HttpServer(Requests(hangs, NoMetrics(), 10), "127.0.0.1", 0, 1.0)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
        asking = asyncio.create_task(client.post("/facts", json=placed()))
        await begun.wait()
        await server.stop()
        answer = await asking
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_port_that_is_taken_is_said_at_once(door: Door) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTaken, match=str(taken.getsockname()[1])):
            HttpServer(door.app.served, "127.0.0.1", taken.getsockname()[1], 1.0)
