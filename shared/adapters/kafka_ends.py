"""Where topics begin and end, asked on a connection of its own."""

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from typing import Any, Final

import aiokafka
from aiokafka.errors import KafkaError

from shared.adapters.kafka_broker import Broker, record_of, unavailable
from shared.adapters.naming import Names
from shared.runtime.ports import Record, TopicPartition, Unavailable

END_OFFSETS_SECONDS: Final = 3.0
LATEST_SECONDS: Final = 6.0
_POLL_MILLISECONDS: Final = 100


class EndOffsets:
    """Asks for end offsets on a connection of its own.

    On the consumer's connection the question would stand behind a fetch that waits for records.
    """

    def __init__(self, broker: Broker, names: Names, client_id: str) -> None:
        self._broker = broker
        self._names = names
        self._client_id = client_id
        self._reader: aiokafka.AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def connect(self) -> None:
        """See whether the broker is there. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(END_OFFSETS_SECONDS):
                await self._connected()
        except (KafkaError, OSError, TimeoutError) as problem:
            raise await unavailable(self._broker, problem) from problem

    async def read(self, wanted: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset after the last record of each, as of now. Raises `Unavailable`."""
        return await self._ask("end_offsets", wanted)

    async def beginnings(self, wanted: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset of the first record still there of each. Raises `Unavailable`."""
        return await self._ask("beginning_offsets", wanted)

    async def latest(self, topic: str, count: int) -> list[Record]:
        """The last records of each partition of a topic, at most so many of each; none where there is none.

        Raises `Unavailable`.
        """
        try:
            async with asyncio.timeout(LATEST_SECONDS):
                return await self._latest(topic, count)
        except (KafkaError, OSError, TimeoutError) as problem:
            raise await unavailable(self._broker, problem) from problem

    async def _latest(self, topic: str, count: int) -> list[Record]:
        reader: Any = await self._connected()
        name = self._names.on_broker(topic)
        await reader.topics()
        places = [aiokafka.TopicPartition(name, number) for number in reader.partitions_for_topic(name) or ()]
        if not places:
            return []
        ends = await reader.end_offsets(places)
        begins = await reader.beginning_offsets(places)
        reader.assign(places)
        for place in places:
            reader.seek(place, max(begins[place], ends[place] - count))
        found: list[Record] = []
        while any([await reader.position(place) < ends[place] for place in places]):
            fetched = await reader.getmany(timeout_ms=_POLL_MILLISECONDS)
            found += [record_of(topic, each) for records in fetched.values() for each in records]
        return found

    async def _ask(self, question: str, wanted: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        if not wanted:
            return {}
        theirs = {aiokafka.TopicPartition(self._names.on_broker(w.topic), w.partition): w for w in wanted}
        try:
            async with asyncio.timeout(END_OFFSETS_SECONDS):
                ask = getattr(await self._connected(), question)
                answer: Mapping[aiokafka.TopicPartition, int] = await ask(list(theirs))
        except (KafkaError, OSError, TimeoutError) as problem:
            raise Unavailable(f"broker: no {question}: {problem!r}") from problem
        return {theirs[where]: offset for where, offset in answer.items()}

    async def close(self) -> None:
        """Let the connection go."""
        reader, self._reader = self._reader, None
        if reader is not None:
            with contextlib.suppress(KafkaError, OSError):
                await reader.stop()

    async def _connected(self) -> aiokafka.AIOKafkaConsumer:
        async with self._starting:
            if self._reader is None:
                reader = aiokafka.AIOKafkaConsumer(
                    **self._broker.options(),
                    client_id=f"{self._client_id}-ends",
                    group_id=None,
                    enable_auto_commit=False,
                    request_timeout_ms=round(END_OFFSETS_SECONDS * 1000),
                )
                try:
                    await reader.start()
                except BaseException:
                    await reader.stop()
                    raise
                self._reader = reader
            return self._reader
