"""`orderlink topics`: make and check the topics of the catalogue, and see how far each service is."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.operate import admin_of, plainly, settings_now
from shared.contracts.catalog import HEARS, SERVICES, SLOTS, TOPICS, consumer_group

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Partitions = Annotated[
    int,
    typer.Option(
        min=1,
        max=SLOTS,
        help="Partitions of every event topic: a power of two, for good. The same everywhere.",
    ),
]


@app.command()
def make(
    partitions: Partitions = 16,
    replication: Annotated[int, typer.Option(min=1, max=9, help="Copies of each partition.")] = 3,
) -> None:
    """Make what is missing; fail where a topic is there with another partition count."""
    with plainly("topics"):
        asyncio.run(_make(partitions, replication))
        typer.echo(f"{len(TOPICS)} topics are there, event topics with {partitions} partitions each.")


@app.command("list")
def list_topics() -> None:
    """The catalogue: every topic with its owner, its readers and what it keeps."""
    table = Table(show_edge=False)
    for column in ("topic", "written by", "read by", "keeps"):
        table.add_column(column)
    for topic in TOPICS:
        keeps = "newest for each order" if topic.compacted else "everything"
        writers = ", ".join((topic.owner, *topic.also_written_by))
        readers = ", ".join(topic.readers) or "operators"
        table.add_row(topic.name, writers, readers, f"{keeps}{', personal' if topic.personal else ''}")
    Console().print(table)


@app.command()
def lag() -> None:
    """How many records each service has not taken in yet, topic by topic."""
    with plainly("topics"):
        asyncio.run(_lag())


async def _make(partitions: int, replication: int) -> None:
    admin = admin_of(settings_now())
    try:
        await admin.ensure_topics(partitions, replication)
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
