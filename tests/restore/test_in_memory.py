"""A restored database in memory: found out, compared, lifted, and worked with again."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.memory_admin import MemoryAdmin
from shared.adapters.memory_store import MemoryStore
from shared.contracts.catalog import event_topic
from shared.runtime.audit import Audit
from shared.runtime.ports import Committed, Outgoing, Record, Restored, TopicPartition, Write
from shared.runtime.restore.comparison import Comparison, Lost, compare, origin_of
from shared.runtime.restore.guard import LAST_RECORDS, check_heard, check_numbers
from shared.runtime.restore.lifting import lift, rewound
from tests.kit.rules import START, after
from tests.kit.world import GROUP, HEARS, World, fact

pytestmark = pytest.mark.promise("kept", "ordered")

TOPIC = event_topic("toy")
HOLD = timedelta(hours=24)


class House:
    """The toy's world, whose database can be put back to an earlier one."""

    def __init__(self) -> None:
        self.world = World()
        self.admin = MemoryAdmin(self.world.log)

    async def tell(self, fact_id: str, kind: str = "order.placed", order_id: str = "A-1") -> None:
        await self.world.desk.take(fact(kind, fact_id, order_id=order_id), "d")

    def backup(self, *, with_notes: bool = True) -> MemoryStore:
        return self.world.store.copy(with_notes=with_notes)

    async def restore(self, backup: MemoryStore) -> None:
        """Another database, and so other processes: nobody remembers what is not in it."""
        world = self.world
        await world.worker.transport.close()
        world.store.__dict__.update(backup.__dict__)
        world.engine = world.another_engine()
        world.desk = type(world.desk)(world.engine)
        world.worker = world.another_worker()

    def last_records(self) -> list[Record]:
        partitions = self.world.log.topic(TOPIC)
        return [record for partition in partitions for record in partition[-LAST_RECORDS:]]

    async def guard(self) -> None:
        await check_numbers("toy", self.world.store, self.last_records())
        await check_heard("toy", self.world.store, await self.admin.committed(GROUP, HEARS))

    async def compare(self, note: Any = lambda lost: None) -> Comparison:
        return await compare("toy", self.world.store, self._chunks(3), note)

    async def mend(self) -> Comparison:
        """What the command does."""
        found = await self.compare()
        await lift(self.world.engine, found, self.world.clock.now() + HOLD)
        committed = await self.admin.committed(GROUP, HEARS)
        for where, offset in rewound(committed, await self.world.store.heard() or {}, {}).items():
            self.world.log.commit(GROUP, where, offset)
        return found

    async def _chunks(self, size: int) -> AsyncIterator[list[Record]]:
        records = list(self.world.log.records(TOPIC))
        for start in range(0, len(records), size):
            yield records[start : start + size]

    def audit(self) -> Audit:
        audit = Audit()
        audit.read(self.world.log.records(TOPIC))
        return audit


@pytest.fixture
async def house() -> House:
    made = House()
    await made.world.start()
    return made


async def test_a_database_that_was_never_replaced_passes_the_guard(house: House) -> None:
    await house.guard()
    await house.tell("f-1")
    house.world.poke("A-1", "one")
    house.world.poke("B-1", "unread")
    await house.world.settle()
    await house.guard()


async def test_the_guard_finds_numbers_that_would_be_used_twice(house: House) -> None:
    await house.tell("f-1")
    backup = house.backup()
    await house.tell("f-2", "order.paid")
    await house.restore(backup)
    with pytest.raises(Restored, match=r"A-1 has said 2 and would say 2 next.*restore-check toy"):
        await house.guard()


async def test_the_guard_finds_a_database_that_was_made_anew(house: House) -> None:
    await house.tell("f-1")
    await house.restore(MemoryStore())
    with pytest.raises(Restored, match="A-1 has said 1 and would say 1 next"):
        await house.guard()


async def test_the_guard_finds_that_others_were_heard_of_whom_the_database_knows_nothing(
    house: House,
) -> None:
    house.world.poke("A-1", "no")
    await house.world.settle()
    backup = house.backup()
    house.world.poke("A-1", "no")
    await house.world.settle()
    await house.restore(backup)
    assert house.last_records() == []
    with pytest.raises(Restored, match=r"other\.v1/.* up to 2, and the database up to 1"):
        await house.guard()


async def test_a_database_of_an_older_release_is_trusted_once_and_notes_from_then_on(house: House) -> None:
    house.world.poke("A-1", "no")
    await house.world.settle()
    await house.restore(house.backup(with_notes=False))
    assert await house.world.store.heard() is None
    await house.guard()
    assert await house.world.store.heard() == await house.admin.committed(GROUP, HEARS)


async def test_what_was_not_noted_is_not_committed(house: House) -> None:
    house.world.poke("A-1", "one")
    await house.restore(house.backup(with_notes=False))
    await house.world.start()
    with pytest.raises(Restored, match="replaced"):
        await house.world.worker.take_batch()
    assert await house.admin.committed(GROUP, HEARS) == {}


