"""What is parked now: found on the dead-letter topic and in the files, counted, chosen, collected.

The topic keeps every letter until it is erased, so it says what was parked once. The file says what
still is: its source is in `parked`, and what was taken in before is in `applied`. So the topic is read
in chunks, and the files that a chunk names are loaded in one read.

Memory: an entry for each parked source, and of the letters themselves as much as the caller allows.
What is too much is cut off at the far end of the newest sources, and collected in a later round. So
what is collected of a source always begins with its first letter, and order holds over rounds.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from shared.runtime.chunks import in_chunks
from shared.runtime.dead_letters import StoredLetter, read_letter
from shared.runtime.engine import Engine
from shared.runtime.file import taken_up_to
from shared.runtime.ports import Document, Record

CHUNK_LETTERS: Final = 256
MEMORY_MAX_BYTES: Final = 64_000_000
"""Letters that are held at a time, by their size on the topic."""

Positions = Mapping[int, int]
"""Where to begin in each partition; from the start where it is not named."""
ReadLetters = Callable[[Positions], Iterator[Record]]
"""Reads the dead-letter topic from there to its end as it is now. Blocks while it reads."""


class ParkedSource(NamedTuple):
    """One source that a file has parked."""

    file: str
    source: str
    source_subject: str

    @property
    def name(self) -> str:
        """The source as the file names it."""
        return f"{self.source}/{self.source_subject}"

    @classmethod
    def of(cls, letter: StoredLetter) -> "ParkedSource":
        """The source that a letter is of, in the file that waits for it."""
        return cls(letter.parked_in, letter.source, letter.source_subject)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sources: those that have a letter waiting to which all of this applies."""

    subject: str | None = None
    """The file."""
    source: str | None = None
    """Who said it: a service, or a service and a subject as `logistics/A-1`."""
    reason: str | None = None
    """Text in its reason, whatever the case."""
    topic: str | None = None
    """Where the original record came from."""
    since: datetime | None = None
    """Written then or later."""
    until: datetime | None = None
    """Written before then."""

    def fits(self, letter: StoredLetter) -> bool:
        """Whether all of it applies to this letter."""
        return (
            self.subject in (None, letter.parked_in)
            and self.source in (None, letter.source, f"{letter.source}/{letter.source_subject}")
            and self.topic in (None, letter.topic)
            and (self.reason is None or self.reason.casefold() in letter.reason.casefold())
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
        )


@dataclass(slots=True)
class Parked:
    """A source that is parked now, and what waits of it."""

    where: ParkedSource
    parked_to: int
    """The last sequence that the file knows to be parked."""
    first: StoredLetter
    """What the file waits for first, without its body. Of copies, the newest that says why."""
    newest: int = 0
    """The highest sequence that was seen."""
    letters: int = 0
    fits: bool = False

    def note(self, letter: StoredLetter, choice: Choice) -> None:
        """Take one more letter of it into account."""
        if letter.sequence > self.newest:
            # A copy stands behind its first; one that came out of turn is not counted, no more.
            self.newest = letter.sequence
            self.letters += 1
        same = letter.sequence == self.first.sequence
        if letter.sequence < self.first.sequence or (same and letter.kind == "poison"):
            self.first = _without_body(letter)
        self.fits = self.fits or choice.fits(letter)


@dataclass(slots=True)
class Survey:
    """What a look over the whole topic found."""

    parked: dict[ParkedSource, Parked] = field(default_factory=dict[ParkedSource, Parked])
    letters: int = 0
    """Letters on the topic, old ones and copies too."""
    others: dict[str, int] = field(default_factory=dict[str, int])
    """Letters that hold up nothing, by kind."""
    unreadable: int = 0

    @property
    def waiting(self) -> int:
        """Letters that wait to be taken in."""
        return sum(each.letters for each in self.parked.values())


@dataclass(slots=True)
class Collected:
    """Letters to work on, each source in order, and where the next round begins."""

    letters: list[StoredLetter]
    next: Positions


