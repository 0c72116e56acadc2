"""Timers while the clock jumps by an hour either way, and while what cancels them is under way."""

from datetime import datetime, timedelta
from random import Random

import pytest

from shared.adapters.clock import VirtualClock
from shared.runtime.desk import Desk
from shared.runtime.file import Timer
from tests.kit.rules import START
from tests.kit.world import World, fact
from tests.size.races import check, race

pytestmark = pytest.mark.promise("timed")

ORDERS = 30


class JumpingClock(VirtualClock):
    """A clock that somebody sets back and forth."""

    def jump(self, by: timedelta) -> None:
        """Move, back too."""
        self._now += by


async def test_a_timer_that_races_with_its_cancelling_fires_before_it_or_not_at_all() -> None:
    outcomes = [check(await race(seed)) for seed in range(10)]
    # Both happen, or it is no race.
    assert sum(fired for fired, _ in outcomes) > 50
    assert sum(cancelled for _, cancelled in outcomes) > 50


@pytest.mark.parametrize("seed", range(10))
async def test_under_a_clock_that_jumps_an_hour_either_way_every_timer_fires_once_and_not_early(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    world = World()
    clock = JumpingClock(START)
    world.clock = clock
    world.engine = world.another_engine()
    world.desk = Desk(world.engine)
    world.worker = world.another_worker()
    await world.start()
    orders = [f"A-{number}" for number in range(ORDERS)]
    for order in orders:
        at = START + timedelta(minutes=random.randrange(-30, 240))
        await world.desk.take(fact("order.placed", f"f {order}", at, order_id=order), "d")
    fired: dict[str, list[tuple[datetime, datetime]]] = {order: [] for order in orders}

    async def note(due: dict[str, datetime]) -> None:
        for order in orders:
            file = await world.engine.load(order)
            assert file is not None
            if order in due and not any(isinstance(each, Timer) for each in file.timers.values()):
                fired[order].append((clock.now(), due.pop(order)))

    due: dict[str, datetime] = {}
    for order in orders:
        file = await world.engine.load(order)
        assert file is not None
        due[order] = next(iter(file.timers.values())).due_at
    for _ in range(60):
        clock.jump(timedelta(minutes=random.choice((-60, 60, 7, 13, 29))))
        while await world.worker.fire_timers():
            pass
        await note(due)
    clock.jump(timedelta(days=2))
    while await world.worker.fire_timers():
        pass
    await note(due)
    for order in orders:
        ((now, was_due),) = fired[order]
        assert now >= was_due
        assert [word for _, word in world.published(order)] == ["placed", "nudge"]
