"""Traps of engines: outbox, inbox, deadlines, restarts. The docstrings name who met them first."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.runtime.ports import EffectResult, TopicPartition
from shared.runtime.work import Ask, StartEffect
from shared.runtime.worker import Worker
from tests.kit.toy import Say
from tests.kit.world import GROUP, World, fact

pytestmark = pytest.mark.promise("kept", "once", "ordered", "timed", "isolated", "resumed")


async def say(world: World, subject: str, word: str) -> None:
    await world.engine.run([Ask(subject, Say(at=world.clock.now(), word=word), f"{subject}-{word}", "d")])


async def run_until(worker: Worker, true: Any) -> None:
    """Let a worker's own loops work until something is so, then stop it as SIGTERM does."""
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.002)
    stop.set()
    await running


async def test_a_position_is_not_committed_before_what_was_heard_is_stored() -> None:
    """wolverine#1708: the offset was committed before the inbox row."""
    world = World(outage_backoff_first_seconds=0.001)
    await world.start()
    world.poke("A-1", "hello")
    world.store.away = True
    taking = asyncio.create_task(world.worker.take_batch())
    await asyncio.sleep(0.02)
    assert world.log.lag(GROUP, ["other.v1"]) == 1
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    world.store.away = False
    successor = world.another_worker()
    await successor.transport.start()
    await world.worker.transport.close()
    assert await successor.take_batch()
    assert await world.words() == ["hello"]
    assert world.log.lag(GROUP, ["other.v1"]) == 0


async def test_what_was_taken_in_is_known_again_however_long_the_outage_was() -> None:
    """wolverine#1725: the inbox was kept for less time than the longest outage."""
    world = World()
    await world.start()
    first = world.poke("A-1", "first")
    for n in range(world.limits.seen_max_per_file + 50):
        world.poke("A-1", f"word-{n}")
    await world.settle()
    words = await world.words()
    world.clock.advance(timedelta(days=400))
    world.log.append(first)
    await world.settle()
    assert await world.words() == words


async def test_what_a_crash_left_unpublished_is_sent_within_the_sweep_and_not_within_the_hour() -> None:
    """wolverine#565: the outbox of a crashed node was sent an hour later."""
    world = World(sweep_poll_seconds=0.01)
    world.publisher.away = True
    await say(world, "A-1", "one")
    world.publisher.away = False
    successor = world.another_worker()
    await successor.transport.start()

    async def published() -> bool:
        return bool(world.published())

    # Its clock stands still: no time has to pass for what is pending to be sent.
    await run_until(successor, published)
    assert world.published() == [(1, "one")]


async def test_one_order_gets_one_mail_whoever_hears_what_how_often() -> None:
    """wolverine#585: the same mail was sent twice."""
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    other = world.another_worker()
    await other.transport.start()
    await world.desk.take(fact("order.cancelled", "f-2"), "d")
    await world.desk.take(fact("order.cancelled", "f-2"), "d")
    await world.desk.take(fact("order.cancelled", "f-3"), "d")
    for _ in range(3):
        await asyncio.gather(world.worker.try_effects(), other.try_effects())
        world.clock.advance(timedelta(hours=2))
    assert world.outbox.attempts == ["effect-1"]


async def test_what_was_said_first_is_published_first_also_by_another_process_after_a_failure() -> None:
    """wolverine#436: the outbox was sent out of order."""
    world = World()
    world.publisher.away = True
    for word in ("one", "two", "three"):
        await say(world, "A-1", word)
    world.publisher.away = False
    await world.another_engine().run([Ask("A-1", Say(at=world.clock.now(), word="four"), "k-4", "d")])
    assert world.published() == [(1, "one"), (2, "two"), (3, "three"), (4, "four")]


@pytest.mark.parametrize(
    ("refused", "taken"),
    [("one", []), ("two", [(1, "one")]), ("three", [(1, "one"), (2, "two")])],
)
async def test_a_record_rejected_in_the_middle_of_a_batch_blocks_its_key_until_it_is_taken(
    refused: str, taken: list[tuple[int, str]]
) -> None:
    """Dekaf#3054: an idempotent producer wrote 2, 3, 1."""
    world = World()
    world.publisher.away = True
    for word in ("one", "two", "three"):
        await say(world, "A-1", word)
    world.publisher.away = False
    world.publisher.refuse = lambda record: f'"{refused}"'.encode() in (record.value or b"")
    await world.start()
    await world.worker.sweep()
    assert world.published() == taken
    world.publisher.refuse = lambda record: False
    await world.worker.sweep()
    assert world.published() == [(1, "one"), (2, "two"), (3, "three")]


