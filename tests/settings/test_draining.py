"""SIGTERM: readiness goes first, what was begun is finished, and nothing outlasts the bound."""

import asyncio
import json
import re
import signal
import threading
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from shared.adapters.clock import SystemClock
from shared.adapters.draining import ALL, GROUP_SHARE, WORK_SHARE, Drain
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.starting import Starting
from shared.contracts.catalog import HEARS, consumer_group
from shared.runtime.ports import EffectResult, Outgoing, Unavailable
from tests.cli.test_operators import record
from tests.http.kit import placed
from tests.kit.parts import Parts, Server
from tests.kit.proxy import Proxy
from tests.kit.world import World, fact
from tests.settings.test_process import Running, client_of, ready, running

LOAD = 3_000


class Ticking:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_shares_count_from_the_signal_and_leave_time_for_those_that_follow() -> None:
    clock = Ticking()
    drain = Drain(10.0, grace_seconds=3600.0, monotonic=clock)
    assert drain.left(WORK_SHARE) == 5.0
    drain.begin()
    clock.now += 5.0
    drain.begin()
    assert drain.left(GROUP_SHARE) == pytest.approx(3.0)
    clock.now += 60.0
    assert 0 < drain.left(ALL) < 0.1


async def test_a_step_that_hangs_is_left_and_the_others_are_closed() -> None:
    closed: list[str] = []

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def closes() -> None:
        closed.append("closed")

    async def fails() -> None:
        raise OSError("the far side is gone")

    drain = Drain(0.2, grace_seconds=3600.0)
    await drain.closed(WORK_SHARE, hangs, closes, fails)
    await drain.closed(ALL, closes)
    assert closed == ["closed", "closed"]


async def test_whatever_the_event_loop_does_the_bound_ends_it() -> None:
    ended = threading.Event()
    Drain(0.01, grace_seconds=0.01, end=ended.set).begin()
    # The loop stands still here, as one that hangs does; the thread goes on.
    assert ended.wait(10.0)


async def test_an_effect_that_hangs_does_not_outlast_the_bound_and_its_batch_is_acknowledged() -> None:
    world = World(effect_lease_seconds=3600.0, effect_poll_seconds=0.001)
    await world.start()
    begun, stop = asyncio.Event(), asyncio.Event()

    class Hanging:
        async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    world.worker.effects._outsides = {"mail": Hanging()}
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    world.poke("A-1", "one")
    drain = Drain(0.4, grace_seconds=3600.0)
    async with asyncio.timeout(20):
        working = asyncio.create_task(drain.worked(world.worker.run(stop), stop))
        await begun.wait()
        while "one" not in await world.words():
            await asyncio.sleep(0)
        stop.set()
        await working
    assert world.log.lag("toy", ("other.v1",)) == 0
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.effects["effect-1"].status == "trying"


async def test_a_start_says_what_is_missing_how_long_and_what_comes_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stop, tried = asyncio.Event(), 0
    starting = Starting(stop, monotonic=Ticking())
    assert starting.waits_for == "has not begun"

    async def step() -> str:
        nonlocal tried
        tried += 1
        if tried == 1:
            raise Unavailable("there is no topic orders.v1; `orderlink topics make` makes them")
        return "there"

    assert await starting.step("the broker and its topics", step) == "there"
    assert starting.waits_for == "at the broker and its topics for 0 s; the log says why"
    assert tried == 2


async def test_a_start_that_waits_ends_when_it_is_told_to_stop() -> None:
    stop = asyncio.Event()

    async def never() -> None:
        stop.set()
        await asyncio.Event().wait()

    starting = Starting(stop)
    async with asyncio.timeout(10):
        await starting.step("the database and its indexes", never)
    assert starting.waits_for.startswith("at the database and its indexes")


# Processes


@pytest.mark.processes
async def test_readiness_goes_first_and_a_second_signal_ends_it_at_once() -> None:
    nowhere = "mongodb://127.0.0.1:9/?directConnection=true"
    async with running("orders", "api", MONGODB_URL=nowhere, ORDERLINK_DRAIN_ANNOUNCE_SECONDS="60") as it:
        (port,) = await it.ports()
        async with client_of(port) as client:
            it.process.send_signal(signal.SIGTERM)
            await it.until(lambda: it.event("draining"))
            unready = await client.get("/readyz")
            assert unready.json()["because"]["process"] == "is stopping"
            assert (await client.get("/livez")).status_code == 200
        it.process.send_signal(signal.SIGTERM)
        assert await it.ended() == 1


