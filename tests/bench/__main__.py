"""Run the bench: `python -m tests.bench`, or `make bench`, which sets up what it compares with.

Every contestant is a process of its own, on the same broker and database, over the same records. Those
that are compared run in turn, round by round, so that what else the machine does meets all of them.
It prints and keeps figures and judges nothing.
"""

import argparse
import asyncio
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from rich.console import Console
from rich.progress import Progress

from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.cli.stack import Servers
from shared.contracts.catalog import HEARS, SERVICES, event_topic
from tests.bench import latency
from tests.bench.job import Job, Result
from tests.bench.recorded import Recording, heard_by, record
from tests.bench.report import Figure, Machine, Report, Row, show
from tests.bench.servers import DATABASES, Under, fastest, servers

KEPT: Final = Path(".orderlink/bench.json")
KEEPER: Final = "keeper"
BATCH: Final = 128
"""The batch at which ours is compared."""
PUBLISHED_AT_ONCE: Final = 1000
TABLE_COLUMNS: Final = 120
CHILD_SECONDS_MAX: Final = 180.0
ALONE: Final = ("bulk_write", "consume")
PEERS: Final = {"faust_singly": "faust", "faststream_singly": "faststream", "celery_eta": "celery"}
"""Each peer's module, and the package that it needs."""
HEARD_BY_PEERS: Final = HEARS["notifications"][:3]


Found = TypeVar("Found")


class Size(BaseModel):
    """How much of everything."""

    orders: int
    rounds: int
    batches: tuple[int, ...]
    transports: tuple[str, ...]
    services: tuple[str, ...]
    rates: list[float]
    rate_seconds: float
    at_once: bool = False


FULL: Final = Size(
    orders=200,
    rounds=3,
    batches=(1, 16, 128, 512),
    transports=("faust", "aiokafka"),
    services=SERVICES,
    rates=[20, 100, 300],
    rate_seconds=10,
)
SMOKE: Final = Size(
    orders=2,
    rounds=1,
    batches=(128,),
    transports=("faust",),
    services=("orders",),
    rates=[10],
    rate_seconds=1,
    at_once=True,
)


def peers_here() -> list[str]:
    """The peers whose packages are installed."""
    # One that is imported already may have put itself in place of its module, as Faust does.
    return [
        name for name, package in PEERS.items() if package in sys.modules or importlib.util.find_spec(package)
    ]


def runs_of(size: Size) -> int:
    """How many children will run."""
    same_work = size.rounds * (len(size.transports) + len(ALONE) + len(peers_here()))
    return same_work + len(size.batches) * len(size.transports) + len(size.services)


