"""Which records of a partition are done with: the position to commit, whatever the order of the acks."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from shared.runtime.ports import Record, TopicPartition


class Acks:
    """For each partition the records given out, and how far they are acknowledged without a hole.

    A position is the offset after the last record of the unbroken acknowledged beginning. Offsets
    need not follow one another: compaction leaves holes, so what counts is what was given out.
    """

    def __init__(self) -> None:
        self._given: defaultdict[TopicPartition, deque[int]] = defaultdict(deque)
        self._done: defaultdict[TopicPartition, set[int]] = defaultdict(set)
        self._committable: dict[TopicPartition, int] = {}

    def give(self, records: Iterable[Record]) -> None:
        """These records go out, each partition in order."""
        for record in records:
            self._given[TopicPartition(record.topic, record.partition)].append(record.offset)

    def ack(self, records: Iterable[Record]) -> None:
        """These are done with. One that was not given out since the last `forget` is ignored."""
        touched: set[TopicPartition] = set()
        for record in records:
            where = TopicPartition(record.topic, record.partition)
            if where in self._given:
                self._done[where].add(record.offset)
                touched.add(where)
        for where in touched:
            self._advance(where)

    def take(self) -> Mapping[TopicPartition, int]:
        """The positions that moved since the last call."""
        moved, self._committable = self._committable, {}
        return moved

    def put_back(self, positions: Mapping[TopicPartition, int]) -> None:
        """These could not be committed; newer ones stay."""
        self._committable = {**positions, **self._committable}

    def forget(self) -> None:
        """The assignment changed: what was given out under the old one is nobody's any more."""
        self._given.clear()
        self._done.clear()
        self._committable.clear()

    def _advance(self, where: TopicPartition) -> None:
        given, done = self._given[where], self._done[where]
        while given and given[0] in done:
            offset = given.popleft()
            done.remove(offset)
            self._committable[where] = offset + 1
        if not given:
            done.clear()