async def test_a_database_that_restarts_while_work_is_recovered_strands_none_of_it() -> None:
    """dbos#716: work stayed stranded for ever when the database restarted during recovery."""
    world = World(
        outage_backoff_first_seconds=0.001,
        outage_backoff_max_seconds=0.002,
        sweep_poll_seconds=0.01,
        timer_poll_seconds=0.01,
        effect_poll_seconds=0.01,
    )
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.cancelled", "f-2"), "d")
    world.publisher.away = True
    await say(world, "A-1", "unsent")
    world.publisher.away = False
    world.poke("A-1", "heard")
    world.clock.advance(timedelta(hours=1))
    successor = world.another_worker()
    await successor.transport.start()
    for _ in range(4):
        world.store.before_commit.append(_goes_and_comes_back(world))

    async def done() -> bool:
        return {"unsent", "heard", "nudge", "effect-done"} <= set(await _words_if_there(world))

    await run_until(successor, done)
    assert world.outbox.attempts == ["effect-1"]
    said = list(dict.fromkeys(number for number, _ in world.published()))
    assert said == list(range(1, len(await world.words()) + 1))


def _goes_and_comes_back(world: World) -> Any:
    async def away_for_a_moment() -> None:
        world.store.away = True
        asyncio.get_running_loop().call_later(0.01, lambda: setattr(world.store, "away", False))

    return away_for_a_moment


async def _words_if_there(world: World) -> list[str]:
    return [] if world.store.away else await world.words()


async def test_overlapping_workers_of_a_rolling_restart_neither_strand_nor_repeat_work() -> None:
    """dbos#804: an overlapping restart claimed work again and left it."""
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.cancelled", "f-2"), "d")
    (claimed,) = await world.engine.run([StartEffect("A-1", "effect-1")])
    assert claimed.started
    successor = world.another_worker()
    await successor.transport.start()
    await successor.try_effects()
    assert world.outbox.attempts == []
    await world.worker.transport.close()
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    await successor.try_effects()
    await successor.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert (await world.words())[-1] == "effect-done"


async def test_a_worker_told_to_stop_in_the_middle_of_a_batch_leaves_it_to_the_next() -> None:
    """dapr#7799: messages were lost on redeploy."""
    world = World(outage_backoff_first_seconds=0.001, outage_backoff_max_seconds=0.002)
    await world.start()
    for n in range(50):
        world.poke(f"A-{n}", "hello")
    world.store.away = True
    stop = asyncio.Event()
    old = asyncio.create_task(world.worker.run(stop))
    await asyncio.sleep(0.02)
    stop.set()
    await old
    await world.worker.transport.close()
    world.store.away = False
    successor = world.another_worker()
    await successor.transport.start()
    while await successor.take_batch():
        pass
    assert [await world.words(f"A-{n}") for n in range(50)] == [["hello"]] * 50


async def test_a_deadline_that_comes_while_its_worker_stops_is_fired_by_the_next() -> None:
    """Axon#2451: a deadline was lost at shutdown."""
    world = World(timer_poll_seconds=0.01)
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    stop = asyncio.Event()
    old = asyncio.create_task(world.worker.run(stop))
    await asyncio.sleep(0)
    stop.set()
    world.clock.advance(timedelta(hours=1))
    await old
    await world.worker.transport.close()
    successor = world.another_worker()
    await successor.transport.start()
    while await successor.fire_timers():
        pass
    assert await world.words() == ["placed", "nudge"]


async def test_a_failed_record_is_not_passed_by_the_ones_after_it_that_succeed() -> None:
    """faststream#2618: a failed message was silently passed when a later one succeeded."""
    world = World()
    await world.start()
    world.poke("A-1", "first")
    failed = await world.worker.transport.batch(10, 0)
    world.poke("A-1", "second")
    later = await world.worker.transport.batch(10, 0)
    await world.worker.digest(later)
    await world.worker.transport.ack(later)
    where = TopicPartition(failed[0].topic, failed[0].partition)
    assert world.log.committed(GROUP, where) == failed[0].offset
    world.rules.broken = {"bad"}
    world.poke("B-1", "bad")
    world.poke("B-1", "good")
    await world.settle()
    assert [(letter.kind, letter.sequence) for letter in world.letters()] == [("poison", 1), ("waiting", 2)]
    assert await world.words("B-1") == []


async def test_timers_are_there_after_a_restart_of_everything() -> None:
    """litemall#275: timers lived in memory and were lost at a restart."""
    world = World()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    successor = world.another_worker()
    await successor.transport.start()
    world.clock.advance(timedelta(hours=1))
    while await successor.fire_timers():
        pass
    assert await world.words() == ["placed", "nudge"]


async def test_a_far_side_that_answers_late_is_not_asked_again_under_another_id() -> None:
    """saleor#9961 and #10165: what was sent to another system was sent twice."""
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.cancelled", "f-2"), "d")
    world.outbox.answers = [EffectResult(done=False, retry=True, reason="no answer in time")]
    await world.worker.try_effects()
    world.clock.advance(timedelta(hours=1))
    await world.worker.try_effects()
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1", "effect-1"]
    assert (await world.words()).count("effect-done") == 1
