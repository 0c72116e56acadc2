"""Fate: lets a storm's plan strike at the calls of ports, and keeps count of what was passed and hit."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from random import Random
from typing import Final

from tests.storms.faults import AT_CALLS, CRASH, IN_DOUBT, Fault

PATH: Final[ContextVar[str]] = ContextVar("path", default="door")
"""What the running task is at: door, stream, timers, effects, sweep or redrive."""
YIELDS: Final = 0.25
"""How often a call lets others go first though nothing is wrong."""
SLUGGISH: Final = 0.5
"""How often a call is answered late in a service that is sluggish."""
LATE_SECONDS: Final = (0.001, 0.1, 3.0)
"""How late an answer may come, in the loop's made-up time."""


class Crash(BaseException):
    """The process is gone. No `except Exception` sees it."""


class Process:
    """One process of a service: a door, a worker or an operator's command. It may be gone."""

    def __init__(self, service: str, name: str, fate: "Fate") -> None:
        self.service = service
        self.name = name
        self.alive = True
        self.ice: asyncio.Event | None = None
        """Set when it may go on; None while it is not frozen."""
        self.freeze: Callable[[], bool] | None = None
        """Freezes it, if that can be now; None for a process that no one can freeze."""
        self.rebalance: Callable[[], None] | None = None
        """Gives its partitions to somebody else, and it doesn't know yet."""
        self._fate = fate

    def draw(self) -> int:
        """A number by which a fault decides between its ways."""
        return self._fate.random.getrandbits(16)

    async def enter(self, call: str) -> str:
        """Before a call. What is to go wrong with it, '' if nothing. Raises `Crash`."""
        fate = self._fate
        fate.calls += 1
        if fate.random.random() < YIELDS:
            await asyncio.sleep(0)
        if fate.sluggish == self.service and fate.random.random() < SLUGGISH:
            await asyncio.sleep(fate.random.choice(LATE_SECONDS))
        if self.ice is not None:
            await self.ice.wait()
        if not self.alive:
            raise Crash
        path = PATH.get()
        fate.passed[(self.service, path, call)] += 1
        if fate.calls >= fate.next_at:
            fate.arm()
        if call not in fate.lurked:
            return ""
        return await self._struck(path, call)

    def leave(self, call: str, when: str = "after") -> None:
        """After a call, or in the middle of it. Raises `Crash`."""
        fate = self._fate
        if not self.alive:
            raise Crash
        if call in fate.lurked:
            self._crash_at(f"{PATH.get()}.{call}.{when}")

    def _crash_at(self, point: str) -> None:
        fate = self._fate
        for fault in fate.waiting:
            if fault.kind == CRASH and fault.point == point and fault.service == self.service:
                fate.strikes(fault, f"{self.name} {point}")
                fate.hit[(self.service, point)] += 1
                self.alive = False
                raise Crash

    async def _struck(self, path: str, call: str) -> str:
        fate = self._fate
        self._crash_at(f"{path}.{call}.before")
        for fault in fate.waiting:
            if call not in AT_CALLS.get(fault.kind, ()) or fault.service not in ("", self.service):
                continue
            if fault.point not in ("", f"{path}.{call}") or not self._can(fault.kind):
                continue
            fate.strikes(fault, f"{self.name} {path}.{call}")
            match fault.kind:
                case "store answers late" | "broker answers late":
                    await asyncio.sleep(LATE_SECONDS[fault.draw % len(LATE_SECONDS)])
                case "worker frozen":
                    if self.ice is not None:
                        await self.ice.wait()
                case "rebalance, two owners":
                    await asyncio.sleep(LATE_SECONDS[fault.draw % len(LATE_SECONDS)])
                case kind:
                    if IN_DOUBT.get(call) == kind:
                        fate.doubted[(self.service, f"{path}.{call}")] += 1
                    return kind
            if not self.alive:
                raise Crash
            return ""
        return ""

    def _can(self, kind: str) -> bool:
        """Whether this may happen to this process now; what happens to all of it has happened then."""
        if kind == "worker frozen":
            return self.freeze is not None and self.freeze()
        if kind == "rebalance, two owners":
            if self.rebalance is None:
                return False
            self.rebalance()
        return True


class Fate:
    """The plan of one storm as it unfolds. An empty plan is the calm."""

    def __init__(self, seed: int, faults: Sequence[Fault], *, sluggish: str = "") -> None:
        self.random = Random(f"fate {seed}")
        self.sluggish = sluggish
        """A service that is late with everything. Nothing goes wrong by that, but others are first."""
        self.calls = 0
        self.waiting: list[Fault] = []
        """Faults that lie in wait."""
        self.struck: Counter[str] = Counter()
        self.passed: Counter[tuple[str, str, str]] = Counter()
        self.hit: Counter[tuple[str, str]] = Counter()
        self.doubted: Counter[tuple[str, str]] = Counter()
        """Points at which an answer was lost though what was asked is done."""
        self.trace: Callable[[str], None] | None = None
        self.lurked: set[str] = set()
        """The calls that faults in wait fit."""
        self._ahead = sorted(faults, key=lambda fault: fault.at, reverse=True)
        self.next_at = self._ahead[-1].at if self._ahead else 10**9

    @property
    def calm(self) -> bool:
        """Whether nothing will go wrong any more."""
        return not self._ahead and not self.waiting

    def arm(self) -> None:
        """Let the faults whose time has come lie in wait."""
        while self._ahead and self._ahead[-1].at <= self.calls:
            self.waiting.append(self._ahead.pop())
        self._look_again()
        self.next_at = self._ahead[-1].at if self._ahead else 10**9

    def _look_again(self) -> None:
        self.lurked.clear()
        for fault in self.waiting:
            if fault.kind == CRASH:
                self.lurked.add(fault.point.split(".")[1])
            else:
                self.lurked.update(AT_CALLS.get(fault.kind, ()))

    def strikes(self, fault: Fault, where: str) -> None:
        """Let this fault happen now."""
        self.waiting.remove(fault)
        self._look_again()
        self.struck[fault.kind] += 1
        self.say(f"FAULT {fault.kind}: {where}")

    def take(self, kind: str, service: str | None = None) -> Fault | None:
        """A fault of this kind that lies in wait, if there is one; the caller lets it strike."""
        for fault in self.waiting:
            if fault.kind == kind and service in (None, fault.service):
                return fault
        return None

    def say(self, text: str) -> None:
        """A line of the trace, if somebody reads it."""
        if self.trace is not None:
            self.trace(text)
