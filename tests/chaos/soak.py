"""`make soak`: a fault a minute for hours, under load; what every process holds must not grow.

python -m tests.chaos.soak [--hours 2] [--broker apache|embedded] [--report]

Days of two minutes follow each other, and the nights between them, in which what came due of a whole day is
worked on at once. Faults strike broker, database and connections, and the processes of one service are
killed. Those of the other three live on: by their memory and their handles a leak would be seen.

An order is open for twelve days, and its files grow all the time. So for twelve days a night's work is more
each time and its files are larger, and processes hold more, which is no leak. Only then do as many orders
end as begin, and from then on memory is judged: hence the short days. Processes remember few files here, and
fetch and work on few at once, so that the memory for that is full by then too.

While something is slow or away, requests and records pile up, and what a process needed then it keeps
(`malloc` gives little back). Its highest need grows by chance, less each time. So every kind of fault has
struck four times before memory is judged.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import cycle, islice, pairwise
from pathlib import Path
from random import Random
from statistics import median

from rich.console import Console

from shared.adapters.ending import ended
from tests.chaos.faults import Fault, Felt
from tests.chaos.gauges import Gauges, Sample, drawn, slope_per_hour
from tests.chaos.orders import day_begins
from tests.chaos.report import machine
from tests.chaos.run import NIGHT, Run
from tests.chaos.terminal import main, parser_of, play, verdict, written
from tests.chaos.town import Options, Town

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "soak.md"
VICTIM = "orders"
"""The service whose processes are killed."""
SLOPE_MAX_MIB_PER_HOUR = 1.0
JUDGED_FROM_SECONDS = 3600.0
"""Memory that was looked at for less than this says nothing about megabytes an hour."""
WARM_SHARE = 0.4
WARM_NIGHTS = 13
"""So many nights after the first orders have ended as many as begin."""
HANDLES_SPREAD = 8
"""So far the medians of two times may lie apart: connections come and go."""
DAY_MAX_MINUTES = 2
"""So that there are many nights. Longer than 45, and the timers of a day would meet its facts."""
EVENING_MAX_SECONDS = 900.0
"""What a long day leaves to be told is told at its end, by hundreds of orders at once."""
FILES_AT_ONCE = 10
REMEMBERED_FILES = 8
"""Few, so that what is remembered is full soon: files of an order's last days are several times as large as
those of its first."""
SMALL = {
    "ORDERLINK_KNOWN_VERSIONS_MAX_FILES": f"{REMEMBERED_FILES}",
    "ORDERLINK_FETCH_MAX_BYTES": f"{1024 * 1024}",
    "ORDERLINK_BATCH_MAX_RECORDS": f"{FILES_AT_ONCE}",
    "ORDERLINK_BATCH_MAX_FILES": f"{FILES_AT_ONCE}",
    "ORDERLINK_TIMER_SCAN_MAX_FILES": f"{FILES_AT_ONCE}",
}
AS_IMAGES_HAVE_IT = {"MALLOC_ARENA_MAX": "2", "MOTOR_MAX_WORKERS": "10"}
NEXT_MINUTE = "until the minute is over"
WARM_ROUNDS = 4
"""After so many rounds of all faults, one a minute, a process has seen about the most that it ever holds."""
FAULTS = (
    Fault("cut connections", "database"),
    Fault("slow connections", "broker", 8),
    Fault("kill -9", f"{VICTIM} worker"),
    Fault("stop", "database", 5),
    Fault("cut connections", "broker"),
    Fault("black hole", "database", 5),
    Fault("kill -9", f"{VICTIM} API"),
    Fault("stop", "broker", 5),
    Fault("slow connections", "database", 8),
    Fault("black hole", "broker", 5),
    Fault("kill -9 of the server", "database"),
)
WARM_MAX_SECONDS = 60.0 * WARM_ROUNDS * len(FAULTS)


def arguments() -> argparse.Namespace:
    """What is wanted."""
    parser = parser_of("make soak", "A fault a minute for hours; what every process holds must not grow.")
    parser.add_argument("--hours", type=float, default=2, help="how long, a fault each minute")
    return parser.parse_args()


async def soak(wanted: argparse.Namespace, directory: Path, console: Console) -> int:
    """One run, told and judged."""
    looking, seen = set[asyncio.Task[None]](), list[Gauges]()

    async def days(_town: Town, _random: Random) -> AsyncIterator[Sequence[Fault]]:
        left, faults = max(1, round(wanted.hours * 60)), cycle(FAULTS)
        while left > 0:
            today = min(left, DAY_MAX_MINUTES)
            left -= today
            yield [each for fault in islice(faults, today) for each in (fault, Fault(NEXT_MINUTE))]

    def prepare(run: Run) -> None:
        last_day = (max(1, round(wanted.hours * 60)) - 1) // DAY_MAX_MINUTES
        run.until = day_begins(last_day) + timedelta(hours=25)
        run.night_kill_share = 0.0
        run.give_up_seconds = EVENING_MAX_SECONDS
        began = time.monotonic()

        async def rest_of_the_minute(_town: Town, _fault: Fault, _felt: Felt) -> AsyncIterator[None]:
            await asyncio.sleep(60 - (time.monotonic() - began) % 60)
            yield

        run.kinds[NEXT_MINUTE] = rest_of_the_minute
        gauges = Gauges(run.town.stack.nursery.children, lambda: run.load.broken)
        seen.append(gauges)
        looking.add(asyncio.create_task(gauges.keep_looking()))

    environment = {**SMALL, **AS_IMAGES_HAVE_IT}
    options = Options(directory, wanted.broker, wanted.database, environment=environment)
    try:
        run = await play(wanted, options, days, console, prepare)
    finally:
        await ended(*looking)
    (gauges,) = seen
    run.result.strokes = [stroke for stroke in run.result.strokes if stroke.fault.kind != NEXT_MINUTE]
    run.result.wrong += wrong_with(gauges)
    console.print("\n".join(rows(gauges)))
    if wanted.report:
        written(REPORT, as_markdown(run, gauges), console)
    return verdict(run, wanted.seed, console)


# What came of it


def warmed_up(gauges: Gauges, name: str) -> list[Sample]:
    """A process' longest life without its first rounds of faults and its first nights.

    A short life, such as those of who is killed, is left without two fifths, or half of its nights, at most.
    """
    life = max((life for (each, _), life in gauges.lives.items() if each == name), key=len)
    begin, end = life[0].at_seconds, life[-1].at_seconds
    warm = begin + min(WARM_MAX_SECONDS, WARM_SHARE * (end - begin))
    mornings = [after.at_seconds for before, after in pairwise(life) if before.phase == NIGHT != after.phase]
    warm = max([warm, *mornings[: min(WARM_NIGHTS, len(mornings) // 2)]])
    return [sample for sample in life if sample.at_seconds >= warm]


def seconds_of(samples: Sequence[Sample]) -> float:
    """How long a process was looked at."""
    return samples[-1].at_seconds - samples[0].at_seconds


def grows_mib_per_hour(samples: Sequence[Sample]) -> float:
    """The slope of its memory."""
    return slope_per_hour([(sample.at_seconds, sample.memory_mib) for sample in samples])


def handles(samples: Sequence[Sample]) -> tuple[float, float]:
    """The median of its open handles in the first third and in the last one."""
    third = max(1, len(samples) // 3)
    return (
        median(sample.handles for sample in samples[:third]),
        median(sample.handles for sample in samples[-third:]),
    )


def wrong_with(gauges: Gauges) -> list[str]:
    """What a soak must not show, beside what every run is held to."""
    found: list[str] = []
    for name in gauges.names():
        samples = warmed_up(gauges, name)
        slope, (first, last) = grows_mib_per_hour(samples), handles(samples)
        if seconds_of(samples) >= JUDGED_FROM_SECONDS and slope >= SLOPE_MAX_MIB_PER_HOUR:
            found.append(f"{name}: its memory grew by {slope:.1f} MiB an hour")
        if last - first > HANDLES_SPREAD:
            found.append(f"{name}: its open handles grew from {first:.0f} to {last:.0f}")
        if not name.startswith(VICTIM) and sum(1 for each, _ in gauges.lives if each == name) > 1:
            found.append(f"{name} was started again, though nobody killed it")
    return found


def rows(gauges: Gauges) -> list[str]:
    """One row for each process: its longest life."""
    found: list[str] = []
    for name in sorted(gauges.names()):
        samples = warmed_up(gauges, name)
        memory, (first, last) = [sample.memory_mib for sample in samples], handles(samples)
        found.append(
            f"| {name} | {seconds_of(samples) / 60:.0f} | {min(memory):.1f} to {max(memory):.1f} | "
            f"{grows_mib_per_hour(samples):+.1f} | `{drawn(memory, 24)}` | {first:.0f} → {last:.0f} | "
            f"`{drawn((sample.handles for sample in samples), 16)}` |"
        )
    return found


def as_markdown(run: Run, gauges: Gauges) -> str:
    """For `docs/reports`."""
    result = run.result
    said = "Nothing was lost, twice or out of order" if not result.wrong else "PROMISES WERE BROKEN"
    longest = max(seconds_of(warmed_up(gauges, name)) for name in gauges.names())
    judged = longest >= JUDGED_FROM_SECONDS
    lasted = max(life[-1].at_seconds for life in gauges.lives.values())
    page = [
        "# Soak: a fault a minute, and what every process holds",
        "",
        f"Made by `make soak` on {run.town.options.servers},",
        "with four APIs and four workers as processes.",
        f"**It ran for {lasted / 60:.0f} minutes**, with {len(result.strokes)} faults.",
        *machine(result.loads),
        "",
        f"**{said}**: {result.facts:,} accepted facts about {result.orders:,} orders,",
        f"{result.events:,} events, {result.repeated:,} of them repeated on the log.",
        "",
        "| process | minutes | memory, MiB | MiB an hour | memory | handles | handles |",
        "| --- | ---: | ---: | ---: | --- | ---: | --- |",
        *rows(gauges),
        "",
        f"Of each process the longest life counts, without the first {WARM_ROUNDS} rounds of faults (at most",
        "two fifths of its life), in which it comes to need the most that it ever needs, and without the",
        f"first {WARM_NIGHTS} nights (at most half of them), in which more orders begin than end. Those of",
        f"`{VICTIM}` are killed, the others live on.",
        f"*MiB an hour* is the slope by least squares; below {SLOPE_MAX_MIB_PER_HOUR:.0f} is the goal.",
        "*Handles*: the median of the first third and of the last.",
        f"Workers and APIs remember {REMEMBERED_FILES} files here instead of 4,096, and work on",
        f"{FILES_AT_ONCE} at once instead of 500;",
        "a worker holds 1 MiB of what it will read instead of 8.",
    ]
    if not judged:
        page += [
            "",
            f"Looked at for {longest / 60:.0f} minutes, too short to judge an hour's growth, and not judged:",
            "a page more or less in some minutes makes several MiB an hour. `make soak HOURS=2` judges.",
        ]
    if result.wrong:
        page += ["", "## What was wrong", "", *(f"- {line}" for line in result.wrong[:200])]
    return "\n".join([*page, ""])


if __name__ == "__main__":
    told = arguments()
    main(told, lambda directory, console: soak(told, directory, console))