class Bench:
    """One run of the bench on one broker and one database."""

    def __init__(self, under: Under, directory: Path, size: Size, progress: Progress) -> None:
        self.under = under
        self.size = size
        self.loops: list[float] = []
        self.skipped: list[str] = []
        self._progress = progress
        self._task = progress.add_task("recording what the services say", total=None)
        self._recording_file = directory / "recording.json"
        self._prefix = f"bench-{os.getpid()}."
        self._runs = self._runs_done = 0
        self._runs_all = runs_of(size)
        self._recording = Recording(facts=[], said=[])

    async def prepare(self) -> None:
        """Record the log, and put it on the broker."""
        self._recording = await asyncio.to_thread(record, self.size.orders)
        self._recording_file.write_text(self._recording.model_dump_json())
        naming = self._job("fill", KEEPER).naming()
        admin = KafkaAdmin(self.under.kafka, naming=naming)
        await admin.make_topics({*HEARS["notifications"]}, 1)
        await admin.close()
        publisher = KafkaPublisher(self.under.kafka, naming=naming, publish_seconds=60.0)
        records = heard_by(self._recording, HEARS["notifications"])
        for start in range(0, len(records), PUBLISHED_AT_ONCE):
            if not all(await publisher.publish(records[start : start + PUBLISHED_AT_ONCE])):
                raise RuntimeError("the broker did not take the recording")
        await publisher.close()

    async def parts(self, directory: Path) -> dict[str, Any]:
        """All parts of a report, one after the other, or all at once where nobody reads the figures."""
        limit = asyncio.Semaphore(4 if self.size.at_once else 1)

        async def in_turn(part: Coroutine[Any, Any, Found]) -> Found:
            async with limit:
                return await part

        both, engine, services, stack = await asyncio.gather(
            in_turn(self.same_work()),
            in_turn(self.engine()),
            in_turn(self.services()),
            in_turn(self.stack(directory)),
        )
        same_work, bound = both
        return {
            "same_work": same_work,
            "bound": bound,
            "engine": engine,
            "services": services,
            "stack": stack,
            "skipped": self.skipped,
        }

    async def engine(self) -> list[Row]:
        """(a) By transport and batch."""
        found: dict[tuple[str, int], Result] = {}
        for batch in self.size.batches:
            for transport in self.size.transports:
                found[(transport, batch)] = await self._worker("notifications", transport, batch)
        return [Row.of("notifications", [result], *key) for key, result in found.items()]

    async def services(self) -> list[Row]:
        """(a) Each service, as it is run."""
        names, batch = self.size.services, BATCH
        return [Row.of(name, [await self._worker(name, "faust", batch)], "faust", batch) for name in names]

    async def same_work(self) -> tuple[list[Row], list[Row]]:
        """(b) Ours and the peers in turn, and (c) the drivers alone, in the same rounds."""
        batch, peers = BATCH, peers_here()
        self.skipped += [
            f"{name}: {package} is not installed here; `make bench` installs it"
            for name, package in PEERS.items()
            if name not in peers
        ]
        ours: dict[str, list[Result]] = {}
        bound: dict[str, list[Result]] = {}
        for _ in range(self.size.rounds):
            jobs = [self._job("worker", KEEPER, transport, batch) for transport in self.size.transports]
            for job in jobs:
                ours.setdefault(f"engine, {job.transport}", []).append(await self._run(job, "worker"))
            # The drivers write what a run of ours has left, and read what it has read.
            left = jobs[0]
            for name in ALONE:
                alone = left.model_copy(update={"contestant": name})
                bound.setdefault(name, []).append(await self._run(alone, "bound"))
            for name in peers:
                job = self._job(name, KEEPER, batch=1)
                ours.setdefault(name, []).append(await self._run(job, f"peers.{name}"))
        return (
            [
                Row.of(name, all_, batch=batch if name.startswith("engine") else 1)
                for name, all_ in ours.items()
            ],
            [Row.of(name, results, batch=batch) for name, results in bound.items()],
        )

    async def stack(self, directory: Path) -> latency.StackFigures:
        """(d) and (e): the whole system, on the same broker and database."""
        on = Servers(self.under.kafka, self.under.mongodb)
        return await latency.measure(directory, on, self.size.rates, self.size.rate_seconds, self.tell)

    def tell(self, what: str) -> None:
        """Say what is being done: in place on a terminal, line by line elsewhere."""
        self._progress.update(self._task, description=what)
        if not self._progress.console.is_terminal:
            sys.stderr.write(f"bench: {what}\n")
            sys.stderr.flush()

    def _job(self, contestant: str, service: str, transport: str = "faust", batch: int = 128) -> Job:
        self._runs += 1
        topics = HEARS.get(service, HEARD_BY_PEERS)
        heard = heard_by(self._recording, tuple(topic for topic in topics if topic != event_topic(service)))
        return Job(
            contestant=contestant,
            servers=self.under.kafka,
            mongodb_url=self.under.mongodb,
            recording=self._recording_file,
            prefix=self._prefix,
            run=f"{os.getpid()}-{self._runs}",
            service=service,
            transport=transport,
            batch_max_records=batch,
            records=len(heard),
        )

    async def _worker(self, service: str, transport: str, batch: int) -> Result:
        job = self._job("worker", service, transport, batch)
        admin = KafkaAdmin(self.under.kafka, naming=job.naming())
        await admin.make_topics({event_topic(service)}, 1)
        await admin.close()
        return await self._run(job, "worker")

    async def _run(self, job: Job, module: str) -> Result:
        """One child, from its start to its answer. Its database is dropped by the bench's last step."""
        self._runs_done += 1
        at = f"{job.service}, {job.transport}, batches of {job.batch_max_records}"
        self.tell(f"run {self._runs_done} of {self._runs_all}: {at if module == 'worker' else module}")
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"tests.bench.{module}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            told, complained = await asyncio.wait_for(
                child.communicate(job.model_dump_json().encode()), CHILD_SECONDS_MAX
            )
        except BaseException:
            child.kill()
            raise
        answers = [line for line in told.decode(errors="replace").splitlines() if line.startswith("{")]
        if child.returncode != 0 or not answers:
            end = complained.decode(errors="replace").strip().splitlines()[-12:]
            raise RuntimeError(f"{module} ended with {child.returncode}:\n" + "\n".join(end))
        result = Result.model_validate_json(answers[-1])
        self.loops.append(result.loop_milliseconds)
        return result


