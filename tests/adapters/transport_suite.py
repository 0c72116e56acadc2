"""What every transport must do. Each case takes a stage: an empty log and as many members as it likes."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import pytest

from shared.runtime.ports import Outgoing, Positions, Record, TopicPartition, Transport, Unavailable
from shared.runtime.slots import partition_of

PARTITIONS = 4
ORDERS, LOGISTICS = "orders.v1", "logistics.v1"
TOPICS = (ORDERS, LOGISTICS)
PATIENCE_SECONDS = 20.0


class Stage(Protocol):
    """An empty log with two topics, and a group without members."""

    async def member(self, name: str | None = None) -> Transport:
        """A new member of the group, started; with a name it takes the place of the last one so named."""
        ...

    async def killed(self, name: str, count: int, acknowledged: int) -> list[Record]:
        """A member of this name takes so many, acknowledges the first of them, and is killed. All it took."""
        ...

    async def publish(self, *records: Outgoing) -> None:
        """Write these."""
        ...


def outgoing(n: int, topic: str = ORDERS) -> Outgoing:
    """The n-th record; keys repeat, so that order in a partition can be seen."""
    return Outgoing(topic, f"key-{n % 17}".encode(), str(n).encode(), {"n": str(n).encode()})


def numbers(records: Sequence[Record]) -> list[int]:
    """Which records these are."""
    return [int(record.value or b"-1") for record in records]


def by_partition(records: Sequence[Record]) -> dict[TopicPartition, list[int]]:
    """Offsets in the order in which they came."""
    found: dict[TopicPartition, list[int]] = defaultdict(list)
    for record in records:
        found[TopicPartition(record.topic, record.partition)].append(record.offset)
    return found


async def take(member: Transport, count: int) -> list[Record]:
    """So many records, however many batches that takes."""
    taken: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(taken) < count:
            taken += await member.batch(count - len(taken), 0.2)
    return taken


async def take_rest(member: Transport) -> list[Record]:
    """All records up to the ends as they are now."""
    taken: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        ends = await member.end_offsets()
        while any(member.positions().get(where, 0) < end for where, end in ends.items()):
            taken += await member.batch(1000, 0.2)
    return taken


async def settled(*members: Transport) -> None:
    """Wait until these share all partitions."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            owned = [number for member in members for number in member.partitions()]
            known = all(len(m.positions()) == len(TOPICS) * len(m.partitions()) for m in members)
            if known and sorted(owned) == list(range(PARTITIONS)) and all(m.partitions() for m in members):
                return
            await asyncio.sleep(0.01)


async def records_come_whole_and_in_order(stage: Stage) -> None:
    sent = [outgoing(n, TOPICS[n % 2]) for n in range(200)]
    await stage.publish(*sent, Outgoing(ORDERS, b"gone", None))
    member = await stage.member()
    taken = await take(member, 201)
    assert all(offsets == list(range(len(offsets))) for offsets in by_partition(taken).values())
    tombstone = next(record for record in taken if record.key == b"gone")
    assert tombstone.value is None
    values = [record for record in taken if record.value is not None]
    assert sorted(numbers(values)) == list(range(200))
    for record in values:
        assert record.headers == {"n": record.value}
        assert record.topic == TOPICS[int(record.value or b"") % 2]
        assert record.partition == partition_of(record.key or b"", PARTITIONS)


async def an_empty_log_gives_an_empty_batch_after_the_wait(stage: Stage) -> None:
    member = await stage.member()
    await settled(member)
    async with asyncio.timeout(5):
        assert await member.batch(10, 0.0) == []
        assert await member.batch(10, 0.05) == []


async def a_batch_is_never_larger_than_asked_for(stage: Stage) -> None:
    await stage.publish(*(outgoing(n) for n in range(30)))
    member = await stage.member()
    taken: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(taken) < 30:
            batch = await member.batch(7, 0.2)
            assert len(batch) <= 7
            taken += batch
    assert sorted(numbers(taken)) == list(range(30))


async def a_large_backlog_is_given_once_and_whole(stage: Stage) -> None:
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(3000)))
    member = await stage.member()
    taken: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(taken) < 3000:
            batch = await member.batch(500, 0.2)
            await member.ack(batch)
            taken += batch
    assert sorted(numbers(taken)) == list(range(3000))
    assert all(offsets == list(range(len(offsets))) for offsets in by_partition(taken).values())


async def a_record_written_while_waiting_comes_at_once(stage: Stage) -> None:
    member = await stage.member()
    await settled(member)
    waiting = asyncio.create_task(member.batch(10, 10.0))
    await asyncio.sleep(0.05)
    await stage.publish(outgoing(1))
    async with asyncio.timeout(2):
        assert numbers(await waiting) == [1]


