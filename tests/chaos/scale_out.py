"""`make scale-out`: one worker of a service, three, two, one, under load; how long partitions stand still.

python -m tests.chaos.scale_out [--seconds 30] [--broker apache|embedded] [--report]
"""

import argparse
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median

from rich.console import Console
from rich.table import Table

from shared.contracts.catalog import SERVICES
from tests.chaos.faults import Fault
from tests.chaos.load import CALM
from tests.chaos.onlooker import Look
from tests.chaos.orders import day_begins
from tests.chaos.report import machine
from tests.chaos.run import Run
from tests.chaos.standstill import StandStill
from tests.chaos.terminal import main, parser_of, play, verdict, written
from tests.chaos.town import Options, Town

REPORT = Path(__file__).parents[2] / "docs" / "reports" / "scale-out.md"
PARTITIONS = 8
SIZES = (3, 2, 1)
NIGHT_LASTS = timedelta(hours=25)
HEADINGS = ("phase", "records taken in", "stood still, s: median partition", "longest partition")


def arguments() -> argparse.Namespace:
    """What is wanted."""
    parser = parser_of("make scale-out", "More and fewer workers of a service, under load.")
    parser.add_argument("--service", choices=SERVICES, default="notifications")
    parser.add_argument("--seconds", type=float, default=30, help="how long each size runs")
    return parser.parse_args()


async def scale_out(wanted: argparse.Namespace, directory: Path, console: Console) -> int:
    """One run, told and judged."""
    still = StandStill(wanted.service)

    async def days(_town: Town, _random: Random) -> AsyncIterator[Sequence[Fault]]:
        faults = [Fault("let run", "1 worker", wanted.seconds)]
        for size in SIZES:
            plural = "s" if size > 1 else ""
            faults.append(Fault("workers", f"{wanted.service} {size}"))
            faults.append(
                Fault("let run", f"{size} worker{plural}{' again' if size == 1 else ''}", wanted.seconds)
            )
        yield faults

    def prepare(run: Run) -> None:
        run.until = day_begins(0) + NIGHT_LASTS

        def look(seen: Look) -> None:
            still.phase = run.load.broken.removesuffix(", recovering")
            still(seen)

        run.onlooker.on_look.append(look)

    # Nameless members leave at once; a fixed name would keep its partitions until the session is over.
    nameless = {"ORDERLINK_WORKER_INSTANCE_ID": ""} if wanted.broker == "apache" else {}
    options = Options(directory, wanted.broker, wanted.database, partitions=PARTITIONS, environment=nameless)
    run = await play(wanted, options, days, console, prepare)
    table = Table(title=f"{wanted.service}: {PARTITIONS} partitions", title_justify="left", box=None)
    for heading in HEADINGS:
        table.add_column(heading)
    for row in rows(still):
        table.add_row(*row)
    console.print(table)
    if wanted.report:
        written(REPORT, as_markdown(run, still), console)
    return verdict(run, wanted.seed, console)


def rows(still: StandStill) -> list[tuple[str, ...]]:
    """One row a phase, in order."""
    found: list[tuple[str, ...]] = []
    for phase, partitions in still.longest_seconds.items():
        if phase.startswith(("let run", "workers")):
            spans = sorted(partitions.values())
            found.append((phase, f"{still.moved[phase]:,}", f"{median(spans):.1f}", f"{spans[-1]:.1f}"))
    return found


def as_markdown(run: Run, still: StandStill) -> str:
    """For `docs/reports`."""
    result = run.result
    exits = [seconds for stroke in result.strokes for seconds in stroke.felt.exits_seconds]
    said = "Nothing was lost, twice or out of order" if not result.wrong else "PROMISES WERE BROKEN"
    lines = [
        "# Scale-out: one worker, three, two, one, under load",
        "",
        (
            f"Made by `make scale-out` on {run.town.options.servers}. "
            f"The service is `{still.service}`; its topics have {PARTITIONS} partitions."
        ),
        *machine(result.loads),
        "",
        (
            f"**{said}**: {result.facts:,} accepted facts about {result.orders:,} orders, "
            f"{result.events:,} events, {result.repeated:,} of them repeated on the log."
        ),
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "| --- |" + " ---: |" * (len(HEADINGS) - 1),
        *("| " + " | ".join(row) + " |" for row in rows(still)),
        "",
        (
            "*Stood still*: the longest time in that phase for which a partition had records and its group's "
            "committed position did not move, over all topics that the service hears, seen from outside. "
            "Positions are committed every half second, so about one second is moving. A change of workers "
            "stops all partitions of the group until it has agreed anew, since Faust's rebalances are eager; "
            "hence scaling goes in steps."
        ),
        "",
        (
            f"Workers that were let go ended within {max(exits, default=0.0):.1f} s of SIGTERM, under load. "
            f"Requests meanwhile: {run.load.answers.total('2xx'):,} accepted, "
            f"{run.load.answers.total('503'):,} put off; with nothing changing "
            f"{run.load.answers.longest_seconds.get(CALM, 0.0):.1f} s was the longest answer."
        ),
        "",
    ]
    if result.wrong:
        lines += ["## What was wrong", "", *(f"- {line}" for line in result.wrong[:200]), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    told = arguments()
    main(told, lambda directory, console: scale_out(told, directory, console))