@pytest.mark.real
@pytest.mark.processes
async def test_an_api_answers_what_it_was_asked_before_the_signal(parts: Parts, database_name: str) -> None:
    address = parts.mongodb_url.partition("//")[2].partition("/")[0]
    async with Proxy(address) as proxy:
        told = {
            "MONGODB_URL": f"mongodb://{proxy.address}/?directConnection=true",
            "ORDERLINK_MONGODB_DATABASE_PREFIX": f"{database_name[:30]}_",
            "ORDERLINK_DRAIN_MAX_SECONDS": "30",
        }
        async with running("orders", "api", **told) as it:
            (port,) = await it.ports()
            async with client_of(port) as client:
                await ready(it, client)
                begun = asyncio.Event()
                proxy.slow(0.3)

                def seen() -> bool:
                    begun.set()
                    return True

                proxy.watch(re.compile(b"A-1"), seen)
                body = placed(at=SystemClock().now().isoformat())
                asking = asyncio.create_task(client.post("/facts", json=body, timeout=30))
                await begun.wait()
                it.process.send_signal(signal.SIGTERM)
                assert (await asking).status_code == 202
                assert await it.ended(seconds=31) == 0
                with pytest.raises(httpx.ConnectError):
                    await client.get("/livez")


@pytest.mark.real
@pytest.mark.processes
@pytest.mark.slow(30)
@pytest.mark.timeout(200)
async def test_a_worker_that_is_told_to_stop_under_load_leaves_nothing_to_be_delivered_again(
    request: pytest.FixtureRequest, parts: Parts, own_broker: Server, database_name: str
) -> None:
    if request.config.getoption("--broker") == "embedded":
        pytest.skip("takes half a minute: `make test-real` runs it")
    admin, publisher = KafkaAdmin(own_broker.address), KafkaPublisher(own_broker.address)
    await admin.ensure_topics(4, 1)
    there = {
        "KAFKA_BOOTSTRAP_SERVERS": own_broker.address,
        "MONGODB_URL": parts.mongodb_url,
        "ORDERLINK_MONGODB_DATABASE_PREFIX": f"{database_name[:30]}_",
    }
    assert all(await publisher.publish([_dispatched(number) for number in range(LOAD)]))
    async with running("orders", "worker", **there) as it:
        await it.until(lambda: it.event("started"))
        lag = LOAD
        while not 0 < lag < LOAD:
            lag = sum((await admin.lag(consumer_group("orders"), HEARS["orders"])).values())
        it.process.send_signal(signal.SIGTERM)
        assert await it.ended(seconds=10) == 0
        assert it.event("did not close in time") is None
    left = sum((await admin.lag(consumer_group("orders"), HEARS["orders"])).values())
    assert left > 0
    async with running("orders", "worker", **there) as it, client_of((await it.ports())[0]) as client:
        heard = await _heard(it, client, left)
    assert heard == {"applied": left}
    await publisher.close()


def _dispatched(number: int) -> Outgoing:
    made = record(1, readable=True)
    subject = f"L-{number}"
    value = json.dumps({**json.loads(made.value or b""), "subject": subject, "id": f"logistics/{subject}/1"})
    headers = {**made.headers, "ce_subject": subject.encode()}
    return Outgoing(made.topic, subject.encode(), value.encode(), headers)


async def _heard(it: Running, client: httpx.AsyncClient, wanted: int) -> dict[str, int]:
    """What became of the records that a worker was given, once it was given as many as are wanted."""
    while True:
        found: dict[str, int] = {}
        for line in (await client.get("/metrics")).text.splitlines():
            if line.startswith("orderlink_events_heard_total{"):
                outcome = line.partition('outcome="')[2].partition('"')[0]
                found[outcome] = found.get(outcome, 0) + round(float(line.rpartition(" ")[2]))
        if sum(found.values()) >= wanted:
            return found
        assert it.process.returncode is None, "".join(it.lines)
        await asyncio.sleep(0.1)
