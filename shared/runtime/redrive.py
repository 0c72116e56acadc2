"""The redrive: parked records taken in again, in order; or given up, one after the other.

It runs on the engine itself, in whatever process: safety is the version guard. A batch has records of
many sources, several of each. Within one file they are taken in order, and where one fails again, what
is behind it stays parked: the fold sees to that. The source is free only in the commit that applies its
very last parked record, so while more records arrive they are parked behind, and the next round, which
reads only what the topic has got since, takes them.

Each batch is committed by itself. Interrupted anywhere, the same command goes on where it stopped.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from shared.contracts.event import SEQUENCE_MAX
from shared.runtime.dead_letters import StoredLetter, in_order, original
from shared.runtime.engine import Engine
from shared.runtime.listen import listen_again
from shared.runtime.parked import MEMORY_MAX_BYTES, Parked, ParkedSource, Positions, ReadLetters, collect
from shared.runtime.ports import Unavailable
from shared.runtime.work import (
    FILE_CANT_GO_ON,
    Contended,
    Discard,
    Done,
    Hear,
    TooMuchPending,
    Undigested,
    Work,
)

SOURCES_AT_ONCE: Final = 128
LETTERS_AT_ONCE: Final = 256
RUNS_MAX: Final = 8
"""How often a batch is tried while the traffic is first, or something is away for a moment."""

Progress = Callable[[int, int], None]
"""Called with how many letters are done and how many there are."""


@dataclass(slots=True)
class Report:
    """What a redrive or a discard came to."""

    applied: int = 0
    """Records that were taken in, or given up."""
    stale: int = 0
    """Copies of records that had been taken in before."""
    kept: int = 0
    """Records that stay parked."""
    stuck: set[ParkedSource] = field(default_factory=set[ParkedSource])
    """Sources whose first remaining record failed again; what is behind it stays parked."""

    @property
    def failed(self) -> int:
        """How many sources failed again."""
        return len(self.stuck)

    @property
    def done(self) -> int:
        """How many letters were looked at."""
        return self.applied + self.stale + self.kept

    def add(self, other: "Report") -> None:
        """Count another report in."""
        self.applied += other.applied
        self.stale += other.stale
        self.kept += other.kept
        self.stuck |= other.stuck


async def redrive_parked(
    engine: Engine,
    read: ReadLetters,
    chosen: Collection[ParkedSource],
    progress: Progress,
    max_bytes: int = MEMORY_MAX_BYTES,
) -> Report:
    """Take in what waits of these sources, round by round, until none is left or each one left fails."""
    total = Report()
    start: Positions = {}
    wanted = dict.fromkeys(chosen, SEQUENCE_MAX)
    while True:
        found = await collect(engine, read, start, wanted, max_bytes)
        if not found.letters:
            return total
        report = await redrive(engine, found.letters, _from(total.done, progress))
        total.add(report)
        for where in report.stuck:
            wanted.pop(where, None)
        start = found.next


async def discard_parked(
    engine: Engine,
    read: ReadLetters,
    chosen: Collection[Parked],
    progress: Progress,
    *,
    only_first: bool = False,
    max_bytes: int = MEMORY_MAX_BYTES,
) -> Report:
    """Give up what was seen to wait of these sources, or only the first record of each.

    What has arrived since stays parked, for a redrive.
    """
    total = Report()
    start: Positions = {}
    upto = {each.where: each.first.sequence if only_first else each.newest for each in chosen}
    while True:
        found = await collect(engine, read, start, upto, max_bytes)
        if not found.letters:
            return total
        total.add(await discard(engine, found.letters, _from(total.done, progress)))
        start = found.next


async def redrive(engine: Engine, letters: Sequence[StoredLetter], progress: Progress) -> Report:
    """Take parked records in again, each source in order, until one of it fails again."""
    report = Report()
    waiting = deque(_Queue(ParkedSource(*where), deque(group)) for where, group in in_order(letters).items())
    total = sum(len(queue.letters) for queue in waiting)
    active: list[_Queue] = []
    while waiting or active:
        while waiting and len(active) < SOURCES_AT_ONCE:
            active.append(waiting.popleft())
        share = max(1, LETTERS_AT_ONCE // len(active))
        await _take(engine, [(queue, letter) for queue in active for letter in queue.next(share)], report)
        for queue in active:
            if queue.where in report.stuck:
                report.kept += len(queue.letters)
                queue.letters.clear()
        active = [queue for queue in active if queue.letters]
        progress(report.done, total)
    return report


async def discard(engine: Engine, letters: Sequence[StoredLetter], progress: Progress) -> Report:
    """Give parked records up: each file moves past them as if they had been taken in."""
    report = Report()
    work = [
        Discard(where[0], where[1], where[2], letter.sequence, letter.event_id)
        for where, group in in_order(letters).items()
        for letter in group
    ]
    for at in range(0, len(work), LETTERS_AT_ONCE):
        for done in await _run(engine, work[at : at + LETTERS_AT_ONCE]):
            report.applied += not done.duplicate
            report.stale += done.duplicate
        progress(report.done, len(work))
    return report


def _from(before: int, progress: Progress) -> Progress:
    """Progress of one round as progress of the whole."""
    return lambda done, total: progress(before + done, before + total)


@dataclass(slots=True)
class _Queue:
    """What is left to do of one source."""

    where: ParkedSource
    letters: deque[StoredLetter]

    def next(self, count: int) -> list[StoredLetter]:
        """Its next letters, at most so many."""
        return list(islice(self.letters, count))


async def _take(engine: Engine, batch: Sequence[tuple[_Queue, StoredLetter]], report: Report) -> None:
    """Take one batch in and note in queues and report what became of each letter.

    Where a file has no room, or is of another version, the source stays parked, and the others go on.
    """
    try:
        await _take_all(engine, batch, report, RUNS_MAX)
    except FILE_CANT_GO_ON:
        queues = {queue.where: queue for queue, _ in batch}
        for where, queue in queues.items():
            alone = [(queue, letter) for each, letter in batch if each is queue]
            try:
                await _take_all(engine, alone, report, 1)
            except FILE_CANT_GO_ON:
                report.stuck.add(where)


async def _take_all(
    engine: Engine, batch: Sequence[tuple[_Queue, StoredLetter]], report: Report, runs: int
) -> None:
    """What a record is for other files beside the one that it is parked in is committed before.

    Once that file has moved past a record its letter waits no more, and no redrive would find it. Where such
    a piece is parked in its turn, what waits of the same source in that file waits behind it, for the next
    redrive.
    """
    taken: list[tuple[_Queue, list[Hear | Undigested]]] = []
    ended: set[ParkedSource] = set()
    for queue, letter in batch:
        if queue.where in ended:
            continue
        pieces = _pieces(engine, letter)
        taken.append((queue, pieces))
        if not pieces or any(isinstance(piece, Undigested) for piece in pieces):
            # Nobody can read it. Only when it is known to be past may what is behind it come to other files.
            ended.add(queue.where)
    late = [piece for queue, pieces in taken for piece in pieces if piece.subject != queue.where.file]
    answers = await _run(engine, late, runs)
    behind = {
        _source_of(piece)
        for piece, answer in zip(late, answers, strict=True)
        if answer.poisoned or answer.parked
    }
    report.stuck |= {queue.where for queue, _ in taken if queue.where in behind}
    own = [
        (queue, piece)
        for queue, pieces in taken
        for piece in pieces
        if piece.subject == queue.where.file and queue.where not in report.stuck
    ]
    answers = await _run(engine, [piece for _, piece in own], runs)
    for (queue, _), answer in zip(own, answers, strict=True):
        if queue.where in report.stuck:
            continue
        if answer.poisoned or answer.parked:
            report.stuck.add(queue.where)
            continue
        queue.letters.popleft()
        report.stale += answer.duplicate
        report.applied += not answer.duplicate
    # One of which nothing can be made here is the last that was looked at of its source.
    report.stuck |= {queue.where for queue, pieces in taken if not pieces}


def _source_of(piece: Hear | Undigested) -> ParkedSource:
    """What a piece of work is parked under where its file can't take it."""
    if isinstance(piece, Hear):
        return ParkedSource(piece.subject, piece.event.source, piece.event.subject)
    return ParkedSource(piece.subject, piece.source, piece.source_subject)


def _pieces(engine: Engine, letter: StoredLetter) -> list[Hear | Undigested]:
    """The work that a letter comes to; none where it can only be given up here.

    That is a record too large to be kept in a letter, which stands on its own topic only, and one of
    which this version can make nothing.
    """
    record = original(letter)
    return [] if record is None else listen_again(engine.service, record, letter.target).work


async def _run(engine: Engine, work: Sequence[Work], runs: int = RUNS_MAX) -> list[Done]:
    """Run a batch, at most so often. Dedupe makes trying it again harmless."""
    pause = engine.limits.outage_backoff_first_seconds
    for _ in range(runs - 1):
        try:
            return await engine.run(work)
        except (Contended, TooMuchPending, Unavailable):
            await asyncio.sleep(pause)
            pause = min(pause * 2, engine.limits.outage_backoff_max_seconds)
    return await engine.run(work)
