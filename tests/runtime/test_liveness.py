"""Liveness is progress: a worker that has records to take and takes none is not alive, whatever the reason.

While the database is away it waits, and is alive: starting it again would not help.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from shared.adapters.memory_transport import MemoryTransport
from shared.runtime import progress
from shared.runtime.brake import Braked
from shared.runtime.ports import EffectResult, MemberLost, Record, TopicPartition, Unavailable
from shared.runtime.worker import Worker
from tests.kit.world import GROUP, HEARS, World, fact

PATIENCE_SECONDS = 10.0
pytestmark = pytest.mark.promise("lively")


class Seconds:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A worker on a transport of some kind, with records before it."""

    def __init__(self, kind: type[MemoryTransport] = MemoryTransport, **limits: Any) -> None:
        self.world = World(
            **limits,
            progress_timeout_seconds=PATIENCE_SECONDS,
            outage_backoff_first_seconds=0.001,
            outage_backoff_max_seconds=0.001,
        )
        self.seconds = Seconds()
        world = self.world
        self.worker = world.worker = Worker(
            world.engine,
            kind(world.log, GROUP, HEARS),
            {"mail": world.outbox},
            world.log.partitions,
            lambda *args, **kwargs: None,
            self.seconds,
        )

    async def begin(self, *subjects: str) -> None:
        """Join, and be told of something about these subjects."""
        await self.world.start()
        for subject in subjects:
            self.world.poke(subject, "hello")

    async def pass_seconds(self, seconds: float) -> None:
        """Let time pass, and look as often as a worker does."""
        for _ in range(10):
            self.seconds.now += seconds / 10
            await asyncio.sleep(0.002)
            try:
                await self.worker.watch()
            except Unavailable:
                continue


class Dead(MemoryTransport):
    """Its consumer has ended without a word: nothing comes, nothing is raised."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        return []


class Wedged(MemoryTransport):
    """One partition is never fetched again; the others are."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        stuck = {where: at for where, at in self._positions.items() if where.partition == 0}
        batch = await super().batch(max_records, wait_seconds)
        self._positions |= stuck
        return [record for record in batch if record.partition != 0]


