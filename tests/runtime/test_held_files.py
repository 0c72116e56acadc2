"""Files that can't go on hold up themselves, and none of the others: by number, by time or by place."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.catalog import dead_letter_topic
from shared.contracts.event import from_cloudevent
from shared.runtime import erasing
from shared.runtime.brake import verdicts
from shared.runtime.dead_letters import StoredLetter, letter_record, original, read_letter
from shared.runtime.listen import listen
from shared.runtime.ports import EffectResult, Record
from shared.runtime.redrive import Report, discard, discard_parked
from shared.runtime.slots import partition_of
from shared.runtime.work import Done, Hear, Letter, StartEffect, TooMuchPending
from tests.kit.rules import START
from tests.kit.toy import Rules, toy
from tests.kit.world import World, fact, poke_record
from tests.runtime.test_redrive import Reader, chosen, no_progress, redrive_all

pytestmark = pytest.mark.promise("isolated")


async def of_another_version(world: World, subject: str) -> Callable[[], None]:
    """Make a file one that this version can't read, until what is returned is called."""
    document = (await world.store.load([subject]))[subject]
    mended = {**document, "version": document["version"] + 1}
    world.store._keep(subject, {**mended, "state": {"words": 5}})
    return lambda: world.store._keep(subject, mended)


# The sweep and the timers


@pytest.mark.parametrize("page", [5, 50])
async def test_a_page_of_rejected_files_does_not_keep_the_sweep_from_those_behind(page: int) -> None:
    world = World(batch_max_files=page)
    await world.start()
    world.publisher.refuse = lambda record: record.key.startswith(b"BAD")
    for number in range(page):
        world.poke(f"BAD-{number}", "x")
    await world.settle()
    world.publisher.away = True
    world.poke("GOOD", "hello")
    await world.settle()
    world.publisher.away = False
    for _ in range(3):
        await world.worker.sweep()
    assert world.published("GOOD") == [(1, "hello")]
    world.publisher.refuse = lambda record: False
    for _ in range(3):
        await world.worker.sweep()
    assert await world.store.pending_count(10) == 0


@pytest.mark.parametrize("batch_max_files", [1, 500])
async def test_a_file_of_another_version_does_not_keep_later_timers_from_firing(batch_max_files: int) -> None:
    world = World(batch_max_files=batch_max_files)
    await world.start()
    world.poke("X-1", "later")
    await world.settle()
    world.clock.advance(timedelta(minutes=1))
    world.poke("A-1", "later")
    await world.settle()
    mend = await of_another_version(world, "X-1")
    await world.pass_time(days=1)
    assert await world.words("A-1") == ["later", "nudge"]
    mend()
    await world.pass_time(seconds=1)
    assert await world.words("X-1") == ["later", "nudge"]


async def test_a_page_of_full_files_does_not_keep_later_timers_from_firing() -> None:
    world = World(timer_scan_max_files=5, pending_max_per_file=10)
    await world.start()
    world.publisher.refuse = lambda record: record.key.startswith(b"BAD")
    for number in range(5):
        world.poke(f"BAD-{number}", "later")
        for _ in range(9):
            world.poke(f"BAD-{number}", "x")
    await world.settle()
    world.clock.advance(timedelta(minutes=1))
    world.poke("A-1", "later")
    await world.settle()
    world.clock.advance(timedelta(days=1))
    for _ in range(4):
        await world.worker.fire_timers()
    assert await world.words("A-1") == ["later", "nudge"]


# The stream


async def test_a_batch_of_a_partition_that_was_lost_is_let_go() -> None:
    world = World(outage_backoff_first_seconds=0.001, outage_backoff_max_seconds=0.002)
    await world.start()
    names = [f"X-{number}" for number in range(60)]
    bad = next(name for name in names if partition_of(name.encode(), 4) == 1)
    world.poke(bad, "hello")
    await world.settle()
    await of_another_version(world, bad)
    world.poke(bad, "more")
    taking = asyncio.ensure_future(world.worker.take_batch())
    while not world.worker.transport.partitions() or not world.worker._untaken:
        await asyncio.sleep(0)
    other = world.another_worker()
    await other.transport.start()
    assert not await taking
    mine = [name for name in names if partition_of(name.encode(), 4) in world.worker.transport.partitions()]
    assert bad not in mine
    world.poke(mine[0], "hello")
    await world.settle()
    assert await world.words(mine[0]) == ["hello"]


