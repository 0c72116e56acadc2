"""What each process holds while a run goes on: memory and open handles, read from `/proc` by an outsider.

A process that is killed begins a new life, whose memory has nothing to do with that of the one before.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

from shared.cli.children import Child
from tests.kit.memory import memory_of

LOOK_SECONDS = 0.5
SANDBOX = "sandbox"
BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment."""

    at_seconds: float
    phase: str
    memory_mib: float
    handles: int


@dataclass(slots=True)
class Gauges:
    """Looks at the services' processes, twice a second. The sandbox, which keeps all it was sent, is none."""

    children: Mapping[str, Child]
    phase: Callable[[], str]
    lives: dict[tuple[str, int], list[Sample]] = field(default_factory=dict[tuple[str, int], list[Sample]])
    """By the process' name and number, in the order of time."""
    _began: float = field(default_factory=time.monotonic)

    async def keep_looking(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """One look. Who has just ended is left out."""
        now = time.monotonic() - self._began
        for name, child in list(self.children.items()):
            if name == SANDBOX:
                continue
            held = None if child.pid is None else _held_by(child.pid)
            if child.pid is not None and held is not None:
                sample = Sample(now, self.phase(), *held)
                self.lives.setdefault((name, child.pid), []).append(sample)

    def of(self, name: str) -> list[Sample]:
        """All samples of a process, over its lives."""
        return [sample for (each, _), life in self.lives.items() if each == name for sample in life]

    def names(self) -> list[str]:
        """The processes that were seen."""
        return list(dict.fromkeys(name for name, _ in self.lives))


def _held_by(pid: int) -> tuple[float, int] | None:
    """Memory in MiB and open handles of a process; None when it has ended."""
    memory = memory_of(pid)
    try:
        handles = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    return None if memory is None else (memory.now, handles)


def slope_per_hour(points: Sequence[tuple[float, float]]) -> float:
    """How fast a value grows, by least squares over (seconds, value); 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    middle = fmean(at for at, _ in points)
    mean = fmean(value for _, value in points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    return 3600 * sum((at - middle) * (value - mean) for at, value in points) / spread if spread else 0.0


def drawn(values: Iterable[float], width: int = 32) -> str:
    """A curve of so many signs at most, from its lowest to its highest value."""
    told = list(values)
    if not told:
        return ""
    count = min(width, len(told))
    bounds = [len(told) * n // count for n in range(count + 1)]
    heights = [median(told[begin:end]) for begin, end in pairwise(bounds)]
    low, span = min(heights), max(heights) - min(heights)
    return "".join(
        BLOCKS[round((height - low) / span * (len(BLOCKS) - 1)) if span else 0] for height in heights
    )
