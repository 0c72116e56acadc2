"""`orderlink audit`: read every topic and check that each order's events come in order, without gaps."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.operate import admin_of, plainly, progress, settings_now
from shared.contracts.catalog import TOPICS
from shared.runtime.audit import Audit

PROBLEMS_SHOWN = 20
REPORT_EVERY = 1_000

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read every event topic from its start. Ends with 1 when a number is missing or out of order."""
    with plainly("audit"):
        admin = admin_of(settings_now())
        found: dict[str, Audit] = {}
        for topic in TOPICS:
            if not topic.co_partitioned:
                continue
            found[topic.name] = read = Audit()
            with progress(topic.name) as show:
                for number, record in enumerate(admin.read_all(topic.name), 1):
                    read.read((record,), compacted=topic.compacted)
                    if number % REPORT_EVERY == 0:
                        show(number, number)
    broken = sum(read.problem_count for read in found.values())
    if as_json:
        print(json.dumps({topic: _summary(read) for topic, read in found.items()}, indent=1))
    else:
        _print(found, broken)
    raise typer.Exit(1 if broken else 0)


def _summary(read: Audit) -> dict[str, object]:
    return {
        "records": read.records,
        "subjects": read.subjects,
        "events": read.events,
        "repetitions": read.repetitions,
        "unreadable": read.unreadable,
        "problems": read.problem_count,
        "first": [
            {
                "subject": each.subject,
                "source": each.source,
                "expected": each.expected,
                "came": each.came,
                "partition": each.partition,
                "offset": each.offset,
            }
            for each in read.problems[:PROBLEMS_SHOWN]
        ],
    }


def _print(found: dict[str, Audit], broken: int) -> None:
    console = Console()
    table = Table(show_edge=False)
    table.add_column("topic")
    for column in ("subjects", "events", "repetitions", "unreadable", "problems"):
        table.add_column(column, justify="right")
    for topic, read in found.items():
        counts = (read.subjects, read.events, read.repetitions, read.unreadable, read.problem_count)
        table.add_row(topic, *(f"{count:,}" for count in counts))
    console.print(table)
    for topic, read in found.items():
        for each in read.problems[:PROBLEMS_SHOWN]:
            console.print(
                f"[red]{topic}[/red] partition {each.partition}, offset {each.offset}: {each.subject} "
                f"of {each.source}: expected {each.expected}, came {each.came}",
                highlight=False,
            )
    if broken:
        console.print("An event is missing or came before its predecessor: that must not happen.")
    else:
        console.print("In order, without gaps.")
