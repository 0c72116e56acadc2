"""Commit: one guarded write a file; anything but a clear yes is folded again from dedupe."""

import pytest

from shared.runtime.ports import Outgoing, Unavailable
from shared.runtime.work import Ask, Contended, KeyReused, Tell
from tests.kit.toy import Say
from tests.kit.world import World, fact

pytestmark = pytest.mark.promise("kept")


async def test_a_fact_is_stored_with_its_events_in_one_write() -> None:
    world = World()
    taken = await world.desk.take(fact("order.placed", "f-1"), "d")
    assert taken.fits
    assert world.store.commits == 1
    assert await world.words() == ["placed"]
    assert world.published() == [(1, "placed")]


async def test_a_commit_that_timed_out_although_done_is_seen_by_dedupe() -> None:
    world = World()
    world.store.commit_faults = ["unknown-done"]
    taken = await world.desk.take(fact("order.placed", "f-1"), "d")
    assert (taken.fits, taken.duplicate) == (True, False)
    assert await world.words() == ["placed"]
    world.clock.advance(world.profile.values.claim_lease)
    await world.start()
    await world.worker.sweep()
    assert world.published() == [(1, "placed")]


async def test_a_commit_that_timed_out_and_was_not_done_is_done_again() -> None:
    world = World()
    world.store.commit_faults = ["unknown-lost", "lost", "unknown-lost"]
    taken = await world.desk.take(fact("order.placed", "f-1"), "d")
    assert taken.fits
    assert not taken.duplicate
    assert await world.words() == ["placed"]


@pytest.mark.promise("resumed")
async def test_a_database_that_answers_no_commit_twice_is_away_for_who_asks() -> None:
    world = World()
    world.store.commit_faults = ["unknown-lost", "unknown-lost", "unknown-lost"]
    with pytest.raises(Unavailable):
        await world.desk.take(fact("order.placed", "f-1"), "d")
    assert world.store.commit_faults == ["unknown-lost"]
    assert (await world.desk.take(fact("order.placed", "f-1"), "d")).fits
    assert await world.words() == ["placed"]


@pytest.mark.promise("resumed")
async def test_the_stream_waits_for_a_database_that_answers_no_commit() -> None:
    world = World(outage_backoff_first_seconds=0.001, outage_backoff_max_seconds=0.001)
    await world.start()
    world.poke("A-1", "hello")
    world.store.commit_faults = ["unknown-lost"] * 7
    await world.settle()
    assert world.store.commit_faults == []
    assert await world.words() == ["hello"]
    assert world.worker.alive()


async def test_who_loses_the_race_decides_again_on_what_the_other_wrote() -> None:
    world = World()
    rival = world.another_engine()

    async def rival_says() -> None:
        world.store.before_commit.clear()
        await rival.run([Ask("A-1", Say(at=world.clock.now(), word="rival"), "k-rival", "d")])

    await world.desk.ask("A-1", Say(at=world.clock.now(), word="first"), "k-0", "d")
    world.store.before_commit = [rival_says]
    await world.desk.ask("A-1", Say(at=world.clock.now(), word="mine"), "k-1", "d")
    assert await world.words() == ["first", "rival", "mine"]
    assert world.published() == [(1, "first"), (2, "rival"), (3, "mine")]


async def test_two_first_writers_of_a_file_make_one_file() -> None:
    world = World()
    rival = world.another_engine()

    async def rival_writes_first() -> None:
        world.store.before_commit.clear()
        await rival.run([Tell("A-1", fact("order.placed", "f-1"), "d")])

    world.store.before_commit = [rival_writes_first]
    taken = await world.desk.take(fact("order.placed", "f-1"), "d")
    assert taken.duplicate
    assert await world.words() == ["placed"]


async def test_a_race_lost_ten_times_is_given_back_to_the_asker() -> None:
    world = World()
    world.store.commit_faults = ["lost"] * 10
    with pytest.raises(Contended):
        await world.desk.take(fact("order.placed", "f-1"), "d")
    assert await world.state() is None


async def test_the_same_id_with_another_body_changes_nothing() -> None:
    world = World()
    await world.desk.take(fact("order.placed", "f-1"), "one")
    with pytest.raises(KeyReused):
        await world.desk.take(fact("order.placed", "f-1", total="11.00"), "two")
    assert await world.words() == ["placed"]


async def test_a_refused_command_changes_nothing() -> None:
    world = World()
    answer = await world.desk.ask("A-1", Say(at=world.clock.now(), word="no"), "k", "d")
    assert answer.refused is not None
    assert answer.refused.slug == "no"
    assert world.store.commits == 0


async def test_a_rule_that_raises_is_told_to_the_asker_and_nothing_is_half_done() -> None:
    world = World()
    world.rules.broken = {"bad"}
    with pytest.raises(RuntimeError):
        await world.desk.ask("A-1", Say(at=world.clock.now(), word="bad"), "k", "d")
    assert world.store.commits == 0


async def test_the_database_away_is_unavailable_for_who_asks() -> None:
    world = World()
    world.store.away = True
    with pytest.raises(Unavailable):
        await world.desk.take(fact("order.placed", "f-1"), "d")
    world.store.away = False
    assert (await world.desk.take(fact("order.placed", "f-1"), "d")).fits


@pytest.mark.promise("resumed")
async def test_the_stream_waits_while_the_database_is_away_and_loses_nothing() -> None:
    world = World(outage_backoff_first_seconds=0.001, outage_backoff_max_seconds=0.001)
    await world.start()
    world.poke("A-1", "hello")

    async def comes_back() -> None:
        world.store.away = False

    world.store.commit_faults = ["lost"] * 10
    world.store.before_commit = [comes_back] * 11
    await world.settle()
    assert await world.words() == ["hello"]
    assert world.letters() == []


async def test_an_event_over_the_limit_fails_before_the_commit() -> None:
    world = World(event_max_bytes=1024)
    with pytest.raises(Exception, match="larger than 1024 bytes"):
        await world.desk.ask("A-1", Say(at=world.clock.now(), word="x" * 2000), "k", "d")
    assert world.store.commits == 0


async def test_a_file_has_room_for_so_many_unpublished_events_and_then_refuses() -> None:
    world = World(pending_max_per_file=10)
    world.publisher.away = True
    for number in range(10):
        await world.desk.ask("A-1", Say(at=world.clock.now(), word=str(number)), f"k-{number}", "d")
    with pytest.raises(Exception, match="10 events wait"):
        await world.desk.ask("A-1", Say(at=world.clock.now(), word="over"), "k-over", "d")
    world.publisher.away = False
    await world.start()
    await world.worker.sweep()
    await world.desk.ask("A-1", Say(at=world.clock.now(), word="over"), "k-over", "d")
    assert [word for _, word in world.published()] == [*map(str, range(10)), "over"]


async def test_a_letter_is_written_once_however_often_its_batch_is_tried() -> None:
    world = World(outage_backoff_first_seconds=0.001, outage_backoff_max_seconds=0.001)
    await world.start()
    world.log.append(Outgoing("other.v1", b"A-1", b"no event of ours"))
    world.rules.broken = {"boom"}
    world.poke("A-1", "boom")
    world.store.commit_faults = ["unknown-lost"] * 7
    await world.settle()
    assert world.store.commit_faults == []
    assert [letter.kind for letter in world.letters()] == ["alien", "poison"]
    world.poke("A-2", "boom")
    await world.settle()
    assert [letter.parked_in for letter in world.letters()[2:]] == ["A-2"]