async def what_was_given_does_not_come_again_to_the_same_member(stage: Stage) -> None:
    await stage.publish(outgoing(1), outgoing(2))
    member = await stage.member()
    await take(member, 2)
    assert await member.batch(10, 0.1) == []
    await stage.publish(outgoing(3))
    assert numbers(await take(member, 1)) == [3]


async def what_was_not_acknowledged_comes_again_after_a_restart(stage: Stage) -> None:
    await stage.publish(*(outgoing(n) for n in range(20)))
    first = await stage.member()
    told = await take(first, 20)
    await first.close()
    again = await take(await stage.member(), 20)
    assert sorted(numbers(again)) == list(range(20))
    assert all(record in told and record.written_ms > 0 for record in again), "also when it was written"


async def what_was_acknowledged_does_not_come_again(stage: Stage) -> None:
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(20)))
    first = await stage.member()
    await first.ack(await take(first, 20))
    await first.close()
    second = await stage.member()
    await settled(second)
    assert second.positions() == await second.end_offsets()
    await stage.publish(outgoing(99))
    assert numbers(await take(second, 1)) == [99]


async def a_hole_in_the_acknowledgements_holds_the_position(stage: Stage) -> None:
    await stage.publish(*(outgoing(0) for _ in range(6)))
    first = await stage.member()
    taken = await take(first, 6)
    await first.ack(taken[3:])
    await first.ack(taken[:1])
    await first.close()
    again = await take_rest_of(await stage.member())
    assert [record.offset for record in again] == [1, 2, 3, 4, 5]


async def acknowledgements_in_any_order_count_when_the_hole_is_filled(stage: Stage) -> None:
    await stage.publish(*(outgoing(0) for _ in range(6)))
    first = await stage.member()
    taken = await take(first, 6)
    for record in (taken[2], taken[0], taken[3], taken[1]):
        await first.ack([record])
    await first.close()
    again = await take_rest_of(await stage.member())
    assert [record.offset for record in again] == [4, 5]


async def a_later_batch_acknowledged_first_does_not_pass_an_earlier_one(stage: Stage) -> None:
    await stage.publish(*(outgoing(0) for _ in range(6)))
    first = await stage.member()
    in_flight = await take(first, 3)
    await first.ack(await take(first, 3))
    await first.close()
    second = await stage.member()
    again = await take_rest_of(second)
    assert [record.offset for record in again] == [0, 1, 2, 3, 4, 5]
    assert [record.offset for record in in_flight] == [0, 1, 2]


async def a_wait_that_is_given_up_loses_nothing(stage: Stage) -> None:
    member = await stage.member()
    await settled(member)
    taken: list[Record] = []
    for n in range(20):
        waiting = asyncio.create_task(member.batch(10, 10.0))
        await asyncio.sleep(0.002 * (n % 5))
        await stage.publish(outgoing(n))
        await asyncio.sleep(0.002 * (n % 3))
        waiting.cancel()
        result = (await asyncio.gather(waiting, return_exceptions=True))[0]
        taken += result if isinstance(result, list) else []
    taken += await take_rest(member)
    assert sorted(numbers(taken)) == list(range(20))
    assert all(offsets == list(range(len(offsets))) for offsets in by_partition(taken).values())


async def positions_and_ends_tell_how_far_behind_a_member_is(stage: Stage) -> None:
    member = await stage.member()
    await settled(member)
    everywhere = {TopicPartition(topic, number) for topic in TOPICS for number in range(PARTITIONS)}
    assert set(member.positions()) == set(await member.end_offsets()) == everywhere
    assert sum((await member.end_offsets()).values()) == 0
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(12)))
    assert sum((await member.end_offsets()).values()) == 12
    assert sum(member.positions().values()) < 12
    taken = await take(member, 5)
    assert sum(member.positions().values()) == 5
    for where, offsets in by_partition(taken).items():
        assert member.positions()[where] == offsets[-1] + 1
    await take(member, 7)
    assert member.positions() == await member.end_offsets()


async def two_members_share_the_partitions_of_all_topics_alike(stage: Stage) -> None:
    first, second = await stage.member(), await stage.member()
    await settled(first, second)
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(100)))
    for member in (first, second):
        taken = await take_rest(member)
        assert {record.partition for record in taken} <= member.partitions()
        assert {where.partition for where in member.positions()} == member.partitions()
        await member.ack(taken)
    assert sum(first.positions().values()) + sum(second.positions().values()) == 100


async def the_partitions_of_a_member_that_leaves_go_to_the_other(stage: Stage) -> None:
    first, second = await stage.member(), await stage.member()
    await settled(first, second)
    await stage.publish(*(outgoing(n) for n in range(60)))
    mine = await take_rest(first)
    await first.ack(mine)
    theirs = await take_rest(second)
    before = first.generation()
    await second.close()
    await settled(first)
    assert first.generation() > before
    again = await take_rest(first)
    assert set(numbers(again)) >= set(numbers(theirs))
    assert first.positions() == await first.end_offsets()


