"""A run in the terminal: started, shown while it goes on, judged, and told in the end."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from random import Random

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shared.cli.running import ephemeral_directory
from tests.bench.servers import DATABASES
from tests.chaos.faults import Fault
from tests.chaos.load import Load
from tests.chaos.onlooker import Onlooker
from tests.chaos.run import Run, Stroke
from tests.chaos.town import NeverCame, Options, Town
from tests.kit.maven import what_is_missing

SHOWN_MAX = 40
TABLE_COLUMNS = 120
"""Where nobody watches on a terminal, whose width would be taken for 80."""
Days = Callable[[Town, Random], AsyncIterator[Sequence[Fault]]]


def parser_of(program: str, said: str) -> argparse.ArgumentParser:
    """The options that every run has."""
    parser = argparse.ArgumentParser(prog=program, description=said)
    parser.add_argument("--seed", type=int, default=1, help="draws orders, faults and targets")
    parser.add_argument(
        "--broker", choices=("apache", "embedded"), help="Apache Kafka where Maven and Java are"
    )
    parser.add_argument(
        "--database",
        choices=DATABASES,
        default="embedded",
        help="default: %(default)s",
    )
    parser.add_argument("--orders-per-second", type=float, default=2.0, help="so many are begun")
    parser.add_argument("--orders-at-once", type=int, default=200, help="no more than these are under way")
    parser.add_argument("--report", action="store_true", help="write the page in docs/reports")
    parser.add_argument("--directory", type=Path, help="keep everything here, logs too; else nothing is kept")
    return parser


def main(wanted: argparse.Namespace, body: Callable[[Path, Console], Awaitable[int]]) -> None:
    """Run, and end the process with its code."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = TABLE_COLUMNS
    # Whoever asks us to end waits until everything was put away: small disks are to be unmounted.
    # A shell lets what it starts in the background ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    # The drivers of the one who looks complain of every outage that we make ourselves.
    logging.disable(logging.CRITICAL)
    if wanted.broker is None:
        missing = " and ".join(what_is_missing())
        wanted.broker = "embedded" if missing else "apache"
        if missing:
            console.print(f"Apache Kafka needs {missing}, not found here: the embedded broker it is.")
    try:
        if wanted.directory is not None:
            code = asyncio.run(_awaited(body(wanted.directory, console)))
        else:
            with ephemeral_directory() as directory:
                code = asyncio.run(_awaited(body(directory, console)))
    except KeyboardInterrupt:
        console.print("Stopped; nothing was judged.")
        code = 130
    sys.stdout.flush()
    # Whatever a driver left behind is of no interest any more.
    os._exit(code)


async def _awaited(doing: Awaitable[int]) -> int:
    return await doing


async def play(
    wanted: argparse.Namespace,
    options: Options,
    days: Days,
    console: Console,
    prepare: Callable[[Run], None] = lambda run: None,
) -> Run:
    """Start everything, play the days, and hold what came of it against the oracle."""
    random = Random(wanted.seed)

    def tell(text: str) -> None:
        console.print(f"[dim]· {text}[/dim]")

    async with Town(options, tell) as town, _onlooker(town) as onlooker:
        load = Load(onlooker, random, wanted.orders_per_second, wanted.orders_at_once)
        load.connect(town.addresses.apis, town.stack.headers)
        run = Run(town, load, onlooker, random)
        run.on_stroke = lambda stroke: tell(_told(stroke))
        prepare(run)
        onlooker.begin()
        try:
            with _shown(run, console):
                await run.play(days(town, random))
            await run.read_files()
        except NeverCame as problem:
            run.result.wrong += [str(problem), *onlooker.ledger.wrong, *load.answers.wrong]
            return run
        finally:
            await load.close()
    with _shown(run, console):
        await run.judge()
    return run


def _onlooker(town: Town) -> Onlooker:
    return Onlooker(town.broker.address, town.database.url, town.options.partitions)


def verdict(run: Run, seed: int, console: Console) -> int:
    """Say what came of it: 1 when a promise was broken."""
    result = run.result
    for line in result.wrong[:SHOWN_MAX]:
        console.print(f"[red]✗[/red] {line}")
    if len(result.wrong) > SHOWN_MAX:
        console.print(f"… and {len(result.wrong) - SHOWN_MAX} more")
    if result.wrong:
        console.print(f"[red]{len(result.wrong)} findings: a promise was broken.[/red] The seed was {seed}.")
        return 1
    console.print(
        f"[green]Nothing was lost, twice or out of order:[/green] {result.facts:,} facts about "
        f"{result.orders:,} orders, {result.events:,} events, {len(result.strokes)} faults by day and "
        f"{result.night_kills} kills by night, in {result.seconds / 60:.1f} minutes."
    )
    return 0


def written(page: Path, text: str, console: Console) -> None:
    """Write a report."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text, "utf-8")
    console.print(f"Written: {page}")


def _told(stroke: Stroke) -> str:
    note = f" ({stroke.felt.note})" if stroke.felt.note else ""
    return (
        f"{stroke.fault.name}{note}: moving again after {stroke.moving_seconds:.1f} s, "
        f"caught up after {stroke.caught_up_seconds:.1f} s"
    )


def _shown(run: Run, console: Console) -> Live:
    """What goes on, live in a terminal; where there is none, each fault has its line."""
    began = time.monotonic()

    def frame() -> Table:
        seconds = round(time.monotonic() - began)
        look, answers = run.onlooker.latest, run.load.answers
        table = Table.grid(padding=(0, 2))
        lag = "?" if look is None else f"{look.lag_total:,}"
        table.add_row(
            Text(f"{seconds // 60}:{seconds % 60:02d}"),
            Text(run.now_doing, style="bold"),
            f"accepted {answers.total('2xx'):,}",
            f"put off {answers.total('503', 'nobody there', 'cut off'):,}",
            f"heard by all {len(run.load.told):,}",
            f"in flight {run.load.in_flight}",
            f"lag {lag}",
        )
        return table

    return Live(get_renderable=frame, console=console, refresh_per_second=4, transient=True)