def letter_of(body: bytes, reason: str = "reason", **headers: bytes) -> StoredLetter:
    """A letter about a record, as it is read again; the broker takes it as it comes."""
    record = Record("other.v1", 0, 7, b"A-1", body, headers)
    letter = Letter(None, "other", "A-1", 1, "other/A-1/1", reason, reason * 50, "poison", record)
    written = letter_record(letter, dead_letter_topic("toy"), "toy", START).value or b""
    assert len(written) < 900_000
    found = read_letter(written)
    assert original(found) == record
    return found


@pytest.mark.parametrize(
    "body", [b"\x00" * 299_000, b'"' * 299_000, b"\xff" * 299_000, "\u0001é".encode() * 99_000]
)
def test_a_letter_is_never_larger_than_a_broker_takes_and_keeps_the_original(body: bytes) -> None:
    letter_of(body, "x" * 1_000_000)
    letter_of(body, "\x00" * 100_000)


def test_one_record_that_many_files_can_not_digest_counts_once_for_the_brake() -> None:
    heard = listen(toy(Rules()), [])
    record = Record("other.v1", 0, 7, b"A-1", b"", {})
    event = from_cloudevent(json.loads(poke_record("A-1", 1, "bad", START).value or b""))
    heard.work += [Hear(f"B-{number}", event, record) for number in range(30)]
    answers = [Done(poisoned=True), *(Done() for _ in range(29))]
    assert verdicts(heard, answers, set()) == [True]
    assert verdicts(heard, [Done(outgrown=True, poisoned=True)] * 30, set()) == [False]
    assert verdicts(heard, [Done(parked=True)] * 30, {("poison", "B-3", event.id)}) == [True]


async def test_the_brake_counts_what_a_batch_poisoned_before_it_had_to_be_tried_again() -> None:
    world = World(outage_backoff_first_seconds=0.001, brake_in_a_row=20)
    await world.start()
    world.poke("X-1", "hello")
    await world.settle()
    world.rules.broken = {"bad"}
    for number in range(60):
        world.poke(f"A-{number}", "bad")
    mend = await of_another_version(world, "X-1")
    world.poke("X-1", "more")
    taking = asyncio.ensure_future(world.settle())
    while len(world.letters()) < 60:
        await asyncio.sleep(0)
    mend()
    with pytest.raises(Exception, match="records in a row"):
        await taking


# Effects


async def test_a_recall_for_which_a_full_file_has_no_room_sends_nothing() -> None:
    world = World(pending_max_per_file=10)
    await world.start()
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    world.publisher.away = True
    for _ in range(10):
        world.poke("A-1", "x")
    await world.settle()
    world.rules.unwanted = {"effect-1"}
    with pytest.raises(TooMuchPending):
        await world.engine.run([StartEffect("A-1", "effect-1")])
    world.publisher.away = False
    await world.worker.sweep()
    await world.worker.try_effects()
    assert world.outbox.attempts == []
    assert await world.words() == ["x"] * 10 + ["not-now"]


async def test_an_answer_for_which_a_full_file_has_no_room_is_told_later_and_leaves_no_letter() -> None:
    world = World(pending_max_per_file=10)
    await world.start()
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    world.publisher.away = True
    for _ in range(10):
        world.poke("A-1", "x")
    await world.settle()
    await world.worker.try_effects()
    assert world.letters() == []
    world.publisher.away = False
    await world.worker.sweep()
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]
    assert await world.words() == ["x"] * 10 + ["effect-done"]


async def test_a_try_that_was_not_answered_is_tried_again_whatever_the_rules_say_by_then() -> None:
    """It may have been done, so that it was not wanted any more would be wrong to say."""
    world = World()
    await world.start()
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    world.outbox.answers = [
        EffectResult(done=False, retry=True, unclear=True, reason="no answer"),
        EffectResult(done=False, retry=True, reason="busy"),
    ]
    await world.worker.try_effects()
    world.rules.unwanted = {"effect-1"}
    for _ in range(2):
        world.clock.advance(timedelta(minutes=5))
        await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"] * 3
    assert await world.words() == ["effect-done"]


async def test_a_lease_that_ran_down_while_events_were_published_is_not_used() -> None:
    world, seconds = World(), [0.0]
    await world.start()
    world.worker.effects._monotonic = lambda: seconds[0]
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    publish = world.engine.run

    async def slowly(*arguments: Any) -> Any:
        answers = await publish(*arguments)
        seconds[0] += world.limits.effect_lease_seconds / 2 + 1
        return answers

    world.worker.engine.run = slowly  # type: ignore[method-assign,assignment]  # the broker is slow behind the commit
    await world.worker.try_effects()
    assert world.outbox.attempts == []
    world.worker.engine.run = publish  # type: ignore[method-assign]
    world.clock.advance(timedelta(seconds=world.limits.effect_lease_seconds))
    await world.worker.try_effects()
    assert world.outbox.attempts == ["effect-1"]


