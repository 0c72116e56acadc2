"""What `orderlink restore-check` found, as one table for people and as JSON for programs."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from shared.contracts.catalog import event_topic
from shared.runtime.ports import TopicPartition
from shared.runtime.restore.comparison import ORIGINS, Comparison
from shared.runtime.restore.lifting import Lifted, records_between

SUBJECTS_SHOWN: Final = 10
Ends = dict[TopicPartition, int]


@dataclass(slots=True)
class Found:
    """How a database and the topics stand to each other."""

    service: str
    compared: Comparison
    committed: Ends
    back_to: Ends
    lifted: Lifted = field(default_factory=Lifted)
    applied: bool = False

    @property
    def in_step(self) -> bool:
        """Whether there is nothing to do."""
        return not self.compared.last and not self.back_to


def report(found: Found, written_to: Path | None) -> None:
    """The table, and what it means."""
    compared, console = found.compared, Console(highlight=False, soft_wrap=True)
    table = Table(
        show_edge=False, title=f"{found.service}: the database and the topics", title_justify="left"
    )
    table.add_column("what")
    table.add_column("how many", justify="right")
    for what, count in _rows(found):
        table.add_row(what, f"{count:,}")
    for (event, origin), count in sorted(compared.kinds.items()):
        table.add_row(f"    {event}, from {ORIGINS[origin]}", f"{count:,}")
    console.print(table)
    if found.in_step:
        console.print("In step: nothing is missing, nothing to do.")
        return
    if compared.last:
        shown = ", ".join(list(compared.last)[:SUBJECTS_SHOWN])
        more = len(compared.last) - SUBJECTS_SHOWN
        console.print(f"Files: {shown}{f' and {more:,} more' if more > 0 else ''}.")
        console.print(f"The first of these events was said at {compared.earliest}.")
    if written_to is not None:
        console.print(f"Every event with its subject, its number and what it followed from: {written_to}")
    if compared.count("outside"):
        console.print(
            "What came over HTTP after the backup is not in the database and can't be had back from the "
            "topics. Have its tellers tell it again: their ids stand beside the events (--list FILE)."
        )


def _rows(found: Found) -> list[tuple[str, int]]:
    compared = found.compared
    return [
        (f"records of {event_topic(found.service)} read", compared.records),
        ("files on the topic", compared.subjects),
        ("files that are behind their own events", len(compared.last) - len(compared.unknown)),
        ("files that the database does not have", len(compared.unknown)),
        ("records that it has not heard, to be heard again", records_between(found.back_to, found.committed)),
        ("events said after the backup", compared.events),
    ]


def question(found: Found) -> str:
    """What is asked before anything is changed."""
    files = len(found.compared.last)
    return (
        f"Lift {files:,} file{'' if files == 1 else 's'} of {found.service} above the numbers on the topic, "
        f"and let its group go back in {len(found.back_to)} partitions?"
    )


def applied(found: Found) -> None:
    """What was changed, and what comes next."""
    lifted = found.lifted
    Console(highlight=False, soft_wrap=True).print(
        f"Done. {lifted.files:,} files lifted; {lifted.timers_held:,} timers of theirs wait; "
        f"{lifted.effects_open:,} effects that were open are tried again under the same ids; the group went "
        f"back in {len(found.back_to)} partitions.\n"
        f"Next: start the workers and APIs of {found.service}, and have told again what was told after the "
        "backup before the timers' time is over."
    )


def as_json(found: Found) -> str:
    """The same for programs."""
    compared, lifted = found.compared, found.lifted
    return json.dumps(
        {
            "service": found.service,
            "in_step": found.in_step,
            "applied": found.applied,
            "records_read": compared.records,
            "files_on_topic": compared.subjects,
            "files_behind": len(compared.last) - len(compared.unknown),
            "files_missing": len(compared.unknown),
            "events_after_backup": compared.events,
            "earliest": compared.earliest or None,
            "kinds": [
                {"event": event, "origin": origin, "count": count}
                for (event, origin), count in sorted(compared.kinds.items())
            ],
            "records_to_hear_again": records_between(found.back_to, found.committed),
            "back_to": {f"{where.topic}/{where.partition}": at for where, at in found.back_to.items()},
            "files_lifted": lifted.files,
            "timers_held": lifted.timers_held,
            "effects_open": lifted.effects_open,
        },
        indent=1,
    )
