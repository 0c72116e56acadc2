"""A clock that runs backwards: nothing early, nothing twice, and no event waits for it to catch up."""

from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory_transport import MemoryTransport
from shared.runtime.work import Ask
from shared.runtime.worker import Worker
from tests.kit.toy import Say
from tests.kit.world import GROUP, HEARS, World, fact

HOUR = timedelta(hours=1)


def world_that_tells(said: list[str]) -> World:
    world = World()

    def log(event: str, **_about: Any) -> None:
        said.append(event)

    transport = MemoryTransport(world.log, GROUP, HEARS)
    world.worker = Worker(world.engine, transport, {"mail": world.outbox}, world.log.partitions, log)
    return world


def set_back(world: World, by: timedelta) -> None:
    """What no test clock does and a machine's clock may."""
    world.clock._now -= by


@pytest.mark.promise("timed")
async def test_a_timer_waits_for_a_clock_that_was_set_back_and_fires_once() -> None:
    world = world_that_tells([])
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.pass_time(minutes=59)
    set_back(world, HOUR)
    await world.pass_time(minutes=2)
    assert await world.words() == ["placed"]
    await world.pass_time(minutes=59)
    assert await world.words() == ["placed", "nudge"]
    set_back(world, HOUR)
    await world.pass_time(hours=3)
    assert await world.words() == ["placed", "nudge"]


@pytest.mark.promise("resumed")
async def test_what_waited_when_it_was_set_back_is_published() -> None:
    said: list[str] = []
    world = world_that_tells(said)
    await world.start()
    await world.worker.sweep()
    world.clock.advance(HOUR)
    world.publisher.away = True
    await world.engine.run([Ask("A-1", Say(at=world.clock.now(), word="one"), "k-1", "d")])
    await world.worker.sweep()
    world.publisher.away = False
    set_back(world, HOUR)
    await world.worker.sweep()
    await world.worker.sweep()
    assert world.published() == [(1, "one")]
    assert [each for each in said if "set back" in each] == [
        "the clock was set back; timers wait for it to catch up"
    ]
