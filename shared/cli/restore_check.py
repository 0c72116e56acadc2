"""`orderlink restore-check`: after a service's database was restored, bring it past what the topics know.

Without `--apply` it changes nothing. With it, files are lifted first and the group goes back last: until
then no worker starts, so that one which was interrupted is run again. Ends with 0 when database and
topics are in step, or were brought there, with 3 when they are not and nothing was changed, and with 1
when it can't go on.
"""

import asyncio
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from shared.adapters.kafka_broker import broker_from
from shared.adapters.kafka_growth import KafkaGrowth
from shared.cli.migrate import NotNow
from shared.cli.operate import engine_of, known_service, plainly, progress, settings_now
from shared.cli.restore_report import Ends, Found, applied, as_json, question, report
from shared.cli.running import INTERRUPTED_CODE
from shared.contracts.catalog import HEARS, consumer_group, event_topic
from shared.runtime.chunks import in_chunks
from shared.runtime.engine import Engine
from shared.runtime.restore.comparison import Comparison, Lost, compare
from shared.runtime.restore.lifting import lift, rewound

CODE_OUT_OF_STEP: Final = 3
CHUNK_RECORDS: Final = 2_000

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(slots=True)
class Asked:
    """What the operator said."""

    service: str
    apply: bool
    yes: bool
    stopped: bool
    since: datetime | None
    from_start: bool
    tail: bool
    hold: timedelta
    write_to: Path | None


@app.command()
def restore_check(
    service: Annotated[str, typer.Argument(help="The service whose database was restored.")],
    apply: Annotated[bool, typer.Option("--apply", help="Mend it; without, nothing is changed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stopped: Annotated[
        bool, typer.Option("--stopped", help="Workers with fixed names are stopped: don't wait for them.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(help="When the backup began, if it was not of one moment: 2026-11-22T03:00:00Z."),
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Hear everything again: for a backup of an older release.")
    ] = False,
    tail: Annotated[
        bool,
        typer.Option("--tail", help="Read the topic from the note on; for a backup of one moment."),
    ] = False,
    hold_hours: Annotated[
        float, typer.Option(min=0, max=8760, help="How long timers of files that are behind wait.")
    ] = 24.0,
    write_to: Annotated[
        Path | None, typer.Option("--list", help="Write every lost event here, one JSON object a line.")
    ] = None,
    in_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare a restored database with the topics; say what is missing, and with --apply mend its numbers."""
    asked = Asked(
        known_service(service),
        apply,
        yes,
        stopped,
        _moment(since),
        from_start,
        tail,
        timedelta(hours=hold_hours),
        write_to,
    )
    with plainly("restore-check"):
        try:
            found = asyncio.run(_check(asked, in_json=in_json))
        except NotNow as reason:
            raise ValueError(str(reason)) from reason
        except KeyboardInterrupt:
            typer.echo("Stopped. The same command goes on from there.", err=True)
            raise typer.Exit(INTERRUPTED_CODE) from None
    raise typer.Exit(0 if found.in_step or asked.apply else CODE_OUT_OF_STEP)


async def _check(asked: Asked, *, in_json: bool) -> Found:
    settings = settings_now()
    admin = KafkaGrowth(broker_from(settings))
    group = consumer_group(asked.service)
    if asked.apply and asked.stopped:
        await admin.forget_named((group,))
    try:
        await _nobody_works(admin, group)
    except NotNow as reason:
        if asked.apply:
            raise
        typer.echo(f"What follows may be out of date already: {reason}.", err=True)
    async with engine_of(asked.service, settings, only_letters=True) as engine:
        found = await _look(admin, engine, asked)
        if not in_json:
            report(found, asked.write_to)
        if asked.apply and not found.in_step:
            if not asked.yes:
                typer.confirm(question(found), abort=True)
            await _nobody_works(admin, group)
            await _apply(admin, engine, found, asked.hold)
            found.applied = True
            if not in_json:
                applied(found)
        if in_json:
            typer.echo(as_json(found))
    return found


async def _look(admin: KafkaGrowth, engine: Engine, asked: Asked) -> Found:
    """Read and compare. Raises `NotNow` where it can't be known how far the database had heard."""
    service, heard_topics = asked.service, HEARS[asked.service]
    committed = dict(await admin.committed(consumer_group(service), heard_topics))
    heard = await engine.store.heard()
    if heard is None and asked.since is None and not asked.from_start:
        raise NotNow(
            f"the database of {service} was made by a release that did not note what it had heard. Say when "
            "the backup began (--since 2026-11-22T03:00:00Z, earlier if workers were behind), or --from-start"
        )
    at_moment: Ends = {}
    if asked.from_start:
        at_moment = dict.fromkeys(committed, 0)
    elif asked.since is not None:
        at_moment = dict(await admin.offsets_at(heard_topics, asked.since))
    back_to = rewound(committed, committed if heard is None else heard, at_moment)
    return Found(service, await _compare(admin, engine, heard or {}, asked), committed, back_to)


async def _compare(admin: KafkaGrowth, engine: Engine, heard: Ends, asked: Asked) -> Comparison:
    service, topic = asked.service, event_topic(asked.service)
    noted = {where.partition: offset for where, offset in heard.items() if where.topic == topic}
    if asked.tail and not noted:
        raise NotNow(f"--tail needs a note of how far {service} had heard {topic}, and there is none")
    start = noted if asked.tail else {}
    ends = {where.partition: end for where, end in (await admin.end_offsets((topic,))).items()}
    total = sum(max(0, end - start.get(number, 0)) for number, end in ends.items())
    with progress(f"reading {topic}") as show, _listing(asked.write_to) as note:
        chunks = in_chunks(admin.read_all(topic, start), CHUNK_RECORDS)
        return await compare(service, engine.store, chunks, note, lambda read: show(read, max(read, total)))


async def _apply(admin: KafkaGrowth, engine: Engine, found: Found, hold: timedelta) -> None:
    """Lift the files, and when all are, let the group go back: only then may workers start."""
    with progress("lifting files") as show:
        found.lifted = await lift(engine, found.compared, engine.clock.now() + hold, show)
    if found.back_to:
        await admin.set_position(consumer_group(found.service), found.back_to)
    await engine.store.trust({**found.committed, **found.back_to})


async def _nobody_works(admin: KafkaGrowth, group: str) -> None:
    """Raises `NotNow` while a worker is a member of the service's group."""
    members = await admin.members((group,))
    if members:
        raise NotNow(
            f"workers are running ({group}: {', '.join(members[group])}). Stop workers and APIs of this "
            "service, and run this again. One that was killed, or has a fixed name "
            "(ORDERLINK_WORKER_INSTANCE_ID), counts as running for its session timeout of 10 s; if you know "
            "that those with names are stopped, say --apply --stopped"
        )


@contextmanager
def _listing(path: Path | None) -> Generator[Callable[[Lost], None]]:
    """Writes what is noted to a file, a line each; to nowhere without one."""
    if path is None:
        yield lambda lost: None
        return
    with path.open("w", encoding="utf-8") as file:
        yield lambda lost: print(json.dumps(lost.line()), file=file)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"expected a time such as 2026-11-22T03:00:00Z, got {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
