"""Facts that another service passes on: taken in as if they had been told here, and never lost."""

from datetime import timedelta

import pytest

from shared.contracts.facts import AnyFact
from shared.runtime.fold import body_digest
from shared.runtime.redrive import redrive
from tests.kit.rules import START
from tests.kit.world import World, fact

pytestmark = pytest.mark.promise("kept", "once", "isolated")


async def world_that_heard(*told: AnyFact) -> World:
    """A world in which another service passed these facts on."""
    world = World()
    await world.start()
    for each in told:
        world.pass_on(each)
    await world.settle()
    return world


async def waiting(world: World) -> list[str]:
    """The facts of A-1 that wait."""
    file = await world.desk.look("A-1")
    return [] if file is None else file.waiting


async def test_a_fact_that_is_passed_on_is_decided_on_as_if_it_had_been_told_here() -> None:
    world = await world_that_heard(fact("order.placed", "f-1"), fact("order.paid", "f-2"))
    assert await world.words() == ["placed", "paid"]
    file = await world.engine.load("A-1")
    assert file is not None
    assert [line["because"] for line in file.history] == ["other/A-1/1", "other/A-1/2"]
    assert file.shop_id == "demo"


async def test_a_fact_that_is_passed_on_twice_is_taken_in_once() -> None:
    placed = fact("order.placed", "f-1")
    world = await world_that_heard(placed, placed)
    world.log.append(world.pass_on(placed))
    await world.settle()
    assert await world.words() == ["placed"]
    later = placed.model_copy(update={"at": START + timedelta(seconds=1)})
    world.pass_on(later)
    await world.settle()
    assert await world.words() == ["placed"], "the moment at which it came is no part of what is said"


async def test_a_fact_that_was_told_here_before_it_is_passed_on_is_taken_in_once() -> None:
    world = World()
    await world.start()
    placed = fact("order.placed", "f-1")
    await world.desk.take(placed, body_digest(placed))
    world.pass_on(placed)
    await world.settle()
    assert await world.words() == ["placed"]


async def test_a_fact_that_is_passed_on_early_waits_until_it_fits() -> None:
    world = await world_that_heard(fact("order.paid", "f-2"))
    assert await waiting(world) == ["f-2"]
    world.pass_on(fact("order.placed", "f-1"))
    await world.settle()
    assert await world.words() == ["placed", "paid"]
    assert await waiting(world) == []


async def test_a_fact_that_waits_for_too_long_is_out_of_stage_and_looked_into() -> None:
    world = await world_that_heard(fact("order.paid", "f-2"))
    await world.pass_time(hours=24)
    assert said(world) == ["fact.out_of_stage", "task.wanted"]


async def test_a_fact_that_is_passed_on_and_does_not_fit_is_said_and_looked_into_once() -> None:
    world = await world_that_heard(*(fact("order.placed", f"f-{number}") for number in (1, 2, 3)))
    assert said(world) == ["toy.said", "fact.out_of_stage", "task.wanted", "fact.out_of_stage"]


async def test_an_id_that_comes_with_another_body_is_out_of_stage_and_no_poison() -> None:
    world = await world_that_heard(
        fact("order.placed", "f-1"), fact("order.paid", "f-2"), fact("order.paid", "f-2", amount="11.00")
    )
    assert said(world) == ["toy.said", "toy.said", "fact.out_of_stage", "task.wanted"]
    assert world.letters() == []


async def test_a_rule_that_breaks_at_a_passed_fact_parks_it_and_a_redrive_takes_it_in() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"paid"}
    for each in (fact("order.placed", "f-1"), fact("order.paid", "f-2")):
        world.pass_on(each)
    world.poke("A-1", "behind")
    await world.settle()
    assert await world.words() == ["placed"]
    assert [(letter.kind, letter.sequence) for letter in world.letters()] == [("poison", 2), ("waiting", 3)]
    world.rules.broken = set()
    await redrive(world.engine, world.letters(), lambda done, total: None)
    assert await world.words() == ["placed", "paid", "behind"]


async def test_a_crash_before_the_ack_brings_a_passed_fact_again_and_changes_nothing() -> None:
    world = World()
    await world.start()
    world.pass_on(fact("order.placed", "f-1"))
    await world.worker.digest(await world.worker.transport.batch(10, 0))
    world.log.rebalance("toy")
    await world.settle()
    assert await world.words() == ["placed"]


def said(world: World) -> list[str]:
    """What the toy said, by name."""
    return [event.name for event in world.events()]
