"""A timeline on a running system whose clock is ours: nothing happens that we have not waited for.

The driver moves the test clock to the earlier of the next line and the next due timer over all
services, never further. At one instant it tells the facts with timers held and waits for quiet; then
it lets timers fire and waits for quiet again. Quiet means: every worker has taken in everything,
nothing is pending, no effect runs and, with timers let go, none is due. The workers can't be asked at
one moment, so they are asked twice, and quiet is only where nothing was written from the first time
to after the second: what one says while another is asked is on the log then.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from shared.adapters.clock import FileClockWriter
from shared.cli.agents import Agents
from shared.cli.system import Ends, System, SystemFailed, WorkerStatus, caught_up
from shared.cli.timeline import Line
from shared.contracts.facts import AnyFact
from shared.kernel.calendar import utc_text

QUIET_SECONDS: Final = 180.0
"""How long quiet may take to come. A worker that was killed must have joined its group again by then."""
TOLD_AT_ONCE: Final = 8
AWAY_PAUSE_SECONDS: Final = 0.05


class Lockstep:
    """Moves the clock, tells, and waits."""

    def __init__(self, system: System, clock: FileClockWriter, start: datetime) -> None:
        self._system = system
        self._clock = clock
        self._agents = Agents(system.clients)
        self._now = start
        self._held = True
        self.lines = 0
        self.refused: list[tuple[int, str]] = []
        """Acts that were refused: the line's number and the slug."""
        clock.set(start, held=True)

    @property
    def now(self) -> datetime:
        """What the clock shows."""
        return self._now

    async def play(
        self,
        instants: Iterable[tuple[datetime, list[Line]]],
        on_progress: Callable[[int, datetime], None] = lambda lines, moment: None,
        until: datetime | None = None,
    ) -> None:
        """Play the lines and everything that follows: until nothing is due any more, or until a moment."""
        ahead = iter(instants)
        coming = next(ahead, None)
        due = await self._quiet(coming)
        while True:
            moments = [moment for moment in (due, coming[0] if coming else None) if moment is not None]
            if not moments or (until is not None and min(moments) > until):
                return
            self._now = max(min(moments), self._now)
            self._hold(True)
            if coming is not None and coming[0] <= self._now:
                await self._tell(coming[1])
                coming = next(ahead, None)
                due = await self._quiet(coming)
            if due is not None and due <= self._now:
                self._hold(False)
                due = await self._quiet(coming)
                self._hold(True)
            on_progress(self.lines, self._now)

    async def _tell(self, lines: Iterable[Line]) -> None:
        """Facts about different orders go at once; an act waits for quiet, and so do the facts after it."""
        for is_fact, together in groupby(lines, key=lambda line: line.is_fact):
            if is_fact:
                await self._tell_facts(list(together))
                continue
            for line in together:
                await self._quiet(None)
                await self._act(line)

    async def _tell_facts(self, lines: Sequence[Line]) -> None:
        by_order: dict[str, list[AnyFact]] = {}
        for line in lines:
            if isinstance(line.content, AnyFact):
                by_order.setdefault(line.content.order_id, []).append(line.content)
        room = asyncio.Semaphore(TOLD_AT_ONCE)

        async def tell(facts: Sequence[AnyFact]) -> None:
            async with room:
                for fact in facts:
                    await self._system.tell(fact)

        await asyncio.gather(*(tell(facts) for facts in by_order.values()))
        self.lines += len(lines)

    async def _act(self, line: Line) -> None:
        if isinstance(line.content, AnyFact):
            return
        refused = await self._agents.act(line.content)
        self.lines += 1
        if refused is not None:
            self.refused.append((line.number, refused))

    def _hold(self, held: bool) -> None:
        self._held = held
        self._clock.set(self._now, held)

    async def _quiet(self, coming: tuple[datetime, object] | None) -> datetime | None:
        """Return when nothing moves any more: when something is due next, if that is before `coming`.

        Raises `SystemFailed` when quiet never comes.
        """
        until = time.monotonic() + QUIET_SECONDS
        ends = await self._system.ends()
        while True:
            found = await self._system.progress(self._now, ends)
            before, ends = ends, await self._system.ends()
            if found is None:
                await asyncio.sleep(AWAY_PAUSE_SECONDS)
            elif before == ends and caught_up(found, ends):
                found = await self._settled(coming[0] if coming else None, ends)
                if found is not None:
                    moments = [status.next_due_at for status in found.values()]
                    return min((moment for moment in moments if moment is not None), default=None)
            if time.monotonic() > until:
                raise SystemFailed(
                    f"no quiet after {QUIET_SECONDS:.0f} s at {utc_text(self._now)}: "
                    + ("a worker is away" if found is None else str(found))
                )

    async def _settled(self, until: datetime | None, ends: Ends) -> dict[str, WorkerStatus] | None:
        """All workers, if their databases hold nothing to do either and nothing was written meanwhile."""
        found = await self._system.statuses(self._now, until)
        if found is None or not caught_up(found, ends) or await self._system.ends() != ends:
            return None
        for status in found.values():
            if status.unsettled or (status.timers_due and not self._held):
                return None
        return found