class InTurn(MemoryTransport):
    """Gives all that there is of one partition before it comes to the next one."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        self._turn.sort(key=lambda turn: turn[0])
        return await super().batch(max_records, wait_seconds)


SUBJECTS = tuple(f"A-{n}" for n in range(20))


async def test_a_worker_that_gets_ahead_is_alive() -> None:
    watched = Watched()
    await watched.begin(*SUBJECTS)
    for _ in range(5):
        await watched.pass_seconds(PATIENCE_SECONDS / 2)
        watched.world.poke("A-1", "more")
        await watched.world.settle()
    assert watched.worker.alive()


async def test_a_worker_with_nothing_to_take_is_alive_however_long() -> None:
    watched = Watched(Dead)
    await watched.begin()
    await watched.pass_seconds(1000)
    assert watched.worker.alive()


async def test_a_dead_consumer_is_not_alive() -> None:
    watched = Watched(Dead)
    await watched.begin(*SUBJECTS)
    await watched.pass_seconds(PATIENCE_SECONDS / 2)
    assert watched.worker.alive()
    await watched.world.settle()
    await watched.pass_seconds(PATIENCE_SECONDS)
    assert not watched.worker.alive()


async def test_one_wedged_partition_is_not_alive_though_the_others_move() -> None:
    watched = Watched(Wedged)
    await watched.begin(*SUBJECTS)
    for _ in range(4):
        await watched.pass_seconds(PATIENCE_SECONDS / 2)
        watched.world.poke("A-1", "more")
        await watched.world.settle()
    assert not watched.worker.alive()


async def seconds_alive(watched: Watched, most: int) -> int:
    """For how many seconds it is alive that takes four records a second of its backlog."""
    await watched.begin(*(f"A-{n}" for n in range(600)))
    await watched.worker.watch()
    for second in range(most):
        await watched.worker.take_batch()
        watched.seconds.now += 1
        await watched.worker.watch()
        if not watched.worker.alive():
            return second
    return most


async def test_a_partition_that_waits_for_its_turn_in_a_long_queue_is_alive() -> None:
    watched = Watched(InTurn, batch_max_records=4)
    assert await seconds_alive(watched, 160) == 160
    assert watched.worker.transport.positions() == await watched.worker.transport.end_offsets()


async def test_a_partition_that_is_passed_over_for_ever_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUEUED_MAX_RECORDS", 100)
    watched = Watched(Wedged, batch_max_records=4)
    assert PATIENCE_SECONDS < await seconds_alive(watched, 160) < 100


def test_batches_may_be_taken_while_the_watchdog_asks() -> None:
    partitions = [TopicPartition("other.v1", number) for number in range(4)]
    asked = 0

    watched = progress.Progress(PATIENCE_SECONDS, Seconds())

    class TakenMeanwhile:
        """A moment that lets the loop take a batch each time that a thread looks at it."""

        def __rsub__(self, now: float) -> float:
            nonlocal asked
            asked += 1
            watched.moved(partitions)
            return 0.0

    standing: dict[TopicPartition, Any] = {
        where: SimpleNamespace(since=TakenMeanwhile()) for where in partitions
    }
    watched._standing = standing
    assert watched.alive()
    assert asked == len(partitions)


async def test_a_batch_that_never_ends_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    await watched.begin(*SUBJECTS)
    monkeypatch.setattr(watched.worker, "digest", lambda records: asyncio.Event().wait())
    hanging = asyncio.create_task(watched.worker.take_batch())
    await asyncio.sleep(0)
    await watched.pass_seconds(PATIENCE_SECONDS * 1.5)
    assert not watched.worker.alive()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)


async def test_while_the_database_is_away_it_waits_and_is_alive_and_so_right_after() -> None:
    watched = Watched()
    await watched.begin(*SUBJECTS)
    await watched.pass_seconds(1)
    watched.world.store.away = True
    taking = asyncio.create_task(watched.worker.take_batch())
    for _ in range(10):
        await watched.pass_seconds(PATIENCE_SECONDS / 2)
        assert watched.worker.alive()
    watched.world.store.away = False
    assert await taking
    assert watched.worker.alive()


async def test_a_retry_that_hangs_after_an_outage_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    await watched.begin(*SUBJECTS)
    tries = 0

    async def digest(_records: list[Record]) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Unavailable("the database is away")
        await asyncio.Event().wait()

    monkeypatch.setattr(watched.worker, "digest", digest)
    hanging = asyncio.create_task(watched.worker.take_batch())
    while tries < 3:
        await asyncio.sleep(0.001)
    await watched.pass_seconds(PATIENCE_SECONDS / 2)
    assert watched.worker.alive()
    await watched.pass_seconds(PATIENCE_SECONDS * 2)
    assert not watched.worker.alive()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)


class Forgetful(MemoryTransport):
    """Loses a cancellation that comes while it waits, as drivers do."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        try:
            return await super().batch(max_records, 3600)
        except asyncio.CancelledError:
            return []


async def test_the_brake_ends_a_worker_whose_mail_waits_to_be_tried_again() -> None:
    watched = Watched(brake_in_a_row=3)
    world = watched.world
    await watched.begin()
    world.rules.broken = {"boom"}
    world.outbox.answers = [EffectResult(done=False, retry=True)]
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    await world.worker.try_effects()
    running = asyncio.create_task(world.worker.run(asyncio.Event()))
    await asyncio.sleep(0.01)
    for subject in SUBJECTS[:4]:
        world.poke(subject, "boom")
    async with asyncio.timeout(10):
        (problem,) = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(problem, ExceptionGroup)
    assert problem.subgroup(Braked) is not None


async def test_a_driver_that_loses_the_cancellation_keeps_no_worker_from_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched(Forgetful)
    await watched.begin()

    async def breaks() -> bool:
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(watched.worker, "sample", breaks)
    running = asyncio.create_task(watched.worker.run(asyncio.Event()))
    async with asyncio.timeout(10):
        (problem,) = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(problem, ExceptionGroup)
    assert problem.subgroup(RuntimeError) is not None


class Cancelling(MemoryTransport):
    """Cancels what its caller waits for, as a driver does whose connection is closed by somebody else."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        raise asyncio.CancelledError


async def test_a_driver_that_cancels_what_is_waited_for_ends_the_worker_and_not_its_loop_alone() -> None:
    watched = Watched(Cancelling)
    await watched.begin()
    running = asyncio.create_task(watched.worker.run(asyncio.Event()))
    async with asyncio.timeout(10):
        (problem,) = await asyncio.gather(running, return_exceptions=True)
    assert isinstance(problem, MemberLost)


async def test_a_worker_that_was_told_to_stop_may_work_again() -> None:
    watched = Watched()
    await watched.begin()
    for subject in SUBJECTS[:2]:
        stop = asyncio.Event()
        running = asyncio.create_task(watched.worker.run(stop))
        watched.world.poke(subject, "hello")
        async with asyncio.timeout(10):
            while not watched.world.published(subject):
                await asyncio.sleep(0)
        stop.set()
        await running
