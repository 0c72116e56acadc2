"""The engine: one loop for stream, API and timers.

A batch of work, for any number of files, goes through five steps: load all files it touches in one
read; fold each file's work in order; commit all changed files in one unordered bulk, each guarded
by its version; publish what they have pending; clear what was acknowledged.

Any outcome of a commit but a clear yes (a lost race, a timeout that may have succeeded, a duplicate
key on the first insert) means: reload, and fold again from dedupe. Folding is pure, so folding
again is harmless, and where the commit had happened after all, dedupe sees it.

A file that came out too large to be stored is folded again with a measure: the piece of work that makes
it so is undone, and is poison, or refused to whoever asked. So nothing is measured that is stored anyway.

Dead letters are published before the commit that notes them as parked, so that a parked source
never waits for a record that is nowhere. Publishing twice is a copy that a redrive drops; however often
a batch is tried, the broker is given each letter once.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from shared.contracts.catalog import dead_letter_topic
from shared.runtime.dead_letters import letter_record
from shared.runtime.file import File, from_document, new_file
from shared.runtime.fold import Book, take
from shared.runtime.known import KnownVersions
from shared.runtime.limits import Limits
from shared.runtime.metrics import Metrics
from shared.runtime.pins import ProfileOf
from shared.runtime.ports import (
    Clock,
    Committed,
    Document,
    Publisher,
    Store,
    Unavailable,
    Unreadable,
    Write,
)
from shared.runtime.relay import Relay
from shared.runtime.service import Service
from shared.runtime.traced import Traced
from shared.runtime.traces import NO_TRACES, Traces
from shared.runtime.work import (
    Contended,
    Done,
    FileTooLarge,
    Hear,
    Letter,
    TooMuchPending,
    Undigested,
    Work,
)

Posted = set[tuple[str, str, str]]
"""The keys of dead letters that the broker has."""
CONTENTION_PAUSE_SECONDS = 0.005
SILENT_ATTEMPTS_MAX = 2
"""So many attempts in a row at whose commit the database answered nothing, and it counts as away. Each may
take as long as two of its operations; ten of them would look like a worker that is stuck."""


class _SoFar:
    """What a run has come to: answers, those in doubt, and files that can't go on for now."""

    def __init__(self, work: Sequence[Work], posted: Posted) -> None:
        self.work = work
        self.posted = posted
        self.answers: dict[int, Done] = {}
        self.held: dict[str, Exception] = {}
        self.rejected: dict[str, File] = {}
        """Full files of which the broker has just taken nothing; see `_park_rejected`."""
        self.outgrown: set[str] = set()
        """Files that came out too large: measured when they are folded again."""
        self.silent = 0
        """Attempts in a row at whose commit the database answered nothing."""
        self._in_doubt: dict[int, Done] = {}

    def heard(self, outcomes: Sequence[Committed]) -> None:
        """What a commit was answered."""
        silent = bool(outcomes) and all(outcome is Committed.UNKNOWN for outcome in outcomes)
        self.silent = self.silent + 1 if silent else 0

    def doubt(self, indexes: Sequence[int]) -> None:
        """The commit of these may have happened: if dedupe says so, the answers of now hold."""
        for index in indexes:
            if index in self.answers and not self.answers[index].duplicate:
                self._in_doubt.setdefault(index, self.answers[index])

    def done(self) -> list[Done]:
        """The answers, in order of the work."""
        for index, first in self._in_doubt.items():
            if self.answers[index].duplicate:
                first.file = self.answers[index].file
                self.answers[index] = first
        return [self.answers[index] for index in range(len(self.work))]


