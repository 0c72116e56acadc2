"""`make sizes`: the promises at their full size, with a report for each in docs/reports.

    python -m tests.size [dead-letters] [timers] [topics] [order] [erasure] [races] [--small]

Runs on the broker and database that the environment names, else on Apache Kafka where there are Java and
Maven, and on the fastest database with all indexes that is here; races are in memory, where others can be
let go first at every door of the store.
"""

import argparse
import asyncio
import os
import platform
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from typer.testing import CliRunner

from shared.adapters.clock import SystemClock
from shared.adapters.kafka_growth import KafkaGrowth
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.cli import topics
from shared.cli.operate import progress
from shared.contracts.catalog import CONTACTS_TOPIC, HEARS, consumer_group
from shared.runtime.ports import Outgoing
from tests.bench.servers import Under, native_server, servers
from tests.kit.maven import what_is_missing
from tests.size.crew import CREW_MAX, Crew
from tests.size.erasing import erased
from tests.size.parking import Depot
from tests.size.races import ORDERS_AT_ONCE, check, race
from tests.size.timers import FAR, FIRED_NUMBER, Clockwork, rss_megabytes, stages

REPORTS: Final = Path(__file__).parents[2] / "docs" / "reports"
LEAD: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    sources: int = 500
    letters_each: int = 20
    files: int = 1_000_000
    steady: int = 600
    burst: int = 10_000
    records: int = 100_000
    contacts: int = 10_000
    orders: int = 10_000
    words: int = 100
    changes: int = 20
    buyers: int = 1_000
    seeds: int = 200


SMALL: Final = Sizes(25, 20, 20_000, 100, 1_000, 2_000, 500, 100, 20, 4, 20, 4)