async def survey(engine: Engine, read: ReadLetters, choice: Choice) -> Survey:
    """Read the whole topic and say what is parked now, of what is chosen."""
    found = Survey()
    async for chunk in in_chunks(read({}), CHUNK_LETTERS):
        letters: list[StoredLetter] = []
        for record in chunk:
            letter = letter_in(record)
            if letter is None:
                found.unreadable += record.value is not None
                continue
            found.letters += 1
            if letter.kind in ("poison", "waiting"):
                letters.append(letter)
            else:
                found.others[letter.kind] = found.others.get(letter.kind, 0) + 1
        files = await engine.store.load({letter.parked_in for letter in letters})
        for letter in letters:
            where = ParkedSource.of(letter)
            parked_to = waits(files.get(where.file), where, letter.sequence)
            if parked_to is not None:
                known = found.parked.setdefault(where, Parked(where, parked_to, _without_body(letter)))
                known.parked_to = parked_to
                known.note(letter, choice)
    found.parked = {where: each for where, each in found.parked.items() if each.fits}
    return found


async def collect(
    engine: Engine,
    read: ReadLetters,
    start: Positions,
    wanted: Mapping[ParkedSource, int],
    max_bytes: int = MEMORY_MAX_BYTES,
) -> Collected:
    """Read the topic from there on and keep what still waits of the wanted sources.

    `wanted` has for each source the last sequence to keep.
    """
    shelf = _Shelf(max_bytes)
    next_at = dict(start)
    async for chunk in in_chunks(read(start), CHUNK_LETTERS):
        letters: list[tuple[Record, StoredLetter]] = []
        for record in chunk:
            next_at[record.partition] = record.offset + 1
            letter = letter_in(record)
            if letter is not None and letter.sequence <= wanted.get(ParkedSource.of(letter), 0):
                letters.append((record, letter))
        files = await engine.store.load({letter.parked_in for _, letter in letters})
        for record, letter in letters:
            where = ParkedSource.of(letter)
            if waits(files.get(where.file), where, letter.sequence) is not None:
                shelf.put(where, record, letter)
    for partition, offset in shelf.cut_at.items():
        next_at[partition] = min(offset, next_at[partition])
    return Collected(shelf.letters(), next_at)


@dataclass(slots=True)
class _Shelf:
    """Letters within a budget. What is too much goes from the far end of the newest source."""

    max_bytes: int
    cut_at: dict[int, int] = field(default_factory=dict[int, int])
    """For each partition, the first offset that has to be read again."""
    _size: int = 0
    _count: int = 0
    _kept: OrderedDict[ParkedSource, dict[int, tuple[Record, StoredLetter]]] = field(
        default_factory=OrderedDict[ParkedSource, dict[int, tuple[Record, StoredLetter]]]
    )
    _cut_from: dict[ParkedSource, int] = field(default_factory=dict[ParkedSource, int])

    def put(self, where: ParkedSource, record: Record, letter: StoredLetter) -> None:
        """Keep a letter, unless what comes before it had to go."""
        if letter.sequence >= self._cut_from.get(where, letter.sequence + 1):
            self._note_cut(record)
            return
        kept = self._kept.setdefault(where, {})
        before = kept.get(letter.sequence)
        if before is not None and not (before[1].kind == "waiting" and letter.kind == "poison"):
            return
        kept[letter.sequence] = (record, letter)
        self._size += _size(record) - (_size(before[0]) if before else 0)
        self._count += before is None
        while self._size > self.max_bytes and self._count > 1:
            self._cut()

    def letters(self) -> list[StoredLetter]:
        """All that is kept, source by source."""
        return [kept[sequence][1] for kept in self._kept.values() for sequence in sorted(kept)]

    def _cut(self) -> None:
        where, kept = next(reversed(self._kept.items()))
        last = max(kept)
        record, _ = kept.pop(last)
        self._cut_from[where] = last
        self._size -= _size(record)
        self._count -= 1
        self._note_cut(record)
        if not kept:
            del self._kept[where]

    def _note_cut(self, record: Record) -> None:
        self.cut_at[record.partition] = min(record.offset, self.cut_at.get(record.partition, record.offset))


def _without_body(letter: StoredLetter) -> StoredLetter:
    return letter.model_copy(update={"record": None, "stack": ""})


def _size(record: Record) -> int:
    return len(record.value or b"")


def letter_in(record: Record) -> StoredLetter | None:
    """The letter in a record; None for a tombstone, and for what is none."""
    if record.value is None:
        return None
    try:
        return read_letter(record.value)
    except ValueError:
        return None


def waits(document: Document | None, where: ParkedSource, sequence: int) -> int | None:
    """Up to which sequence the source is parked, if this one waits; None if it does not, or no more."""
    if document is None:
        return None
    parked: dict[str, int] = dict(document["parked"])
    taken = taken_up_to(document["applied"], where.file, where.source, where.source_subject)
    parked_to = parked.get(where.name)
    return parked_to if parked_to is not None and sequence > taken else None
