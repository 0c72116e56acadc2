"""What a child of the bench is told, and what it tells: one JSON object each way."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import BaseModel

from shared.adapters.naming import Naming
from shared.contracts.catalog import event_topic


class Job(BaseModel):
    """One run of one contestant."""

    contestant: str
    servers: str
    mongodb_url: str
    recording: Path
    prefix: str
    """Of the topics that hold the recording."""
    run: str
    """Of what this run alone writes: its group, its database, its own topic."""
    service: str = "notifications"
    transport: str = "faust"
    batch_max_records: int = 128
    records: int = 0
    """So many records are on the topics for it."""
    seconds_max: float = 15.0
    """It ends after this time, however many are left: a slow contestant holds up no other."""

    def naming(self) -> Naming:
        """The recording's topics are shared; what this run writes is its own."""
        mine = event_topic(self.service)
        return lambda name: (
            f"{self.prefix}{name}"
            if name.endswith(".v1") and name != mine
            else f"{self.prefix}{self.run}.{name}"
        )

    @property
    def database(self) -> str:
        """A database of its own."""
        return f"bench_{self.run}".replace("-", "_").replace(".", "_")


class Result(BaseModel):
    """What one run came to."""

    events: int
    wall_seconds: float
    cpu_seconds: float
    """Of all threads of the process."""
    commits: int = 0
    published: int = 0
    memory_max_megabytes: float = 0.0
    loop_milliseconds: float = 0.0
    """What a fixed loop of plain Python took in this process, right afterwards."""

    @property
    def events_per_second(self) -> float:
        """How many it took in a second of wall time."""
        return self.events / max(self.wall_seconds, 1e-9)

    @property
    def cpu_microseconds_per_event(self) -> float:
        """What one cost this process."""
        return 1e6 * self.cpu_seconds / max(self.events, 1)


def time_loop() -> float:
    """CPU milliseconds of a fixed loop of plain Python: how fast a core is just now.

    Where others share the cores, a second of CPU time holds less work. The loop tells how much less.
    """
    began = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number & 7
    return 1000 * (time.process_time() - began)


def memory_max_megabytes() -> float:
    """The process' memory at its largest. What `getrusage` says starts with that of whoever started it."""
    told = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in told.splitlines() if line.startswith("VmHWM"))) / 1024


class Stopwatch:
    """Wall and CPU time between `start` and `lap`."""

    def __init__(self) -> None:
        self.wall_seconds = self.cpu_seconds = 0.0
        self.start()

    def start(self) -> None:
        """From now on."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self._wall

    def is_over(self, taken: int, job: Job) -> bool:
        """Whether a run that has taken so many ends here. Then it is what was measured."""
        over = taken >= job.records or self.seconds() > job.seconds_max
        if over:
            self.lap()
        return over

    def lap(self) -> None:
        """Up to now."""
        self.wall_seconds = time.perf_counter() - self._wall
        self.cpu_seconds = time.process_time() - self._cpu

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lap()

    def result(self, events: int, commits: int = 0, published: int = 0) -> Result:
        """What it measured, with this process' memory at its largest."""
        return Result(
            events=events,
            wall_seconds=self.wall_seconds,
            cpu_seconds=self.cpu_seconds,
            commits=commits,
            published=published,
            memory_max_megabytes=memory_max_megabytes(),
            loop_milliseconds=time_loop(),
        )


def answer(run: Callable[[Job], Result]) -> None:
    """A child's main: read the job, do it, write the result as the last line."""
    job = Job.model_validate_json(sys.stdin.read())
    sys.stdout.write("\n" + run(job).model_dump_json() + "\n")
