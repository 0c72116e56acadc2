"""Growing topics by kafka-python: who reads them, more partitions, and records moved to their new place.

More partitions put a key's next record elsewhere than its last. For topics that keep everything that
is all. In a compacted one the newest record of a key must stand alone, or the old one would never be
removed, not even by a tombstone: so its keys are moved, each to the partition that is now its own.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from time import monotonic, sleep
from typing import Any, Final
from uuid import uuid4

import kafka
import kafka.admin
import kafka.structs
from kafka.errors import GroupAuthorizationFailedError, GroupIdNotFoundError, NoError

from shared.adapters.kafka_admin import REQUEST_SECONDS, KafkaAdmin, named_errors
from shared.contracts.catalog import TOPICS
from shared.runtime.ports import Record, TopicPartition, Unavailable
from shared.runtime.slots import check_partition_count, partition_of

_PRODUCER: Final[Any] = kafka.KafkaProducer  # kafka-python has no types
_WHERE: Final[Any] = kafka.structs.TopicPartition
_OFFSET: Final[Any] = kafka.structs.OffsetAndMetadata
_ADMIN: Final[Any] = kafka.admin
_SENT_AT_ONCE: Final = 500
_SEEN_PAUSE_SECONDS: Final = 0.05

EVENT_TOPICS: Final = tuple(topic.name for topic in TOPICS if topic.co_partitioned)
COMPACTED_TOPICS: Final = tuple(topic.name for topic in TOPICS if topic.co_partitioned and topic.compacted)


class KafkaGrowth(KafkaAdmin):
    """What a migration asks and does, beside what every administrator may."""

    async def members(self, groups: Collection[str]) -> dict[str, list[str]]:
        """The members that these groups have now, by group; only groups that have some."""
        return await self._ask(self._members, tuple(groups))

    async def forget_named(self, groups: Collection[str]) -> None:
        """Put members with a fixed name out of these groups. One that runs after all has to join anew."""
        await self._ask(self._forget_named, tuple(groups))

    async def sees_every_group(self) -> bool:
        """Whether this user may look at whatever group there is; from who may not, brokers hide others."""
        return await self._ask(self._sees_every_group)

    async def behind(self, topics: Collection[str], but: Collection[str]) -> dict[str, int]:
        """All groups but these that have not read these topics to their ends, and by how many records.

        Counted in the partitions in which a group has a position.
        """
        return await self._ask(self._behind, tuple(topics), frozenset(but))

    async def offsets_at(self, topics: Collection[str], moment: datetime) -> Mapping[TopicPartition, int]:
        """The first offset at or after a moment, by the records' own times; none where there is no later."""
        return await self._ask(self._offsets_at, tuple(topics), round(moment.timestamp() * 1000))

    async def set_position(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        """Commit for a group without members. Raises `Unavailable`."""
        await self._ask(self._set_position, group, positions)

    async def grow(self, topic: str, partitions: int) -> None:
        """Give a topic so many partitions; nothing, when it has them. Raises `Unavailable`."""
        check_partition_count(partitions)
        await self._ask(self._grow, topic, partitions)

    def move_keys(self, topic: str, partitions: int) -> int:
        """Copy records to the partition that is now their key's, and bury them where they were.

        Returns how many keys were moved. Blocks. Nobody else may write meanwhile. Interrupted, it can be
        run again: a key that was buried is done, and what was copied already is copied once more in the
        same order, which readers drop as a repetition.
        """
        ends = {where.partition: end for where, end in self._answer(self._ends, (topic,)).items()}
        with named_errors():
            producer = _PRODUCER(**self._broker.options(), acks="all", client_id="orderlink-migration")
            try:
                return sum(
                    self._move_from(producer, topic, number, ends, partitions) for number in sorted(ends)
                )
            finally:
                producer.close(timeout=REQUEST_SECONDS)

    def _move_from(
        self, producer: Any, topic: str, number: int, ends: Mapping[int, int], partitions: int
    ) -> int:
        others = {each: end for each, end in ends.items() if each != number}
        is_alive: dict[bytes, bool] = {}
        for record in self.read_all(topic, others):
            if record.partition == number and record.key and partition_of(record.key, partitions) != number:
                is_alive[record.key] = record.value is not None
        moving = {key for key, alive in is_alive.items() if alive}
        if not moving:
            return 0
        sent: list[Any] = []
        for record in self.read_all(topic, others):
            if record.partition == number and record.key in moving:
                sent.append(self._send(producer, topic, record, partition_of(record.key, partitions)))
                sent = _settled(sent) if len(sent) >= _SENT_AT_ONCE else sent
        _settled(sent)
        buried = [self._send(producer, topic, Record(topic, number, 0, key, None), number) for key in moving]
        _settled(buried)
        return len(moving)

    def _send(self, producer: Any, topic: str, record: Record, partition: int) -> Any:
        return producer.send(
            self._names.on_broker(topic),
            key=record.key,
            value=record.value,
            headers=list(record.headers.items()),
            partition=partition,
        )

    def _described(self, client: Any, groups: tuple[str, ...]) -> dict[str, list[Any]]:
        # A group that nobody ever joined is an error to newer brokers.
        known = {each["group_id"] for each in client.list_groups()}
        there = [group for group in groups if self._naming(group) in known]
        described = client.describe_groups([self._naming(group) for group in there]) if there else {}
        found = {group: described[self._naming(group)]["members"] for group in there}
        return {group: members for group, members in found.items() if members}

    def _members(self, client: Any, groups: tuple[str, ...]) -> dict[str, list[str]]:
        return {
            group: sorted(f"{each['group_instance_id'] or each['client_id']}" for each in members)
            for group, members in self._described(client, groups).items()
        }

    def _forget_named(self, client: Any, groups: tuple[str, ...]) -> None:
        for group, members in self._described(client, groups).items():
            named = [
                _ADMIN.MemberToRemove(group_instance_id=name)
                for each in members
                if (name := each["group_instance_id"])
            ]
            if named:
                client.remove_group_members(self._naming(group), named)

    def _sees_every_group(self, client: Any) -> bool:
        try:
            client.describe_groups([uuid4().hex])
        except GroupAuthorizationFailedError:
            return False
        except GroupIdNotFoundError:
            pass
        return True

    def _behind(self, client: Any, topics: tuple[str, ...], but: frozenset[str]) -> dict[str, int]:
        ends = {
            (self._names.on_broker(where.topic), where.partition): end
            for where, end in self._ends(client, topics).items()
        }
        ours = {self._naming(group) for group in but}
        groups = [each["group_id"] for each in client.list_groups() if each["group_id"] not in ours]
        found: dict[str, int] = {}
        for group in groups:
            positions = client.list_group_offsets(group).get(group, {})
            places = ((ends.get((where.topic, where.partition)), at) for where, at in positions.items())
            lag = sum(end - max(0, at.offset) for end, at in places if end is not None)
            if lag > 0:
                found[group] = lag
        return found

    def _offsets_at(self, client: Any, topics: tuple[str, ...], at: int) -> dict[TopicPartition, int]:
        where = self._where(client, topics)
        found = client.list_partition_offsets(dict.fromkeys(where, at)) if where else {}
        return {where[theirs]: each.offset for theirs, each in found.items() if each.offset >= 0}

    def _set_position(self, client: Any, group: str, positions: Mapping[TopicPartition, int]) -> None:
        told = {
            _WHERE(self._names.on_broker(where.topic), where.partition): _OFFSET(offset, "", -1)
            for where, offset in positions.items()
        }
        answers = client.alter_group_offsets(self._naming(group), told)
        refused = {each for each in answers.values() if each is not NoError}
        # A broker that has just started loads what groups it has; the question is then asked again.
        passing = next((each for each in refused if each.retriable), None)
        if passing is not None:
            raise passing
        if refused:
            raise Unavailable(f"broker: the position of {group} was not taken: {_names_of(refused)}")

    def _grow(self, client: Any, topic: str, partitions: int) -> None:
        name = self._names.on_broker(topic)
        if self._partition_counts(client)[name] >= partitions:
            return
        client.create_partitions({name: partitions})
        until = monotonic() + REQUEST_SECONDS
        while self._partition_counts(client)[name] != partitions:
            if monotonic() > until:
                raise Unavailable(f"broker: {topic} did not get its {partitions} partitions in time")
            sleep(_SEEN_PAUSE_SECONDS)


def _names_of(errors: set[Any]) -> str:
    return ", ".join(sorted(each.__name__ for each in errors))


def _settled(sent: list[Any]) -> list[Any]:
    """Wait until all are acknowledged; raises the driver's error otherwise. Returns an empty list."""
    for each in sent:
        each.get(timeout=REQUEST_SECONDS)
    return []