async def test_the_comparison_names_what_is_behind_what_is_missing_and_from_what_it_followed(
    house: House,
) -> None:
    world = house.world
    await house.tell("f-1")
    await house.tell("f-3", order_id="C-1")
    backup = house.backup()
    await house.tell("f-2", "order.paid")
    await house.tell("f-4", order_id="B-1")
    world.poke("A-1", "one")
    await world.settle()
    world.clock.set(after(hours=1))
    await world.pass_time(seconds=0)
    await house.restore(backup)
    lost: list[Lost] = []
    found = await house.compare(lost.append)
    assert found.last == {"A-1": 3, "B-1": 2, "C-1": 2}
    assert found.unknown == {"B-1"}
    # The toy is no service of the catalogue, nor is who pokes it: its ids are as strange as a shop's.
    assert found.kinds == {("toy.said", "outside"): 3, ("toy.said", "timer"): 2}
    told = {(each.subject, each.sequence): (each.cause, each.origin) for each in lost}
    assert told["A-1", 2] == ("f-2", "outside")
    assert told["A-1", 3][0] == "other/A-1/1"
    assert told["B-1", 1] == ("f-4", "outside")
    assert told["C-1", 2][1] == "timer"
    assert datetime.fromisoformat(found.earliest) == START


async def test_repetitions_on_the_log_are_one_event(house: House) -> None:
    await house.tell("f-1")
    (record,) = house.world.log.records(TOPIC)
    house.world.log.append(Outgoing(record.topic, record.key or b"", record.value, record.headers))
    await house.restore(MemoryStore())
    found = await house.compare()
    assert (found.records, found.events, found.last) == (2, 1, {"A-1": 1})


async def test_lifted_files_go_on_above_the_log_and_readers_find_no_gap(house: House) -> None:
    world = house.world
    await house.tell("f-1")
    backup = house.backup()
    await house.tell("f-2", "order.paid")
    await house.tell("f-4", order_id="B-1")
    await house.restore(backup)
    await house.mend()
    await house.guard()
    assert (await house.compare()).last == {}
    await house.tell("f-2", "order.paid")
    await house.tell("f-4", order_id="B-1")
    assert world.published("A-1") == [(1, "placed"), (2, "paid"), (3, "paid")]
    assert world.published("B-1") == [(1, "placed"), (2, "placed")]
    assert (house.audit().problem_count, house.audit().repetitions) == (0, 0)


async def test_what_was_pending_at_the_backup_is_not_published_behind_what_came_later(house: House) -> None:
    world = house.world
    world.publisher.away = True
    await house.tell("f-1")
    backup = house.backup()
    world.publisher.away = False
    await house.tell("f-2", "order.paid")
    await house.restore(backup)
    await house.mend()
    await world.worker.sweep()
    assert world.published("A-1") == [(1, "placed"), (2, "paid")]


async def test_what_was_pending_at_the_backup_and_nowhere_else_is_published(house: House) -> None:
    world = house.world
    world.publisher.away = True
    await house.tell("f-1")
    await house.restore(house.backup())
    world.publisher.away = False
    await house.mend()
    await world.start()
    await world.worker.sweep()
    assert world.published("A-1") == [(1, "placed")]


async def test_what_others_said_after_the_backup_is_heard_again_and_what_was_before_is_not(
    house: House,
) -> None:
    world = house.world
    world.poke("A-1", "one")
    await world.settle()
    backup = house.backup()
    world.poke("A-1", "two")
    await world.settle()
    await house.restore(backup)
    await house.mend()
    await world.start()
    await world.settle()
    assert await world.words("A-1") == ["one", "two"]
    assert world.published("A-1") == [(1, "one"), (2, "two"), (3, "two")]
    assert house.audit().problem_count == 0


async def test_timers_of_files_that_are_behind_wait_and_a_fact_told_again_cancels_them(house: House) -> None:
    world = house.world
    await house.tell("f-1")
    await house.tell("f-3", order_id="C-1")
    backup = house.backup()
    await house.tell("f-2", "order.paid")
    await house.restore(backup)
    await house.mend()
    await world.start()
    await world.pass_time(hours=2)
    assert world.published("C-1") == [(1, "placed"), (2, "nudge")]
    assert await world.words("A-1") == ["placed"]
    await house.tell("f-2", "order.paid")
    await world.pass_time(hours=48)
    assert await world.words("A-1") == ["placed", "paid"]


async def test_a_timer_that_waited_fires_when_nobody_told_anything_again(house: House) -> None:
    world = house.world
    await house.tell("f-1")
    backup = house.backup()
    await house.tell("f-9", "order.placed")
    world.poke("A-1", "one")
    await world.settle()
    await house.restore(backup)
    await house.mend()
    await world.start()
    await world.settle()
    await world.pass_time(hours=25)
    assert "nudge" in await world.words("A-1")
    file = await world.engine.load("A-1")
    assert file is not None
    assert [line["asked"] for line in file.history if line.get("rule") == "restore"] == ["restore-check"]