class Engine:
    """One service's engine. Any number of them may work on the same files at once, safely."""

    def __init__(
        self,
        service: Service,
        store: Store,
        publisher: Publisher,
        clock: Clock,
        profile_of: ProfileOf,
        limits: Limits,
        metrics: Metrics,
        traces: Traces = NO_TRACES,
    ) -> None:
        self.service = service
        self.store = store
        self.publisher = publisher
        self.clock = clock
        self.profile_of = profile_of
        self.limits = limits
        self.metrics = metrics
        self.traces = traces
        self.relay = Relay(publisher, store, clock, metrics, limits.clear_after_seconds, traces)
        self._known = KnownVersions(service, limits.known_versions_max_files, limits.known_versions_max_bytes)

    async def run(self, work: Sequence[Work], posted: Posted | None = None) -> list[Done]:
        """Do all of it; one answer for each piece, in order.

        Who tries the same work again hands in the same `posted`: the dead letters that the broker has.
        For him alone, what a file can't take in whose events the broker rejects is parked.

        Raises `Unavailable` when the database or, for dead letters, the broker is away, `Contended`
        when other writers were first too often, `TooMuchPending` when a file has no room for more
        events and `Unreadable` when one is of another version. Then other files are committed, and
        doing the same work again is right, since dedupe knows what was done.
        """
        if not work:
            # A batch of events that no rule here reacts to: about every second one.
            return []
        traced = Traced(self.traces, self.service.name, work) if self.traces.on else None
        work = traced.work if traced else work
        by_subject: dict[str, list[int]] = {}
        for index, piece in enumerate(work):
            by_subject.setdefault(piece.subject, []).append(index)
        so_far = _SoFar(work, set() if posted is None else posted)
        committed: list[File] = []
        left = by_subject
        for attempt in range(self.limits.commit_attempts):
            left, files = await self._attempt(so_far, left)
            committed.extend(files)
            if not left or so_far.silent == SILENT_ATTEMPTS_MAX:
                break
            self.metrics.count("orderlink_commit_redos_total", len(left))
            await asyncio.sleep(CONTENTION_PAUSE_SECONDS * attempt)
        full = [file for file in committed if isinstance(so_far.held.get(file.subject), TooMuchPending)]
        before = [len(file.pending) for file in full]
        await self.publish(committed)
        if left and so_far.silent:
            raise Unavailable("database: it does not say what became of a commit")
        if left:
            raise Contended(f"other writers were first {self.limits.commit_attempts} times")
        both = zip(full, before, strict=True)
        rejected = {file.subject: file for file, pending in both if len(file.pending) == pending}
        if rejected and posted is not None:
            await self._park_rejected(so_far, rejected, by_subject)
        if so_far.held:
            raise next(iter(so_far.held.values()))
        done = so_far.done()
        self._count_heard(work, done)
        if traced:
            traced.end(done)
        return done

    def _count_heard(self, work: Sequence[Work], done: Sequence[Done]) -> None:
        heard: Counter[tuple[str, str]] = Counter()
        for piece, answer in zip(work, done, strict=True):
            if isinstance(piece, Hear | Undigested):
                outcome = "waiting" if answer.parked else "dead" if answer.poisoned else "applied"
                heard[(piece.record.topic, "duplicate" if answer.duplicate else outcome)] += 1
        for (topic, outcome), times in heard.items():
            self.metrics.count("orderlink_events_heard_total", times, topic=topic, outcome=outcome)

    async def _park_rejected(
        self, so_far: _SoFar, rejected: dict[str, File], by_subject: Mapping[str, list[int]]
    ) -> None:
        """Park what full files can't take in, where the broker takes everything but what they say.

        That is so when it takes the dead letters, and after that still nothing of these files. While it is
        away as a whole, or back by now, all is left as it was, to be tried again.
        """
        subjects = {subject: by_subject[subject] for subject in rejected}
        so_far.rejected, held = rejected, dict(so_far.held)
        for indexes in subjects.values():
            so_far.doubt(indexes)
        try:
            left, _ = await self._attempt(so_far, subjects)
        except (Unavailable, TooMuchPending):
            so_far.held = held
            return
        so_far.held |= {subject: held[subject] for subject in left}

    async def publish(self, files: Sequence[File]) -> int:
        """Publish what these files have pending, best effort; the sweep does the rest. How many events."""
        waiting = [file for file in files if file.pending]
        return await self.relay.publish(waiting) if waiting else 0

    async def load(self, subject: str) -> File | None:
        """One file as it is stored now. Raises `Unreadable` when it is of another version."""
        document = (await self.store.load([subject])).get(subject)
        return None if document is None else from_document(self.service, document)

    async def _attempt(
        self, so_far: "_SoFar", subjects: dict[str, list[int]]
    ) -> tuple[dict[str, list[int]], list[File]]:
        """Load, fold and commit once. Returns what must be done again, and the files that stand.

        A file that did not change stands too: what it has pending may be of a commit that was
        answered by a timeout, and is published now rather than by the sweep.
        """
        books = await self._folded(so_far, subjects)
        await self._post(so_far, [letter for book in books.values() for letter in book.letters])
        changed = {subject: book for subject, book in books.items() if book.changed}
        writes = [Write(book.document(), book.file.version, book.max_bytes) for book in changed.values()]
        outcomes = await self._commit(writes) if writes else []
        so_far.heard(outcomes)
        again: dict[str, list[int]] = {}
        files: list[File] = []
        for (subject, book), write, outcome in zip(changed.items(), writes, outcomes, strict=True):
            if outcome is Committed.DONE:
                book.file.version += 1
                self._known.keep(book.file, write.size)
                self.relay.committed(book.file)
                files.append(book.file)
            elif outcome is Committed.UNSTORABLE and subject in so_far.outgrown:
                so_far.held[subject] = FileTooLarge(f"file {subject} has no room for the engine's own notes")
            else:
                again[subject] = subjects[subject]
                if outcome is Committed.UNSTORABLE:
                    so_far.outgrown.add(subject)
                if outcome is Committed.UNKNOWN:
                    so_far.doubt(subjects[subject])
        for subject, book in books.items():
            if subject in again:
                continue
            if subject not in changed:
                files.append(book.file)
            for index in subjects[subject]:
                if index in so_far.answers:
                    so_far.answers[index].file = book.file
        return again, files

    async def _post(self, so_far: _SoFar, letters: Sequence[Letter]) -> None:
        await self.post_letters(letters, so_far.posted)
        if so_far.rejected and await self.publish(list(so_far.rejected.values())):
            raise TooMuchPending("the broker takes again what a full file says: there is room soon")

    async def _folded(self, so_far: "_SoFar", subjects: dict[str, list[int]]) -> dict[str, Book]:
        """The files with their work taken in; those left out that this version can't read."""
        held = self._known.held(subjects)
        versions = {subject: file.version for subject, file in held.items()}
        documents = await self.store.load(subjects.keys(), versions)
        now = self.clock.now()
        books: dict[str, Book] = {}
        for subject, indexes in subjects.items():
            try:
                file = self._file(subject, documents.get(subject), held.get(subject))
            except Unreadable as problem:
                so_far.held[subject] = problem
                continue
            self.relay.strip(file)
            size = self.store.size if subject in so_far.outgrown else None
            book = books[subject] = Book(self.service, file, now, self.profile_of, self.limits, size)
            book.rejected = subject in so_far.rejected
            try:
                for index in indexes:
                    so_far.answers[index] = take(book, so_far.work[index])
                so_far.held.pop(subject, None)
            except TooMuchPending as problem:
                so_far.held[subject] = problem
        return books

    async def _commit(self, writes: Sequence[Write]) -> list[Committed]:
        outcomes = await self.store.commit(writes)
        for outcome, times in Counter(outcomes).items():
            self.metrics.count("orderlink_commits_total", times, outcome=outcome.value)
        return outcomes

    def _file(self, subject: str, document: Document | None, held: File | None) -> File:
        return new_file(self.service, subject) if document is None else self._known.read(document, held)

    async def post_letters(self, letters: Sequence[Letter], posted: Posted) -> None:
        """Publish those that are not in `posted`, and note them there. Raises `Unavailable`."""
        letters = [letter for letter in letters if letter.key not in posted]
        if not letters:
            return
        topic = dead_letter_topic(self.service.name)
        records = [letter_record(letter, topic, self.service.name, self.clock.now()) for letter in letters]
        answers = await self.publisher.publish(records)
        for letter, answered in zip(letters, answers, strict=True):
            if answered:
                posted.add(letter.key)
                self.metrics.count("orderlink_dead_letters_total", reason=letter.kind)
        if not all(answers):
            raise Unavailable("the broker did not take the dead letters")
