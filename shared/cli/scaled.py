"""A timeline on a running system in scaled time: the test clock runs, only faster.

Unlike lockstep it waits for nothing, as life does: a timer may fire late, and what follows from one
fact may still be under way when the next comes. Where nothing is due for long, time still runs.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from shared.adapters.clock import FileClockWriter
from shared.adapters.ending import ended
from shared.cli.agents import Agents
from shared.cli.system import System, caught_up
from shared.cli.timeline import Line
from shared.contracts.facts import AnyFact

TICK_SECONDS: Final = 0.01
LOOK_SECONDS: Final = 0.5


class Scaled:
    """Lets time run, and tells each line when its moment has come."""

    def __init__(self, system: System, clock: FileClockWriter, start: datetime, speed: float) -> None:
        self._system = system
        self._clock = clock
        self._agents = Agents(system.clients)
        self._start = start
        self._speed = speed
        self._began = time.monotonic()
        self.lines = 0
        self.refused: list[tuple[int, str]] = []
        """Acts that were refused: the line's number and the slug."""
        clock.set(start, held=False)

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        return self._start + timedelta(seconds=(time.monotonic() - self._began) * self._speed)

    async def play(
        self,
        instants: Iterable[tuple[datetime, list[Line]]],
        on_progress: Callable[[int, datetime], None] = lambda lines, moment: None,
    ) -> None:
        """Tell every line at its moment, then let time run until no timer is left."""
        running = asyncio.create_task(self._run())
        try:
            for at, lines in instants:
                await self._until(at)
                for line in lines:
                    await self._tell(line)
                on_progress(self.lines, self.now)
            while not await self._over():
                on_progress(self.lines, self.now)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await ended(running)
            if not running.cancelled():
                running.result()

    async def _run(self) -> None:
        while True:
            self._clock.set(self.now, held=False)
            await asyncio.sleep(TICK_SECONDS)

    async def _until(self, at: datetime) -> None:
        await asyncio.sleep(max(0.0, (at - self.now).total_seconds() / self._speed))

    async def _tell(self, line: Line) -> None:
        self.lines += 1
        if isinstance(line.content, AnyFact):
            await self._system.tell(line.content)
            return
        refused = await self._agents.act(line.content)
        if refused is not None:
            self.refused.append((line.number, refused))

    async def _over(self) -> bool:
        """Whether nothing is due any more, and nothing under way."""
        found = await self._system.statuses(self._start)
        if found is None or not caught_up(found, await self._system.ends()):
            return False
        return all(status.next_due_at is None and not status.unsettled for status in found.values())
