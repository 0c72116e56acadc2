"""A watchdog beside the event loop: ends the process when the loop stands still or nothing gets done.

A process that is stuck must not go on holding its partitions. The watchdog is a thread, since the
loop that it watches may be the one that hangs. It counts its own looks, not the clock: a process
that was frozen as a whole wakes with its watchdog and is given its time.
"""

import asyncio
import faulthandler
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

EXIT_STUCK: Final = 70
LOOK_SECONDS: Final = 1.0
DEAD_LOOKS: Final = 2
"""Who says that nothing gets done has been patient already."""


class Watchdog:
    """Looks once a second whether the loop turned and the work gets ahead."""

    def __init__(
        self,
        alive: Callable[[], bool],
        patience_seconds: float,
        end: Callable[[str], None] | None = None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._alive = alive
        self._patience = max(1, round(patience_seconds / look_seconds))
        self._end = end or _end_process
        self._look_seconds = look_seconds
        self._stopped = threading.Event()
        self._turns = 0
        self._turning: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch the running loop."""
        self._turning = asyncio.get_running_loop().create_task(self._turn())
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._turning is not None:
            self._turning.cancel()

    async def _turn(self) -> None:
        while True:
            self._turns += 1
            await asyncio.sleep(self._look_seconds / 4)

    def _watch(self) -> None:
        try:
            self._look()
        except Exception as problem:  # noqa: BLE001  # a process that nobody watches may be stuck for ever
            self._end(f"the watchdog itself failed: {type(problem).__name__}")

    def _look(self) -> None:
        seen, still, dead = -1, 0, 0
        while not self._stopped.wait(self._look_seconds):
            turns = self._turns
            still = still + 1 if turns == seen else 0
            seen = turns
            dead = 0 if self._alive() else dead + 1
            if still >= self._patience:
                self._end(f"the event loop stood still for {still} looks")
                return
            if dead >= DEAD_LOOKS:
                self._end("nothing got done although there was work")
                return


def _end_process(why: str) -> None:
    sys.stderr.write(f'{{"level": "critical", "event": "process ends itself", "reason": "{why}"}}\n')
    faulthandler.dump_traceback(all_threads=True)
    sys.stderr.flush()
    os._exit(EXIT_STUCK)
