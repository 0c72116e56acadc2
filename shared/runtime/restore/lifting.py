"""The lifting: files that are behind their own events go on above the last number on the log.

Only the engine's books change, never the state: what a file knows is what the backup knew. Each change
is a guarded write like any other and says in the file's history why its numbers jump, so the lifting may
be interrupted and done again.

- `next_seq` becomes the log's last number and one. On the contacts topic, which is compacted and so
  allows gaps, it grows by as many as events were lost: none of these went with more than one record.
- `pending` becomes empty: a later event of the file is on the log, so all earlier ones are.
- Timers wait until `hold_until`. The file does not know what was told after the backup, such as that
  an order was paid, and would act on that. Told again in time, the fact cancels the timer as it did.
- A file that the database does not have comes into being with nothing but its numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.contracts.catalog import CONTACTS_WRITERS, contacts_source
from shared.kernel.calendar import utc_text
from shared.runtime.engine import Engine
from shared.runtime.file import File, from_document, new_file, to_document
from shared.runtime.ports import Committed, Positions, TopicPartition, Unavailable, Write
from shared.runtime.restore.comparison import Comparison

FILES_AT_ONCE: Final = 256
ATTEMPTS: Final = 10
ASKED: Final = "restore-check"


@dataclass(slots=True)
class Lifted:
    """What was changed."""

    files: int = 0
    timers_held: int = 0
    effects_open: int = 0
    """Effects that were not done yet at the backup: they are tried again under the same id."""


async def lift(
    engine: Engine,
    found: Comparison,
    hold_until: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Lifted:
    """Lift all files that a comparison found behind. Raises `Unavailable` when it can't be finished now."""
    lifted = Lifted()
    subjects = list(found.last)
    for start in range(0, len(subjects), FILES_AT_ONCE):
        await _lift_some(engine, found, subjects[start : start + FILES_AT_ONCE], hold_until, lifted)
        progress(lifted.files, len(subjects))
    return lifted


async def _lift_some(
    engine: Engine, found: Comparison, subjects: Sequence[str], hold_until: datetime, lifted: Lifted
) -> None:
    left = list(subjects)
    for _ in range(ATTEMPTS):
        documents = await engine.store.load(left)
        files = [
            from_document(engine.service, documents[subject])
            if subject in documents
            else new_file(engine.service, subject)
            for subject in left
        ]
        behind = [file for file in files if is_behind(file, engine.service.name, found.last[file.subject])]
        before = [len(file.timers) for file in behind]
        for file in behind:
            _lift_one(engine, file, found, hold_until)
        writes = [Write(to_document(engine.service, file, file.version + 1), file.version) for file in behind]
        outcomes = await engine.store.commit(writes) if writes else []
        left = list[str]()
        for file, timers, outcome in zip(behind, before, outcomes, strict=True):
            if outcome is not Committed.DONE:
                left.append(file.subject)
                continue
            lifted.files += 1
            lifted.timers_held += timers
            lifted.effects_open += sum(1 for entry in file.effects.values() if entry.next_try_at is not None)
        if not left:
            return
    raise Unavailable(f"{len(left)} files could not be written: {left[0]} and others. Run this again")


def is_behind(file: File, source: str, last: int) -> bool:
    """Whether a file would give a number again that is on the log."""
    return file.next_seq.get(source, 1) <= last


def _lift_one(engine: Engine, file: File, found: Comparison, hold_until: datetime) -> None:
    service = engine.service.name
    last, lost = found.last[file.subject], found.lost[file.subject]
    before = file.next_seq.get(service, 1)
    file.next_seq[service] = last + 1
    if service in CONTACTS_WRITERS:
        source = contacts_source(service)
        file.next_seq[source] = file.next_seq.get(source, 1) + lost
    file.pending = []
    file.timers = {
        key: replace(timer, not_before=max(hold_until, timer.not_before or hold_until))
        for key, timer in file.timers.items()
    }
    now = utc_text(engine.clock.now())
    line = {
        "at": now,
        "asked": ASKED,
        "because": f"{service}/{file.subject}/{before} to {last} were said after the backup",
        "correlation_id": ASKED,
        "rule": "restore",
    }
    file.history.append(line)
    del file.history[: -engine.limits.history_max_per_file]


def rewound(committed: Positions, heard: Positions, at_moment: Positions) -> dict[TopicPartition, int]:
    """Where a group must go back to: to what the database has heard, or to a moment if that was earlier.

    `at_moment` has the first offsets at or after a moment, where there are any. Only partitions that
    have to go back are in the answer.
    """
    wanted = {
        where: min(offset, heard.get(where, 0), at_moment.get(where, offset))
        for where, offset in committed.items()
    }
    return {where: offset for where, offset in wanted.items() if offset < committed[where]}


def records_between(positions: Positions, committed: Mapping[TopicPartition, int]) -> int:
    """How many records will be heard again."""
    return sum(committed[where] - offset for where, offset in positions.items())
