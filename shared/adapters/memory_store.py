"""A store in memory that behaves like the real one, for tests and simulations.

Documents are kept as BSON, so that what a real database would change or refuse (a moment's
microseconds, a tuple, a decimal) is changed or refused here too, and nobody shares an object with it.
Where much is simulated, `as_bson=False` keeps them as they are, so that reading takes no time: the
engine never changes a document that it was given or has handed over. What can't be stored is refused
all the same.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import islice
from typing import Any

import bson
from bson.codec_options import CodecOptions

from shared.adapters.mongo_words import encoded
from shared.contracts.catalog import SLOTS
from shared.runtime.ports import Cleared, Committed, Document, Positions, Restored, TopicPartition, Write

_NO_KEYS: frozenset[str] = frozenset()
_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


class MemoryStore:
    """One service's files in memory."""

    def __init__(self, *, as_bson: bool = True) -> None:
        self.writes = 0
        """How often a document was written; a reader who has seen all compares this only."""
        self._as_bson = as_bson
        self._files: dict[str, _Kept] = {}
        self._order: list[str] = []
        self._timers = _Due()
        self._effects = _Due()
        self._waiting: dict[str, datetime] = {}
        """Subjects with something pending, and since when the oldest waits."""
        self._by_key: dict[str, set[str]] = {}
        self._heard: dict[TopicPartition, int] | None = {}

    def __len__(self) -> int:
        return len(self._files)

    async def prepare(self) -> None:
        """Nothing to create."""

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        """The documents that exist among these subjects; of those still at a known version, their outbox."""
        found = {subject: self._read(subject) for subject in subjects if subject in self._files}
        for subject, version in (known or {}).items():
            document = found.get(subject)
            if document is not None and document["version"] == version:
                found[subject] = {name: document[name] for name in ("_id", "version", "pending")}
        return found

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        """Try all writes, each under its own guard."""
        return [self._write(write) for write in writes]

    def size(self, document: Document) -> int:
        """How many bytes a document takes as BSON."""
        return len(bson.encode(document))

    def body(self, write: Write) -> bytes | None:
        """The document as a database would store it; None where it can't be stored."""
        return encoded(write.document, write.max_bytes)

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        """Take acknowledged events out of `pending`."""
        for done in cleared:
            if done.subject not in self._waiting:
                continue
            document = self._read(done.subject)
            left = [
                entry
                for entry in document["pending"]
                if entry["topic"] != done.topic or entry["seq"] > done.sequence
            ]
            self._keep(done.subject, {**document, "pending": left})

    async def due_timers(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        """Documents of these slots with `next_timer_at <= until`, earliest first."""
        return [self._read(subject) for subject in self._timers.due(slots, until, limit)]

    async def due_effects(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        """Documents of these slots with `next_effect_at <= until`, earliest first."""
        return [self._read(subject) for subject in self._effects.due(slots, until, limit)]

    async def stale_pending(self, slots: Collection[int], before: datetime, limit: int) -> list[Document]:
        """Documents of these slots whose oldest pending event waits since before `before`."""
        stale = (
            subject
            for subject, since in self._waiting.items()
            if since < before and self._files[subject].slot in slots
        )
        return [self._read(subject) for subject in list(islice(stale, limit))]

    async def next_timer_at(self, slots: Collection[int]) -> datetime | None:
        """The earliest `next_timer_at` of these slots."""
        return self._timers.first(slots)

    async def pending_count(self, limit: int) -> int:
        """How many documents have something in `pending`, counted up to `limit`."""
        return min(limit, len(self._waiting))

    async def pending_since(self, slots: Collection[int]) -> datetime | None:
        """Since when the oldest event in `pending` of these slots waits."""
        waiting = (since for subject, since in self._waiting.items() if self._files[subject].slot in slots)
        return _milliseconds(min(waiting, default=None))

    async def count(self, where: Mapping[str, Any], limit: int) -> int:
        """How many documents match, counted up to `limit`."""
        return len(await self.page(where, None, limit))

    async def profiles_held(self) -> list[str]:
        """The profiles that any file is pinned to."""
        held = {self._read(subject).get("profile") for subject in self._files}
        return sorted(ref for ref in held if ref)

    async def by_key(self, key: str, limit: int = 2) -> list[Document]:
        """Documents whose `keys` hold this look-up key."""
        return [self._read(subject) for subject in sorted(self._by_key.get(key, ()))[:limit]]

    async def page(self, where: Mapping[str, Any], after: str | None, limit: int) -> list[Document]:
        """Documents in order of `_id`, after one, that match."""
        start = 0 if after is None else bisect_right(self._order, after)
        documents = (self._read(subject) for subject in islice(self._order, start, None))
        fitting = (document for document in documents if _matches(document, where))
        return list(islice(fitting, limit))

    async def numbers(self, subjects: Collection[str]) -> dict[str, dict[str, int]]:
        """The `next_seq` of those of these subjects that have a file."""
        return {subject: self._read(subject)["next_seq"] for subject in subjects if subject in self._files}

    async def note_heard(self, positions: Positions) -> None:
        """Note that everything before these offsets was taken in."""
        if self._heard is None:
            raise Restored("the database was replaced while it was worked with")
        for where, offset in positions.items():
            self._heard[where] = max(offset, self._heard.get(where, 0))

    async def heard(self) -> dict[TopicPartition, int] | None:
        """What was noted."""
        return None if self._heard is None else dict(self._heard)

    async def trust(self, positions: Positions) -> None:
        """Begin to note, from these positions, where nothing is noted."""
        if self._heard is None:
            self._heard = dict(positions)

    def copy(self, *, with_notes: bool = True) -> "MemoryStore":
        """A backup, which can be worked with as what it is a backup of. An older release noted nothing."""
        backup = MemoryStore(as_bson=self._as_bson)
        for subject in self._order:
            backup._keep(subject, self._read(subject))
        backup._heard = dict(self._heard or {}) if with_notes else None
        return backup

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to let go; the documents stay, as a database's do."""

    def _read(self, subject: str) -> Document:
        kept = self._files[subject].document
        return bson.decode(kept, _OPTIONS) if isinstance(kept, bytes) else kept

    def _write(self, write: Write) -> Committed:
        subject = write.document["_id"]
        body = self.body(write)
        if body is None:
            return Committed.UNSTORABLE
        write.size = len(body)
        kept = self._files.get(subject)
        if (kept.version if kept else 0) != write.expected:
            return Committed.LOST
        self._keep(subject, write.document, body if self._as_bson else write.document)
        return Committed.DONE

    def _keep(self, subject: str, document: Document, stored: bytes | Document | None = None) -> None:
        self.writes += 1
        kept = self._files.get(subject)
        if kept is None:
            insort(self._order, subject)
        keys = frozenset(document.get("keys", ()))
        before = kept.keys if kept else _NO_KEYS
        if keys != before:
            for key in before - keys:
                self._by_key[key].discard(subject)
            for key in keys - before:
                self._by_key.setdefault(key, set()).add(subject)
        slot = document["slot"]
        if stored is None:
            stored = bson.encode(document) if self._as_bson else document
        self._files[subject] = _Kept(stored, document["version"], slot, keys)
        self._timers.put(subject, slot, _milliseconds(document.get("next_timer_at")))
        self._effects.put(subject, slot, _milliseconds(document.get("next_effect_at")))
        if pending := document.get("pending"):
            self._waiting[subject] = min(entry["since"] for entry in pending)
        else:
            self._waiting.pop(subject, None)


@dataclass(frozen=True, slots=True)
class _Kept:
    document: bytes | Document
    """As BSON, or as it is."""
    version: int
    slot: int
    keys: frozenset[str]


class _Due:
    """Subjects in order of a moment. Moving one leaves its old heap entry behind, to be skipped later."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str]] = []
        self._now: dict[str, tuple[datetime, int]] = {}

    def put(self, subject: str, slot: int, at: datetime | None) -> None:
        old = self._now.get(subject)
        if at is None:
            self._now.pop(subject, None)
        else:
            self._now[subject] = (at, slot)
            if old is None or old[0] != at:
                heappush(self._heap, (at, subject))

    def due(self, slots: Collection[int], until: datetime, limit: int) -> list[str]:
        found = list(islice(self._walk(slots, _milliseconds(until)), limit))
        for at, subject in found:
            heappush(self._heap, (at, subject))
        return [subject for _, subject in found]

    def first(self, slots: Collection[int]) -> datetime | None:
        found = next(self._walk(slots, None), None)
        if found is None:
            return None
        heappush(self._heap, found)
        return found[0]

    def _walk(self, slots: Collection[int], until: datetime | None) -> Iterator[tuple[datetime, str]]:
        """Take entries off the heap in order; the caller puts back those it was given."""
        foreign: list[tuple[datetime, str]] = []
        taken: set[str] = set()
        every = len(slots) >= SLOTS
        try:
            while self._heap and (until is None or self._heap[0][0] <= until):
                entry = heappop(self._heap)
                at, subject = entry
                now = self._now.get(subject)
                if now is None or now[0] != at or subject in taken:
                    continue
                taken.add(subject)
                if every or now[1] in slots:
                    yield entry
                else:
                    foreign.append(entry)
        finally:
            for entry in foreign:
                heappush(self._heap, entry)


def _milliseconds(at: datetime | None) -> datetime | None:
    """A moment as BSON keeps it."""
    if at is None or at.microsecond % 1000 == 0:
        return at
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _matches(document: Document, where: Mapping[str, Any]) -> bool:
    return all(_holds(document, path.split("."), wanted) for path, wanted in where.items())


def _holds(value: Any, path: list[str], wanted: Any) -> bool:
    """Whether some value at the path is wanted; a list along the way stands for each of its items."""
    if isinstance(value, list):
        return any(_holds(item, path, wanted) for item in value)
    if path:
        return isinstance(value, dict) and path[0] in value and _holds(value[path[0]], path[1:], wanted)
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)
