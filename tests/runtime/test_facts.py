"""Facts: told twice, too early, not fitting."""

import pytest

from tests.kit.rules import after
from tests.kit.world import World, fact, read

pytestmark = pytest.mark.promise("kept")


def said(world: World, name: str) -> list[str]:
    events = [read(record) for record in world.log.records("toy.v1")]
    return [event.subject for event in events if event.name == name]


async def test_a_fact_told_twice_changes_nothing_the_second_time() -> None:
    world = World()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    taken = await world.desk.take(fact("order.placed", "f-1"), "d")
    assert taken.duplicate
    assert world.store.commits == 1


async def test_a_fact_ahead_of_its_stage_waits_and_is_tried_when_the_file_moves() -> None:
    world = World()
    taken = await world.desk.take(fact("order.paid", "f-2"), "d")
    assert (taken.fits, taken.waiting, taken.slug) == (False, True, "not-placed")
    await world.desk.take(fact("order.placed", "f-1"), "d")
    assert await world.words() == ["placed", "paid"]


async def test_a_fact_that_never_fits_is_out_of_stage_after_a_day_with_one_task() -> None:
    world = World()
    await world.start()
    await world.desk.take(fact("order.paid", "f-2"), "d")
    await world.pass_time(hours=23, minutes=59)
    assert said(world, "fact.out_of_stage") == []
    await world.pass_time(minutes=1)
    assert said(world, "fact.out_of_stage") == ["A-1"]
    assert said(world, "task.wanted") == ["A-1"]


async def test_facts_that_do_not_fit_open_one_task_for_each_kind() -> None:
    world = World()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.placed", "f-2", after(minutes=1)), "d")
    await world.desk.take(fact("order.placed", "f-3", after(minutes=2)), "d")
    await world.desk.take(fact("order.paid", "f-4"), "d")
    await world.desk.take(fact("order.paid", "f-5"), "d")
    assert len(said(world, "fact.out_of_stage")) == 3
    assert len(said(world, "task.wanted")) == 2


async def test_more_early_facts_than_a_file_may_keep_are_out_of_stage_at_once() -> None:
    world = World(waiting_facts_max_per_file=2)
    for number in range(3):
        await world.desk.take(fact("order.paid", f"f-{number}"), "d")
    assert len(said(world, "fact.out_of_stage")) == 1
    await world.desk.take(fact("order.placed", "f-p"), "d")
    assert await world.words() == ["placed", "paid"]


async def test_the_why_trail_says_what_asked_what_rule_spoke_and_what_was_said() -> None:
    world = World()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    file = await world.desk.look("A-1")
    assert file is not None
    line = file.history[0]
    assert line["because"] == "f-1"
    assert line["rule"] == "toy_placed"
    assert line["profile"] == "default@1"
    assert line["said"] == ["toy.said"]


async def test_a_fact_that_waited_is_worth_nothing_about_another_shops_order() -> None:
    world = World()
    taken = await world.desk.take(fact("order.paid", "f-2"), "d", shops=("another",))
    assert taken.waiting
    await world.desk.take(fact("order.placed", "f-1"), "d")
    assert await world.words() == ["placed"]
    events = [read(record) for record in world.log.records("toy.v1")]
    (said_so,) = [event.data for event in events if event.name == "fact.out_of_stage"]
    assert said_so.slug == "other-shop"  # type: ignore[attr-defined]  # the event's own field


async def test_an_early_fact_told_again_still_waits() -> None:
    world = World()
    await world.desk.take(fact("order.paid", "f-2"), "d")
    again = await world.desk.take(fact("order.paid", "f-2"), "d")
    assert (again.duplicate, again.waiting, again.fits) == (True, True, False)
