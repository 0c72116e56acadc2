"""Timers against their cancelling, with a yield at every door of the store, in an order drawn by seed."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from random import Random

from shared.runtime.desk import Desk
from shared.runtime.ports import Cleared, Committed, Document, Write
from shared.runtime.work import Contended
from tests.kit.rules import after
from tests.kit.world import FaultyStore, World, fact

ORDERS_AT_ONCE = 50


class YieldingStore(FaultyStore):
    """Lets others go first, for some turns, before and after it does anything."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        await self._turns()
        found = await super().load(subjects, known)
        await self._turns()
        return found

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        await self._turns()
        outcomes = await super().commit(writes)
        await self._turns()
        return outcomes

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        await self._turns()
        await super().clear(cleared)

    async def _turns(self) -> None:
        for _ in range(self._random.randrange(4)):
            await asyncio.sleep(0)


async def race(seed: int) -> dict[str, list[str]]:
    """Fifty orders whose timer comes due while they are paid. What each file said, in order."""
    random = Random(seed)
    world = World(timer_scan_max_files=10)
    world.store = YieldingStore(random)
    world.engine = world.another_engine()
    world.desk = Desk(world.engine)
    world.worker = world.another_worker()
    await world.start()
    orders = [f"A-{seed}-{number}" for number in range(ORDERS_AT_ONCE)]
    for order in orders:
        await world.desk.take(fact("order.placed", f"placed {order}", order_id=order), "d")
    world.clock.advance(timedelta(hours=1))

    async def pay(order: str) -> None:
        for _ in range(random.randrange(80)):
            await asyncio.sleep(0)
        paid = fact("order.paid", f"paid {order}", after(hours=1), order_id=order)
        while True:
            try:
                await world.desk.take(paid, "d")
                return
            except Contended:
                await asyncio.sleep(0)

    async def fire() -> None:
        while True:
            try:
                if not await world.worker.fire_timers():
                    return
            except Contended:
                await asyncio.sleep(0)

    await asyncio.gather(fire(), *(pay(order) for order in orders))
    await fire()
    told: dict[str, list[str]] = {}
    for order in orders:
        heard: list[str] = []
        for number, word in world.published(order):  # some come twice, as everywhere
            assert number <= len(heard) + 1, f"a gap before {number} of {order}"
            heard += [word] if number > len(heard) else []
        told[order] = heard
    return told


def check(told: dict[str, list[str]]) -> tuple[int, int]:
    """How many fired before the payment, and how many were cancelled by it. Nothing else may be."""
    fired = sum(words == ["placed", "nudge", "paid"] for words in told.values())
    cancelled = sum(words == ["placed", "paid"] for words in told.values())
    assert fired + cancelled == len(told), told
    return fired, cancelled
