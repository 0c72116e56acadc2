"""Publishing: in rounds, oldest first, and only what was acknowledged is cleared."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.runtime.audit import Audit
from shared.runtime.ports import Outgoing
from shared.runtime.redrive import redrive
from shared.runtime.work import Ask, TooMuchPending
from tests.kit.toy import Say
from tests.kit.world import World

pytestmark = pytest.mark.promise("ordered")


def word_in(record: Outgoing) -> str:
    return str(json.loads(record.value or b"{}")["data"].get("word"))


async def say(world: World, subject: str, *words: str) -> None:
    for word in words:
        key = f"{subject}-{word}"
        await world.engine.run([Ask(subject, Say(at=world.clock.now(), word=word), key, "d")])


@pytest.mark.promise("resumed")
async def test_the_broker_away_keeps_events_until_it_is_back() -> None:
    world = World()
    world.publisher.away = True
    await say(world, "A-1", "one", "two")
    assert world.published() == []
    world.publisher.away = False
    await world.start()
    await world.worker.sweep()
    assert world.published() == [(1, "one"), (2, "two")]
    assert await world.store.pending_count(10) == 0


async def test_whoever_publishes_a_file_next_publishes_what_was_left_first() -> None:
    world = World()
    world.publisher.away = True
    await say(world, "A-1", "one")
    world.publisher.away = False
    await say(world, "A-1", "two")
    assert world.published() == [(1, "one"), (2, "two")]


async def test_a_refused_record_holds_back_its_own_file_only() -> None:
    world = World()
    world.publisher.away = True
    await say(world, "A-1", "a1", "a2", "a3")
    await say(world, "B-1", "b1", "b2")
    world.publisher.away = False
    world.publisher.refuse = lambda record: word_in(record) == "a2"
    await world.start()
    await world.worker.sweep()
    assert world.published("A-1") == [(1, "a1")]
    assert world.published("B-1") == [(1, "b1"), (2, "b2")]
    world.publisher.refuse = lambda record: False
    await world.worker.sweep()
    assert world.published("A-1") == [(1, "a1"), (2, "a2"), (3, "a3")]


async def test_a_lost_acknowledgement_repeats_and_never_reorders() -> None:
    world = World()
    world.publisher.lose_acks = 1
    await say(world, "A-1", "one")
    await say(world, "A-1", "two")
    assert world.published() == [(1, "one"), (1, "one"), (2, "two")]
    audit = Audit()
    audit.read(world.log.records("toy.v1"))
    assert (audit.problem_count, audit.repetitions) == (0, 1)


async def test_what_another_committed_meanwhile_stays_pending() -> None:
    world = World()
    rival = world.another_engine()
    original_clear = world.store.clear

    async def rival_says_before_the_clear(cleared: object) -> None:
        world.store.clear = original_clear  # type: ignore[method-assign]  # the fault is over
        world.publisher.away = True
        await rival.run([Ask("A-1", Say(at=world.clock.now(), word="two"), "k-2", "d")])
        world.publisher.away = False
        await original_clear(cleared)  # type: ignore[arg-type]  # passed on as it came

    world.store.clear = rival_says_before_the_clear  # type: ignore[method-assign]  # the fault
    await say(world, "A-1", "one")
    assert world.published() == [(1, "one")]
    world.clock.advance(timedelta(seconds=2))
    await world.start()
    await world.worker.sweep()
    audit = Audit()
    audit.read(world.log.records("toy.v1"))
    assert audit.problem_count == 0
    assert world.published()[-1] == (2, "two")


async def test_an_owner_that_froze_and_wakes_only_repeats() -> None:
    world = World()
    world.publisher.away = True
    await say(world, "A-1", "one")
    frozen = await world.engine.load("A-1")
    assert frozen is not None
    world.publisher.away = False
    await say(world, "A-1", "two", "three")
    await world.engine.publish([frozen])
    assert await world.words() == ["one", "two", "three"]
    audit = Audit()
    audit.read(world.log.records("toy.v1"))
    assert (audit.problem_count, audit.events) == (0, 3)


async def test_the_audit_names_what_came_before_its_predecessor() -> None:
    world = World()
    await say(world, "A-1", "one", "two", "three")
    records = list(world.log.records("toy.v1"))
    audit = Audit()
    audit.read([records[0], records[2], records[1]])
    assert audit.problem_count == 1
    assert (audit.problems[0].subject, audit.problems[0].expected, audit.problems[0].came) == ("A-1", 2, 3)


def full(world: World, subject: str = "A-1") -> None:
    """The broker rejects what one file says, and that hears more than it has room for."""
    world.publisher.refuse = lambda record: record.key == subject.encode() and record.topic == "toy.v1"
    for number in range(14):
        world.poke(subject, str(number))


@pytest.mark.promise("isolated")
async def test_a_file_whose_events_the_broker_rejects_is_parked_and_holds_up_no_other() -> None:
    world = World(pending_max_per_file=10)
    said: list[dict[str, object]] = []
    world.worker.log = lambda *_, **values: said.append(values)
    await world.start()
    full(world)
    await world.settle()
    assert [(letter.kind, letter.sequence) for letter in world.letters()] == [
        ("waiting", number) for number in range(11, 15)
    ]
    assert "10 events wait to be published" in world.letters()[0].reason
    assert [values.get("subject") for values in said] == ["A-1"]
    world.poke("A-1", "14")
    world.poke("A-2", "hello")
    await world.settle()
    assert await world.words("A-2") == ["hello"]
    world.publisher.refuse = lambda record: False
    await world.worker.sweep()
    report = await redrive(world.engine, world.letters(), lambda done, total: None)
    assert (report.applied, report.failed) == (5, 0)
    assert [word for _, word in world.published("A-1")] == [str(number) for number in range(15)]


@pytest.mark.promise("resumed")
async def test_nothing_is_parked_while_the_broker_is_away_or_has_just_come_back() -> None:
    world = World(pending_max_per_file=10)
    await world.start()
    full(world)
    records = await world.worker.transport.batch(100, 0)
    world.publisher.away = True
    with pytest.raises(TooMuchPending):
        await world.worker.digest(records)
    assert world.letters() == []
    world.publisher.away = False
    publish = world.publisher.publish

    async def comes_back_with_the_letters(records: Sequence[Outgoing]) -> list[bool]:
        if records[0].topic != "toy.v1":
            world.publisher.refuse = lambda record: False
        return await publish(records)

    world.publisher.publish = comes_back_with_the_letters  # type: ignore[method-assign]  # the outage's end
    with pytest.raises(TooMuchPending):
        await world.worker.digest(records)
    await world.worker.digest(records)
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.parked == {}
    assert [word for _, word in world.published("A-1")] == [str(number) for number in range(14)]