async def who_takes_over_begins_at_the_first_record_that_is_not_acknowledged(stage: Stage) -> None:
    await stage.publish(*(outgoing(n) for n in range(60)))
    first = await stage.member()
    taken = await take(first, 60)
    done = [record for record in taken if record.offset < 5]
    await first.ack(done)
    second = await stage.member()
    await settled(first, second)
    again = by_partition(await take_rest(first) + await take_rest(second))
    for where, end in {**await first.end_offsets(), **await second.end_offsets()}.items():
        if end:
            # The last acknowledgements may not have been committed in time; these come again.
            begin = min(again[where], default=end)
            assert begin <= 5
            assert again[where] == list(range(begin, end))


async def nothing_is_skipped_and_nothing_overtakes_while_members_come_and_go(stage: Stage) -> None:
    given: dict[TopicPartition, int] = defaultdict(lambda: -1)

    async def work(*members: Transport) -> None:
        for member in members:
            batch = await take_rest(member)
            for record in batch:
                where = TopicPartition(record.topic, record.partition)
                assert record.offset <= given[where] + 1
                given[where] = max(given[where], record.offset)
            await member.ack(batch[: len(batch) // 2])

    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(40)))
    first = await stage.member()
    await settled(first)
    await work(first)
    second = await stage.member()
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(40, 80)))
    await settled(first, second)
    await work(first, second)
    await first.close()
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(80, 120)))
    await settled(second)
    await work(second)
    assert given == {where: end - 1 for where, end in (await second.end_offsets()).items() if end}


async def nothing_is_lost_over_a_kill(stage: Stage) -> None:
    await stage.publish(*(outgoing(n, TOPICS[n % 2]) for n in range(60)))
    taken = await stage.killed("one", 60, acknowledged=25)
    second = await stage.member("one")
    again = await take_rest_of(second)
    assert set(numbers(taken[25:])) <= set(numbers(again))
    for offsets in by_partition(again).values():
        assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))


async def acknowledgements_of_an_old_generation_count_for_nothing(stage: Stage) -> None:
    await stage.publish(*(outgoing(n) for n in range(60)))
    first = await stage.member()
    old = await take(first, 60)
    second = await stage.member()
    await settled(first, second)
    await first.ack(old)
    await first.close()
    await second.close()
    assert sorted(numbers(await take(await stage.member(), 60))) == list(range(60))


async def a_member_that_left_owns_nothing_and_says_so(stage: Stage) -> None:
    member = await stage.member()
    await settled(member)
    await member.close()
    assert member.partitions() == frozenset()
    with pytest.raises(Unavailable):
        await member.batch(1, 0.0)
    await member.ack([])
    await member.close()


async def take_rest_of(member: Transport) -> list[Record]:
    """All records that a member which owns everything still has before it."""
    await settled(member)
    return await take_rest(member)


async def what_can_not_be_noted_is_not_committed(stage: Stage) -> None:
    noted: dict[TopicPartition, int] = {}
    taken: list[Record] = []

    async def refuse(positions: Positions) -> None:
        raise Unavailable("the database is away")

    async def note(positions: Positions) -> None:
        noted.update(positions)

    await stage.publish(*(outgoing(n) for n in range(20)))
    for noting in (refuse, note):
        member = await stage.member()
        member.note_by(noting)
        taken = await take(member, 20)
        assert sorted(numbers(taken)) == list(range(20))
        with contextlib.suppress(Unavailable):
            await member.ack(taken)
        await member.close()
    assert noted == {where: offsets[-1] + 1 for where, offsets in by_partition(taken).items()}


CASES: tuple[Callable[[Stage], Awaitable[None]], ...] = (
    records_come_whole_and_in_order,
    an_empty_log_gives_an_empty_batch_after_the_wait,
    a_batch_is_never_larger_than_asked_for,
    a_large_backlog_is_given_once_and_whole,
    a_record_written_while_waiting_comes_at_once,
    what_was_given_does_not_come_again_to_the_same_member,
    what_was_not_acknowledged_comes_again_after_a_restart,
    what_was_acknowledged_does_not_come_again,
    what_can_not_be_noted_is_not_committed,
    a_hole_in_the_acknowledgements_holds_the_position,
    acknowledgements_in_any_order_count_when_the_hole_is_filled,
    a_later_batch_acknowledged_first_does_not_pass_an_earlier_one,
    a_wait_that_is_given_up_loses_nothing,
    positions_and_ends_tell_how_far_behind_a_member_is,
    two_members_share_the_partitions_of_all_topics_alike,
    the_partitions_of_a_member_that_leaves_go_to_the_other,
    who_takes_over_begins_at_the_first_record_that_is_not_acknowledged,
    nothing_is_skipped_and_nothing_overtakes_while_members_come_and_go,
    nothing_is_lost_over_a_kill,
    acknowledgements_of_an_old_generation_count_for_nothing,
    a_member_that_left_owns_nothing_and_says_so,
)
