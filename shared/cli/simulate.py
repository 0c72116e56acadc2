"""`orderlink simulate FILE`: a timeline under a virtual clock, counted, in one process."""

import asyncio
import gc
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.adapters.logs import set_up_logs
from shared.adapters.profile_files import ProfilesWrong, load_profiles
from shared.cli.agents import ActFailed, Agents
from shared.cli.loading import NotInstalled, load_services
from shared.cli.simulation import Played, Simulation, Stuck
from shared.cli.stage import clients_of
from shared.cli.tables import counts_table
from shared.cli.timeline import BadTimeline, Extent, instants, measure

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def simulate(
    file: Annotated[Path, typer.Argument(help="A timeline, .jsonl or .jsonl.gz, sorted by `at`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Count every event, not only the main ones.")] = False,
    shops: Annotated[
        Path | None, typer.Option(help="Your shops, a YAML list like shared/profiles/shops.yaml.")
    ] = None,
) -> None:
    """Run a timeline under a virtual clock and count what happens. Years take minutes."""
    stderr = Console(stderr=True)
    set_up_logs("simulation", "simulate", "warning")
    try:
        extent = measure(file)
        played = asyncio.run(_run(file, extent, shops, stderr))
    except (ActFailed, ProfilesWrong, BadTimeline, NotInstalled, Stuck) as problem:
        stderr.print(f"[red]simulate:[/red] {problem}", highlight=False)
        raise typer.Exit(1) from problem
    counted = played.counts.all if every else played.counts.domain
    if as_json:
        print(json.dumps(counted, indent=1, sort_keys=True))
    else:
        Console().print(counts_table(counted, f"{file.name}: {played.facts:,} facts"))
    _warn(played, stderr)
    if played.dead_letters:
        raise typer.Exit(1)


def _spare_the_collector() -> None:
    """What is loaded stays, and files that are being folded form no cycles: look for garbage rarely."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


async def _run(file: Path, extent: Extent, shops: Path | None, stderr: Console) -> Played:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=stderr,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        bar = progress.add_task(extent.first.strftime("%Y-%m-%d"), total=extent.lines)

        def show(lines: int, moment: datetime) -> None:
            progress.update(bar, completed=lines, description=moment.strftime("%Y-%m-%d"))

        profiles = load_profiles(shops_file=shops)
        simulation = Simulation(load_services(), profiles.of, extent.first)
        _spare_the_collector()
        simulation.players = Agents(clients_of(simulation.desks))
        return await simulation.play(instants(file), show)


def _warn(played: Played, stderr: Console) -> None:
    for number, slug in played.refused:
        stderr.print(f"line {number}: the act was refused: {slug}", highlight=False)
    if played.dead_letters:
        stderr.print(
            f"[red]{played.dead_letters} messages could not be digested; the counts are not to be trusted."
        )
