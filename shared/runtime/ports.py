"""The ports: what the engine needs of a store, a broker, a clock and the outside.

Every port has a memory adapter and a real one in `shared/adapters`, and one suite of tests that
both pass. A port's method that fails raises one of the errors below and nothing else.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol

Document = dict[str, Any]
"""A file as it is stored: JSON values and aware UTC datetimes. Its shape is `runtime/file.py`'s."""


class PortError(Exception):
    """Something outside did not do what it was asked."""


class Unavailable(PortError):
    """The other side is away, or too slow. Nothing is known to be wrong with what was asked."""


class NotLetIn(Unavailable):
    """The other side is there and turns us away: user, certificate, protocol or rights are wrong.

    Somebody may mend that while we wait. The text names the setting.
    """


class MemberLost(Unavailable):
    """The member of the consumer group can't go on: its process is to end and start again."""


class Unreadable(PortError):
    """A stored file is not one of this version's, as during a rolling change of versions."""


class Restored(PortError):
    """The database is older than what was said and heard by it. The text says what to do."""


class TopicPartition(NamedTuple):
    """One partition of one topic. A tuple, since it is looked up by for every record."""

    topic: str
    partition: int


Positions = Mapping[TopicPartition, int]
"""For each partition the offset up to which it is done with."""


STORED_MAX_BYTES: Final = 16_000_000
"""The largest document that is ever written: MongoDB keeps 16 MiB."""


class Committed(Enum):
    """What became of one guarded write."""

    DONE = "done"
    """It is stored."""
    LOST = "lost"
    """Another writer was first: the guard did not match, or the subject existed already."""
    UNKNOWN = "unknown"
    """It may or may not be stored: a timeout, a cut connection. Reload to know."""
    UNSTORABLE = "unstorable"
    """It is larger than it may be, or holds what no database keeps, as a number beyond 64 bits."""


@dataclass(slots=True)
class Write:
    """Replace one document if its version is still `expected`; 0 means it must not exist yet."""

    document: Document
    expected: int
    max_bytes: int = STORED_MAX_BYTES
    """A document that is larger as it is stored is not written."""
    size: int = 0
    """In bytes, as it is stored: the store notes it here, which has measured it anyway."""


@dataclass(frozen=True, slots=True)
class Cleared:
    """Pending events of a subject that the broker acknowledged: all of `topic` up to `sequence`."""

    subject: str
    topic: str
    sequence: int


