"""Work for the engine: what reaches a file, from the stream, the API, the timers and outside.

Each piece of work names the file it is for, so that one batch can hold any mix of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from shared.contracts.event import Event
from shared.kernel.decision import Refused
from shared.runtime.file import File
from shared.runtime.ports import EffectResult, Record, Unavailable, Unreadable


@dataclass(frozen=True, slots=True)
class Hear:
    """An event that was read from the log, and what the service's `react` made of it for this file."""

    subject: str
    event: Event
    record: Record
    commands: tuple[Any, ...] = ()
    redriven: bool = False
    late: bool = False
    """Redriven too, but for another file than the one that has it parked: there it is news, out of turn."""
    traceparent: str | None = None
    """Of the span in which it is heard; None leaves the event's own."""


@dataclass(frozen=True, slots=True)
class Undigested:
    """A record that could not be read, or whose reaction raised, for the file it belongs to."""

    subject: str
    source: str
    source_subject: str
    sequence: int
    record: Record
    reason: str
    stack: str
    redriven: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """A fact from outside. `digest` tells a repetition from another fact with the same id."""

    subject: str
    fact: Any
    digest: str
    shops: tuple[str, ...] | None = None
    """The shops that the teller may speak for; None for all. A fact that waits is checked again."""
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A command from somebody, under an idempotency key."""

    subject: str
    command: Any
    key: str
    digest: str
    if_match: int | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class FireTimers:
    """Fire what is due in this file up to a moment, earliest first."""

    subject: str
    until: datetime
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class StartEffect:
    """Mark an effect as being tried, so that no other worker tries it for the lease's time."""

    subject: str
    effect_id: str


@dataclass(frozen=True, slots=True)
class ReportEffect:
    """What became of an attempt at an effect."""

    subject: str
    effect_id: str
    attempt: int
    result: EffectResult
    traceparent: str | None = None
    """Of the span in which it was tried; None leaves that of what wanted it."""


@dataclass(frozen=True, slots=True)
class Discard:
    """Give up a parked record: move past it."""

    subject: str
    source: str
    source_subject: str
    sequence: int
    event_id: str


Work = Hear | Undigested | Tell | Ask | FireTimers | StartEffect | ReportEffect | Discard


@dataclass(frozen=True, slots=True)
class Letter:
    """A record for the dead letters: why it is there and where it came from."""

    target: str | None
    """The file that could not take it; None where the record could not even be read."""
    source: str
    source_subject: str
    sequence: int
    event_id: str
    reason: str
    stack: str
    kind: str
    """`poison`, `waiting` (behind a poisoned one), `alien` (no event of ours), `timer` or `effect`."""
    record: Record | None

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from other letters: one that was posted for a batch need not be posted again."""
        return self.kind, self.target or self.source_subject, self.event_id


@dataclass(slots=True)
class Done:
    """What became of one piece of work, once the file is committed."""

    file: File | None = None
    fits: bool = True
    waiting: bool = False
    duplicate: bool = False
    refused: Refused | None = None
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    poisoned: bool = False
    parked: bool = False
    """Whether it went to the dead letters as `waiting`."""
    rejected: bool = False
    """Whether it did so because its file is full, and the broker takes nothing of what that says."""
    outgrown: bool = False
    """Whether it was poisoned since its file has no room for it, which is no fault of the rules."""
    started: int = 0
    """For `StartEffect`: the number of the attempt that is now this worker's; 0 if it is not."""
    fired: tuple[tuple[str, str | None], ...] = ()
    """For `FireTimers`: the names of the timers that fired, each with the traceparent of what set it."""
    problem: Exception | None = None
    """For one who asks: why nothing happened (a reused key, a version that moved)."""


class KeyReused(Exception):
    """The same fact id or idempotency key came with another body."""


class VersionMoved(Exception):
    """`If-Match` named another version than the file has."""


class TooMuchPending(Exception):
    """The file has as many unpublished events as it may hold; come again later."""


class TooManyTimers(Exception):
    """The file has as many timers as it may hold; waiting does not help."""


class TooManyEvents(Exception):
    """A decision says more events at once than a file may hold unpublished; waiting does not help."""


class EventTooLarge(Exception):
    """An event would be larger than `event_max_bytes`."""


class FileTooLarge(Exception):
    """The file would be larger than `document_max_bytes`; waiting does not help."""


class Contended(Exception):
    """Other writers were first as often as may be tried; come again later."""


FILE_CANT_GO_ON: Final = (Unreadable, TooMuchPending, FileTooLarge)
"""What a single file can't go on for; others can."""
PAUSED: Final = (Unavailable, Unreadable, Contended, TooMuchPending, FileTooLarge)
"""What a worker waits out: nothing is wrong with the work itself."""


def portions(work: Sequence[Work], max_files: int) -> Iterator[Sequence[Work]]:
    """The work in its order, cut so that no portion concerns more files than that."""
    begin = 0
    subjects: set[str] = set()
    for at, piece in enumerate(work):
        if piece.subject not in subjects and len(subjects) == max_files:
            yield work[begin:at]
            begin, subjects = at, set[str]()
        subjects.add(piece.subject)
    if work:
        yield work[begin:]
