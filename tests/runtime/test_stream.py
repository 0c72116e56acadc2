"""The stream: dedupe by sequence, poison, what waits behind it, redrives, discards and the brake."""

import asyncio

import pytest

from shared.runtime.brake import Braked
from shared.runtime.ports import MemberLost, Outgoing, Unavailable, Unreadable, Write
from shared.runtime.redrive import discard, redrive
from shared.runtime.work import TooMuchPending
from shared.runtime.worker import Worker
from tests.kit.world import World, poke_record

pytestmark = pytest.mark.promise("kept", "isolated")


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


async def test_an_event_heard_twice_is_taken_in_once() -> None:
    world = World()
    await world.start()
    world.log.append(world.poke("A-1", "hello"))
    await world.settle()
    assert await world.words() == ["hello"]


async def test_after_a_crash_before_the_ack_the_batch_comes_again_and_changes_nothing() -> None:
    world = World()
    await world.start()
    world.poke("A-1", "hello")
    records = await world.worker.transport.batch(10, 0)
    await world.worker.digest(records)
    world.log.rebalance("toy")
    await world.settle()
    assert await world.words() == ["hello"]
    assert world.published() == [(1, "hello")]


async def test_an_event_that_no_rule_reacts_to_costs_no_write() -> None:
    world = World()
    await world.start()
    world.poke("A-1", "unread")
    await world.settle()
    assert world.store.commits == 0


async def test_a_service_that_watches_sees_what_no_rule_reacts_to() -> None:
    world = World(watches=True)
    await world.start()
    world.poke("A-1", "unread")
    await world.settle()
    file = await world.desk.look("A-1")
    assert file is not None
    assert file.view.poked == 1


async def test_an_event_about_another_file_is_deduplicated_by_its_id() -> None:
    world = World()
    await world.start()
    world.log.append(world.poke("A-1", "hello", about="B-1"))
    await world.settle()
    assert await world.words("B-1") == ["hello"]
    assert await world.state("A-1") is None


async def test_one_poisoned_record_parks_its_source_and_no_neighbour() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"bad"}
    for subject, word in (("A-1", "one"), ("A-1", "bad"), ("A-1", "three"), ("B-1", "fine")):
        world.poke(subject, word)
    await world.settle()
    assert await world.words("A-1") == ["one"]
    assert await world.words("B-1") == ["fine"]
    assert [(letter.kind, letter.sequence) for letter in world.letters()] == [("poison", 2), ("waiting", 3)]
    assert "the rule breaks at bad" in world.letters()[0].reason
    assert "RuntimeError" in world.letters()[0].stack


async def test_a_redrive_takes_parked_records_in_order_and_frees_the_source() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"bad"}
    for word in ("one", "bad", "three"):
        world.poke("A-1", word)
    await world.settle()
    world.rules.broken = set()
    report = await redrive(world.engine, world.letters(), no_progress)
    assert (report.applied, report.failed) == (2, 0)
    assert await world.words() == ["one", "bad", "three"]
    world.poke("A-1", "four")
    await world.settle()
    assert await world.words() == ["one", "bad", "three", "four"]


async def test_a_redrive_before_the_mend_changes_nothing() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"bad"}
    for word in ("bad", "two"):
        world.poke("A-1", word)
    await world.settle()
    report = await redrive(world.engine, world.letters(), no_progress)
    assert (report.applied, report.failed, report.kept) == (0, 1, 2)
    assert await world.words() == []
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.parked == {"other/A-1": 2}


async def test_records_that_arrive_during_a_redrive_wait_behind_it() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"bad"}
    for word in ("bad", "two"):
        world.poke("A-1", word)
    await world.settle()
    letters = world.letters()
    world.rules.broken = set()

    async def more_arrives() -> None:
        world.store.before_commit.clear()
        world.poke("A-1", "three")
        await world.settle()

    world.store.before_commit = [more_arrives]
    await redrive(world.engine, letters, no_progress)
    assert await world.words() == ["bad", "two"]
    await redrive(world.engine, world.letters(), no_progress)
    assert await world.words() == ["bad", "two", "three"]
    world.poke("A-1", "four")
    await world.settle()
    assert await world.words() == ["bad", "two", "three", "four"]


async def test_a_redrive_twice_applies_once() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"bad"}
    world.poke("A-1", "bad")
    await world.settle()
    world.rules.broken = set()
    await redrive(world.engine, world.letters(), no_progress)
    report = await redrive(world.engine, world.letters(), no_progress)
    assert (report.applied, report.stale) == (0, 1)
    assert await world.words() == ["bad"]


