"""The drain: one bound over everything that a process does between SIGTERM and its end.

Each step may use the time up to its own share of the bound, counted from the signal, so that an early
step that hangs leaves time for those after it: a worker that waits for a mail server still commits
its positions and leaves its group. What does not end in its share is left; all of it is safe, as after a
crash. A thread ends the process a moment after the bound, whatever the event loop is doing.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from shared.adapters.logs import failure, logger

WORK_SHARE: Final = 0.5
"""What was begun is finished: the batch, effects outside."""
GROUP_SHARE: Final = 0.8
"""Positions are committed and the group is left."""
ANSWERS_SHARE: Final = 0.9
"""Requests that were being answered get their answers, and the ports close."""
CLEARING_SHARE: Final = 0.95
ALL: Final = 1.0
"""Connections are closed."""
GRACE_SECONDS: Final = 1.0
"""So long after the bound the thread ends the process."""
LEAST_SECONDS: Final = 0.05
EXIT_LATE: Final = 1


class Drain:
    """The time that is left. Before it begins, steps have all of it: a process may end by itself too."""

    def __init__(
        self,
        seconds: float,
        grace_seconds: float = GRACE_SECONDS,
        end: Callable[[], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self._grace_seconds = grace_seconds
        self._end = end or _end_process
        self._monotonic = monotonic
        self._began: float | None = None
        self._log = logger("orderlink.process")

    def begin(self) -> None:
        """From now on the time runs; beginning again changes nothing."""
        if self._began is None:
            self._began = self._monotonic()
            backstop = threading.Timer(self.seconds + self._grace_seconds, self._end)
            backstop.daemon = True
            backstop.start()

    def left(self, share: float) -> float:
        """How many seconds a step has, whose share of the bound ends there."""
        elapsed = 0.0 if self._began is None else self._monotonic() - self._began
        return max(LEAST_SECONDS, self.seconds * share - elapsed)

    async def worked(self, work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
        """Work until told to stop, and then finish what is at hand, within its share; the rest is left.

        Raises what the work raised.
        """
        working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            self.begin()
            await asyncio.wait({working}, timeout=self.left(WORK_SHARE))
        stopping.cancel()
        if working.done():
            working.result()
            return
        self._log.warning("left in the middle of something; it is safe, and taken up again")
        working.cancel()
        await asyncio.wait({working}, timeout=self.left(GROUP_SHARE) / 2)

    async def closed(self, share: float, *steps: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Do these at the same time, within their share; what does not end is left, and said."""
        if not steps:
            return
        self.begin()
        closing = {asyncio.create_task(step()): _name(step) for step in steps}
        done, late = await asyncio.wait(closing, timeout=self.left(share))
        for task in late:
            task.cancel()
            self._log.warning("did not close in time", step=closing[task])
        for task in done:
            problem = None if task.cancelled() else task.exception()
            if problem is not None:
                self._log.warning("closing failed", step=closing[task], **failure(problem))


def _name(step: Callable[..., object]) -> str:
    return getattr(step, "__qualname__", "step")


def _end_process() -> None:
    sys.stderr.write('{"level": "error", "event": "the drain took longer than it may; the process ends"}\n')
    sys.stderr.flush()
    os._exit(EXIT_LATE)