@asynccontextmanager
async def started(broker: str, database: str) -> AsyncIterator[Under]:
    """What the environment does not name, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="orderlink-sizes-", ignore_cleanup_errors=True) as directory:
        async with servers(Path(directory), broker, database) as under:
            yield under


@asynccontextmanager
async def in_memory() -> AsyncIterator[Under]:
    """No servers at all."""
    yield Under("", "", "no broker", "no database: in memory")


async def dead_letters(where: Under, sizes: Sizes) -> list[tuple[str, str]]:
    """Park, redrive under traffic, and check every file and the whole topic."""
    name = f"sizes_letters_{os.getpid()}"
    depot = Depot(where.kafka, where.mongodb, name, sizes.sources, sizes.letters_each)
    async with depot.at_work() as engine:
        began = time.perf_counter()
        await depot.park()
        parking = time.perf_counter() - began
        cpu = time.process_time()
        with progress("redriving") as show:
            redriven = await depot.redrive(engine, show)
        cpu = time.process_time() - cpu
        events = await depot.check(engine)
    waiting = redriven.found.waiting
    return [
        ("records parked", f"{waiting:,} of {len(redriven.found.parked):,} sources, in {parking:.0f} s"),
        ("redriven", f"{redriven.report.applied:,} in {redriven.seconds:.1f} s"),
        ("records a second", f"{redriven.report.applied / redriven.seconds:,.0f}"),
        ("CPU of redrive, worker and traffic together", f"{cpu:.1f} s"),
        ("arrived meanwhile for the same sources", f"{redriven.traffic:,}, all taken in behind"),
        ("failed again, stay parked", f"{redriven.report.failed}, {redriven.report.kept}"),
        ("order", f"every file heard and said all of its words in order; audit of {events:,} events: no gap"),
        ("memory beyond the start, worker and traffic included", f"{redriven.rss_megabytes:.0f} MB"),
    ]


async def timers(where: Under, sizes: Sizes) -> list[tuple[str, str]]:
    """A million pending; some due one after the other, then many at once."""
    clock = SystemClock()
    work = Clockwork(where.mongodb, f"sizes_timers_{os.getpid()}", clock)
    await work.start()
    try:
        began = time.perf_counter()
        far = clock.now() + FAR
        with progress("files") as show:
            await work.fill(sizes.files, lambda n: far + timedelta(seconds=n % 1_000_000), "far", show)
        filling = time.perf_counter() - began
        plan = stages(await work.explain(range(256), clock.now()))
        memory = rss_megabytes()
        looks = [await _seconds(work.worker.fire_timers) for _ in range(20)]
        at = clock.now() + LEAD
        steady = await _fire(
            work, "steady", [at + timedelta(milliseconds=50 * n) for n in range(sizes.steady)]
        )
        insert_seconds = sizes.burst / 500
        at = clock.now() + LEAD + timedelta(seconds=insert_seconds)
        step = timedelta(seconds=1) / sizes.burst
        burst = await _fire(work, "burst", [at + step * n for n in range(sizes.burst)])
        grown = rss_megabytes() - memory
        left = await work.store.due_timers(range(256), clock.now(), 1)
    finally:
        await work.close()
    return [
        ("files with a pending timer", f"{sizes.files:,}, stored in {filling:.0f} s"),
        ("plan of the look for due timers", ", ".join(sorted(plan))),
        ("a look that finds nothing, median of 20", f"{sorted(looks)[10] * 1000:.1f} ms"),
        (f"{sizes.steady:,} due one every 50 ms: late by p50, p99, max", _late(steady.late)),
        ("in order of due time", steady.order),
        (f"{sizes.burst:,} due within one second: late by p50, p99, max", _late(burst.late)),
        ("in order of due time", burst.order),
        ("fired twice, early, or left", f"{steady.wrong + burst.wrong}, {len(left)} left"),
        ("growth of the worker's memory over all of it", f"{grown:.0f} MB"),
    ]


@dataclass(frozen=True, slots=True)
class Fired:
    """What firing some timers came to."""

    late: list[float]
    order: str
    wrong: int


async def _fire(work: Clockwork, name: str, moments: Sequence[datetime]) -> Fired:
    due = {f"{name}-{n}": moment for n, moment in enumerate(moments)}
    work.publisher.published.clear()
    work.publisher.numbers.clear()
    work.store.committed.clear()
    with progress(name) as show:
        await work.fill(len(due), lambda n: due[f"{name}-{n}"], name, lambda _done, _total: None)
        await work.run_until_fired(len(due), show)
    fired = work.publisher.published
    late = [(moment - due[subject]).total_seconds() for subject, moment in fired.items()]
    # Databases keep moments to the millisecond, and so does the order.
    moments_fired = [
        due[subject].replace(microsecond=due[subject].microsecond // 1000 * 1000)
        for subject in work.store.committed
    ]
    in_order = moments_fired == sorted(moments_fired)
    twice = sum(number != FIRED_NUMBER for number in work.publisher.numbers)
    wrong = twice + sum(each < 0 for each in late) + len(set(due) ^ set(fired))
    return Fired(late, "yes" if in_order else "NO", wrong)


def _late(late: Sequence[float]) -> str:
    ordered = sorted(late)
    shown = (ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100], ordered[-1])
    return ", ".join(f"{each * 1000:,.0f} ms" for each in shown)


async def _seconds(doing: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await doing()
    return time.perf_counter() - began


async def growth(where: Under, sizes: Sizes) -> list[tuple[str, str]]:
    """Topics with many records and contacts, grown from 4 to 8 and from 8 to 64."""
    admin = KafkaGrowth(where.kafka)
    await admin.ensure_topics(4, 1)
    publisher = KafkaPublisher(where.kafka, publish_seconds=60.0)
    for topic, count in (("orders.v1", sizes.records), (CONTACTS_TOPIC, sizes.contacts)):
        with progress(f"records on {topic}") as show:
            for at in range(0, count, 1_000):
                numbers = range(at, min(at + 1_000, count))
                records = [Outgoing(topic, f"A-{n}".encode(), b"x" * 500) for n in numbers]
                assert all(await publisher.publish(records))
                show(numbers.stop, count)
    await publisher.close()
    told = [("records on the log", f"{sizes.records:,} events, {sizes.contacts:,} contacts")]
    named = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": where.kafka, "MONGODB_URL": where.mongodb}
    for wanted in (8, 64):
        for service, heard in HEARS.items():
            await admin.set_position(consumer_group(service), await admin.end_offsets(heard))
        said = ["migrate", "--partitions", str(wanted), "--yes", "--watch-seconds", "0"]
        began = time.perf_counter()
        grown = await asyncio.to_thread(CliRunner(env=named).invoke, topics.app, said)
        seconds = time.perf_counter() - began
        assert grown.exit_code == 0, grown.output
        moved = next(line for line in grown.output.splitlines() if "keys moved" in line).strip()
        told.append((f"grown to {wanted}, without the watch", f"{seconds:.1f} s; {moved}"))
    return told


async def order(where: Under, sizes: Sizes) -> list[tuple[str, str]]:
    """A long stream under workers that come and go, with events that are refused for one order."""
    name = f"sizes_order_{os.getpid()}"
    crew = Crew(where.kafka, where.mongodb, name, sizes.orders, sizes.words, Random(1))
    async with crew.at_work():
        began = time.perf_counter()
        writing = asyncio.create_task(crew.write())
        with progress("words") as show:
            for number in range(sizes.changes):
                await crew.heard(crew.total * (number + 1) // (sizes.changes + 1), show)
                await crew.change()
            await writing
            await crew.heard(crew.total, show)
        seconds = time.perf_counter() - began
        waited = sorted(crew.waits.seconds)
        held_back = await crew.exchange()
        with progress("checking") as show:
            audit = await crew.check(show)
    return [
        (
            "events heard, and said again",
            f"{audit.events:,} about {sizes.orders:,} orders, in {seconds:.0f} s",
        ),
        ("workers that joined, and that left, meanwhile", f"{crew.joined}, {crew.left}; {CREW_MAX} at most"),
        ("files that have heard another word than was said, or in another order", "0"),
        ("gaps and inversions on the log", f"{audit.problem_count}"),
        ("repeated on the log, which consumers drop", f"{audit.repetitions:,}"),
        (
            "events that waited since one of them was refused",
            f"{held_back}, all of one order, said in the end",
        ),
        ("from deciding to the broker's answer, all others: p50, p99, max", _late(waited)),
    ]


async def erasure(where: Under, sizes: Sizes) -> list[tuple[str, str]]:
    """Buyers with a marker in every field, erased, and searched for everywhere."""
    return await erased(where.kafka, where.mongodb, f"sizes_erasure_{os.getpid()}_", sizes.buyers)


async def raced(_where: Under, sizes: Sizes) -> list[tuple[str, str]]:
    """Timers that come due while what cancels them is under way."""
    outcomes: list[tuple[int, int]] = []
    with progress("races") as show:
        for seed in range(sizes.seeds):
            outcomes.append(check(await race(seed)))
            show(seed + 1, sizes.seeds)
    fired, cancelled = (sum(each) for each in zip(*outcomes, strict=True))
    return [
        ("races", f"{fired + cancelled:,}, {ORDERS_AT_ONCE} at once under each of {sizes.seeds:,} seeds"),
        ("the timer fired, once, and was paid for after it", f"{fired:,}"),
        ("it was cancelled by the payment, and never fired", f"{cancelled:,}"),
        ("fired twice, after its cancelling, or neither; gaps", "0"),
    ]


PARTS: Final = {
    "dead-letters": (dead_letters, "Dead letters at size"),
    "timers": (timers, "Timers at size"),
    "topics": (growth, "Topics that grow, at size"),
    "order": (order, "Order at size"),
    "erasure": (erasure, "A thousand buyers erased"),
    "races": (raced, "Timers that race with their cancelling"),
}
IN_MEMORY: Final = ("races",)
"""Parts that ask for no broker and no database."""


def _machine() -> str:
    busy = os.getloadavg()[1]
    return f"{os.cpu_count()} cores, {busy:.0f} processes at work, Python {platform.python_version()}"


def _write(part: str, title: str, where: Under, rows: Sequence[tuple[str, str]], seconds: float) -> None:
    lines = [
        f"# {title}",
        "",
        f"Written by `make sizes` on {SystemClock().now():%Y-%m-%d}, in {seconds:.0f} s.",
        f"{_machine()}; {where.broker}; {where.database}.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
    ]
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / f"{part}.md"
    # What people have written below the table stays.
    kept = path.read_text().partition("\n## ")[1:] if path.exists() else ("", "")
    path.write_text("\n".join(lines) + "".join(kept))


async def main() -> None:
    """Run the parts that are named, all of them if none is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--small", action="store_true", help="small sizes, and no report")
    best = "native" if native_server() else "embedded"
    kafka = "embedded" if what_is_missing() else "apache"
    parser.add_argument("--broker", choices=("embedded", "apache"), default=kafka)
    parser.add_argument("--database", choices=("embedded", "native"), default=best)
    asked = parser.parse_args()
    sizes = SMALL if asked.small else Sizes()
    for part in asked.parts or PARTS:
        run, title = PARTS[part]
        async with in_memory() if part in IN_MEMORY else started(asked.broker, asked.database) as where:
            began = time.perf_counter()
            rows = await run(where, sizes)
            seconds = time.perf_counter() - began
        print(f"{title} ({where.broker}; {where.database}; {seconds:.0f} s)")
        for name, value in rows:
            print(f"  {name}: {value}")
        if not asked.small:
            _write(part, title, where, rows, seconds)


if __name__ == "__main__":
    asyncio.run(main())
