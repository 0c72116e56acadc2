"""Administration of the broker by kafka-python: topics, lag, end offsets, reading a topic from end to end."""

import asyncio
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any, Final, TypeVar

import kafka
import kafka.structs
from kafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidReplicationFactorError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from shared.adapters.kafka_broker import Broker, as_broker, record_of
from shared.adapters.naming import Names, Naming, as_they_are
from shared.contracts.catalog import COMPACTED_WITHIN_MS, TOMBSTONES_KEPT_MS, TOPICS, Topic
from shared.runtime.ports import Record, TopicPartition, Unavailable
from shared.runtime.slots import check_partition_count

_CLIENT: Final[Any] = kafka.KafkaAdminClient  # kafka-python has no types
_CONSUMER: Final[Any] = kafka.KafkaConsumer
_WHERE: Final[Any] = kafka.structs.TopicPartition

REQUEST_SECONDS: Final = 10.0
STANDS_STILL_SECONDS: Final = 2 * REQUEST_SECONDS
"""So long a read may give nothing though there is more."""
POLL_MS: Final = 1_000
RETRY_SECONDS: Final = 0.1
READ_BATCH_RECORDS: Final = 500
READ_FETCH_MAX_BYTES: Final = 4_194_304
"""How much of a topic is in memory at a time while it is read."""
RECORD_MAX_BYTES: Final = 1_048_576
"""Larger ones the broker refuses, whatever the cluster allows elsewhere. Events stay far below."""
_FORBIDDEN: Final = (TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno)
_MADE: Final = (0, TopicAlreadyExistsError.errno)
_LATEST: Final = -1
"""Kafka's number for the end of a partition."""

T = TypeVar("T")


