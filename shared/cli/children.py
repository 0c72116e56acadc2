"""Child processes that are watched, restarted a few times, and never outlive their parent.

Every child leads a process group of its own, so that Ctrl-C reaches it through us only, and is tied
to us by `shared/adapters/tied.py`, so that it ends with us however we end. Start children from the
main thread: the tie is to the thread.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from shared.adapters import tied

RESTARTS_MAX: Final = 5
RESTARTS_WITHIN_SECONDS: Final = 120.0
WATCH_SECONDS: Final = 0.1
LOG_MAX_BYTES: Final = 20_000_000
LOG_TAIL_LINES: Final = 12

Tell = Callable[[str], None]


class ChildFailed(Exception):
    """A child can't be kept running. The text has the end of its log."""


class Child:
    """One process, started as often as needed."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = [sys.executable, "-I", "-S", str(tied.__file__), str(os.getpid()), *command]
        self._env = dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def code(self) -> int | None:
        """The code with which it ended last; negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it. Its output goes to its log, which starts anew when it is too large."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.log.exists() and self.log.stat().st_size > LOG_MAX_BYTES
        with self.log.open("wb" if fresh else "ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        """Send its whole group a signal; nothing when it has ended."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def ended(self, within_seconds: float) -> bool:
        """Whether it ends within the time."""
        until = time.monotonic() + within_seconds
        while self.pid is not None:
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(0.02)
        return True

    def tail(self) -> str:
        """The end of its log."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(lines[-LOG_TAIL_LINES:]) or "(nothing in its log)"


class Nursery:
    """Children together: watched while they run, ended together."""

    def __init__(self, tell: Tell) -> None:
        self.children: dict[str, Child] = {}
        self._tell = tell
        self._restarts: dict[str, deque[float]] = {}
        self._ending = False

    def add(self, child: Child) -> Child:
        """Start a child and watch it from now on."""
        self.children[child.name] = child
        self._restarts[child.name] = deque()
        child.start()
        return child

    async def watch(self) -> None:
        """Restart what ends, until cancelled. Raises `ChildFailed` when one ends too often."""
        while True:
            for child in self.children.values():
                if child.pid is None and not self._ending:
                    self._restart(child)
            await asyncio.sleep(WATCH_SECONDS)

    async def stop(self, within_seconds: float) -> None:
        """Ask all to end, and kill what has not after the time. Doing it again changes nothing."""
        self._ending = True
        running = [child for child in self.children.values() if child.pid is not None]
        for number, seconds in ((signal.SIGTERM, within_seconds), (signal.SIGKILL, 2.0)):
            for child in running:
                child.signal(number)
                child.signal(signal.SIGCONT)  # a frozen process can't react to anything
            until = time.monotonic() + seconds
            for child in running:
                await child.ended(max(0.0, until - time.monotonic()))
            running = [child for child in running if child.pid is not None]

    def kill(self) -> None:
        """End all at once."""
        self._ending = True
        for child in self.children.values():
            child.signal(signal.SIGKILL)

    def _restart(self, child: Child) -> None:
        now = time.monotonic()
        recent = self._restarts[child.name]
        while recent and now - recent[0] > RESTARTS_WITHIN_SECONDS:
            recent.popleft()
        how = _how_it_ended(child.code)
        if len(recent) >= RESTARTS_MAX:
            raise ChildFailed(
                f"{child.name} {how}, for the {len(recent) + 1}th time within "
                f"{RESTARTS_WITHIN_SECONDS:.0f} s. The end of {child.log}:\n{child.tail()}"
            )
        recent.append(now)
        self._tell(f"{child.name} {how}; starting it again ({len(recent)} of {RESTARTS_MAX})")
        child.start()


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "is not running"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