class Store(Protocol):
    """One service's files. Documents have `_id`, `version`, `slot`, `pending`, `next_timer_at`,
    `next_effect_at`, `keys` and, where there is something, `stuck` as engine fields; the store looks at
    no others.

    Every method raises `Unavailable` when the database is away, except `commit`, which says so
    for each write.
    """

    async def prepare(self) -> None:
        """Create collections and indexes; doing it again changes nothing."""
        ...

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        """The documents that exist among these subjects, by `_id`.

        Who has some versions at hand names them in `known`: of a document that is still of that
        version, `_id`, `version` and `pending` are enough.
        """
        ...

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        """Try all writes, each under its own guard, in one unordered bulk; one answer for each.

        Never raises for the database's sake: what is not known to be done is UNKNOWN. One that can't be
        stored is UNSTORABLE and holds up no other.
        """
        ...

    def size(self, document: Document) -> int:
        """How many bytes a document takes as it is stored. Raises what its encoding raises."""
        ...

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        """Take acknowledged events out of `pending`: those of the topic with `seq` up to the number.

        Leaves `version` alone and everything later in `pending` where it is.
        """
        ...

    async def due_timers(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        """Documents of these slots with `next_timer_at <= until`, earliest first.

        `_id`, `version` and `next_timer_at` of them are enough: who fires them loads them anew.
        """
        ...

    async def due_effects(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        """Documents of these slots with `next_effect_at <= until`, earliest first.

        `_id`, `version`, `next_effect_at` and `effects` of them are enough.
        """
        ...

    async def stale_pending(self, slots: Collection[int], before: datetime, limit: int) -> list[Document]:
        """Documents of these slots with an event in `pending` whose `since` is before `before`.

        `_id`, `version` and `pending` of them are enough.
        """
        ...

    async def next_timer_at(self, slots: Collection[int]) -> datetime | None:
        """The earliest `next_timer_at` of these slots."""
        ...

    async def pending_count(self, limit: int) -> int:
        """How many documents have something in `pending`, counted up to `limit`."""
        ...

    async def pending_since(self, slots: Collection[int]) -> datetime | None:
        """Since when the oldest event in `pending` of these slots waits."""
        ...

    async def count(self, where: Mapping[str, Any], limit: int) -> int:
        """How many documents match, counted up to `limit`. `where` is as in `page`."""
        ...

    async def profiles_held(self) -> list[str]:
        """The profiles, as `id@version`, that any file is pinned to."""
        ...

    async def by_key(self, key: str, limit: int = 2) -> list[Document]:
        """Documents whose `keys` hold this look-up key (a task id, a tracking number)."""
        ...

    async def page(
        self,
        where: Mapping[str, Any],
        after: str | None,
        limit: int,
    ) -> list[Document]:
        """Documents in order of `_id`, after one, that match.

        `where` maps dotted field paths to a plain value (equality; for a list field: holds it)
        or to a list of values (any of them). The paths a service lists by are in its
        `Service.indexed`.
        """
        ...

    async def numbers(self, subjects: Collection[str]) -> dict[str, dict[str, int]]:
        """The `next_seq` of those of these subjects that have a file, without the rest of it."""
        ...

    async def note_heard(self, positions: Positions) -> None:
        """Note that everything before these offsets was taken in. What is noted never goes back.

        It is noted before the group's position is committed, so that a group which is ahead of the
        note has heard what this database has not. Raises `Restored` where nothing can be noted any
        more, since the database was replaced meanwhile.
        """
        ...

    async def heard(self) -> dict[TopicPartition, int] | None:
        """What was noted; None in a database that an older release made, which noted nothing."""
        ...

    async def trust(self, positions: Positions) -> None:
        """Begin to note, from these positions, in a database in which nothing is noted; else nothing."""
        ...

    async def ping(self) -> None:
        """Return when the database answers."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it was read from the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    written_ms: int = 0
    """When it was written, as the log keeps it: the same at every reading. 0 where nobody asks for it."""

    @property
    def size_bytes(self) -> int:
        """What it carries: key, value and headers."""
        own = len(self.key or b"") + len(self.value or b"")
        return own + sum(len(name) + len(value) for name, value in self.headers.items())


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to be written. The partition follows from the key by murmur2."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


class Publisher(Protocol):
    """An idempotent producer with `acks=all` and the murmur2 partitioner."""

    async def start(self) -> None:
        """Connect. Raises `Unavailable`."""
        ...

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        """Write all, in order for each key; for each record whether the broker acknowledged it.

        A record that was not acknowledged may still be on the log. Never raises for the
        broker's sake, and returns within the publish timeout.
        """
        ...

    async def close(self) -> None:
        """Flush and let connections go."""
        ...


Note = Callable[[Positions], Awaitable[None]]
"""Notes positions in the service's own database. Raises `PortError`."""


async def no_note(_positions: Positions) -> None:
    """For members that keep no database, such as subscribers."""


class Transport(Protocol):
    """A consumer group's member: batches in, acknowledgements out.

    All topics that a service hears have the same partition count, and a member owns the same
    partition numbers of each of them.
    """

    def note_by(self, note: Note) -> None:
        """Have positions noted by this before they are committed; what can't be noted is not committed."""
        ...

    async def start(self) -> None:
        """Join the group. Raises `Unavailable`."""
        ...

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        """The next records of the owned partitions, each partition in order; [] after the wait.

        Nor are they more bytes together than the member was told to hold; one that is larger comes alone.
        Without an acknowledgement the same records come again only after a restart or a rebalance.
        Raises `MemberLost` when the member can't go on: the process is to end.
        """
        ...

    async def ack(self, records: Sequence[Record]) -> None:
        """These records are done with. The position is committed soon after, and at close."""
        ...

    def partitions(self) -> frozenset[int]:
        """The partition numbers owned now; empty while rebalancing."""
        ...

    def generation(self) -> int:
        """A number that grows at each assignment."""
        ...

    def positions(self) -> Mapping[TopicPartition, int]:
        """For each owned partition the offset of the next record that `batch` has not given yet."""
        ...

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """For each owned partition the offset after its last record, read now. Raises `Unavailable`."""
        ...

    async def close(self) -> None:
        """Commit what was acknowledged and leave the group."""
        ...


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def timers_held(self) -> bool:
        """Whether timers shall not fire for now (lockstep replay); effects and events go on."""
        ...


@dataclass(frozen=True, slots=True)
class EffectResult:
    """What became of one attempt at an effect outside."""

    done: bool
    retry: bool = False
    """Whether another attempt may succeed."""
    unclear: bool = False
    """Whether it may have been done all the same: no answer came."""
    reason: str = ""
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Outside(Protocol):
    """One kind of effect outside: mail, refund. Idempotent by effect id where the far side can be."""

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Do it once. Never raises for the far side's sake."""
        ...


class Admin(Protocol):
    """Administration of the broker."""

    async def ensure_topics(self, partitions: int, replication: int) -> None:
        """Make missing topics of the catalogue; raise `ValueError` where an existing one differs."""
        ...

    async def delete_topics(self, topics: Collection[str]) -> None:
        """Delete these topics with all they hold."""
        ...

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The offset after the last record of every partition of these topics. Raises `Unavailable`."""
        ...

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """How many records of each partition a group has not acknowledged. Raises `Unavailable`."""
        ...

    async def committed(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The offsets that a group has committed, where it has. Raises `Unavailable`."""
        ...

    def read_all(self, topic: str, start: Mapping[int, int] | None = None) -> Iterator[Record]:
        """Every record of a topic up to its ends as they are now, each partition in order.

        `start` has offsets to begin at, by partition; where it has none, the first record there is.
        Blocks while it reads, and holds little of it in memory. Raises `Unavailable`.
        """
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
