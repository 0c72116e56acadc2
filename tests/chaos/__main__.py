"""`make chaos`: break the real system under load, and show that nothing was lost, twice or out of order.

python -m tests.chaos [--minutes 10 | --smoke | --long] [--seed N] [--broker apache|embedded] [--report]
"""

import argparse
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

from rich.console import Console

from tests.chaos.faults import Fault
from tests.chaos.orders import day_begins
from tests.chaos.plans import LONG_DAYS, long_plan, plan, planted_plan, short_plan
from tests.chaos.planted import PLANTED, environment_of
from tests.chaos.report import as_markdown, as_table
from tests.chaos.run import Run
from tests.chaos.terminal import main, parser_of, play, verdict, written
from tests.chaos.town import Options, Town

REPORTS = Path(__file__).parents[2] / "docs" / "reports"
SHORT = timedelta(hours=25)
"""A short run ends when the unpaid were reminded twice and closed."""


def arguments() -> argparse.Namespace:
    """What is wanted."""
    parser = parser_of("make chaos", "Break the real system under load, and hold it to its promises.")
    parser.add_argument(
        "--minutes", type=float, default=10, help="begin no new round of faults after so long"
    )
    parser.add_argument("--rounds", type=int, default=3, help="but so many rounds at least")
    parser.add_argument("--smoke", action="store_true", help="one short round of what needs no waiting")
    parser.add_argument(
        "--long", action="store_true", help="200 kills, 50 freezes, 50 cuts, 20 outages: an hour and a half"
    )
    parser.add_argument("--planted", choices=sorted(PLANTED), help="a defect in the engine, to be seen")
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    return parser.parse_args()


async def chaos(wanted: argparse.Namespace, directory: Path, console: Console) -> int:
    """One run, told and judged."""
    if wanted.broker == "embedded":
        console.print("The embedded broker loses acknowledged records on kill -9; that fault is left out.")

    async def days(town: Town, random: Random) -> AsyncIterator[Sequence[Fault]]:
        async for faults in _rounds(wanted, town, random):
            yield [fault for fault in faults if wanted.only in fault.name]

    options = Options(
        directory,
        wanted.broker,
        wanted.database,
        disks=not wanted.smoke and not wanted.long and wanted.planted is None,
        environment=environment_of(wanted.planted),
    )

    def prepare(run: Run) -> None:
        if wanted.smoke or wanted.planted is not None:
            run.until = day_begins(0) + SHORT

    run = await play(wanted, options, days, console, prepare)
    console.print(as_table(run))
    if wanted.report:
        name, made_by = ("chaos-long", "make chaos ARGS=--long") if wanted.long else ("chaos", "make chaos")
        written(REPORTS / f"{name}.md", as_markdown(run, made_by, wanted.seed), console)
    return verdict(run, wanted.seed, console)


async def _rounds(wanted: argparse.Namespace, town: Town, random: Random) -> AsyncIterator[Sequence[Fault]]:
    """A round of faults for each day: as many rounds as there is time for."""
    if wanted.planted is not None:
        yield planted_plan(random)
        return
    if wanted.smoke:
        yield short_plan(random, apache=town.is_apache)
        return
    if wanted.long:
        for day in range(LONG_DAYS):
            yield long_plan(random, day, apache=town.is_apache)
        return
    began, number = time.monotonic(), 0
    while number < wanted.rounds or time.monotonic() - began < wanted.minutes * 60:
        long_outage = ("broker", "database", "")[number % 3]
        yield plan(random, number, long_outage=long_outage, apache=town.is_apache, disks=tuple(town.disks))
        number += 1


if __name__ == "__main__":
    told = arguments()
    main(told, lambda directory, console: chaos(told, directory, console))
