"""A batch is bounded in records, in what they carry, and in the files that it loads."""

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from shared.adapters.faust_transport import FaustTransport
from shared.adapters.joining import join_group
from shared.adapters.kafka_broker import as_broker
from shared.adapters.settings import CommonSettings
from shared.contracts.catalog import HEARS
from shared.runtime.ports import Document, Record
from shared.runtime.work import FireTimers, TooMuchPending, portions
from tests.kit.world import World

pytestmark = pytest.mark.promise("bounded")
WORD = "a long word " * 100
BATCH_MAX_BYTES = 4 * len(WORD)


def noting_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> list[list[Record]]:
    """Every batch that the worker digests from now on."""
    batches: list[list[Record]] = []
    digest = world.worker.digest

    async def note(records: Any) -> None:
        batches.append(list(records))
        await digest(records)

    monkeypatch.setattr(world.worker, "digest", note)
    return batches


def noting_loads(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files each load asks for from now on."""
    loads: list[int] = []
    load = world.store.load

    async def note(subjects: Collection[str], known: Mapping[str, int] | None = None) -> dict[str, Document]:
        loads.append(len(subjects))
        return await load(subjects, known)

    monkeypatch.setattr(world.store, "load", note)
    return loads


async def test_a_batch_of_large_records_carries_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(batch_max_bytes=BATCH_MAX_BYTES)
    await world.start()
    batches = noting_batches(world, monkeypatch)
    for number in range(20):
        world.poke(f"A-{number % 3}", f"{number} {WORD}")
    await world.settle()
    assert sum(map(len, batches)) == 20
    assert all(sum(record.size_bytes for record in batch) <= BATCH_MAX_BYTES for batch in batches)
    assert [word.split()[0] for word in await world.words("A-0")] == ["0", "3", "6", "9", "12", "15", "18"]


async def test_a_record_larger_than_a_batch_may_be_passes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(batch_max_bytes=BATCH_MAX_BYTES)
    await world.start()
    batches = noting_batches(world, monkeypatch)
    world.poke("A-1", "before")
    world.poke("A-1", 10 * WORD)
    world.poke("A-1", "after")
    await world.settle()
    assert [len(batch) for batch in batches] == [1, 1, 1]
    assert await world.words() == ["before", 10 * WORD, "after"]


async def test_a_batch_about_many_files_loads_no_more_of_them_together_than_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(batch_max_files=4)
    await world.start()
    loads = noting_loads(world, monkeypatch)
    for number in range(20):
        world.poke(f"A-{number % 10}", str(number))
    await world.settle()
    assert max(loads) <= 4
    for number in range(10):
        assert await world.words(f"A-{number}") == [str(number), str(number + 10)]


async def test_timers_load_no_more_files_together_than_they_may(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(batch_max_files=4)
    await world.start()
    for number in range(10):
        world.poke(f"A-{number}", "later")
    await world.settle()
    loads = noting_loads(world, monkeypatch)
    await world.pass_time(hours=2)
    assert max(loads) <= 4
    for number in range(10):
        assert await world.words(f"A-{number}") == ["later", "nudge"]


async def test_what_waits_for_the_broker_is_swept_up_in_portions() -> None:
    world = World(batch_max_files=4)
    await world.start()
    world.publisher.away = True
    for number in range(10):
        world.poke(f"A-{number}", "hello")
    await world.settle()
    world.publisher.away = False
    swept = 0
    while await world.worker.sweep():
        swept += 1
    assert swept == 3
    assert [world.published(f"A-{number}") for number in range(10)] == [[(1, "hello")]] * 10


async def test_a_file_holds_no_more_bytes_of_unpublished_events_than_it_may() -> None:
    world = World(pending_max_bytes_per_file=1_048_576)
    await world.start()
    world.publisher.away = True
    for number in range(8):
        world.poke("A-1", f"{number}" + "w" * 90_000)
    world.poke("B-1", "fine")
    records = await world.worker.transport.batch(100, 0)
    with pytest.raises(TooMuchPending, match="bytes of events wait"):
        await world.worker.digest(records)
    assert await world.words("B-1") == ["fine"]
    assert len(await world.words("A-1")) == 5
    world.publisher.away = False
    with pytest.raises(TooMuchPending):  # it publishes what it has, and so makes room
        await world.worker.digest(records)
    await world.worker.digest(records)
    assert [word[0] for _, word in world.published("A-1")] == [str(number) for number in range(8)]


async def test_what_a_worker_may_fetch_is_shared_out_over_all_its_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def joined(_transport: FaustTransport) -> None:
        """Without a broker."""

    monkeypatch.setattr(FaustTransport, "start", joined)
    settings = CommonSettings(auth="off", batch_max_bytes=2_000_000, fetch_max_bytes=3_000_000)
    member = (await join_group(as_broker("nowhere:9092"), "notifications", 8, settings)).membership
    assert (member.batch_max_bytes, member.fetch_max_bytes) == (2_000_000, 3_000_000)
    assert 2_900_000 < member.partition_fetch_max_bytes * 8 * len(HEARS["notifications"]) <= 3_000_000


@pytest.mark.parametrize("max_files", [1, 2, 3, 100])
def test_portions_are_the_work_in_its_order(max_files: int) -> None:
    world = World()
    work = [FireTimers(subject, world.clock.now()) for subject in "ABACDDAE"]
    cut = list(portions(work, max_files))
    assert [piece for portion in cut for piece in portion] == work
    assert all(0 < len({piece.subject for piece in portion}) <= max_files for portion in cut)
    assert list(portions([], max_files)) == []
