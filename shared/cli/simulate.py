"""`orderlink simulate FILE`: a timeline under a virtual clock, counted, in one process.

With `--profile` it is played twice, at the same time: as the shops' own profiles have it, and as if
all of them had had another one. The two are shown side by side.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.adapters.logs import set_up_logs
from shared.adapters.profile_files import ProfilesWrong, load_profiles, read_all, read_files
from shared.cli.agents import ActFailed, Agents
from shared.cli.loading import NotInstalled, load_services
from shared.cli.simulation import Played, Simulation, Stuck
from shared.cli.stage import clients_of
from shared.cli.tables import compared_table, counts_table
from shared.cli.timeline import BadTimeline, Extent, instants, measure
from shared.kernel.profiles import Profile

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

OnProgress = Callable[[int, datetime], None]
_FAILURES = (ActFailed, ProfilesWrong, BadTimeline, NotInstalled, Stuck, ValueError)


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be played: a timeline, the shops and profiles that there are, and one for all of them."""

    file: Path
    extent: Extent
    shops: Path | None
    profiles: Path | None
    under: Profile | None = None


@app.command()
def simulate(
    file: Annotated[Path, typer.Argument(help="A timeline, .jsonl or .jsonl.gz, sorted by `at`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Count every event, not only the main ones.")] = False,
    shops: Annotated[
        Path | None, typer.Option(help="Your shops, a YAML list like shared/profiles/shops.yaml.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="What would another profile have done? A YAML file, `mall`, or `mall@1`."),
    ] = None,
    profiles: Annotated[Path | None, typer.Option(help="A directory of further profiles.")] = None,
) -> None:
    """Run a timeline under a virtual clock and count what happens. Years take minutes."""
    stderr = Console(stderr=True)
    try:
        run = Run(file, measure(file), shops, profiles)
        if profile is not None:
            before, after = _both(run, _profile_named(profile, shops, profiles), stderr)
        else:
            before, after = None, _watched(run, stderr)
    except _FAILURES as problem:
        stderr.print(f"[red]simulate:[/red] {problem}", highlight=False)
        raise typer.Exit(1) from problem
    if before is not None:
        _print_both(before, after, as_json=as_json, title=f"{file.name}, {profile} beside the shops' own")
    else:
        _print_one(after, as_json=as_json, every=every, title=file.name)
    played = [after] if before is None else [before, after]
    for each in played:
        _warn(each, stderr)
    if any(each.dead_letters for each in played):
        raise typer.Exit(1)


def _profile_named(named: str, shops: Path | None, profiles: Path | None) -> Profile:
    """A profile out of a file, or one of those there are. Raises `ProfilesWrong`, `ValueError`."""
    path = Path(named)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        (written,) = read_files([path], read_all(profiles)).values()
        return written.profile
    return load_profiles(profiles, shops).named(named)


def _both(run: Run, under: Profile, stderr: Console) -> tuple[Played, Played]:
    """Before and after, each in a process of its own; the bar is that of the second."""
    changed = Run(run.file, run.extent, run.shops, run.profiles, under)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        before = beside.submit(_play, run)
        after = _watched(changed, stderr)
        return before.result(), after


def _watched(run: Run, stderr: Console) -> Played:
    with _progress(run.extent, stderr) as show:
        return _play(run, show)


def _play(run: Run, show: OnProgress = lambda lines, moment: None) -> Played:
    """Play the timeline in this process."""
    set_up_logs("simulation", "simulate", "warning")
    known = load_profiles(run.profiles, run.shops)
    profile_of = known.of if run.under is None else known.all_under(run.under)
    simulation = Simulation(load_services(), profile_of, run.extent.first)
    _spare_the_collector()
    simulation.players = Agents(clients_of(simulation.desks))
    return asyncio.run(simulation.play(instants(run.file), show))


def _spare_the_collector() -> None:
    """What is loaded stays, and files that are being folded form no cycles: look for garbage rarely."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


@contextmanager
def _progress(extent: Extent, stderr: Console) -> Generator[OnProgress]:
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

        yield show


def _print_one(played: Played, *, as_json: bool, every: bool, title: str) -> None:
    counted = played.counts.all if every else played.counts.domain
    if as_json:
        print(json.dumps(counted, indent=1, sort_keys=True))
    else:
        Console().print(counts_table(counted, f"{title}: {played.facts:,} facts"))


def _print_both(before: Played, after: Played, *, as_json: bool, title: str) -> None:
    was, now = before.counts.all, after.counts.all
    differ = {name: now.get(name, 0) - was.get(name, 0) for name in sorted({*was, *now})}
    if as_json:
        print(json.dumps({"before": was, "after": now, "difference": differ}, indent=1, sort_keys=True))
        return
    changed = sum(1 for difference in differ.values() if difference)
    print(f"{title}: {after.facts:,} facts, {changed} of {len(differ)} counts differ")
    Console().print(compared_table(was, now))


def _warn(played: Played, stderr: Console) -> None:
    for number, slug in played.refused:
        stderr.print(f"line {number}: the act was refused: {slug}", highlight=False)
    if played.dead_letters:
        stderr.print(
            f"[red]{played.dead_letters} messages could not be digested; the counts are not to be trusted."
        )
