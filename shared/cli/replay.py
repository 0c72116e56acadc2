"""`orderlink replay FILE`: a timeline on the real stack, over HTTP, in lockstep or in scaled time."""

import asyncio
import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.adapters.clock import FileClockWriter
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_broker import broker_at
from shared.cli.agents import ActFailed
from shared.cli.counts import Counts
from shared.cli.lockstep import Lockstep
from shared.cli.running import INTERRUPTED_CODE, Interrupted, ephemeral_directory, with_stack
from shared.cli.scaled import Scaled
from shared.cli.stack import Plan, Servers, Stack, StackFailed
from shared.cli.system import Addresses, System, SystemFailed, read_addresses
from shared.cli.tables import counts_table
from shared.cli.timeline import BadTimeline, Extent, instants, measure
from shared.contracts.catalog import SERVICES, event_topic
from shared.contracts.event import UnknownEventType, from_cloudevent
from shared.runtime.ports import TopicPartition, Unavailable

FAST: Final = {
    "ORDERLINK_PENDING_STALE_AFTER_SECONDS": "0",
    "ORDERLINK_LOG_LEVEL": "warning",
}
"""Settings of a stack whose time stands still: sweep without waiting for the clock."""
TOPICS: Final = tuple(event_topic(service) for service in SERVICES)

OnProgress = Callable[[int, datetime], None]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(slots=True)
class Replayed:
    """What came of it."""

    counts: Counts = field(default_factory=Counts)
    lines: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A timeline, .jsonl or .jsonl.gz, sorted by `at`.")],
    lockstep: Annotated[
        bool, typer.Option("--lockstep", help="Never let time run ahead of what is still under way.")
    ] = False,
    speed: Annotated[
        float | None, typer.Option(min=1, help="Let time run so many times faster than it does.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as one JSON object.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Count every event, not only the main ones.")] = False,
    system: Annotated[
        Path | None,
        typer.Option(
            help="The system.json of a system that runs in test mode; else one is started for this."
        ),
    ] = None,
) -> None:
    """Play a timeline over HTTP on the real stack, in lockstep or in scaled time, and count what happens."""
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    if lockstep == (speed is not None):
        stderr.print("replay: say either --lockstep or --speed N")
        raise typer.Exit(2)
    try:
        extent = measure(file)
        played = asyncio.run(_replay(file, extent, speed, system, stderr))
    except (ActFailed, BadTimeline, StackFailed, SystemFailed, Unavailable) as problem:
        stderr.print(f"[red]replay:[/red] {problem}")
        raise typer.Exit(1) from problem
    except Interrupted:
        stderr.print("replay: stopped half-way; nothing was kept.")
        raise typer.Exit(INTERRUPTED_CODE) from None
    counted = played.counts.all if every else played.counts.domain
    if as_json:
        print(json.dumps(counted, indent=1, sort_keys=True))
    else:
        Console().print(counts_table(counted, f"{file.name}: {played.lines:,} lines"))
    for number, slug in played.refused:
        stderr.print(f"line {number}: the act was refused: {slug}")


async def _replay(
    file: Path, extent: Extent, speed: float | None, running: Path | None, stderr: Console
) -> Replayed:
    with progress_bar(extent, stderr) as show:
        if running is not None:
            return await replay_on(read_addresses(running), file, extent, speed, show)
        with ephemeral_directory() as directory:
            return await replay_on_own_stack(
                directory, file, extent, speed, show, lambda said: stderr.print(f"[dim]· {said}[/dim]")
            )


async def replay_on_own_stack(
    directory: Path,
    file: Path,
    extent: Extent,
    speed: float | None,
    show: OnProgress,
    tell: Callable[[str], None],
    meanwhile: Callable[[Stack], None] = lambda stack: None,
    servers: Servers | None = None,
) -> Replayed:
    """Start a stack in test mode, replay on it, end it. `meanwhile` is called when it runs.

    The stack starts the embedded pair, unless `servers` names a broker and a database to play on.
    """
    clock = directory / "clock"
    FileClockWriter(clock, extent.first, held=True).close()

    async def play(stack: Stack) -> Replayed:
        meanwhile(stack)
        return await replay_on(Addresses.of_stack(stack), file, extent, speed, show)

    plan = Plan(directory=directory, servers=servers, test_clock=clock, environment=FAST)
    return await with_stack(plan, tell, play)


async def replay_on(
    addresses: Addresses, file: Path, extent: Extent, speed: float | None, show: OnProgress
) -> Replayed:
    """Replay on a system that runs in test mode, and count what it says meanwhile."""
    if addresses.test_clock is None:
        raise SystemFailed("that system has no test clock: start it with `orderlink up --test-clock ...`")
    admin = KafkaAdmin(broker_at(addresses.kafka))
    try:
        before = await admin.end_offsets(TOPICS)
        async with System(addresses) as system:
            with FileClockWriter(addresses.test_clock, extent.first, held=True) as clock:
                driver = (
                    Lockstep(system, clock, extent.first)
                    if speed is None
                    else Scaled(system, clock, extent.first, speed)
                )
                await driver.play(instants(file), show)
        counts = await asyncio.to_thread(count_log, admin, before)
    finally:
        await admin.close()
    return Replayed(counts=counts, lines=driver.lines, refused=driver.refused)


def count_log(admin: KafkaAdmin, starts: Mapping[TopicPartition, int]) -> Counts:
    """Count everything on the event topics from these offsets on, each event once."""
    counts = Counts()
    for topic in TOPICS:
        for record in admin.read_all(topic):
            start = starts.get(TopicPartition(topic, record.partition), 0)
            if record.value is None or record.offset < start:
                continue
            try:
                counts.add(from_cloudevent(json.loads(record.value)))
            except UnknownEventType:
                continue
    return counts


@contextmanager
def progress_bar(extent: Extent, console: Console) -> Generator[OnProgress]:
    """A bar on standard error while it is a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        bar = progress.add_task(f"{extent.first:%Y-%m-%d}", total=extent.lines)

        def show(lines: int, moment: datetime) -> None:
            progress.update(bar, completed=lines, description=f"{moment:%Y-%m-%d}")

        yield show