def ratios(report: Report) -> dict[str, Figure]:
    """Ours over the others, round by round: what else the machine did met both sides of a round alike."""
    ours = [row for row in report.same_work if row.name.startswith("engine")]
    bound = {row.name: row for row in report.bound}
    found: dict[str, Figure] = {}
    for row in ours:
        for peer in (each for each in report.same_work if each not in ours):
            found[f"events/s, {row.name} over {peer.name}"] = _over(row.rates, peer.rates)
            found[f"CPU, {peer.name} over {row.name}"] = _over(peer.costs, row.costs)
        writes = [rate * row.writes_per_event for rate in row.rates]
        found[f"share of raw bulk_write, {row.name}"] = _over(writes, bound["bulk_write"].rates)
        found[f"share of raw consume, {row.name}"] = _over(row.rates, bound["consume"].rates)
    return found


def _over(upper: Sequence[float], lower: Sequence[float]) -> Figure:
    return Figure.of([above / max(below, 1e-9) for above, below in zip(upper, lower, strict=True)])


async def bench(size: Size, directory: Path, broker: str, database: str, progress: Progress) -> Report:
    """All parts."""
    load_before = os.getloadavg()[0]
    async with servers(directory / "servers", broker, database) as under:
        run = Bench(under, directory, size, progress)
        await run.prepare()
        report = Report(
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            machine=Machine(
                cores=os.cpu_count() or 1,
                python=platform.python_version(),
                load_before=load_before,
                load_after=0.0,
                loop_milliseconds=Figure(median=0, min=0, max=0),
            ),
            broker=under.broker,
            database=under.database,
            orders=size.orders,
            **await run.parts(directory / "stack"),
        )
    machine = report.machine.model_copy(
        update={"load_after": os.getloadavg()[0], "loop_milliseconds": Figure.of(run.loops)}
    )
    return report.model_copy(update={"machine": machine, "ratios": ratios(report)})


def main(argv: Sequence[str] | None = None, console: Callable[[], Console] = Console) -> int:
    """Run it, print the tables, keep the JSON."""
    parser = argparse.ArgumentParser(prog="make bench", description="What the engine costs, beside others.")
    parser.add_argument(
        "--smoke", action="store_true", help="everything once and tiny: whether it runs at all"
    )
    parser.add_argument("--out", type=Path, default=KEPT, help=f"where the JSON goes; default {KEPT}")
    parser.add_argument("--broker", choices=("embedded", "apache"), default="embedded")
    parser.add_argument(
        "--database", choices=tuple(DATABASES), default=fastest(), help=f"the fastest here: {fastest()}"
    )
    told = parser.parse_args(argv)
    screen = console()
    if not screen.is_terminal:
        screen.width = TABLE_COLUMNS
    with (
        tempfile.TemporaryDirectory(prefix="orderlink-bench-") as directory,
        Progress(console=screen) as progress,
    ):
        size = SMOKE if told.smoke else FULL
        report = asyncio.run(bench(size, Path(directory), told.broker, told.database, progress))
    told.out.parent.mkdir(parents=True, exist_ok=True)
    told.out.write_text(report.model_dump_json(indent=2) + "\n")
    show(report, screen)
    screen.print(f"kept in {told.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
