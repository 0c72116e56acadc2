"""Clearing later: nobody waits for it, nothing is published twice by the one who remembers."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.runtime import relay
from shared.runtime.ports import Cleared
from shared.runtime.work import Ask
from tests.kit.toy import Say
from tests.kit.world import World

pytestmark = pytest.mark.promise("ordered")


def later() -> World:
    """An engine that clears when it is told to."""
    return World(clear_after_seconds=60.0)


async def say(world: World, subject: str, word: str) -> None:
    await world.engine.run([Ask(subject, Say(at=world.clock.now(), word=word), f"{subject}-{word}", "d")])


async def test_what_the_broker_has_is_cleared_in_one_go_for_all_files() -> None:
    world = later()
    for subject in ("A-1", "B-1"):
        await say(world, subject, "one")
    assert await world.store.pending_count(10) == 2
    assert await world.engine.relay.clear()
    assert await world.store.pending_count(10) == 0
    assert not world.engine.relay.has_to_clear()
    assert not await world.engine.relay.clear()


async def test_the_next_commit_of_the_file_clears_it_by_the_way_and_publishes_nothing_twice() -> None:
    world = later()
    await say(world, "A-1", "one")
    await say(world, "A-1", "two")
    assert world.published() == [(1, "one"), (2, "two")]
    file = await world.engine.load("A-1")
    assert file is not None
    assert [entry.seq for entry in file.pending] == [2]
    assert await world.engine.relay.clear()
    assert await world.store.pending_count(10) == 0


async def test_one_that_crashed_before_it_cleared_is_followed_by_a_repetition_and_no_gap() -> None:
    world = later()
    await say(world, "A-1", "one")
    world.engine = world.another_engine()
    await say(world, "A-1", "two")
    assert world.published() == [(1, "one"), (1, "one"), (2, "two")]


async def test_the_sweep_publishes_nothing_that_only_has_to_be_cleared() -> None:
    world = later()
    await world.start()
    await world.worker.engine.run([Ask("A-1", Say(at=world.clock.now(), word="one"), "k", "d")])
    assert not await world.worker.sweep()
    assert world.published() == [(1, "one")]


async def test_while_the_database_is_away_it_is_remembered_what_is_to_be_cleared() -> None:
    world = later()
    await say(world, "A-1", "one")
    world.store.away = True
    assert not await world.engine.relay.clear()
    assert world.engine.relay.has_to_clear()
    world.store.away = False
    assert await world.engine.relay.clear()
    assert await world.store.pending_count(10) == 0


@pytest.mark.promise("bounded")
async def test_who_publishes_for_many_files_does_not_leave_the_clearing_for_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "UNCLEARED_MAX_FILES", 3)
    world = later()
    await say(world, "A-1", "one")
    await say(world, "B-1", "one")
    assert world.engine.relay.has_to_clear()
    await say(world, "C-1", "one")
    assert not world.engine.relay.has_to_clear()
    assert await world.store.pending_count(10) == 0


@pytest.mark.promise("bounded")
async def test_many_who_publish_at_once_over_a_slow_database_clear_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "UNCLEARED_MAX_FILES", 4)
    monkeypatch.setattr(relay, "CLEARED_AT_ONCE_MAX_FILES", 3)
    world, asked, is_quick = later(), list[Sequence[Cleared]](), asyncio.Event()
    clear = world.store.clear

    async def slowly(cleared: Sequence[Cleared]) -> None:
        asked.append(cleared)
        await is_quick.wait()
        await clear(cleared)

    monkeypatch.setattr(world.store, "clear", slowly)
    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(say(world, f"{number}", "one"))
        while len(world.events()) < 8:
            await asyncio.sleep(0)
        assert [len(cleared) for cleared in asked] == [3]
        is_quick.set()
    assert [len(cleared) for cleared in asked] == [3]
    await world.engine.relay.clear()
    assert [len(cleared) for cleared in asked] == [3, 3, 2]
    subjects = [done.subject for cleared in asked for done in cleared]
    assert sorted(subjects) == [f"{number}" for number in range(8)]


async def test_what_was_said_while_it_was_being_cleared_stays_pending() -> None:
    world = later()
    await say(world, "A-1", "one")
    clear = world.store.clear

    async def meanwhile(cleared: object) -> None:
        world.publisher.away = True
        await say(world, "A-1", "two")
        world.publisher.away = False
        await clear(cleared)  # type: ignore[arg-type]  # passed on as it came

    world.store.clear = meanwhile  # type: ignore[method-assign]  # the fault
    await world.engine.relay.clear()
    file = await world.engine.load("A-1")
    assert file is not None
    assert [entry.seq for entry in file.pending] == [2]
    assert world.published() == [(1, "one")]
