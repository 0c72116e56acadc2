"""Fourteen engines that break a promise each: small patches of the real code, put in force for a while.

They prove that the storms can see. Each says what it breaks; `test_mutants` plays storms over it until
one finds just that.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final
from unittest.mock import patch

from shared.adapters.memory_store import MemoryStore
from shared.runtime import engine as engine_module
from shared.runtime.engine import Engine
from shared.runtime.file import File, Timer, from_document, pending_in
from shared.runtime.fold import Book, events, take
from shared.runtime.known import KnownVersions
from shared.runtime.ports import Cleared, Committed, Document, Record, Write
from shared.runtime.relay import Relay
from shared.runtime.work import Done, Hear, Letter, Work
from shared.runtime.worker import Worker

Mutant = Callable[[], AbstractContextManager[Any]]

EVERYTHING: Final = 2**53


def ack_before_commit() -> AbstractContextManager[Any]:
    """A batch is acknowledged before it is committed: a crash in between loses it."""
    digest = Worker.digest

    async def mutant(self: Worker, records: Sequence[Record]) -> None:
        await self.transport.ack(records)
        await digest(self, records)

    return patch.object(Worker, "digest", mutant)


def clear_before_the_brokers_ack() -> AbstractContextManager[Any]:
    """Pending events are taken out of the file before they are on the log."""
    publish = Relay.publish

    async def mutant(self: Relay, files: Sequence[File]) -> int:
        await self._store.clear(
            [Cleared(file.subject, entry.topic, entry.seq) for file in files for entry in file.pending]
        )
        return await publish(self, files)

    return patch.object(Relay, "publish", mutant)


def clear_everything() -> AbstractContextManager[Any]:
    """Whatever is pending on a topic is cleared, instead of what was acknowledged."""
    clear = MemoryStore.clear

    async def mutant(self: MemoryStore, cleared: Sequence[Cleared]) -> None:
        await clear(self, [Cleared(done.subject, done.topic, EVERYTHING) for done in cleared])

    return patch.object(MemoryStore, "clear", mutant)


def no_version_guard() -> AbstractContextManager[Any]:
    """A file is replaced whatever its version is now."""
    write = MemoryStore._write

    def mutant(self: MemoryStore, wanted: Write) -> Committed:
        kept = self._files.get(wanted.document["_id"])
        return write(self, Write(wanted.document, kept.version if kept else 0))

    return patch.object(MemoryStore, "_write", mutant)


def redo_without_dedupe() -> AbstractContextManager[Any]:
    """After a commit that was no clear yes, work is folded again without asking whether it was done."""
    attempt = Engine._attempt
    is_redo: ContextVar[bool] = ContextVar("is_redo", default=False)

    async def again(self: Engine, so_far: Any, subjects: dict[str, list[int]]) -> Any:
        indexes = [index for some in subjects.values() for index in some]
        token = is_redo.set(any(index in so_far.answers for index in indexes))
        try:
            return await attempt(self, so_far, subjects)
        finally:
            is_redo.reset(token)

    def mutant(book: Book, work: Work) -> Done:
        return _undeduped(book, work) if is_redo.get() else take(book, work)

    return _both(patch.object(Engine, "_attempt", again), patch.object(engine_module, "take", mutant))


def dedupe_off() -> AbstractContextManager[Any]:
    """What was taken in is never asked for."""
    return patch.object(engine_module, "take", _undeduped)


def dedupe_too_greedy() -> AbstractContextManager[Any]:
    """A number that one source has reached counts for all of them."""

    def mutant(book: Book, work: Work) -> Done:
        reached = max(book.file.applied.values(), default=0)
        if isinstance(work, Hear) and work.event.sequence <= reached:
            return Done(duplicate=True)
        return take(book, work)

    return patch.object(engine_module, "take", mutant)


def timer_fired_unlooked() -> AbstractContextManager[Any]:
    """A file's timers fire without a look at when they are due."""

    def mutant(self: File, until: datetime) -> Timer | None:
        del until
        return min(self.timers.values(), key=lambda timer: (timer.due_at, timer.order), default=None)

    return patch.object(File, "due_timer", mutant)


