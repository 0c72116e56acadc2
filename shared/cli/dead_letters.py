"""`orderlink dead-letters`: what a service could not digest; look at it, redrive it, or give it up."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from shared.adapters.settings import CommonSettings
from shared.cli.operate import engine_of, known_service, letters_of, plainly, progress, settings_now
from shared.cli.running import INTERRUPTED_CODE
from shared.contracts.catalog import SERVICES
from shared.kernel.calendar import utc_text
from shared.runtime.parked import Choice, Parked, Survey, letter_in, survey
from shared.runtime.redrive import Progress, discard_parked, redrive_parked

SHOWN_CHARS: Final = 90
REASONS_SHOWN: Final = 5

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _moment(text: str | None) -> datetime | None:
    """A moment as an option: with a zone, or UTC. Raises `typer.BadParameter`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected a time such as 2026-03-02T12:00Z, got {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


OneService = Annotated[str, typer.Argument(callback=known_service, help="orders, logistics, …")]
AnyService = Annotated[str | None, typer.Option("--service", help="Only this service.")]
OneSubject = Annotated[str | None, typer.Option("--subject", help="Only this file, such as an order id.")]
OneSource = Annotated[
    str | None, typer.Option("--source", help="Only what this service said, or of it only one subject's.")
]
OneReason = Annotated[str | None, typer.Option("--reason", help="Only sources whose reason has this text.")]
OneTopic = Annotated[str | None, typer.Option("--topic", help="Only records that came from this topic.")]
Since = Annotated[str | None, typer.Option("--since", help="Only what was parked then or later.")]
Until = Annotated[str | None, typer.Option("--until", help="Only what was parked before then.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]


@app.command("list")
def list_letters(
    service: AnyService = None,
    subject: OneSubject = None,
    source: OneSource = None,
    reason: OneReason = None,
    topic: OneTopic = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="Sources to show of each service.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, all sources.")] = False,
) -> None:
    """List the sources that are parked now: which file, since which record, why, and how many wait."""
    choice = Choice(subject, source, reason, topic, _moment(since), _moment(until))
    with plainly("dead-letters"):
        settings = settings_now()
        names = (known_service(service),) if service else SERVICES
        found = {name: _carefully(_survey(name, choice, settings)) for name in names}
        if as_json:
            print(json.dumps({name: _summary(each) for name, each in found.items()}, indent=1))
            return
        for name, each in found.items():
            _print(name, each, limit)


@app.command()
def show(
    service: OneService,
    subject: Annotated[str, typer.Argument(help="The file.")],
    source: OneSource = None,
) -> None:
    """Show every letter about one file, with its stack and the original record, old ones too."""
    choice = Choice(subject=subject, source=source)
    with plainly("dead-letters"):
        shown = 0
        for record in letters_of(service, settings_now())({}):
            letter = letter_in(record)
            if letter is not None and choice.fits(letter):
                typer.echo(letter.model_dump_json(indent=2))
                shown += 1
        if not shown:
            raise ValueError(f"there is no letter about {subject} in {service}")


@app.command("redrive")
def redrive_letters(
    service: OneService,
    subject: OneSubject = None,
    source: OneSource = None,
    reason: OneReason = None,
    topic: OneTopic = None,
    since: Since = None,
    until: Until = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Take parked records in again, each source in order, as whole sources. Mend the cause first."""
    choice = Choice(subject, source, reason, topic, _moment(since), _moment(until))
    with plainly("dead-letters"):
        _carefully(_redrive(service, choice, settings_now(), yes=yes, dry_run=dry_run))


@app.command("discard")
def discard_letters(
    service: OneService,
    subject: OneSubject = None,
    source: OneSource = None,
    reason: OneReason = None,
    topic: OneTopic = None,
    since: Since = None,
    until: Until = None,
    first: Annotated[
        bool, typer.Option("--first", help="Only each source's first record; what is behind it stays.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Give parked records up: the files move past them as if they had been taken in."""
    choice = Choice(subject, source, reason, topic, _moment(since), _moment(until))
    with plainly("dead-letters"):
        _carefully(_discard(service, choice, settings_now(), first=first, yes=yes, dry_run=dry_run))


def _carefully(doing: Coroutine[Any, Any, Any]) -> Any:
    """Run it. Ctrl-C ends it between two batches, and then it says how to go on."""
    try:
        return asyncio.run(doing)
    except KeyboardInterrupt:
        typer.echo("Stopped. What was done is committed; the same command goes on from there.", err=True)
        raise typer.Exit(INTERRUPTED_CODE) from None


async def _survey(service: str, choice: Choice, settings: CommonSettings) -> Survey:
    async with engine_of(service, settings) as engine:
        return await survey(engine, letters_of(service, settings), choice)


async def _redrive(
    service: str, choice: Choice, settings: CommonSettings, *, yes: bool, dry_run: bool
) -> None:
    async with engine_of(service, settings) as engine:
        read = letters_of(service, settings)
        found = await survey(engine, read, choice)
        question = f"Take {_counted(found.parked.values())} of {service} in again?"
        if not _goes_ahead(service, found, question, yes=yes, dry_run=dry_run):
            return
        with progress(f"redrive {service}") as shown:
            report = await redrive_parked(engine, read, found.parked, _against(found.waiting, shown))
    typer.echo(
        f"{service}: {report.applied:,} applied, {report.stale:,} copies dropped, {report.kept:,} stay parked"
    )
    if report.failed:
        one = min(report.stuck)
        typer.echo(
            f"{report.failed:,} sources failed again. Why: orderlink dead-letters show {service} {one.file}\n"
            "Mend the cause and redrive once more, or give up what can't be taken in: "
            f"orderlink dead-letters discard {service} --first",
            err=True,
        )
        raise typer.Exit(1)


async def _discard(
    service: str, choice: Choice, settings: CommonSettings, *, first: bool, yes: bool, dry_run: bool
) -> None:
    async with engine_of(service, settings) as engine:
        read = letters_of(service, settings)
        found = await survey(engine, read, choice)
        chosen = found.parked.values()
        what = f"the first record of {len(chosen):,} sources" if first else _counted(chosen)
        question = f"Give {what} of {service} up for good?"
        if not _goes_ahead(service, found, question, yes=yes, dry_run=dry_run):
            return
        total = len(chosen) if first else found.waiting
        with progress(f"discard {service}") as shown:
            shown_of = _against(total, shown)
            report = await discard_parked(engine, read, chosen, shown_of, only_first=first)
        left = await survey(engine, read, choice)
    typer.echo(f"{service}: {report.applied:,} given up")
    if left.waiting:
        typer.echo(
            f"Waiting behind what was given up: {left.waiting:,}. Take it in: "
            f"orderlink dead-letters redrive {service}"
        )


def _goes_ahead(service: str, found: Survey, question: str, *, yes: bool, dry_run: bool) -> bool:
    if not found.parked:
        typer.echo(f"{service}: nothing that is parked fits; nothing to do")
        return False
    if dry_run or not yes:
        _print_reasons(Console(stderr=True), found)
    if dry_run:
        typer.echo(f"Dry run, nothing was changed. It would ask: {question}")
        return False
    return yes or typer.confirm(question, abort=True)


def _against(total: int, shown: Progress) -> Progress:
    """Progress against what was counted first; more, when more has come meanwhile."""
    return lambda done, known: shown(done, max(total, known))


def _counted(chosen: Collection[Parked]) -> str:
    count = sum(each.letters for each in chosen)
    sources = f"{len(chosen):,} source{'' if len(chosen) == 1 else 's'}"
    return f"{count:,} record{'' if count == 1 else 's'} of {sources}"


def _reasons(found: Survey) -> list[tuple[str, int]]:
    return Counter(each.first.reason[:SHOWN_CHARS] for each in found.parked.values()).most_common()


def _print_reasons(console: Console, found: Survey) -> None:
    reasons = _reasons(found)
    for reason, count in reasons[:REASONS_SHOWN]:
        console.print(f"{count:>7,} × {reason}", highlight=False, markup=False)
    if len(reasons) > REASONS_SHOWN:
        console.print(f"        and {len(reasons) - REASONS_SHOWN:,} more reasons")


def _print(service: str, found: Survey, limit: int) -> None:
    console = Console()
    if not found.parked:
        console.print(f"{service}: nothing is parked ({found.letters:,} letters on the topic)")
    else:
        title = f"{service}: {len(found.parked):,} parked, {found.waiting:,} records wait"
        table = Table(title=title, title_justify="left", show_edge=False)
        for column in ("file", "source", "from", "to", "waiting", "since", "reason"):
            table.add_column(column, overflow="fold")
        for where, each in list(found.parked.items())[:limit]:
            since = f"{each.first.at:%Y-%m-%d %H:%M}"
            numbers = (str(each.first.sequence), str(each.parked_to), str(each.letters), since)
            table.add_row(where.file, where.name, *numbers, each.first.reason[:SHOWN_CHARS])
        console.print(table)
        if len(found.parked) > limit:
            console.print(f"… and {len(found.parked) - limit:,} more sources (--limit). By reason:")
            _print_reasons(console, found)
        one = next(iter(found.parked)).file
        console.print(f"Next: orderlink dead-letters show {service} {one}", style="dim")
    for kind, count in found.others.items():
        what = {
            "alien": "records that are no events of ours",
            "timer": "timers whose rule raised",
            "effect": "effects whose answer a rule could not take",
        }.get(kind, kind)
        console.print(f"{service}: {count:,} {what} (they hold up nothing)")
    if found.unreadable:
        console.print(f"{service}: {found.unreadable:,} records on the topic that are no letters")


def _summary(found: Survey) -> dict[str, Any]:
    return {
        "sources": len(found.parked),
        "waiting": found.waiting,
        "letters": found.letters,
        "others": found.others,
        "unreadable": found.unreadable,
        "reasons": dict(_reasons(found)),
        "parked": [
            {
                "file": where.file,
                "source": where.name,
                "from": each.first.sequence,
                "to": each.parked_to,
                "waiting": each.letters,
                "since": utc_text(each.first.at),
                "reason": each.first.reason,
                "topic": each.first.topic,
            }
            for where, each in found.parked.items()
        ],
    }
