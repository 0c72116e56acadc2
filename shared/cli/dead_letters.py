"""`orderlink dead-letters`: what a service could not digest; look at it, redrive it, or give it up."""

import asyncio
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.adapters.settings import CommonSettings
from shared.cli.operate import admin_of, engine_of, known_service, plainly, progress, settings_now
from shared.contracts.catalog import SERVICES, dead_letter_topic
from shared.runtime.dead_letters import StoredLetter, read_letter
from shared.runtime.engine import Engine
from shared.runtime.redrive import Report, discard, redrive, still_parked

SHOWN_CHARS = 90

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

OneService = Annotated[str, typer.Argument(callback=known_service, help="orders, logistics, …")]
AnyService = Annotated[str | None, typer.Option("--service", help="Only this service.")]
OneSubject = Annotated[str | None, typer.Option("--subject", help="Only this file, such as an order id.")]
OneReason = Annotated[str | None, typer.Option("--reason", help="Only sources whose reason has this text.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_letters(service: AnyService = None) -> None:
    """List the sources that are parked now: which file, since which record, why, and how many wait."""
    with plainly("dead-letters"):
        settings = settings_now()
        for name in (known_service(service),) if service else SERVICES:
            asyncio.run(_list(name, settings))


@app.command()
def show(service: OneService, subject: Annotated[str, typer.Argument(help="The file.")]) -> None:
    """Show every letter about one file, with its stack and the original record."""
    with plainly("dead-letters"):
        letters = [each for each in _letters(service, settings_now()) if each.parked_in == subject]
        for letter in letters:
            typer.echo(letter.model_dump_json(indent=2))
        if not letters:
            raise ValueError(f"there is no letter about {subject} in {service}")


@app.command("redrive")
def redrive_letters(
    service: OneService, subject: OneSubject = None, reason: OneReason = None, yes: Yes = False
) -> None:
    """Take parked records in again, each source in order. Mend the cause first."""
    with plainly("dead-letters"):
        asyncio.run(_redrive(service, subject, reason, yes, settings_now()))


@app.command("discard")
def discard_letters(
    service: OneService, subject: OneSubject = None, reason: OneReason = None, yes: Yes = False
) -> None:
    """Give parked records up: the files move past them as if they had been taken in."""
    with plainly("dead-letters"):
        asyncio.run(_discard(service, subject, reason, yes, settings_now()))


def _letters(service: str, settings: CommonSettings) -> list[StoredLetter]:
    records = admin_of(settings).read_all(dead_letter_topic(service))
    return [read_letter(record.value) for record in records if record.value is not None]


async def _list(service: str, settings: CommonSettings) -> None:
    console = Console()
    letters = await asyncio.to_thread(_letters, service, settings)
    others = Counter(letter.kind for letter in letters if letter.kind in ("alien", "timer"))
    async with engine_of(service, settings) as engine:
        parked = await still_parked(engine, letters)
    if not parked:
        console.print(f"{service}: nothing is parked ({len(letters)} letters on the topic)")
    else:
        table = Table(title=f"{service}: {len(parked)} parked", title_justify="left", show_edge=False)
        for column in ("file", "source", "from", "to", "waiting", "reason"):
            table.add_column(column, overflow="fold")
        for subject, source, last, left in parked:
            first = left[0] if left else None
            numbers = (str(first.sequence), str(last), str(len(left))) if first else ("?", str(last), "?")
            table.add_row(subject, source, *numbers, first.reason[:SHOWN_CHARS] if first else "")
        console.print(table)
        console.print(f"Next: orderlink dead-letters show {service} {parked[0][0]}", style="dim")
    for kind, count in others.items():
        what = "records that are no events of ours" if kind == "alien" else "timers whose rule raised"
        console.print(f"{service}: {count} {what} (they hold up nothing)")


async def _redrive(
    service: str, subject: str | None, reason: str | None, yes: bool, settings: CommonSettings
) -> None:
    async with engine_of(service, settings) as engine:
        total = Report()
        while True:
            # More may be parked behind while this runs, so it goes on until nothing is left to do.
            letters = await _chosen(engine, service, subject, reason, settings)
            if not letters:
                break
            if not yes:
                typer.confirm(f"Take {len(letters)} records of {service} in again?", abort=True)
                yes = True
            with progress(f"redrive {service}") as shown:
                report = await redrive(engine, letters, shown)
            total.applied += report.applied
            total.stale += report.stale
            total.failed, total.kept = report.failed, report.kept
            if not report.applied:
                break
    typer.echo(f"{service}: {total.applied} applied, {total.stale} copies dropped, {total.kept} stay parked")
    if total.failed:
        typer.echo(f"{total.failed} sources failed again; mend the cause and redrive once more", err=True)
        raise typer.Exit(1)


async def _discard(
    service: str, subject: str | None, reason: str | None, yes: bool, settings: CommonSettings
) -> None:
    async with engine_of(service, settings) as engine:
        letters = await _chosen(engine, service, subject, reason, settings)
        if letters and not yes:
            typer.confirm(f"Give {len(letters)} records of {service} up for good?", abort=True)
        with progress(f"discard {service}") as shown:
            report = await discard(engine, letters, shown)
    typer.echo(f"{service}: {report.applied} given up")


async def _chosen(
    engine: Engine, service: str, subject: str | None, reason: str | None, settings: CommonSettings
) -> list[StoredLetter]:
    """Letters of whole sources: those parked now, about the file, one of whose reasons has the text."""
    letters = await asyncio.to_thread(_letters, service, settings)
    if subject is not None:
        letters = [letter for letter in letters if letter.parked_in == subject]
    return [
        letter
        for _, _, _, left in await still_parked(engine, letters)
        if reason is None or any(reason in each.reason for each in left)
        for letter in left
    ]
