"""`orderlink topics`: make and check the topics of the catalogue, and see how far each service is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from shared.adapters.kafka_broker import broker_from
from shared.adapters.kafka_growth import EVENT_TOPICS, KafkaGrowth
from shared.adapters.kafka_rights import check_rights
from shared.adapters.kafka_topics import PARTITIONS, Difference, KafkaTopics, differences
from shared.cli.migrate import (
    OURS,
    SILENT_SETTING,
    NotNow,
    check_nobody_works,
    check_nobody_writes,
    check_subscribers,
    grow,
    look,
    take_in_the_rest,
    verify,
)
from shared.cli.operate import admin_of, plainly, progress, settings_now
from shared.cli.running import INTERRUPTED_CODE
from shared.contracts.access import rights_to_migrate
from shared.contracts.catalog import HEARS, SERVICES, SLOTS, TOPICS, consumer_group
from shared.runtime.ports import Unavailable

RETRY_SECONDS: Final = 3.0

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Partitions = Annotated[
    int,
    typer.Option(
        min=1,
        max=SLOTS,
        help="Partitions of every event topic: a power of two, for good. The same everywhere.",
    ),
]


WaitSeconds = Annotated[
    float, typer.Option(min=0, max=3600, help="How long to wait for what is not there yet.")
]


@app.command()
def make(
    partitions: Partitions = 16,
    replication: Annotated[int, typer.Option(min=1, max=9, help="Copies of each partition.")] = 3,
    wait_seconds: WaitSeconds = 0.0,
    alter: Annotated[
        bool, typer.Option("--alter", help="Give topics that are there the catalogue's settings too.")
    ] = False,
) -> None:
    """Make what is missing; fail where a topic is there otherwise than the catalogue wants it."""

    async def made(admin: KafkaTopics) -> None:
        await admin.ensure_topics(partitions, replication)
        if alter and (differing := differences(await admin.standing(), partitions)):
            await admin.settle(differing)
            typer.echo("\n".join(f"altered: {each.told}" for each in differing))
        await all_there(admin, partitions)

    with plainly("topics make"):
        asyncio.run(awaited(made, wait_seconds, typer.echo))
        typer.echo(all_is_well(partitions))


@app.command()
def check(partitions: Partitions = 16, wait_seconds: WaitSeconds = 0.0) -> None:
    """Say whether all topics are there as the catalogue wants them, settings too; change nothing."""
    with plainly("topics check"):
        asyncio.run(awaited(lambda admin: all_there(admin, partitions), wait_seconds, typer.echo))
        typer.echo(all_is_well(partitions))


def all_is_well(partitions: int) -> str:
    """What is said in the end."""
    return (
        f"{len(TOPICS)} topics are there, event topics with {partitions} partitions each, and set as they "
        "must be."
    )


@app.command("list")
def list_topics() -> None:
    """The catalogue: every topic with its owner, its readers and what it keeps."""
    table = Table(show_edge=False)
    for column in ("topic", "written by", "read by", "keeps"):
        # A cut name names no topic, and in a pipe the table is 80 characters wide.
        table.add_column(column, overflow="fold")
    for topic in TOPICS:
        keeps = "newest for each key" if topic.compacted else "everything"
        writers = ", ".join((topic.owner, *topic.also_written_by))
        readers = ", ".join(topic.readers) or "operators"
        table.add_row(topic.name, writers, readers, f"{keeps}{', personal' if topic.personal else ''}")
    Console().print(table)


@app.command()
def lag() -> None:
    """How many records each service has not taken in yet, topic by topic."""
    with plainly("topics"):
        asyncio.run(_lag())


@app.command()
def migrate(
    partitions: Annotated[
        int, typer.Option(min=1, max=SLOTS, help="Partitions of every event topic from now on.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Go on though subscribers from elsewhere are behind.")
    ] = False,
    stopped: Annotated[
        bool, typer.Option("--stopped", help="Workers with fixed names are stopped: don't wait for them.")
    ] = False,
    watch_seconds: Annotated[
        float, typer.Option(min=0, max=600, help="How long nobody may have written before it grows them.")
    ] = 5.0,
) -> None:
    """Give all event topics more partitions, while workers are stopped. Interrupted, run it again."""
    with plainly("topics migrate"):
        try:
            doing = _migrate(
                partitions, watch_seconds, yes=yes, dry_run=dry_run, force=force, stopped=stopped
            )
            asyncio.run(doing)
        except NotNow as reason:
            raise ValueError(str(reason)) from reason
        except KeyboardInterrupt:
            typer.echo("Stopped. The same command goes on from there.", err=True)
            raise typer.Exit(INTERRUPTED_CODE) from None


async def _migrate(
    wanted: int, watch_seconds: float, *, yes: bool, dry_run: bool, force: bool, stopped: bool
) -> None:
    settings = settings_now()
    admin = KafkaGrowth(broker_from(settings))
    await check_rights(broker_from(settings), rights_to_migrate())
    way = await look(admin, wanted)
    if way.is_done:
        typer.echo(f"All event topics have {wanted} partitions; nothing to do.")
        return
    typer.echo(f"1  Partitions now: {way.told}. Wanted: {wanted}.")
    await tell_of_settings(KafkaTopics(broker_from(settings)), wanted)
    if stopped and not dry_run:
        await admin.forget_named(OURS)
    await check_nobody_works(admin)
    began, before = time.monotonic(), await admin.end_offsets(EVENT_TOPICS)
    typer.echo("2  No worker is running.")
    behind = await check_subscribers(admin, force=force)
    typer.echo(
        f"3  Behind, and may hear things out of order: {behind}." if behind else "3  Nobody is behind."
    )
    if dry_run:
        typer.echo("Dry run, nothing was changed.")
        return
    if not yes:
        typer.confirm(
            f"Grow {len(EVENT_TOPICS)} topics to {wanted} partitions? There is no way back", abort=True
        )
    with progress("taking in the rest") as shown:
        taken = await take_in_the_rest(admin, settings, shown)
    typer.echo(f"4  Taken in what was left: {taken:,} records.")
    await check_nobody_writes(admin, before, began, watch_seconds)
    await check_nobody_works(admin)
    typer.echo("5  Nobody writes. Growing:")
    await grow(admin, way, typer.echo)
    await verify(admin, way, before)
    typer.echo(
        f"6  Checked: all event topics have {wanted} partitions, and nothing was written meanwhile.\n"
        f"Next: set the partition count to {wanted} wherever you make topics, start the workers, and restart "
        f"the APIs without {SILENT_SETTING}."
    )


async def tell_of_settings(admin: KafkaTopics, partitions: int) -> None:
    """Say which settings differ: a migration changes partitions and leaves those as they are."""
    found = differences(await admin.standing(), partitions)
    if differing := [each for each in found if each.setting != PARTITIONS]:
        told = "\n".join(f"   {each.told}" for each in differing)
        typer.echo(f"   Left as they are, though the catalogue wants them otherwise:\n{told}")
        typer.echo(f"   {what_next(differing)}")


async def all_there(admin: KafkaTopics, partitions: int) -> None:
    """Return when the catalogue's topics are all there with this partition count and their settings.

    Raises `Unavailable` where one is missing, since somebody may be about to make it, and `ValueError`
    with all that differs, since waiting does not help.
    """
    there = await admin.standing()
    if differing := differences(there, partitions):
        raise ValueError("; ".join((*(each.told for each in differing), what_next(differing))))
    if missing := [topic.name for topic in TOPICS if topic.name not in there]:
        raise Unavailable(f"there is no topic {', '.join(missing)}; `orderlink topics make` makes them")


def what_next(differing: list[Difference]) -> str:
    """How differences are mended."""
    counts = [each for each in differing if each.setting == PARTITIONS]
    steps = ["say the count that is there, or migrate the topics to more: `orderlink topics migrate`"]
    if len(counts) < len(differing):
        steps.append("`orderlink topics make --alter` gives them the settings that are expected")
    return f"Next: {'; '.join(steps if counts else steps[1:])}"


async def awaited(
    step: Callable[[KafkaTopics], Awaitable[None]], wait_seconds: float, say: Callable[[str], None]
) -> None:
    """Do it, again and again for this long while something is not there yet, and say what is waited for.

    Raises `Unavailable` when the time is over.
    """
    until = time.monotonic() + wait_seconds
    while True:
        admin = KafkaTopics(broker_from(settings_now()))
        try:
            await step(admin)
        except Unavailable as problem:
            left = until - time.monotonic()
            if left <= 0:
                raise
            say(f"waiting, {left:.0f} s at most: {problem}")
            await asyncio.sleep(min(RETRY_SECONDS, left))
        else:
            return
        finally:
            await admin.close()


async def _lag() -> None:
    admin = admin_of(settings_now())
    table = Table(show_edge=False)
    for column in ("service", "topic", "lag"):
        table.add_column(column, justify="right" if column == "lag" else "left")
    try:
        for service in SERVICES:
            behind = await admin.lag(consumer_group(service), HEARS[service])
            for topic in HEARS[service]:
                count = sum(number for where, number in behind.items() if where.topic == topic)
                table.add_row(service, topic, f"{count:,}")
    finally:
        await admin.close()
    Console().print(table)
