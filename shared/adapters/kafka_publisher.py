"""The publisher on Kafka: an idempotent aiokafka producer, `acks=all`, murmur2."""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

import aiokafka
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
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


Answer = asyncio.Future[object]
"""The broker's, to one record."""


class _Unfit(Exception):
    """What the producer did not take from us: it never came near the broker, and the producer is well."""

    def __repr__(self) -> str:
        return repr(self.args[0])


@dataclass(slots=True, eq=False)
class _Line:
    """A producer, and what waits in it for the broker's answer."""

    producer: aiokafka.AIOKafkaProducer
    waiting: set[Answer] = field(default_factory=set[Answer])

    async def drop(self) -> None:
        """Let go whoever waits in it, and close. What is under way may arrive, and once more by the next."""
        for answer in self.waiting:
            answer.cancel()
        await _drop(self.producer)


class KafkaPublisher:
    """One producer, replaced when it cannot go on.

    An idempotent producer that gave up on a record has lost count of its sequence numbers, and one
    whose publish timed out still holds records that it would send at some later time. Both are
    thrown away, and the next publish starts with a new one. Whoever waited in the old one for no
    fault of his own is published by the new one, as far as his time allows.
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
        self._line: _Line | None = None
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
        answers: dict[int, Answer] = {}
        line: _Line | None = None
        problem: BaseException | None = None
        left = list(range(len(records)))
        try:
            async with asyncio.timeout(self._publish_seconds):
                while left:
                    line = await self._connected()
                    await self._tried(line, records, left, answers)
                    if self._line is line:
                        break
                    # What is left for no fault of ours waited in a producer that somebody else replaced.
                    left = [number for number in left if not _succeeded(answers[number])]
        except (KafkaError, OSError, TimeoutError, Unavailable) as raised:
            problem = raised if line is not None else await unavailable(self._broker, raised)
        acknowledged = [number in answers and _succeeded(answers[number]) for number in range(len(records))]
        if not all(acknowledged):
            failures = [_failure(answer) for answer in answers.values() if not _succeeded(answer)]
            log.warning(
                "%d of %d records not published: %r",
                len(records) - sum(acknowledged),
                len(records),
                problem or failures[0],
            )
            if problem or not all(isinstance(failure, _Unfit) for failure in failures):
                await self._replace(line)
        return acknowledged

    async def close(self) -> None:
        """Flush and let connections go."""
        self._closed = True
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await line.producer.flush()
            await line.drop()

    async def _tried(
        self, line: _Line, records: Sequence[Outgoing], numbers: Collection[int], answers: dict[int, Answer]
    ) -> None:
        """Send these records and wait for the answers, which are kept also when the time is over."""
        mine: list[Answer] = []
        try:
            for number in numbers:
                answers[number] = answer = await self._send(line.producer, records[number])
                mine.append(answer)
                line.waiting.add(answer)
            await asyncio.wait(mine)
        finally:
            line.waiting.difference_update(mine)

    async def _send(self, producer: aiokafka.AIOKafkaProducer, record: Outgoing) -> Answer:
        """What will be answered; where the producer itself refuses, as it does what is too large, that."""
        refused: Exception
        try:
            answer: Answer = await producer.send(
                self._naming(record.topic),
                value=record.value,
                key=record.key,
                headers=list(record.headers.items()),
            )
        except (MessageSizeTooLargeError, ValueError) as unfit:
            refused = _Unfit(unfit)
        except KafkaError as problem:
            refused = problem
        else:
            return answer
        # The others may go on.
        answer = asyncio.get_running_loop().create_future()
        answer.set_exception(refused)
        return answer

    async def _connected(self) -> _Line:
        async with self._starting:
            if self._closed:
                raise KafkaError("the publisher is closed")
            if self._line is None:
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
                self._line = _Line(producer)
            return self._line

    async def _replace(self, line: _Line | None) -> None:
        if line is not None and self._line is line:
            self._line = None
            await line.drop()


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


def _succeeded(future: Answer) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _failure(future: Answer) -> BaseException:
    if not future.done() or future.cancelled():
        return TimeoutError("no acknowledgement in time")
    return future.exception() or AssertionError("it succeeded")
