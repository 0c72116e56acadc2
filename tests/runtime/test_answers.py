"""Answers: whoever tells or asks hears within a bound, and what was left half-way is taken up again."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.runtime.ports import Committed, Unavailable, Write
from tests.kit.toy import Say
from tests.kit.world import FaultyStore, World, fact

pytestmark = pytest.mark.promise("kept", "resumed")


class Stuck(FaultyStore):
    """Does its first commit and never says so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stuck = True

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        outcomes = await super().commit(writes)
        if self.is_stuck:
            await asyncio.Event().wait()
        return outcomes


class StuckWorld(World):
    """The toy service on such a store, with little patience."""

    def __init__(self) -> None:
        super().__init__(answer_max_seconds=0.05)
        self.store: Stuck = Stuck()
        self.engine = self.another_engine()
        self.desk = type(self.desk)(self.engine)


async def test_a_fact_that_is_not_committed_for_certain_in_time_is_to_come_again_and_counts_once() -> None:
    world = StuckWorld()
    with pytest.raises(Unavailable, match="not committed for certain"):
        await world.desk.take(fact("order.placed", "f-1"), "d")
    world.store.is_stuck = False
    again = await world.desk.take(fact("order.placed", "f-1"), "d")
    assert again.duplicate
    assert await world.words() == ["placed"]
    assert world.published() == [(1, "placed")]


async def test_a_command_that_takes_too_long_is_to_come_again_and_is_done_once() -> None:
    world = StuckWorld()
    command = Say(at=world.clock.now(), word="said")
    with pytest.raises(Unavailable, match="not committed for certain"):
        await world.desk.ask("A-1", command, "k-1", "d")
    world.store.is_stuck = False
    await world.desk.ask("A-1", command, "k-1", "d")
    assert await world.words() == ["said"]