def timers_before_the_backlog() -> AbstractContextManager[Any]:
    """Timers fire though what was said before has not been heard."""

    async def mutant(self: Worker) -> dict[datetime, set[int]]:
        return {self.engine.clock.now(): set(self.transport.partitions())}

    return patch.object(Worker, "_caught_up", mutant)


def newest_first() -> AbstractContextManager[Any]:
    """What a file has pending is published from the newest to the oldest."""
    publish = Relay.publish

    async def mutant(self: Relay, files: Sequence[File]) -> int:
        for file in files:
            file.pending.reverse()
        return await publish(self, files)

    return patch.object(Relay, "publish", mutant)


def unparked_too_early() -> AbstractContextManager[Any]:
    """A source is free as soon as the first of its parked records is taken in."""
    move_past = events._move_past

    def mutant(book: Book, source: str, subject: str, sequence: int, named: str) -> None:
        move_past(book, source, subject, sequence, named)
        book.file.parked.pop(f"{source}/{subject}", None)

    return patch.object(events, "_move_past", mutant)


def poison_swallowed() -> AbstractContextManager[Any]:
    """A record whose rule raises is passed over, and nobody is told."""

    def mutant(self: Book, source: str, letter: Letter) -> None:
        """Not parked, not noted."""

    return patch.object(Book, "park", mutant)


def known_looked_up_late() -> AbstractContextManager[Any]:
    """A known file is looked up when its document has come, whatever version that was asked for by.

    Where somebody else has written since, it is an old one for ever: committed in vain, again and again.
    """

    def mutant(self: KnownVersions, document: Document, held: File | None) -> File:
        known = self._kept.get(document["_id"])
        if held is None or known is None:
            return from_document(self._service, document)
        return known.copy(pending_in(document))

    return patch.object(KnownVersions, "read", mutant)


def state_beside_its_events() -> AbstractContextManager[Any]:
    """What is taken in from the dead letters is said, and the state stays what it was."""
    hear = events.hear

    def mutant(book: Book, work: Hear) -> Done:
        before = book.file.state
        done = hear(book, work)
        if work.redriven:
            book.file.state = before
        return done

    return patch.object(events, "hear", mutant)


MUTANTS: Final[Mapping[Mutant, str]] = {
    ack_before_commit: "said {} instead of",
    clear_before_the_brokers_ack: "is neither on the log nor pending",
    clear_everything: "is neither on the log nor pending",
    no_version_guard: "goes to version",
    redo_without_dedupe: "is acted on twice",
    dedupe_off: "is acted on twice",
    dedupe_too_greedy: "said {} instead of",
    timer_fired_unlooked: "fires early",
    timers_before_the_backlog: "fires before what was on",
    newest_first: "comes before",
    unparked_too_early: "is free before",
    poison_swallowed: "said {} instead of",
    known_looked_up_late: "no rest at",
    state_beside_its_events: "and its state knows of",
}
"""Each with words of the finding that it is to bring: one that only crashes is not found out by that."""


def _undeduped(book: Book, work: Work) -> Done:
    """Take work in as if nothing had been taken in before; what was is remembered all the same."""
    applied, seen, heard = book.file.applied, book.file.seen, book.file.heard
    book.file.applied, book.file.seen, book.file.heard = {}, {}, {}
    try:
        return take(book, work)
    finally:
        # A fold that raised has put a copy of the file in place.
        now = book.file
        now.applied = {**applied, **{name: max(at, applied.get(name, 0)) for name, at in now.applied.items()}}
        now.seen = {**seen, **now.seen}
        now.heard = {**now.heard, **heard}


@contextmanager
def _both(one: AbstractContextManager[Any], other: AbstractContextManager[Any]) -> Iterator[None]:
    with one, other:
        yield