async def test_a_discard_moves_past_the_record_and_frees_the_source() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"bad"}
    world.poke("A-1", "bad")
    await world.settle()
    await discard(world.engine, world.letters(), no_progress)
    world.poke("A-1", "two")
    await world.settle()
    assert await world.words() == ["two"]


async def test_a_record_that_cannot_be_read_is_parked_by_its_headers() -> None:
    world = World()
    await world.start()
    good = poke_record("A-1", 1, "hello", world.clock.now())
    world.log.append(Outgoing(good.topic, good.key, b"{not json", good.headers))
    world.log.append(poke_record("A-1", 2, "two", world.clock.now()))
    await world.settle()
    assert await world.words() == []
    assert [letter.kind for letter in world.letters()] == ["poison", "waiting"]
    await discard(world.engine, world.letters()[:1], no_progress)
    await redrive(world.engine, world.letters(), no_progress)
    assert await world.words() == ["two"]


async def test_a_record_without_headers_is_nobodys_and_stops_nobody() -> None:
    world = World()
    await world.start()
    world.log.append(Outgoing("other.v1", b"A-1", b"\xff\x00"))
    world.poke("A-1", "hello")
    await world.settle()
    assert await world.words() == ["hello"]
    assert [letter.kind for letter in world.letters()] == ["alien"]


async def test_a_reaction_that_raises_is_poison_too() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"react:hello"}
    world.poke("A-1", "hello")
    await world.settle()
    assert [letter.kind for letter in world.letters()] == ["poison"]
    world.rules.broken = set()
    await redrive(world.engine, world.letters(), no_progress)
    assert await world.words() == ["hello"]


async def test_a_tombstone_and_a_type_that_is_not_known_yet_are_skipped() -> None:
    world = World()
    await world.start()
    record = poke_record("A-1", 1, "hello", world.clock.now())
    newer = (record.value or b"").replace(b"toy.poked.v1", b"toy.stroked.v1")
    world.log.append(Outgoing("other.v1", b"A-1", None))
    world.log.append(Outgoing("other.v1", b"A-1", newer, record.headers))
    await world.settle()
    assert world.letters() == []
    assert await world.state() is None


async def test_a_later_version_of_a_known_event_waits_for_the_release_that_reads_it() -> None:
    world = World()
    await world.start()
    record = poke_record("A-1", 1, "hello", world.clock.now())
    newer = (record.value or b"").replace(b"toy.poked.v1", b"toy.poked.v9")
    world.log.append(Outgoing("other.v1", b"A-1", newer, record.headers))
    world.log.append(poke_record("A-1", 2, "more", world.clock.now()))
    world.poke("B-1", "fine")
    await world.settle()
    assert [(letter.kind, letter.sequence) for letter in world.letters()] == [("poison", 1), ("waiting", 2)]
    assert "toy.poked version 9: this release reads up to 1" in world.letters()[0].reason
    assert await world.words("A-1") == []
    assert await world.words("B-1") == ["fine"]


async def test_too_many_poisoned_records_in_a_row_stop_the_worker() -> None:
    world = World(brake_in_a_row=5, batch_max_records=1)
    await world.start()
    world.rules.broken = {"bad"}
    for number in range(5):
        world.poke(f"A-{number}", "bad")
    with pytest.raises(Braked, match="5 records in a row"):
        await world.settle()


async def test_more_poison_than_one_in_a_hundred_stops_the_worker() -> None:
    world = World(brake_window_records=100, brake_in_a_row=50)
    await world.start()
    world.rules.broken = {"bad"}
    for number in range(98):
        world.poke(f"A-{number}", "fine")
    for number in range(2):
        world.poke(f"B-{number}", "bad")
    with pytest.raises(Braked, match="2 of the last 100"):
        await world.settle()


async def test_dead_letters_are_written_before_the_source_counts_as_parked() -> None:
    world = World(outage_backoff_first_seconds=0.001)
    await world.start()
    world.rules.broken = {"bad"}
    world.poke("A-1", "bad")
    world.publisher.away = True
    records = await world.worker.transport.batch(10, 0)
    with pytest.raises(Exception, match="did not take the dead letters"):
        await world.worker.digest(records)
    assert await world.state() is None


