"""Administration of a `MemoryLog`."""

from collections.abc import Collection, Iterator, Mapping

from shared.adapters.memory_log import MemoryLog
from shared.contracts.catalog import TOPICS
from shared.runtime.ports import Record, TopicPartition


class MemoryAdmin:
    """What `KafkaAdmin` does, for the broker in memory."""

    def __init__(self, log: MemoryLog) -> None:
        self._log = log

    async def ensure_topics(self, partitions: int, replication: int) -> None:
        """Make missing topics of the catalogue; raise `ValueError` where an existing one differs."""
        del replication
        if partitions != self._log.partitions:
            raise ValueError(f"topics have {self._log.partitions} partitions, expected {partitions}")
        for topic in TOPICS:
            self._log.topic(topic.name)

    async def delete_topics(self, topics: Collection[str]) -> None:
        """Delete these topics with all they hold."""
        for topic in topics:
            self._log.delete(topic)

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The offset after the last record of every partition."""
        return {where: self._log.end(where) for where in self._where(topics)}

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """How many records of each partition the group has not acknowledged."""
        return {
            where: self._log.end(where) - self._log.committed(group, where) for where in self._where(topics)
        }

    async def committed(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The offsets that a group has committed, where it has."""
        found = {where: self._log.committed(group, where) for where in self._where(topics)}
        return {where: offset for where, offset in found.items() if offset}

    def read_all(self, topic: str, start: Mapping[int, int] | None = None) -> Iterator[Record]:
        """Every record of a topic, partition by partition in order, from these offsets on."""
        begin = start or {}
        return (each for each in self._log.records(topic) if each.offset >= begin.get(each.partition, 0))

    async def close(self) -> None:
        """Nothing to let go."""

    def _where(self, topics: Collection[str]) -> list[TopicPartition]:
        return [TopicPartition(t, number) for t in topics for number in range(self._log.partition_count(t))]
