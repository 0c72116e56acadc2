"""What a worker counts for its metrics: pending, due, stuck and braked, as it stands in its files."""

from dataclasses import replace
from datetime import timedelta

from shared.adapters.process import Process
from shared.adapters.prometheus import PrometheusMetrics
from shared.adapters.settings import CommonSettings
from tests.kit.toy import Rules, toy
from tests.kit.world import World, fact


class Told:
    """The numbers that a worker's metrics stand at."""

    def __init__(self, world: World) -> None:
        self._worker = world.worker
        self._metrics = PrometheusMetrics("toy")
        for engine in (world.engine, world.worker.engine):
            engine.metrics = engine.relay._metrics = self._metrics

    async def sampled(self) -> "Told":
        await self._worker.sample()
        return self

    def __getitem__(self, name: str) -> float:
        lines = [line.rpartition(" ") for line in self._metrics.exposition().decode().splitlines()]
        return next(float(value) for key, _, value in lines if key == f"orderlink_{name}")


async def test_the_oldest_event_that_waits_for_the_broker_is_told() -> None:
    world = World()
    told = Told(world)
    await world.start()
    world.publisher.away = True
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.clock.advance(timedelta(seconds=90))
    await world.desk.take(fact("order.placed", "f-2", world.clock.now(), order_id="B-1"), "d")
    world.clock.advance(timedelta(seconds=10))
    await told.sampled()
    assert told['pending_files{service="toy"}'] == 2
    assert told['pending_oldest_seconds{service="toy"}'] == 100
    world.publisher.away = False
    await world.worker.sweep()
    await told.sampled()
    assert told['pending_oldest_seconds{service="toy"}'] == 0
    assert told['publish_wait_seconds_bucket{le="60.0",service="toy"}'] == 1
    assert told['publish_wait_seconds_bucket{le="300.0",service="toy"}'] == 2
    assert told['events_published_total{event="toy.said",service="toy",topic="toy.v1"}'] == 2


async def test_a_timer_that_is_due_and_cannot_fire_is_told() -> None:
    world = World()
    told = Told(world)
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await told.sampled()
    assert told['timer_overdue_seconds{service="toy"}'] == 0
    world.clock.advance(timedelta(hours=1, seconds=25))
    await told.sampled()
    assert told['timer_overdue_seconds{service="toy"}'] == 25


async def test_files_that_need_a_person_are_told_until_they_are_well() -> None:
    world = World()
    told = Told(world)
    await world.start()
    world.rules.broken = {"bad", "nudge"}
    world.poke("A-1", "bad")
    world.poke("B-1", "bad")
    await world.desk.take(fact("order.placed", "f-1", order_id="C-1"), "d")
    await world.settle()
    await world.pass_time(hours=1)
    await told.sampled()
    assert told['stuck_files{because="parked",service="toy"}'] == 2
    assert told['stuck_files{because="timer",service="toy"}'] == 1
    assert told['stuck_files{because="effect",service="toy"}'] == 0
    world.rules.broken = set()
    await world.pass_time(minutes=2)
    await told.sampled()
    assert told['stuck_files{because="timer",service="toy"}'] == 0


async def test_a_worker_without_partitions_has_nothing_that_waits() -> None:
    told = await Told(World()).sampled()
    assert told['pending_oldest_seconds{service="toy"}'] == 0
    assert told['timer_overdue_seconds{service="toy"}'] == 0


async def test_a_braked_worker_stays_for_its_metrics_to_be_read() -> None:
    settings = CommonSettings(auth="off", brake_hold_seconds=0.01)
    process = Process(replace(toy(Rules()), effects=()), settings, "worker")
    left: list[str] = []

    async def leave() -> None:
        left.append("the group")

    await process._hold_brake(leave)
    assert left == ["the group"]
    assert process.health.draining
    assert 'orderlink_brake_on{service="toy"} 1.0' in process.metrics.exposition().decode()