@pytest.mark.promise("lively")
async def test_a_member_that_the_group_lost_ends_the_worker() -> None:
    world = World()
    await world.start()
    await world.worker.transport.close()
    with pytest.raises(ExceptionGroup) as ended:
        await world.worker.run(asyncio.Event())
    assert ended.value.subgroup(MemberLost) is not None


async def test_a_file_without_room_holds_up_no_other_file_of_its_batch() -> None:
    world = World(pending_max_per_file=10)
    await world.start()
    world.publisher.away = True
    for number in range(12):
        world.poke("A-1", str(number))
    world.poke("B-1", "fine")
    records = await world.worker.transport.batch(100, 0)
    with pytest.raises(TooMuchPending):
        await world.worker.digest(records)
    assert await world.words("B-1") == ["fine"]
    world.publisher.away = False
    with pytest.raises(TooMuchPending):  # it publishes what it has, and so makes room
        await world.worker.digest(records)
    await world.worker.digest(records)
    assert await world.words("A-1") == [str(number) for number in range(12)]
    assert [word for _, word in world.published("A-1")] == [str(number) for number in range(12)]


async def test_a_file_of_another_version_holds_up_no_other_file() -> None:
    world = World()
    await world.start()
    world.poke("A-1", "one")
    await world.settle()
    (document,) = (await world.store.load(["A-1"])).values()
    document["state"] = {"placed": "perhaps"}
    await world.store.commit([Write({**document, "version": 2}, 1)])
    world.poke("A-1", "two")
    world.poke("B-1", "fine")
    records = await world.worker.transport.batch(100, 0)
    with pytest.raises(Unreadable, match=r"A-1 is not of this version: placed"):
        await world.worker.digest(records)
    assert await world.words("B-1") == ["fine"]


@pytest.mark.parametrize("number", ["9" * 5000, str(2**60), "0", "-1"])
async def test_a_number_that_cannot_be_ours_is_nobodys(number: str) -> None:
    world = World()
    await world.start()
    good = poke_record("A-1", 1, "hello", world.clock.now())
    headers = {**good.headers, "ce_sequence": number.encode()}
    body = (good.value or b"").replace(b'"sequence": "1"', f'"sequence": "{number}"'.encode())
    world.log.append(Outgoing(good.topic, good.key, body, headers))
    world.poke("A-1", "hello")
    await world.settle()
    assert [letter.kind for letter in world.letters()] == ["alien"]
    assert await world.words() == ["hello"]


async def test_a_letter_about_a_record_too_large_names_where_it_stands() -> None:
    world = World()
    await world.start()
    good = poke_record("A-1", 1, "hello", world.clock.now())
    world.log.append(Outgoing(good.topic, good.key, b'"' * 600_000, good.headers))
    await world.settle()
    (letter,) = world.letters()
    assert (letter.record, letter.topic, letter.offset) == (None, "other.v1", 0)
    report = await redrive(world.engine, world.letters(), no_progress)
    assert (report.failed, report.kept) == (1, 1)


@pytest.mark.promise("lively")
async def test_a_worker_stands_still_only_where_it_has_records_to_take() -> None:
    world = World(progress_timeout_seconds=10)
    seconds = 0.0
    world.worker = Worker(
        world.engine,
        world.worker.transport,
        {"mail": world.outbox},
        world.log.partitions,
        lambda *args, **kwargs: None,
        lambda: seconds,
    )
    await world.start()
    await world.worker.watch()
    seconds = 100.0
    assert world.worker.alive()
    world.poke("A-1", "hello")
    await world.worker.watch()
    seconds = 109.0
    await world.worker.watch()
    assert world.worker.alive()
    seconds = 111.0
    assert not world.worker.alive()
    await world.settle()
    await world.worker.watch()
    assert world.worker.alive()


@pytest.mark.promise("lively")
async def test_a_worker_whose_broker_is_away_waits_for_it_and_has_its_time_anew_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(progress_timeout_seconds=10)
    seconds = 0.0
    transport = world.worker.transport
    world.worker = Worker(
        world.engine, transport, {"mail": world.outbox}, 4, lambda *_, **__: None, lambda: seconds
    )
    await world.start()
    world.poke("A-1", "hello")
    await world.worker.watch()

    async def away() -> None:
        raise Unavailable("the broker is away")

    with monkeypatch.context() as patched:
        patched.setattr(transport, "end_offsets", away)
        with pytest.raises(Unavailable):
            await world.worker.watch()
        seconds = 60.0
        assert world.worker.alive()
    await world.worker.watch()
    assert world.worker.alive()
    seconds = 71.0
    assert not world.worker.alive()
