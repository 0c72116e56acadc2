"""`make overload`: facts come five times as fast as they can be worked on, over a slow database.

python -m tests.chaos.overload [--minutes 5 | --smoke] [--broker apache|embedded]
    [--database native|embedded] [--report]

In calm the memory of every process is noted. Then the database is slowed by the proxy, and orders are told
one after the other for as long as the workers keep pace: that is what they can do. Then new ones come at
five times that rate, whether the workers keep pace or not, each with its first fact; what an API refuses is
told again, as a shop's platform would. Then it is over, and everything has to drain. Workers take small
batches here, so that two processors can send five times what they do. The database is one with indexes:
without them workers would do little else than look for what is due, through tens of thousands of files.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

from pymongo import AsyncMongoClient
from rich.console import Console

from shared.adapters.ending import ended
from tests.bench.servers import native_server
from tests.chaos.faults import Fault, Felt
from tests.chaos.gauges import Gauges, drawn
from tests.chaos.onlooker import Look
from tests.chaos.oracle import DAY_MAX
from tests.chaos.orders import day_begins
from tests.chaos.report import machine
from tests.chaos.run import Run
from tests.chaos.terminal import main, parser_of, play, verdict, written
from tests.chaos.town import Options, Town

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "overload.md"
TIMES = 5
"""How much faster facts come than they can be worked on."""
SLOWER = 20
"""How much longer the database takes."""
SLOW_MAX_SECONDS = 0.1
"""But no longer than this: on a machine that is busy by itself it would be away, which is another test."""
MEMORY_TIMES_MAX = 1.5
"""What a process may hold, against what it held in calm."""
BATCH_MAX_RECORDS = 1
KNOWN_FILES = 32
"""So that what processes remember of files, some 20 kB of each, does not look like a leak while it fills."""
LOOK_SECONDS = 2.0
"""How long the onlooker rests: with thousands of orders under way his looks would take the machine."""
FACTS_FOR_PACE = 40
AT_ONCE_FOR_PACE = 40
"""So many orders under way keep every worker busy."""
NO_BOUND = 1_000_000
ROUND_TRIPS = 200
DRAIN_MAX_SECONDS = 1800.0
RUN_MAX = DAY_MAX
"""Nothing comes due within it, so that what has to drain is what came in and what followed from it."""
CALM_PHASE = Fault("let run", "calm")
OVERLOAD = "overload"


@dataclass(slots=True)
class Measured:
    """What the overload was, in figures."""

    round_trip_seconds: float = 0.0
    slowed_seconds: float = 0.0
    pace: float = 0.0
    """Facts a second that were accepted while the next one of an order waited for the one before."""
    came: float = 0.0
    """Facts a second that were accepted while it lasted."""
    seconds: float = 0.0
    drain_seconds: float = 0.0
    lag: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """Records that wait, over time."""


def arguments() -> argparse.Namespace:
    """What is wanted."""
    parser = parser_of("make overload", "Five times what it can do, over a database twenty times slower.")
    parser.add_argument("--minutes", type=float, default=5, help="how long the overload lasts")
    parser.add_argument("--smoke", action="store_true", help="twenty seconds of it")
    parser.set_defaults(database=with_indexes())
    return parser.parse_args()


def with_indexes() -> str:
    """The fastest database that has them."""
    return "native" if native_server() else "embedded"


async def overload(wanted: argparse.Namespace, directory: Path, console: Console) -> int:
    """One run, told and judged."""
    measured, looking = Measured(), set[asyncio.Task[None]]()
    runs: list[tuple[Run, Gauges]] = []
    lasts, around = (20.0, 10.0) if wanted.smoke else (wanted.minutes * 60, 60.0)

    async def days(_town: Town, _random: Random) -> AsyncIterator[Sequence[Fault]]:
        rest = Fault("let run", "afterwards", around / 2)
        yield [Fault(CALM_PHASE.kind, CALM_PHASE.target, around), Fault(OVERLOAD, "", lasts), rest]

    def prepare(run: Run) -> None:
        run.until = day_begins(0) + RUN_MAX
        run.night_kill_share = 0.0
        run.give_up_seconds = DRAIN_MAX_SECONDS
        run.kinds[OVERLOAD] = lambda town, fault, felt: _overloaded(run, town, fault, felt, measured)
        run.onlooker.look_seconds = LOOK_SECONDS
        run.onlooker.on_look.append(lambda look: _note_lag(look, run, measured))
        gauges = Gauges(run.town.stack.nursery.children, lambda: run.load.broken)
        runs.append((run, gauges))
        looking.add(asyncio.create_task(gauges.keep_looking()))

    environment = {
        "ORDERLINK_KNOWN_VERSIONS_MAX_FILES": f"{KNOWN_FILES}",
        "ORDERLINK_BATCH_MAX_RECORDS": f"{BATCH_MAX_RECORDS}",
        # As it comes: the clock goes on here. A sweep that waits for nothing would publish most of it twice.
        "ORDERLINK_PENDING_STALE_AFTER_SECONDS": "1",
    }
    options = Options(directory, wanted.broker, wanted.database, environment=environment)
    try:
        run = await play(wanted, options, days, console, prepare)
    finally:
        await ended(*looking)
    (_, gauges) = runs[0]
    run.result.wrong += wrong_with(gauges)
    measured.drain_seconds = next(
        (stroke.caught_up_seconds for stroke in run.result.strokes if stroke.fault.kind == OVERLOAD), 0.0
    )
    console.print("\n".join(lines(run, gauges, measured)))
    if wanted.report:
        written(REPORT, as_markdown(run, gauges, measured), console)
    return verdict(run, wanted.seed, console)


async def _overloaded(
    run: Run, town: Town, fault: Fault, felt: Felt, measured: Measured
) -> AsyncIterator[None]:
    load, before = run.load, (run.load.orders_per_second, run.load.orders_at_once_max)
    measured.round_trip_seconds = await _round_trip_seconds(town)
    town.to_database.slow(min(SLOW_MAX_SECONDS, measured.round_trip_seconds * (SLOWER - 1)) / 2)
    measured.slowed_seconds = await _round_trip_seconds(town)
    usual, slowed = measured.round_trip_seconds, measured.slowed_seconds
    town.tell(f"a write takes {1000 * usual:.1f} ms, slowed {1000 * slowed:.1f} ms")
    try:
        load.orders_per_second, load.orders_at_once_max = AT_ONCE_FOR_PACE, AT_ONCE_FOR_PACE
        # An order's next fact waits for the one before; told after the overload, they would make another.
        load.facts_a_day_max = 1
        # What is begun in one go at first says nothing of the pace.
        await _accepted_per_second(run, fault.seconds / 10, at_least=2 * AT_ONCE_FOR_PACE)
        measured.pace = await _accepted_per_second(run, fault.seconds / 10, at_least=FACTS_FOR_PACE)
        town.tell(f"{measured.pace:.1f} facts/s can be worked on; now {TIMES} times as many come")
        load.orders_per_second, load.orders_at_once_max = TIMES * measured.pace, NO_BOUND
        began = time.monotonic()
        measured.came = await _accepted_per_second(run, fault.seconds)
        measured.seconds = time.monotonic() - began
    finally:
        load.orders_per_second, load.orders_at_once_max = before
        load.facts_a_day_max = None
        town.to_database.slow(0)
    felt.note = f"{measured.came:.1f} facts/s came, {measured.pace:.1f} could be worked on"
    yield


async def _accepted_per_second(run: Run, seconds: float, at_least: int = 0) -> float:
    """Over so many seconds, and until there were so many."""
    began, before = time.monotonic(), run.load.answers.total("2xx")
    await asyncio.sleep(seconds)
    while (accepted := run.load.answers.total("2xx") - before) < at_least:
        run.town.check()
        await asyncio.sleep(1.0)
    return accepted / (time.monotonic() - began)


async def _round_trip_seconds(town: Town) -> float:
    """What a write takes that passes where the services' do, one that nothing else kept waiting."""
    url = f"mongodb://{town.to_database.address}/?directConnection=true"
    taken: list[float] = []
    async with AsyncMongoClient[dict[str, object]](url) as client:
        for number in range(ROUND_TRIPS):
            began = time.monotonic()
            await client["probe"]["probe"].replace_one({"_id": 1}, {"_id": 1, "n": number}, upsert=True)
            taken.append(time.monotonic() - began)
    return sorted(taken)[len(taken) // 10]


def _note_lag(look: Look, run: Run, measured: Measured) -> None:
    if run.load.broken.startswith(OVERLOAD):
        measured.lag.append((look.at, look.lag_total))


# What came of it


def calm_and_peak(gauges: Gauges, name: str) -> tuple[float, float]:
    """What a process held in calm, in MiB, the start left out, and the most that it held from then on."""
    samples = gauges.of(name)
    calm = [sample for sample in samples if sample.phase.startswith(CALM_PHASE.name)]
    later = (sample.memory_mib for sample in samples if sample.at_seconds > calm[-1].at_seconds)
    return median(sample.memory_mib for sample in calm[len(calm) // 2 :]), max(later)


def wrong_with(gauges: Gauges) -> list[str]:
    """What an overload must not show, beside what every run is held to."""
    found: list[str] = []
    for name in gauges.names():
        calm, peak = calm_and_peak(gauges, name)
        if peak > MEMORY_TIMES_MAX * calm:
            found.append(
                f"{name} held {peak:.0f} MiB, {peak / calm:.2f} times its {calm:.0f} MiB of the calm"
            )
        lives = sum(1 for each, _ in gauges.lives if each == name)
        if lives > 1:
            found.append(f"{name} was started {lives} times, though nobody killed it")
    return found


def lines(run: Run, gauges: Gauges, measured: Measured) -> list[str]:
    """What was counted."""
    answers, longest_of = run.load.answers, run.load.answers.longest_seconds
    longest = max((seconds for what, seconds in longest_of.items() if OVERLOAD in what), default=0)
    times = {name: peak / calm for name in gauges.names() for calm, peak in [calm_and_peak(gauges, name)]}
    most = max(times, key=lambda name: times[name])
    usual, slowed = measured.round_trip_seconds, measured.slowed_seconds
    waited = max((lag for _, lag in measured.lag), default=0)
    return [
        f"- A write to the database took {1000 * usual:.1f} ms, and {1000 * slowed:.1f} ms slowed:",
        f"  {slowed / usual:.0f} times as long.",
        f"- Worked on: {measured.pace:.1f} facts/s. Came: {measured.came:.1f} facts/s,",
        f"  {measured.came / measured.pace:.1f} times as many, for {measured.seconds:.0f} s.",
        f"- Records that waited: {waited:,} at most. After it was over all of them were taken in, and all",
        f"  that followed from them, in {measured.drain_seconds:.0f} s.",
        f"- Requests: {answers.total('2xx'):,} accepted, {answers.total('503'):,} told to come again; the",
        f"  longest answer took {longest:.1f} s.",
        f"- Memory at its peak, against the calm: {times[most]:.2f} times at most ({most}).",
    ]


def as_markdown(run: Run, gauges: Gauges, measured: Measured) -> str:
    """For `docs/reports`."""
    result = run.result
    said = "Nothing was lost, twice or out of order" if not result.wrong else "PROMISES WERE BROKEN"
    page = [
        f"# Overload: {TIMES} times what it can do, over a database {SLOWER} times slower",
        "",
        f"Made by `make overload` on {run.town.options.servers},",
        "with four APIs and four workers as processes. So that this machine can send",
        f"{TIMES} times what they do, workers take {BATCH_MAX_RECORDS} record at a time. They remember",
        f"{KNOWN_FILES} files instead of 4,096.",
        *machine(result.loads),
        "",
        f"**{said}**: {result.facts:,} accepted facts about {result.orders:,} orders,",
        f"{result.events:,} events, {result.repeated:,} of them repeated on the log. The overload lasted",
        f"{measured.seconds:.0f} s, the whole run {result.seconds / 60:.0f} minutes.",
        "",
        *lines(run, gauges, measured),
        "",
        "Records that waited, from its begin to the end of the drain:",
        f"`{drawn(lag for _, lag in measured.lag)}`",
        "",
        "| process | calm, MiB | peak, MiB | times | memory over the run |",
        "| --- | ---: | ---: | ---: | --- |",
        *rows(gauges),
        "",
        f"A process may hold {MEMORY_TIMES_MAX} times what it held in calm. Every fact was told until it was",
        "accepted. What was said about each order, and where each file ended, is what `simulate` says of the",
        "same facts; a plain client read all topics and found each file's numbers in order and without gaps.",
        "",
    ]
    if result.wrong:
        page += ["## What was wrong", "", *(f"- {line}" for line in result.wrong[:200]), ""]
    return "\n".join(page)


def rows(gauges: Gauges) -> list[str]:
    """One row for each process."""
    found: list[str] = []
    for name in sorted(gauges.names()):
        calm, peak = calm_and_peak(gauges, name)
        curve = drawn(sample.memory_mib for sample in gauges.of(name))
        found.append(f"| {name} | {calm:.0f} | {peak:.0f} | {peak / calm:.2f} | `{curve}` |")
    return found


if __name__ == "__main__":
    told = arguments()
    main(told, lambda directory, console: overload(told, directory, console))
