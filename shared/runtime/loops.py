"""A worker's loops, which end together: when it is told to stop, or when one of them fails.

A cancellation alone does not end them for certain, since a driver may lose one on its way. So whatever
ends one loop is also noted where the others look before each turn. And a driver that cancels what somebody
waits for ends a loop as if it had been told to: a task group takes no notice of that, so we do.
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
        """Run until told to stop.

        Raises, in a group, what escaped from one of them, and `MemberLost` where a loop was cancelled from
        outside.
        """
        self.over.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._told(stop))
            for loop in loops:
                group.create_task(loop)
        if not stop.is_set():
            raise MemberLost("a loop of the worker was cancelled by something that it waited for")

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
                    await wait_at_most(idle_seconds, wake or self.over)
                if wake is not None:
                    wake.clear()
        finally:
            self.over.set()

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until it is over."""
        await wait_at_most(seconds, self.over)

    async def _told(self, stop: asyncio.Event) -> None:
        waiting = {asyncio.ensure_future(event.wait()) for event in (stop, self.over)}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        self.over.set()


async def wait_at_most(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event, or for so long; which of the two, the event says."""
    # Never `asyncio.wait_for`: in Python 3.11 it forgets a cancellation that meets the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
