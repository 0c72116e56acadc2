"""A broker in memory: topics, partitions by murmur2, consumer groups; and a publisher to it.

It runs inside simulations and tests, on one event loop. Nothing in it sleeps or awaits.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.contracts.catalog import dead_letter_topic
from shared.runtime.ports import Outgoing, Record, TopicPartition
from shared.runtime.slots import check_partition_count, partition_of

_FORGOTTEN = Record("", 0, 0, None, None)
"""Stands where a record was that everybody has read."""


@dataclass(slots=True)
class _Group:
    generation: int = 0
    members: dict[int, frozenset[str]] = field(default_factory=dict)
    """The topics of each member, in order of joining."""
    owned: dict[int, frozenset[int]] = field(default_factory=dict)
    committed: dict[TopicPartition, int] = field(default_factory=dict)


class MemoryLog:
    """Topics come into being when they are first written or read, with the catalogue's partitions."""

    def __init__(self, partitions: int = 4) -> None:
        check_partition_count(partitions)
        self.partitions = partitions
        self.appended = 0
        """How many records were ever written; a reader that has seen all compares this only."""
        self._topics: dict[str, list[list[Record]]] = {}
        self._groups: dict[str, _Group] = {}
        self._next_member = 0
        self._wake: dict[object, Callable[[], None]] = {}

    # Topics

    def append(self, record: Outgoing) -> Record:
        """Write one record."""
        topic = self.topic(record.topic)
        partition = partition_of(record.key, len(topic))
        log = topic[partition]
        self.appended += 1
        headers = dict(record.headers)
        # There is no clock here; counting tells later from earlier as well.
        written = Record(record.topic, partition, len(log), record.key, record.value, headers, self.appended)
        log.append(written)
        for wake in self._wake.values():
            wake()
        return written

    def topic(self, name: str) -> list[list[Record]]:
        """The partitions of a topic, each with its records. Not to be changed by the caller."""
        found = self._topics.get(name)
        if found is None:
            found = self._topics[name] = [[] for _ in range(self.partition_count(name))]
        return found

    def forget(self, name: str, partition: int, before: int) -> None:
        """Let go what records before this offset hold. Their places stay, so that offsets do."""
        log = self.topic(name)[partition]
        for at in range(min(before, len(log)) - 1, -1, -1):
            if log[at] is _FORGOTTEN:
                break
            log[at] = _FORGOTTEN

    def topics(self) -> tuple[str, ...]:
        """The topics that exist."""
        return tuple(self._topics)

    def delete(self, name: str) -> None:
        """Drop a topic, its records and all positions in it. Members look anew where they are."""
        self._topics.pop(name, None)
        for group in self._groups.values():
            group.generation += 1
            for where in [where for where in group.committed if where.topic == name]:
                del group.committed[where]

    def records(self, name: str) -> Iterator[Record]:
        """All records of a topic, partition by partition."""
        for partition in self.topic(name):
            yield from partition

    def end(self, where: TopicPartition) -> int:
        """The offset after the last record of a partition."""
        return len(self.topic(where.topic)[where.partition])

    def partition_count(self, topic: str) -> int:
        """How many partitions this topic has or would get."""
        if topic in self._topics:
            return len(self._topics[topic])
        is_of_dead_letters = topic == dead_letter_topic(topic.partition(".")[0])
        return 1 if is_of_dead_letters else self.partitions

    def on_append(self, who: object, wake: Callable[[], None] | None) -> None:
        """Call `wake` after each record written; None ends it."""
        if wake is None:
            self._wake.pop(who, None)
        else:
            self._wake[who] = wake

    # Groups

    def join(self, group: str, topics: Iterable[str]) -> int:
        """A member comes; the group's partitions are shared out anew. Returns the member's number."""
        self._next_member += 1
        joined = self._groups.setdefault(group, _Group())
        joined.members[self._next_member] = frozenset(topics)
        self.rebalance(group)
        return self._next_member

    def leave(self, group: str, member: int) -> None:
        """A member goes, in order or by a crash; the others take over."""
        if self._groups[group].members.pop(member, None) is not None:
            self.rebalance(group)

    def rebalance(self, group: str) -> None:
        """Share the partition numbers out anew, and let every member start from the committed positions."""
        known = self._groups[group]
        known.generation += 1
        members = list(known.members)
        known.owned = {
            member: frozenset(range(at, self.partitions, len(members))) for at, member in enumerate(members)
        }

    def generation(self, group: str) -> int:
        """Grows at each rebalance."""
        return self._groups[group].generation

    def owned(self, group: str, member: int) -> frozenset[int]:
        """The partition numbers of a member; empty when it is no member any more."""
        return self._groups[group].owned.get(member, frozenset())

    def committed(self, group: str, where: TopicPartition) -> int:
        """The offset from which the group goes on after a restart."""
        known = self._groups.get(group)
        return known.committed.get(where, 0) if known else 0

    def commit(self, group: str, where: TopicPartition, offset: int) -> None:
        """Set a group's position; also back, as an operator who resets offsets does."""
        self._groups.setdefault(group, _Group()).committed[where] = offset

    def lag(self, group: str, topics: Iterable[str]) -> int:
        """How many records of these topics lie after the group's committed positions."""
        return sum(
            self.end(where) - self.committed(group, where)
            for topic in topics
            for where in (TopicPartition(topic, n) for n in range(self.partition_count(topic)))
        )


class MemoryPublisher:
    """Writes to a `MemoryLog`, at once."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    async def start(self) -> None:
        """Always there."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        """Write all, in order."""
        for record in records:
            self._log.append(record)
        return [True] * len(records)

    async def close(self) -> None:
        """Nothing to flush."""