# The redrive


async def unread(world: World) -> None:
    """A record that nobody could read is parked in A-1; it is for B-1 as well."""
    await world.start()
    world.rules.broken = {"react:one"}
    world.poke("A-1", "one", about="B-1")
    await world.settle()
    world.rules.broken = set()


async def test_a_redrive_that_is_killed_between_two_files_goes_on_where_it_stopped() -> None:
    world = World()
    await unread(world)
    commit = world.store.commit

    async def killed(writes: Any) -> Any:
        if any(write.document["_id"] == "A-1" for write in writes):
            await commit(writes)
            raise KeyboardInterrupt
        return await commit(writes)

    world.store.commit = killed  # type: ignore[method-assign]  # a process that dies behind its commit
    with pytest.raises(KeyboardInterrupt):
        await redrive_all(world)
    world.store.commit = commit  # type: ignore[method-assign]
    await redrive_all(world)
    assert await world.words("B-1") == ["one"]
    assert await chosen(world) == []


async def test_a_record_stays_parked_while_another_file_of_it_has_no_room() -> None:
    world = World(
        pending_max_per_file=10, outage_backoff_first_seconds=0.0001, outage_backoff_max_seconds=0.001
    )
    await unread(world)
    world.publisher.refuse = lambda record: record.topic == "toy.v1" and record.key == b"B-1"
    for number in range(10):
        world.poke(f"C-{number}", "c", about="B-1")
    world.rules.broken = {"two"}
    world.poke("E-1", "two")
    await world.settle()
    world.rules.broken = set()
    report = await redrive_all(world)
    assert (report.applied, report.kept) == (1, 1)
    assert await world.words("E-1") == ["two"]
    assert "A-1" in await chosen(world)
    world.publisher.refuse = lambda record: False
    await world.worker.sweep()
    await redrive_all(world)
    assert (await world.words("B-1"))[-1] == "one"


async def test_what_lies_before_a_record_that_is_too_large_for_a_letter_is_taken_in() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"one"}
    world.poke("A-1", "one")
    world.poke("A-1", "x" * 310_000)
    await world.settle()
    world.rules.broken = set()
    report = await redrive_all(world)
    assert await world.words() == ["one"]
    assert (report.applied, report.kept, report.failed) == (1, 1, 1)


async def unread_before_a_broken_one() -> World:
    """Of two records for B-1 nobody could read the first, which A-1 parks, and B-1 parks the second."""
    world = World()
    await world.start()
    world.rules.broken = {"react:one", "two"}
    world.poke("A-1", "one", about="B-1")
    world.poke("A-1", "two", about="B-1")
    await world.settle()
    assert await chosen(world) == ["A-1", "B-1"]
    return world


async def test_what_comes_late_is_taken_before_a_later_record_that_is_parked() -> None:
    world = await unread_before_a_broken_one()
    world.rules.broken = set()
    await redrive_all(world)
    assert await world.words("B-1") == ["one", "two"]
    assert await chosen(world) == []


async def test_what_comes_late_and_breaks_is_parked_before_the_later_one() -> None:
    world = await unread_before_a_broken_one()
    world.rules.broken = {"one"}
    await redrive_all(world)
    assert await world.words("B-1") == []
    assert await chosen(world) == ["B-1"]
    world.rules.broken = set()
    await redrive_all(world)
    assert await world.words("B-1") == ["one", "two"]
    assert await chosen(world) == []


async def test_a_discard_that_comes_too_late_sets_nothing_back() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"1", "3"}
    for word in ("1", "2", "3"):
        world.poke("A-1", word, about="B-1")
    await world.settle()
    stale = [letter for letter in world.letters() if letter.sequence == 1]
    world.rules.broken = {"3"}
    await redrive_all(world)
    assert await world.words("B-1") == ["1", "2"]
    report = await discard(world.engine, stale, no_progress)
    assert (report.applied, report.stale) == (0, 1)
    world.rules.broken = set()
    await redrive_all(world)
    assert await world.words("B-1") == ["1", "2", "3"]


# Erasure


async def test_a_letter_that_is_parked_while_others_are_buried_is_given_up_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    await world.start()
    world.rules.broken = {"1"}
    world.poke("A-1", "1")
    await world.settle()
    real, once = discard_parked, [True]

    async def discard_late(*arguments: Any) -> Report:
        if once:
            once.clear()
            world.poke("A-1", "2")
            await world.settle()
        return await real(*arguments)

    monkeypatch.setattr(erasing, "discard_parked", discard_late)
    await erasing.bury_letters(world.engine, Reader(world), {"A-1"})
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.parked == {}