class KafkaAdmin:
    """Asks one broker or cluster. kafka-python is synchronous, so each question has a thread of its own."""

    def __init__(self, broker: Broker | str, *, naming: Naming = as_they_are) -> None:
        self._broker = as_broker(broker)
        self._names = Names(naming, (topic.name for topic in TOPICS))
        self._naming = naming

    async def ensure_topics(self, partitions: int, replication: int) -> None:
        """Make missing topics of the catalogue; raise `ValueError` where an existing one differs."""
        check_partition_count(partitions)
        wanted = {topic.name: (topic, partitions if topic.co_partitioned else 1) for topic in TOPICS}
        await self._ask(self._ensure, wanted, replication)

    async def make_topics(self, topics: Collection[str], partitions: int) -> None:
        """Make these topics of the catalogue only, not replicated."""
        check_partition_count(partitions)
        wanted = {topic.name: (topic, partitions) for topic in TOPICS if topic.name in topics}
        await self._ask(self._ensure, wanted, 1)

    async def delete_topics(self, topics: Collection[str]) -> None:
        """Delete these topics of the catalogue with all they hold."""
        await self._ask(self._delete, topics)

    async def end_offsets(self, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The offset after the last record of every partition. Raises `Unavailable`."""
        return await self._ask(self._ends, topics)

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """How many records of each partition the group has not acknowledged. Raises `Unavailable`."""
        return await self._ask(self._lag, group, topics)

    async def committed(self, group: str, topics: Collection[str]) -> Mapping[TopicPartition, int]:
        """The offsets that a group has committed, where it has. Raises `Unavailable`."""
        return await self._ask(self._committed, group, topics)

    async def partition_counts(self) -> dict[str, int]:
        """How many partitions each topic of the catalogue has; only topics that are there."""
        counts: dict[str, int] = await self._ask(self._partition_counts)
        ours = {name: counts.get(self._names.on_broker(name)) for name in self._names.ours}
        return {name: count for name, count in ours.items() if count is not None}

    def read_all(self, topic: str, start: Mapping[int, int] | None = None) -> Iterator[Record]:
        """Every record of a topic up to its ends as they are now, partition by partition in order.

        `start` has offsets to begin at, by partition; where it has none, the first record there is.
        Blocks while it reads and holds a few megabytes at most. Raises `Unavailable`.
        """
        self._reach()
        with named_errors():
            consumer: Any = _CONSUMER(
                **self._broker.options(),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=READ_BATCH_RECORDS,
                fetch_max_bytes=READ_FETCH_MAX_BYTES,
                fetch_max_wait_ms=50,
            )
            try:
                yield from self._read(consumer, topic, start or {})
            finally:
                consumer.close()

    async def close(self) -> None:
        """Nothing to let go: every question has a connection of its own."""

    async def _ask(self, question: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(self._answer, question, *arguments)

    def _answer(self, question: Callable[..., T], *arguments: Any) -> T:
        # Left open, the connection would try to come back for as long as the broker is away.
        self._reach()
        with named_errors():
            client = _CLIENT(
                **self._broker.options(),
                client_id="orderlink-admin",
                request_timeout_ms=round(REQUEST_SECONDS * 1000),
                bootstrap_timeout_ms=round(REQUEST_SECONDS * 1000),
            )
            try:
                return _patiently(question, client, *arguments)
            finally:
                client.close()

    def _reach(self) -> None:
        """Say at once who does not let us in, and why; kafka-python would try for half a minute."""
        # On a thread of its own, since a loop may be running on this one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            # A command can wait for a broker that stands still for a moment.
            knock = self._broker.why_not(knock_seconds=REQUEST_SECONDS)
            reason = thread.submit(asyncio.run, knock).result()
        if reason is not None:
            raise reason

    def _ensure(self, client: Any, wanted: Mapping[str, tuple[Topic, int]], replication: int) -> None:
        existing = self._partition_counts(client)
        missing = {name: each for name, each in wanted.items() if self._names.on_broker(name) not in existing}
        if missing:
            answer = client.create_topics(
                {
                    self._names.on_broker(name): {
                        "num_partitions": count,
                        "replication_factor": replication,
                        "configs": topic_configuration(topic, replication),
                    }
                    for name, (topic, count) in missing.items()
                },
                raise_errors=False,
            )
            _refuse_unmade(answer)
            client.wait_for_topics([self._names.on_broker(name) for name in missing])
            # Somebody else may have made some of them meanwhile, and otherwise.
            existing = self._partition_counts(client)
        differing = [
            f"{name} has {existing[self._names.on_broker(name)]} partitions, expected {count}"
            for name, (_, count) in wanted.items()
            if existing[self._names.on_broker(name)] != count
        ]
        if differing:
            raise ValueError(
                f"{'; '.join(differing)}. Partition counts never change within a major version: "
                "use the count that is there, or migrate the topics"
            )

    @staticmethod
    def _partition_counts(client: Any) -> dict[str, int]:
        return {each["name"]: len(each["partitions"]) for each in client.describe_topics()}

    def _delete(self, client: Any, topics: Collection[str]) -> None:
        existing = self._partition_counts(client)
        there = [name for topic in topics if (name := self._names.on_broker(topic)) in existing]
        if there:
            client.delete_topics(there)

    def _where(self, client: Any, topics: Collection[str]) -> dict[Any, TopicPartition]:
        counts = self._partition_counts(client)
        return {
            _WHERE(self._names.on_broker(topic), number): TopicPartition(topic, number)
            for topic in topics
            for number in range(counts.get(self._names.on_broker(topic), 0))
        }

    def _ends(self, client: Any, topics: Collection[str]) -> dict[TopicPartition, int]:
        where = self._where(client, topics)
        found = client.list_partition_offsets(dict.fromkeys(where, _LATEST)) if where else {}
        return {where[theirs]: each.offset for theirs, each in found.items()}

    def _lag(self, client: Any, group: str, topics: Collection[str]) -> dict[TopicPartition, int]:
        ends = self._ends(client, topics)
        positions = self._committed(client, group, topics)
        return {where: end - positions.get(where, 0) for where, end in ends.items()}

    def _committed(self, client: Any, group: str, topics: Collection[str]) -> dict[TopicPartition, int]:
        ours = {self._names.on_broker(topic): topic for topic in topics}
        found = client.list_group_offsets(self._naming(group)).get(self._naming(group), {})
        return {
            TopicPartition(ours[theirs.topic], theirs.partition): each.offset
            for theirs, each in found.items()
            if theirs.topic in ours and each.offset >= 0
        }

    def _read(self, consumer: Any, topic: str, start: Mapping[int, int]) -> Iterator[Record]:
        name = self._names.on_broker(topic)
        for number in sorted(consumer.partitions_for_topic(name) or ()):
            where = _WHERE(name, number)
            end = consumer.end_offsets([where])[where]
            consumer.assign([where])
            if number in start:
                consumer.seek(where, start[number])
            else:
                consumer.seek_to_beginning(where)
            position, moved_at = None, monotonic()
            while (reached := consumer.position(where)) is None or reached < end:
                # The driver says nothing of a broker that is away: it waits for it, for ever.
                if reached != position:
                    position, moved_at = reached, monotonic()
                elif monotonic() - moved_at > STANDS_STILL_SECONDS:
                    raise Unavailable(f"broker: it gives nothing more of {topic} (KAFKA_BOOTSTRAP_SERVERS)")
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    for record in records:
                        if record.offset < end:
                            yield record_of(topic, record)


def topic_configuration(topic: Topic, replication: int) -> dict[str, str]:
    """Kafka's settings of a topic. Events are kept whole; compacted ones keep the newest of each key."""
    compaction = {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(COMPACTED_WITHIN_MS),
        "delete.retention.ms": str(TOMBSTONES_KEPT_MS),
    }
    return {
        **(compaction if topic.compacted else {"cleanup.policy": "delete"}),
        "retention.ms": str(topic.retention_ms),
        # Said, since a broker's own default may forget by size what is to be kept for ever.
        "retention.bytes": "-1",
        "min.insync.replicas": str(max(1, replication - 1)),
        "max.message.bytes": str(RECORD_MAX_BYTES),
    }


def _refuse_unmade(answer: Mapping[str, Any]) -> None:
    """Say which topics the broker does not make, and why. Raises `Unavailable`.

    What somebody else made meanwhile is there, and what may come in a moment is waited for.
    """
    forbidden = [each["name"] for each in answer["topics"] if each["error_code"] in _FORBIDDEN]
    if forbidden:
        raise Unavailable(
            f"broker: this user may not make topics: {', '.join(forbidden)}; it takes the right Create "
            "(KAFKA_SASL_USERNAME)"
        )
    for each in answer["topics"]:
        error = for_code(each["error_code"])
        if each["error_code"] in _MADE or error.retriable:
            continue
        few = error is InvalidReplicationFactorError
        why = "; a topic has at most as many copies as there are brokers (--replication)" if few else ""
        told = str(each["error_message"] or error.description).strip().rstrip(".")
        raise Unavailable(f"broker: it does not make {each['name']}: {told}{why}")


def _patiently(question: Callable[..., T], *arguments: Any) -> T:
    """Ask again for as long as the broker says that it soon can answer, as one that has just started does.

    Every question may be asked twice: what is made or deleted is looked for first.
    """
    until = monotonic() + REQUEST_SECONDS
    while True:
        try:
            return question(*arguments)
        except KafkaError as problem:
            if not problem.retriable or monotonic() > until:
                raise
        sleep(RETRY_SECONDS)


@contextmanager
def named_errors() -> Generator[None]:
    """Turn the driver's errors into the port's."""
    try:
        yield
    except (KafkaError, OSError) as problem:
        raise Unavailable(f"broker: {problem!r}") from problem
