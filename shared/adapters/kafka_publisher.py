"""The publisher on Kafka: an idempotent aiokafka producer, `acks=all`, murmur2."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

import aiokafka
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner

from shared.adapters.calm import calm_the_driver
from shared.adapters.ending import within
from shared.adapters.kafka_broker import Broker, as_broker, unavailable
from shared.adapters.naming import Naming, as_they_are
from shared.runtime.ports import Outgoing, Unavailable
from shared.runtime.slots import partition_of

PUBLISH_SECONDS: Final = 5.0
"""How long one `publish` may take until what is not acknowledged counts as not published."""
START_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
MAX_REQUEST_BYTES: Final = 1_048_576

log = logging.getLogger(__name__)


class KafkaPublisher:
    """One producer, replaced when it cannot go on.

    An idempotent producer that gave up on a record has lost count of its sequence numbers, and one
    whose publish timed out still holds records that it would send at some later time. Both are
    thrown away, and the next publish starts with a new one.
    """

    def __init__(
        self,
        broker: Broker | str,
        *,
        naming: Naming = as_they_are,
        client_id: str = "orderlink",
        publish_seconds: float = PUBLISH_SECONDS,
        max_request_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        self._broker = as_broker(broker)
        self._naming = naming
        self._client_id = client_id
        self._publish_seconds = publish_seconds
        self._max_request_bytes = max_request_bytes
        self._producer: aiokafka.AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Connect. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._connected()
        except (KafkaError, OSError, TimeoutError) as problem:
            raise await unavailable(self._broker, problem) from problem

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        """Write all, in order for each key; for each record whether the broker acknowledged it."""
        if not records:
            return []
        sent: list[asyncio.Future[object]] = []
        producer: aiokafka.AIOKafkaProducer | None = None
        problem: BaseException | None = None
        try:
            async with asyncio.timeout(self._publish_seconds):
                producer = await self._connected()
                for record in records:
                    sent.append(await self._send(producer, record))  # noqa: PERF401  # kept as it grows
                await asyncio.wait(sent)
        except (KafkaError, OSError, TimeoutError, Unavailable) as raised:
            problem = raised
            if producer is None:
                problem = await unavailable(self._broker, raised)
        acknowledged = [future.done() and _succeeded(future) for future in sent]
        if not all(acknowledged) or problem is not None:
            problem = problem or next(_failure(each) for each in sent if not _succeeded(each))
            log.warning(
                "%d of %d records not published: %r", len(records) - sum(acknowledged), len(records), problem
            )
            await self._replace(producer)
        return acknowledged + [False] * (len(records) - len(sent))

    async def close(self) -> None:
        """Flush and let connections go."""
        self._closed = True
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await producer.flush()
            await _drop(producer)

    async def _send(self, producer: aiokafka.AIOKafkaProducer, record: Outgoing) -> "asyncio.Future[object]":
        future: asyncio.Future[object]
        try:
            future = await producer.send(
                self._naming(record.topic),
                value=record.value,
                key=record.key,
                headers=list(record.headers.items()),
            )
        except (KafkaError, ValueError) as refused:
            # Refused by the producer itself, as a record that is too large: the others may go on.
            future = asyncio.get_running_loop().create_future()
            future.set_exception(refused)
        return future

    async def _connected(self) -> aiokafka.AIOKafkaProducer:
        async with self._starting:
            if self._closed:
                raise KafkaError("the publisher is closed")
            if self._producer is None:
                calm_the_driver()
                producer = aiokafka.AIOKafkaProducer(
                    **self._broker.options(),
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=0,
                    partitioner=_Partitioner(),
                    max_request_size=self._max_request_bytes,
                    request_timeout_ms=round(self._publish_seconds * 1000),
                    metadata_max_age_ms=60_000,
                )
                try:
                    await producer.start()
                except BaseException:
                    await _drop(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _replace(self, producer: aiokafka.AIOKafkaProducer | None) -> None:
        if producer is not None and self._producer is producer:
            self._producer = None
            await _drop(producer)


class _Partitioner(DefaultPartitioner):  # type: ignore[misc]  # aiokafka has no types
    """Puts a record where aiokafka's own would; that one counts the hash anew for each record."""

    @classmethod
    def __call__(cls, key: bytes, all_partitions: Sequence[int], available: Sequence[int]) -> int:
        del available
        return all_partitions[partition_of(key, len(all_partitions))]


async def _drop(producer: aiokafka.AIOKafkaProducer) -> None:
    """Close without waiting for what was not sent."""
    # Stopping flushes first, for as long as the broker is away, unless the sending task has ended.
    task = producer._sender.sender_task  # noqa: SLF001  # aiokafka has no other way
    if task is not None:
        task.cancel()
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        await within(CLOSE_SECONDS, producer.stop())


def _succeeded(future: "asyncio.Future[object]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _failure(future: "asyncio.Future[object]") -> BaseException:
    if not future.done() or future.cancelled():
        return TimeoutError("no acknowledgement in time")
    return future.exception() or AssertionError("it succeeded")
