"""A worker's loops, which end together: when it is told to stop, or when one of them fails.

A cancellation alone does not end them for certain, since a driver may lose one on its way. So whatever
ends one loop is also noted where the others look before each turn.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from shared.runtime.limits import Limits
from shared.runtime.ports import MemberLost
from shared.runtime.work import PAUSED


class Loops:
    """The loops of one worker. `over` is set once they are to end."""

    def __init__(self, limits: Limits, log: Callable[..., None]) -> None:
        self._limits = limits
        self._log = log
        self.over = asyncio.Event()

    async def run(self, stop: asyncio.Event, *loops: Coroutine[Any, Any, None]) -> None:
        """Run until told to stop. Raises, in a group, what escaped from one of them."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._told(stop))
            for loop in loops:
                group.create_task(loop)

    async def turn(
        self,
        body: Callable[[], Coroutine[Any, Any, bool]],
        idle_seconds: float,
        wake: asyncio.Event | None = None,
    ) -> None:
        """Call a body until it is over: at once again while it finds work, after a pause if not.

        `wake` ends a pause early.
        """
        backoff = self._limits.outage_backoff_first_seconds
        try:
            while not self.over.is_set():
                try:
                    found = await body()
                    backoff = self._limits.outage_backoff_first_seconds
                except MemberLost:
                    raise
                except PAUSED as problem:
                    self._log("waiting", loop=body.__name__, reason=str(problem), seconds=backoff)
                    await self.pause(backoff)
                    backoff = min(backoff * 2, self._limits.outage_backoff_max_seconds)
                    continue
                if idle_seconds and not found:
                    await _wait(wake or self.over, idle_seconds)
                if wake is not None:
                    wake.clear()
        finally:
            self.over.set()

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until it is over."""
        await _wait(self.over, seconds)

    async def _told(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.over.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # Never `asyncio.wait_for`: in Python 3.11 it forgets a cancellation that meets the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
