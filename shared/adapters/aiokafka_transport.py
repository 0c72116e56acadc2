"""A consumer group's member on plain aiokafka, with acknowledgements of its own."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import aiokafka
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.adapters.acks import Acks
from shared.adapters.ending import ended
from shared.adapters.kafka_broker import Broker, as_broker, unavailable
from shared.adapters.kafka_ends import EndOffsets
from shared.adapters.kafka_member import (
    JOINING,
    LEAVE_SECONDS,
    START_SECONDS,
    Membership,
    co_partitioned,
    given,
    keep_member_id,
    leave,
    new_consumer,
)
from shared.adapters.naming import Names, Naming, as_they_are
from shared.adapters.record_buffer import RecordBuffer
from shared.runtime.ports import MemberLost, Note, PortError, Record, TopicPartition, Unavailable, no_note

log = logging.getLogger(__name__)


class AiokafkaTransport:
    """Batches of an `AIOKafkaConsumer`, positions committed a moment after the acknowledgement."""

    def __init__(
        self,
        broker: Broker | str,
        group: str,
        topics: Sequence[str],
        *,
        naming: Naming = as_they_are,
        membership: Membership = Membership(),  # noqa: B008  # immutable
    ) -> None:
        self._broker = as_broker(broker)
        self._names = Names(naming, topics)
        self._group = naming(group)
        self._membership = membership
        self._ends = EndOffsets(self._broker, self._names, membership.client_id)
        self._consumer: aiokafka.AIOKafkaConsumer | None = None
        self._fetching: asyncio.Task[tuple[int, list[Record]]] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._buffer = RecordBuffer()
        """What a fetch brought beyond a batch's bytes."""
        self._acks = Acks()
        self._generation = 0
        self._owned: frozenset[int] = frozenset()
        self._positions: dict[TopicPartition, int] = {}
        self._failure: Unavailable | None = None
        self._note: Note = no_note

    def note_by(self, note: Note) -> None:
        """Have positions noted by this before they are committed."""
        self._note = note

    async def start(self) -> None:
        """Join the group. Raises `Unavailable`."""
        consumer = new_consumer(self._broker, self._group, self._membership)
        self._consumer = consumer
        consumer.subscribe(self._names.theirs, listener=_Listener(self))
        try:
            async with asyncio.timeout(START_SECONDS):
                await consumer.start()
        except (KafkaError, OSError, TimeoutError) as problem:
            await self.close()
            raise await unavailable(self._broker, problem, JOINING) from problem
        keep_member_id(consumer)
        self._committing = asyncio.create_task(self._commit_now_and_then())

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        """The next records of the owned partitions; [] after the wait."""
        if self._failure is not None:
            raise self._failure
        if self._consumer is None:
            raise MemberLost("the member has left the group")
        if not self._buffer:
            await self._fill(self._consumer, max_records, wait_seconds)
        batch = self._buffer.take(max_records, self._membership.batch_max_bytes)
        self._acks.give(batch)
        for record in batch:
            self._positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
        return batch

    async def ack(self, records: Sequence[Record]) -> None:
        """These records are done with; the position is committed soon after, and at close."""
        self._acks.ack(records)

    def partitions(self) -> frozenset[int]:
        """The partition numbers owned now; empty while rebalancing."""
        return self._owned

    def generation(self) -> int:
        """Grows at each rebalance."""
        return self._generation

    def positions(self) -> Mapping[TopicPartition, int]:
        """The offset of the next record to be given, for each owned partition."""
        return dict(self._positions)

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """The offset after the last record of each owned partition, read now. Raises `Unavailable`."""
        return await self._ends.read(
            [TopicPartition(topic, number) for topic in self._names.ours for number in self._owned]
        )

    async def close(self) -> None:
        """Commit what was acknowledged and leave the group."""
        await ended(*(task for task in (self._committing, self._fetching) if task is not None))
        self._committing = self._fetching = None
        consumer, self._consumer = self._consumer, None
        with contextlib.suppress(TimeoutError, KafkaError, OSError, PortError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._commit(consumer)
        if consumer is not None:
            await leave(consumer)
        await self._ends.close()
        self._reset()

    async def revoked(self) -> None:
        """The group is rebalancing: nothing is owned until it is assigned again."""
        with contextlib.suppress(TimeoutError, KafkaError, OSError, PortError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._commit(self._consumer)
        self._generation += 1
        self._reset()

    async def assigned(self, assigned: Collection[Any]) -> None:
        """The group has shared out its partitions anew."""
        generation = self._generation
        partitions = [
            TopicPartition(self._names.in_catalogue(where.topic), where.partition) for where in assigned
        ]
        try:
            owned = co_partitioned(partitions, self._names.ours)
        except Unavailable as failure:
            self._failure = MemberLost(str(failure))
            return
        for where, theirs in zip(partitions, assigned, strict=True):
            position = await self._consumer.position(theirs) if self._consumer else 0
            if generation != self._generation:
                return
            # A batch may have been given meanwhile, and then knows better.
            self._positions.setdefault(where, position)
        self._owned = owned

    def _reset(self) -> None:
        self._owned = frozenset()
        self._positions = {}
        self._buffer.clear()
        self._acks.forget()

    async def _fill(self, consumer: aiokafka.AIOKafkaConsumer, max_records: int, wait_seconds: float) -> None:
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(consumer, max_records, wait_seconds))
        # A rebalance can keep a fetch longer than it was told to wait: it goes on for the next call.
        await asyncio.wait({self._fetching}, timeout=wait_seconds)
        if not self._fetching.done():
            return
        fetched, self._fetching = self._fetching, None
        try:
            generation, records = fetched.result()
        except KafkaError as problem:
            if problem.retriable:
                await asyncio.sleep(min(wait_seconds, 0.1))
                return
            raise MemberLost(f"broker: {problem!r}") from problem
        if generation == self._generation:
            # Nothing before these is left to be given, whatever `assigned` was told meanwhile.
            self._positions |= {
                TopicPartition(each.topic, each.partition): each.offset for each in reversed(records)
            }
            self._buffer.add(records)

    async def _fetch(
        self, consumer: aiokafka.AIOKafkaConsumer, max_records: int, wait_seconds: float
    ) -> tuple[int, list[Record]]:
        fetched = await consumer.getmany(timeout_ms=round(wait_seconds * 1000), max_records=max_records)
        # No records come between a revocation and the next assignment, so these are of this generation.
        return self._generation, given(self._names, fetched)

    async def _commit_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._membership.commit_interval_seconds)
            try:
                await self._commit(self._consumer)
            except (KafkaError, PortError) as problem:
                log.warning("positions could not be committed, another try follows: %r", problem)

    async def _commit(self, consumer: aiokafka.AIOKafkaConsumer | None) -> None:
        positions = self._acks.take()
        if not positions or consumer is None:
            return
        generation = self._generation
        try:
            await self._note(positions)
            await consumer.commit(
                {
                    aiokafka.TopicPartition(self._names.on_broker(where.topic), where.partition): offset
                    for where, offset in positions.items()
                }
            )
        except (CommitFailedError, IllegalStateError):
            log.info("positions not committed: the group has rebalanced, the records come again")
        except BaseException:
            if generation == self._generation:
                self._acks.put_back(positions)
            raise


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, transport: AiokafkaTransport) -> None:
        self._transport = transport

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride]  # it may be
        self, revoked: Collection[Any]
    ) -> None:
        del revoked
        await self._transport.revoked()

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride]  # it may be
        self, assigned: Collection[Any]
    ) -> None:
        await self._transport.assigned(assigned)
