"""`orderlink erase` asks every order: what one of them answers holds up no other."""

from dataclasses import replace
from typing import Any

import pytest

from shared.kernel.decision import Outcome
from shared.kernel.erasure import EraseBuyer
from shared.runtime.erasing import ask_orders
from shared.runtime.work import Tell
from tests.erasure.town import Town
from tests.kit.world import World, fact

pytestmark = pytest.mark.promise("forgotten")


async def test_a_fact_whose_id_is_that_of_the_command_is_another_thing() -> None:
    town = await Town().start()
    at = town.clock.now()
    placed, paid = fact("order.placed", "f-1", at=at), fact("order.paid", "erase", at=at)
    await town.houses["orders"].engine.run([Tell("A-1", placed, "1"), Tell("A-1", paid, "2")])
    await town.simulation.drain()
    await town.erase(["A-1"])
    file = await town.houses["orders"].engine.load("A-1")
    assert file is not None
    assert file.erased


async def test_an_order_at_which_a_rule_raises_is_named_and_the_others_are_asked() -> None:
    world = World()
    asked: list[str] = []

    def decide(command: Any, state: Any, *told: Any) -> Outcome:
        if isinstance(command, EraseBuyer):
            if state.placed:
                raise RuntimeError("the rule breaks at the erasure")
            asked.append("erasure")
        return world.rules.decide(command, state, *told)

    await world.engine.run([Tell("A-1", fact("order.placed", "f-1"), "1")])
    world.service = replace(world.service, decide=decide)
    left = await ask_orders(world.another_engine(), ["A-1", "B-1"], even_though_open=True)
    assert list(left) == ["A-1"]
    assert asked == ["erasure"]
    with pytest.raises(RuntimeError, match="breaks at the erasure"):
        raise left["A-1"]  # type: ignore[misc]  # a rule that raised, no refusal