async def test_lifting_again_changes_nothing_and_an_interrupted_one_is_finished(house: House) -> None:
    world = house.world
    for number in range(5):
        await house.tell(f"f-{number}", order_id=f"A-{number}")
    await house.restore(MemoryStore())
    found = await house.compare()
    half = replace(found, last=dict(list(found.last.items())[:2]))
    await lift(world.engine, half, world.clock.now())
    with pytest.raises(Restored):
        await house.guard()
    rest = await house.compare()
    assert len(rest.last) == 3
    assert (await lift(world.engine, rest, world.clock.now())).files == 3
    assert (await lift(world.engine, found, world.clock.now())).files == 0
    await house.guard()


async def test_a_write_that_was_lost_to_another_writer_is_done_again(house: House) -> None:
    world = house.world
    await house.tell("f-1")
    backup = house.backup()
    await house.tell("f-2", "order.paid")
    await house.restore(backup)
    found = await house.compare()

    async def another() -> None:
        document = (await MemoryStore.load(world.store, ["A-1"]))["A-1"]
        outcome = await MemoryStore.commit(world.store, [Write({**document, "version": 2}, 1)])
        assert outcome == [Committed.DONE]

    world.store.before_commit = [another]
    assert (await lift(world.engine, found, world.clock.now())).files == 1
    file = await world.engine.load("A-1")
    assert file is not None
    assert (file.version, file.next_seq) == (3, {"toy": 3})


P, Q = TopicPartition("other.v1", 0), TopicPartition("other.v1", 1)


@pytest.mark.parametrize(
    ("heard", "at_moment", "expected"),
    [
        pytest.param({P: 10, Q: 10}, {}, {}, id="it heard everything"),
        pytest.param({P: 4, Q: 12}, {}, {P: 4}, id="one partition is ahead"),
        pytest.param({P: 10}, {}, {Q: 0}, id="of one it never heard"),
        pytest.param({P: 10, Q: 10}, {P: 3}, {P: 3}, id="the backup began earlier"),
        pytest.param({P: 2, Q: 10}, {P: 3, Q: 11}, {P: 2}, id="the note is earlier still"),
    ],
)
def test_a_group_goes_back_to_the_earlier_of_what_was_heard_and_what_was_asked_for(
    heard: dict[TopicPartition, int],
    at_moment: dict[TopicPartition, int],
    expected: dict[TopicPartition, int],
) -> None:
    assert rewound({P: 10, Q: 10}, heard, at_moment) == expected


@pytest.mark.parametrize(
    ("cause", "origin"),
    [
        ("orders/A-1/7", "event"),
        ("notifications-contacts/A-1/1", "event"),
        ("timer/nudge@2026-03-02T10:00:00+00:00", "timer"),
        ("0d6c1d9e", "outside"),
        ("orders/A-1/x", "outside"),
        ("", "outside"),
    ],
)
def test_where_an_event_came_from_is_read_off_its_cause(cause: str, origin: str) -> None:
    assert origin_of(cause) == origin


STEPS = st.lists(
    st.tuples(st.sampled_from(("tell", "poke", "settle")), st.sampled_from(("A-1", "B-1", "C-1"))),
    max_size=12,
)


@settings(max_examples=12)
@given(before=STEPS, later=STEPS, again=STEPS)
async def test_whatever_happened_no_number_comes_twice_and_no_word_is_dropped(
    before: Sequence[tuple[str, str]], later: Sequence[tuple[str, str]], again: Sequence[tuple[str, str]]
) -> None:
    house = House()
    await house.world.start()
    number = 0

    async def play(steps: Sequence[tuple[str, str]]) -> None:
        nonlocal number
        for step, subject in steps:
            number += 1
            if step == "tell":
                await house.tell(f"f-{number}", order_id=subject)
            elif step == "poke":
                house.world.poke(subject, f"word-{number}")
            else:
                await house.world.settle()

    await play(before)
    backup = house.backup()
    await play(later)
    await house.restore(backup)
    await house.mend()
    await house.guard()
    await house.world.start()
    await play(again)
    await house.world.settle()
    audit = house.audit()
    assert (audit.problem_count, audit.repetitions) == (0, 0)
    poked = {(record.key or b"").decode(): None for record in house.world.log.records("other.v1")}
    for subject in poked:
        heard = [word for word in await house.world.words(subject) if word.startswith("word-")]
        assert len(heard) == len(set(heard)) == _pokes(house.world, subject)


def _pokes(world: World, subject: str) -> int:
    return sum(1 for record in world.log.records("other.v1") if record.key == subject.encode())
