"""The transport suite over all transports, and over transports with planted defects, which it must catch."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from shared.adapters.acks import Acks
from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_transport import MemoryTransport
from shared.adapters.naming import Naming
from shared.runtime.ports import Outgoing, Record, TopicPartition, Transport
from tests.adapters import transport_sizes as sizes
from tests.adapters import transport_suite as suite
from tests.adapters.member import read_line
from tests.adapters.transport_sizes import BATCH_MAX_BYTES, PARTITION_FETCH_MAX_BYTES
from tests.adapters.transport_suite import PARTITIONS, TOPICS, Stage, take
from tests.kit.parts import Parts

Case = Callable[[Stage], Awaitable[None]]
CASES: tuple[Case, ...] = (*suite.CASES, *sizes.CASES)
MEMBERSHIP = Membership(
    session_timeout_seconds=6.0,
    heartbeat_seconds=0.2,
    commit_interval_seconds=0.1,
    batch_max_bytes=BATCH_MAX_BYTES,
    partition_fetch_max_bytes=PARTITION_FETCH_MAX_BYTES,
)


class MemoryStage:
    def __init__(self, kind: type[MemoryTransport] = MemoryTransport) -> None:
        self._log = MemoryLog(PARTITIONS)
        self._kind = kind

    async def member(self, name: str | None = None) -> MemoryTransport:
        member = self._kind(self._log, "workers", TOPICS, batch_max_bytes=BATCH_MAX_BYTES)
        await member.start()
        return member

    async def killed(self, name: str, count: int, acknowledged: int) -> list[Record]:
        member = await self.member(name)
        taken = await take(member, count)
        await member.ack(taken[:acknowledged])
        assert member._member
        self._log.leave("workers", member._member)
        return taken

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

    async def member(self, name: str | None = None) -> Transport:
        membership = replace(MEMBERSHIP, instance_id=name)
        member = self._kind(
            self._bootstrap_servers, "workers", TOPICS, naming=self._naming, membership=membership
        )
        self._members.append(member)
        await member.start()
        return member

    async def killed(self, name: str, count: int, acknowledged: int) -> list[Record]:
        told = (self._kind.__module__, self._kind.__name__, self._bootstrap_servers, self._naming(""))
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.adapters.member", *told, name, str(count), str(acknowledged)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout
        lines = [await child.stdout.readline() for _ in range(count)]
        assert await child.stdout.readline() == b"acknowledged\n"
        child.kill()
        await child.wait()
        return [Record(topic, at, offset, None, value) for topic, at, offset, value in map(read_line, lines)]

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


class AcksWhatItGaveWhenItEnds(MemoryTransport):
    """As frameworks do that acknowledge in a `finally`: what an exception interrupted is dropped."""

    _given: list[Record]

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        self._given = await super().batch(max_records, wait_seconds)
        return self._given

    async def close(self) -> None:
        await self.ack(self._given)
        await super().close()


class DropsWhatItHoldsWhenInterrupted(MemoryTransport):
    """Has taken records, and is cancelled before it hands them over."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        batch = await super().batch(max_records, wait_seconds)
        await asyncio.sleep(0.003)
        return batch


class Reorders(MemoryTransport):
    """Hands out the newest first."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        return (await super().batch(max_records, wait_seconds))[::-1]


class AcksPastWhatIsInFlight(MemoryTransport):
    """Commits the highest offset that was acknowledged, whatever lies before it."""

    async def ack(self, records: Sequence[Record]) -> None:
        for record in records:
            before = [Record(record.topic, record.partition, n, None, None) for n in range(record.offset)]
            await super().ack([*before, record])


class HeedsOldAcks(MemoryTransport):
    """Takes an acknowledgement of before the rebalance for one of now."""

    def _follow(self) -> None:
        acks = self._acks
        self._acks = Acks()
        super()._follow()
        self._acks = acks


class TakesOverAtTheEnd(MemoryTransport):
    """Begins with what comes next, as `latest` does."""

    def _follow(self) -> None:
        before = self._generation
        super()._follow()
        if before != self._generation:
            self._positions = {where: self._log.end(where) for where in self._positions}


class SkipsWhatItGaveBefore(MemoryTransport):
    """Goes on where it was after a rebalance, though nobody acknowledged that."""

    def _follow(self) -> None:
        before = dict(self._positions)
        super()._follow()
        self._positions = {where: max(at, before.get(where, 0)) for where, at in self._positions.items()}


class GivesThingsTwice(MemoryTransport):
    """Repeats itself within one generation."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        batch = await super().batch(max(1, max_records // 2), wait_seconds)
        return batch + batch


class CountsRecordsOnly(MemoryTransport):
    """Takes as many records as it may, however large they are."""

    async def start(self) -> None:
        self._batch_max_bytes = None
        await super().start()


class WaitsUntilItHasRoom(MemoryTransport):
    """Takes no record that is larger than a batch may be."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        room = self._batch_max_bytes or 0
        batch = await super().batch(max_records, wait_seconds)
        return batch if sum(record.size_bytes for record in batch) <= room else []


class PositionsRunAhead(MemoryTransport):
    """Says that it has given what lies in its buffer."""

    def positions(self) -> dict[TopicPartition, int]:
        return dict.fromkeys(super().positions(), 10**9)


@pytest.mark.parametrize(
    ("defective", "case"),
    [
        (AcksBeforeItIsTold, suite.what_was_not_acknowledged_comes_again_after_a_restart),
        (AcksBeforeItIsTold, suite.nothing_is_lost_over_a_kill),
        (AcksWhatItGaveWhenItEnds, suite.what_was_not_acknowledged_comes_again_after_a_restart),
        (DropsWhatItHoldsWhenInterrupted, suite.a_wait_that_is_given_up_loses_nothing),
        (Reorders, suite.records_come_whole_and_in_order),
        (Reorders, suite.nothing_is_skipped_and_nothing_overtakes_while_members_come_and_go),
        (AcksPastWhatIsInFlight, suite.a_hole_in_the_acknowledgements_holds_the_position),
        (AcksPastWhatIsInFlight, suite.a_later_batch_acknowledged_first_does_not_pass_an_earlier_one),
        (HeedsOldAcks, suite.acknowledgements_of_an_old_generation_count_for_nothing),
        (TakesOverAtTheEnd, suite.who_takes_over_begins_at_the_first_record_that_is_not_acknowledged),
        (SkipsWhatItGaveBefore, suite.who_takes_over_begins_at_the_first_record_that_is_not_acknowledged),
        (GivesThingsTwice, suite.what_was_given_does_not_come_again_to_the_same_member),
        (CountsRecordsOnly, sizes.a_batch_of_large_records_stays_within_its_bytes),
        (WaitsUntilItHasRoom, sizes.a_record_larger_than_a_batch_may_be_comes_alone_and_holds_up_nothing),
        (PositionsRunAhead, suite.positions_and_ends_tell_how_far_behind_a_member_is),
    ],
    ids=lambda named: named.__name__,
)
async def test_the_suite_catches_a_defective_transport(
    defective: type[MemoryTransport], case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    await case(MemoryStage())
    # What never comes is waited for; a moment is enough to see that a defect keeps it back.
    monkeypatch.setattr(suite, "PATIENCE_SECONDS", 0.5)
    with pytest.raises((AssertionError, TimeoutError)):
        await case(MemoryStage(defective))
