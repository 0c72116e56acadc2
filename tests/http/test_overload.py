"""More requests than an API can do: what is over its limits is told when to come again, nothing is lost."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import httpx
import pytest

from shared.runtime.ports import Committed, Write
from tests.http.kit import ADMIN, Door, placed, problem, raw_request
from tests.http.test_inlets import ENTRIES, PLAIN, signature

pytestmark = pytest.mark.promise("bounded")
AT_ONCE = 10
Tell = Callable[[Door, int], Coroutine[Any, Any, httpx.Response]]


class SlowDatabase:
    """Commits wait until it is let go; the most that ever waited together is noted."""

    def __init__(self, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go_on = asyncio.Event()
        self.waiting = self.most = 0
        self._commit = door.world.store.commit
        monkeypatch.setattr(door.world.store, "commit", self._slowly)

    async def _slowly(self, writes: Sequence[Write]) -> list[Committed]:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.go_on.wait()
        self.waiting -= 1
        return await self._commit(writes)


async def tell_a_fact(door: Door, number: int) -> httpx.Response:
    """By the API."""
    return await door.tell(placed(id=f"f-{number}", order_id=f"A-{number}"))


async def post_a_webhook(door: Door, number: int) -> httpx.Response:
    """By an inlet."""
    body = json.dumps({"facts": [placed(id=f"f-{number}", order_id=f"A-{number}")]}).encode()
    headers = {"X-Signature": signature(body)}
    return await door.ask("POST", "/inlets/demo-shop", None, content=body, headers=headers)


@pytest.mark.parametrize("tell", [tell_a_fact, post_a_webhook])
async def test_five_times_what_an_api_does_is_put_off_and_lost_by_nobody(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door((PLAIN,), inlets=json.dumps(ENTRIES), requests_in_flight_max=AT_ONCE)
    database = SlowDatabase(door, monkeypatch)
    telling = [asyncio.create_task(tell(door, number)) for number in range(5 * AT_ONCE)]
    async with asyncio.timeout(20):
        while sum(each.done() for each in telling) < 4 * AT_ONCE or database.waiting < AT_ONCE:
            await asyncio.sleep(0)
    put_off = [each for each in telling if each.done()]
    under_way = [each for each in telling if not each.done()]
    assert len(under_way) == AT_ONCE
    for each in put_off:
        problem(each.result(), 503, "too-many-requests-in-flight")
        assert each.result().headers["retry-after"] == "1"
    assert (await door.ask("GET", "/healthz", None)).status_code == 200
    database.go_on.set()
    assert all(answer.is_success for answer in await asyncio.gather(*under_way))
    for number, first in enumerate(telling):
        assert first.result().is_success or (await tell(door, number)).is_success
    assert database.most == AT_ONCE
    assert door.app.requests.in_flight == 0
    assert all([await door.world.state(f"A-{number}") is not None for number in range(5 * AT_ONCE)])


async def test_bodies_beyond_their_limit_are_put_off_and_one_alone_always_passes() -> None:
    door = Door(bodies_max_bytes=1_048_576, body_max_bytes=2_097_152)
    large = json.dumps(placed()).encode() + b" " * 1_500_000
    scope = {
        "method": "POST",
        "path": "/facts",
        "raw_path": b"/facts",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"authorization", f"Bearer {ADMIN}".encode()),
        ],
    }

    async def post(*parts: bytes, stalls: bool = False) -> tuple[int, Any]:
        messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        if not stalls:
            messages.append({"type": "http.request", "body": b"", "more_body": False})
        status, body = await raw_request(door.app, dict(scope), *messages, stalls=stalls)
        return status, body and json.loads(body)

    stalled = asyncio.create_task(post(b" " * 1_000_000, stalls=True))
    await asyncio.sleep(0)
    status, told = await post(large)
    assert (status, told["slug"]) == (503, "too-many-requests-in-flight")
    stalled.cancel()
    await asyncio.wait([stalled])
    status, told = await post(large)
    assert (status, told["fits"]) == (202, True)
