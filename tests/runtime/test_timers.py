"""Timers: once, not early, after what was said before them; moved and cancelled with the decision."""

from datetime import timedelta

import pytest

from shared.runtime.work import Ask, FireTimers
from tests.kit.rules import START, after
from tests.kit.toy import Say
from tests.kit.world import World, fact

pytestmark = pytest.mark.promise("timed")


async def test_a_timer_fires_at_its_time_and_once() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.pass_time(minutes=59)
    assert await world.words() == ["placed"]
    await world.pass_time(minutes=1)
    await world.pass_time(hours=5)
    assert await world.words() == ["placed", "nudge"]


async def test_a_timer_that_the_fact_cancelled_does_not_fire() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.paid", "f-2", after(minutes=30)), "d")
    await world.pass_time(hours=5)
    assert await world.words() == ["placed", "paid"]


async def test_a_timer_moved_while_its_owner_was_committing_does_not_fire_early() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    rival = world.another_engine()

    async def rival_moves_it() -> None:
        world.store.before_commit.clear()
        later = Say(at=world.clock.now(), word="later")
        await rival.run([Ask("A-1", later, "k-later", "d")])

    world.clock.advance(timedelta(hours=1))
    world.store.before_commit = [rival_moves_it]
    await world.worker.fire_timers()
    assert await world.words() == ["placed", "later"]
    await world.pass_time(hours=2)
    assert await world.words() == ["placed", "later", "nudge"]


async def test_a_timer_that_two_owners_fire_at_once_fires_once() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.clock.advance(timedelta(hours=1))
    other = world.another_worker()

    async def the_other_fires() -> None:
        world.store.before_commit.clear()
        await other.engine.run([FireTimers("A-1", world.clock.now())])

    world.store.before_commit = [the_other_fires]
    await world.worker.fire_timers()
    assert await world.words() == ["placed", "nudge"]
    assert world.published() == [(1, "placed"), (2, "nudge")]


async def test_what_was_said_before_the_timer_is_heard_first_after_an_outage() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.poke("A-1", "later")  # moves the timer to two hours
    world.clock.advance(timedelta(hours=1, minutes=30))
    assert not await world.worker.fire_timers()
    assert await world.words() == ["placed"]
    await world.settle()
    await world.worker.fire_timers()
    assert await world.words() == ["placed", "later"]


async def test_a_backlog_on_one_partition_does_not_hold_the_timers_of_another() -> None:
    world = World()
    await world.start()
    subjects = [f"A-{number}" for number in range(40)]
    for subject in subjects:
        await world.desk.take(fact("order.placed", f"f-{subject}", order_id=subject), "d")
    world.poke(subjects[0], "later")
    world.clock.advance(timedelta(hours=1))
    await world.worker.fire_timers()
    fired = [subject for subject in subjects if "nudge" in await world.words(subject)]
    assert subjects[0] not in fired
    assert len(fired) > 20


async def test_late_timers_of_one_file_fire_in_order_of_due_time() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.paid", "early", after(hours=-30), order_id="B-1"), "d")
    await world.desk.take(fact("order.placed", "f-2", after(hours=2), order_id="B-1"), "d")
    await world.pass_time(days=3)
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.timers == {}
    assert await world.words() == ["placed", "nudge"]


async def test_timers_held_by_a_replay_wait() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.clock.hold(held=True)
    await world.pass_time(hours=1)
    assert await world.words() == ["placed"]
    world.clock.hold(held=False)
    await world.worker.fire_timers()
    assert await world.words() == ["placed", "nudge"]


async def test_a_timer_whose_rule_raises_is_seen_and_tried_again_later() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.rules.broken = {"nudge"}
    await world.pass_time(hours=1)
    assert await world.words() == ["placed"]
    assert [letter.kind for letter in world.letters()] == ["timer"]
    await world.pass_time(seconds=30)
    world.rules.broken = set()
    await world.pass_time(seconds=29)
    assert await world.words() == ["placed"]
    await world.pass_time(seconds=1)
    assert await world.words() == ["placed", "nudge"]


async def test_a_worker_that_owns_nothing_fires_nothing() -> None:
    world = World()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.pass_time(hours=1)
    assert await world.words() == ["placed"]


async def test_a_timer_publishes_what_it_says_after_what_was_left_pending() -> None:
    world = World()
    await world.start()
    world.publisher.away = True
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.publisher.away = False
    await world.pass_time(hours=1)
    assert world.published() == [(1, "placed"), (2, "nudge")]


async def test_a_timer_between_two_milliseconds_is_found_and_fires() -> None:
    world = World()
    await world.start()
    odd = START + timedelta(microseconds=123_456)
    world.clock.advance(timedelta(seconds=1))
    await world.desk.take(fact("order.placed", "f-1", odd), "d")
    due = await world.store.next_timer_at(range(256))
    assert due == START + timedelta(hours=1, milliseconds=124)
    world.clock.set(due)
    assert await world.worker.fire_timers()
    assert not await world.worker.fire_timers()
    assert await world.words() == ["placed", "nudge"]


async def test_a_timer_of_a_file_without_room_waits_and_is_no_work_done() -> None:
    world = World(pending_max_per_file=10)
    await world.start()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    world.publisher.away = True
    for number in range(10):
        world.poke("A-1", str(number))
    await world.settle()
    world.clock.advance(timedelta(hours=1))
    assert not await world.worker.fire_timers()
    world.publisher.away = False
    await world.worker.sweep()
    assert await world.worker.fire_timers()
    assert (await world.words())[-1] == "nudge"
