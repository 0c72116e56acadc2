"""Reading ahead: what comes next is read while files are written, and that changes nothing else."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.runtime import ahead
from shared.runtime.listen import Heard, listen
from shared.runtime.ports import Record
from shared.runtime.service import Service
from shared.runtime.worker import Worker
from tests.kit.world import GROUP, World

pytestmark = pytest.mark.promise("kept", "isolated", "bounded")
BATCH = 4


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets of what was read, in the order in which it was."""
    offsets: list[int] = []

    def noting(service: Service, records: Sequence[Record]) -> Heard:
        offsets.extend(record.offset for record in records)
        return listen(service, records)

    monkeypatch.setattr(ahead, "listen", noting)
    return offsets


async def poked(count: int) -> World:
    """A world in which so many pokes of one order wait."""
    world = World(batch_max_records=BATCH)
    await world.start()
    for number in range(count):
        world.poke("A-1", str(number))
    return world


async def until_idle() -> None:
    """Let the loop do all that it has to do by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_next_batch_is_read_while_the_files_of_this_one_are_written(read: list[int]) -> None:
    world = await poked(12)
    read_at_commit: list[int] = []

    async def slowly() -> None:
        await until_idle()
        read_at_commit.append(len(read))

    world.store.before_commit += [slowly, slowly, slowly]
    await world.settle()
    assert read_at_commit == [8, 12, 12]
    assert await world.words() == [str(number) for number in range(12)]


async def test_what_was_read_ahead_is_not_read_again(read: list[int]) -> None:
    world = await poked(30)
    while await world.worker.take_batch():
        await until_idle()
    assert read == list(range(30))
    assert await world.words() == [str(number) for number in range(30)]


async def test_no_more_is_read_ahead_than_a_batch_has(read: list[int]) -> None:
    world = await poked(100)
    await world.worker.take_batch()
    await until_idle()
    assert read == list(range(2 * BATCH))
    assert await world.words() == ["0", "1", "2", "3"]


async def test_what_was_read_ahead_and_went_to_another_member_does_nothing_here(read: list[int]) -> None:
    world = await poked(8)
    await world.worker.take_batch()
    await until_idle()
    assert len(read) == 8
    assert sum(world.log.committed(GROUP, where) for where in world.worker.transport.positions()) == BATCH
    other = world.another_worker()
    await world.worker.transport.close()
    await other.transport.start()
    while await other.take_batch():
        await until_idle()
    assert read[8:] == [4, 5, 6, 7]
    await world.worker.transport.start()
    assert not await world.worker.take_batch()
    assert await world.words() == [str(number) for number in range(8)]
    assert [number for number, _ in world.published()] == list(range(1, 9))


async def test_what_is_no_longer_asked_for_makes_room() -> None:
    world = await poked(8)
    await world.worker.take_batch()
    await until_idle()
    second = world.another_worker()
    await second.transport.start()
    for subject in "BCDEFGHIJKLMNOPQ":
        world.poke(subject, "hello")
    workers: list[Worker] = [world.worker, second]
    while any([await worker.take_batch() for worker in workers]):
        await until_idle()
        assert all(len(worker._ahead._kept) <= BATCH for worker in workers)
    assert await world.words() == [str(number) for number in range(8)]
    assert all([await world.words(subject) == ["hello"] for subject in "BCDEFGHIJKLMNOPQ"])
    assert all(worker._ahead._kept_bytes == 0 for worker in workers)


async def test_no_more_bytes_are_read_ahead_than_a_batch_may_have(read: list[int]) -> None:
    word = "a long word " * 100
    world = World(batch_max_bytes=4 * len(word))
    await world.start()
    for number in range(20):
        world.poke("A-1", f"{number} {word}")
    await world.worker.take_batch()
    first = len(read)
    await until_idle()
    assert 0 < len(read) - first <= 4
    assert world.worker._ahead._kept_bytes <= world.limits.batch_max_bytes
    await world.settle()
    assert [each.split()[0] for each in await world.words()] == [str(number) for number in range(20)]


async def test_the_loop_is_held_for_a_few_records_at_a_time(read: list[int]) -> None:
    world = World()
    await world.start()
    for number in range(20):
        world.poke("A-1", str(number) if number % 5 else "w" * ahead.PORTION_BYTES)
    await world.worker.take_batch()
    for number in range(20):
        world.poke("A-1", str(number) if number % 5 else "w" * ahead.PORTION_BYTES)
    world.worker._ahead.listen([])
    seen: list[int] = []
    while len(read) < 40:
        await asyncio.sleep(0)
        seen.append(len(read))
    # Four at a time, since every fifth is large and comes alone.
    assert seen == [21, 25, 26, 30, 31, 35, 36, 40]


async def test_a_record_that_cannot_be_read_is_parked_when_it_is_its_turn() -> None:
    world = await poked(6)
    world.rules.broken = {"react:5"}
    await world.worker.take_batch()
    await until_idle()
    assert world.letters() == []
    await world.worker.take_batch()
    assert [letter.sequence for letter in world.letters()] == [6]
    assert await world.words() == ["0", "1", "2", "3", "4"]
