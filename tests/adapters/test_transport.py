"""The transport suite over all transports, and over transports with planted defects, which it must catch."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_transport import MemoryTransport
from shared.adapters.naming import Naming
from shared.runtime.ports import Outgoing, Record, Transport
from tests.adapters.transport_suite import CASES, PARTITIONS, TOPICS, Stage
from tests.kit.parts import Parts

Case = Callable[[Stage], Awaitable[None]]
MEMBERSHIP = Membership(session_timeout_seconds=6.0, heartbeat_seconds=0.2, commit_interval_seconds=0.1)


class MemoryStage:
    def __init__(self, kind: type[MemoryTransport] = MemoryTransport) -> None:
        self._log = MemoryLog(PARTITIONS)
        self._kind = kind

    async def member(self) -> Transport:
        member = self._kind(self._log, "workers", TOPICS)
        await member.start()
        return member

    async def publish(self, *records: Outgoing) -> None:
        for record in records:
            self._log.append(record)


class KafkaStage:
    def __init__(
        self,
        kind: type[AiokafkaTransport | FaustTransport],
        bootstrap_servers: str,
        naming: Naming,
        publisher: KafkaPublisher,
    ) -> None:
        self._kind = kind
        self._bootstrap_servers = bootstrap_servers
        self._naming = naming
        self._publisher = publisher
        self._members: list[Transport] = []

    async def member(self) -> Transport:
        member = self._kind(
            self._bootstrap_servers, "workers", TOPICS, naming=self._naming, membership=MEMBERSHIP
        )
        self._members.append(member)
        await member.start()
        return member

    async def publish(self, *records: Outgoing) -> None:
        assert all(await self._publisher.publish(records))

    async def close(self) -> None:
        await asyncio.gather(*(member.close() for member in self._members))


@asynccontextmanager
async def kafka_stage(
    kind: type[AiokafkaTransport | FaustTransport], parts: Parts, naming: Naming
) -> AsyncGenerator[KafkaStage]:
    admin = KafkaAdmin(parts.bootstrap_servers, naming=naming)
    await admin.make_topics(TOPICS, PARTITIONS)
    publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
    await publisher.start()
    stage = KafkaStage(kind, parts.bootstrap_servers, naming, publisher)
    try:
        yield stage
    finally:
        await stage.close()
        await publisher.close()
        await admin.delete_topics(TOPICS)
        await admin.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_memory_transport_passes(case: Case) -> None:
    await case(MemoryStage())


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_aiokafka_transport_passes(case: Case, parts: Parts, naming: Naming) -> None:
    async with kafka_stage(AiokafkaTransport, parts, naming) as stage:
        await case(stage)


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_faust_transport_passes(case: Case, parts: Parts, naming: Naming) -> None:
    async with kafka_stage(FaustTransport, parts, naming) as stage:
        await case(stage)


class AcksBeforeItIsTold(MemoryTransport):
    """As consumers with auto-commit do."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        batch = await super().batch(max_records, wait_seconds)
        await self.ack(batch)
        return batch


class AcksTheHighestOnly(MemoryTransport):
    """Commits past what is still being worked on."""

    async def ack(self, records: Sequence[Record]) -> None:
        for record in records:
            skipped = [
                Record(record.topic, record.partition, n, None, None) for n in range(min(9, record.offset))
            ]
            await super().ack([*skipped, record])


class GivesThingsTwice(MemoryTransport):
    """Repeats itself within one generation."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        batch = await super().batch(max(1, max_records // 2), wait_seconds)
        return batch + batch


class PositionsRunAhead(MemoryTransport):
    """Says that it has given what lies in its buffer."""

    def positions(self) -> dict[object, int]:  # type: ignore[override]
        return dict.fromkeys(super().positions(), 10**9)


@pytest.mark.parametrize(
    "defective", [AcksBeforeItIsTold, AcksTheHighestOnly, GivesThingsTwice, PositionsRunAhead]
)
async def test_the_suite_catches_a_defective_transport(defective: type[MemoryTransport]) -> None:
    failed: list[str] = []
    for case in CASES:
        try:
            async with asyncio.timeout(0.25):
                await case(MemoryStage(defective))
        except (AssertionError, TimeoutError):
            failed.append(case.__name__)
    assert failed
