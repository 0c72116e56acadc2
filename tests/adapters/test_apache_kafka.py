"""What only Apache Kafka shows: a broker killed, members that expire, fixed names that rebalance nobody.

The embedded broker writes to disk once a second and never expires a member, so on it these are skipped.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.naming import Naming
from shared.runtime.ports import Outgoing, Record
from tests.adapters.member import SESSION_SECONDS
from tests.adapters.transport_suite import (
    ORDERS,
    PARTITIONS,
    TOPICS,
    numbers,
    outgoing,
    settled,
    take,
)
from tests.kit.parts import Kinds, Parts, Server

pytestmark = pytest.mark.real

Kind = type[AiokafkaTransport | FaustTransport]
KINDS = pytest.mark.parametrize("kind", [AiokafkaTransport, FaustTransport])
KILLS = 3
ACKNOWLEDGED_BETWEEN_KILLS = 200


@pytest.fixture(autouse=True)
def _no_embedded_broker(kinds: Kinds) -> None:
    if kinds.broker == "embedded":
        pytest.skip("the embedded broker does not promise this; `make test-real` runs it on Apache Kafka")


def membership(name: str | None = None) -> Membership:
    return Membership(
        instance_id=name,
        session_timeout_seconds=SESSION_SECONDS,
        heartbeat_seconds=0.3,
        commit_interval_seconds=0.05,
    )


async def test_a_killed_broker_loses_no_acknowledged_record_and_no_order(own_broker: Server) -> None:
    admin = KafkaAdmin(own_broker.address)
    await admin.ensure_topics(PARTITIONS, 1)
    publisher = KafkaPublisher(own_broker.address, publish_seconds=2.0)
    acknowledged: list[int] = []
    stop = asyncio.Event()

    async def publish() -> None:
        # One record stands for a file's next event: it is repeated until it is acknowledged.
        for n in count():
            if stop.is_set():
                return
            while await publisher.publish([outgoing(n)]) != [True]:
                pass
            acknowledged.append(n)

    publishing = asyncio.create_task(publish())
    for kill in range(1, KILLS + 1):
        async with asyncio.timeout(60):
            while len(acknowledged) < kill * ACKNOWLEDGED_BETWEEN_KILLS:
                await asyncio.sleep(0.001)
        await own_broker.kill()
        await own_broker.start()
    stop.set()
    await publishing
    await publisher.close()
    stored = await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))
    first_seen = list(dict.fromkeys(numbers(stored)))
    assert sorted(first_seen) == acknowledged == list(range(len(acknowledged)))
    for key in {record.key for record in stored}:
        mine = list(dict.fromkeys(numbers([record for record in stored if record.key == key])))
        assert mine == sorted(mine)


async def test_positions_survive_a_killed_broker(own_broker: Server) -> None:
    await KafkaAdmin(own_broker.address).ensure_topics(PARTITIONS, 1)
    publisher = KafkaPublisher(own_broker.address, publish_seconds=2.0)
    member = FaustTransport(own_broker.address, "workers", TOPICS, membership=membership())
    await member.start()
    assert all(await publisher.publish([outgoing(n) for n in range(40)]))
    await member.ack(await take(member, 40))
    await member.close()
    await own_broker.kill()
    await own_broker.start()
    async with asyncio.timeout(30):
        while await publisher.publish([outgoing(99)]) != [True]:
            pass
    again = FaustTransport(own_broker.address, "workers", TOPICS, membership=membership())
    await again.start()
    assert set(numbers(await take(again, 1))) == {99}
    await again.close()
    await publisher.close()


@asynccontextmanager
async def _filled(parts: Parts, naming: Naming, records: int) -> AsyncGenerator[KafkaPublisher]:
    """Topics with so many records in them."""
    admin = KafkaAdmin(parts.bootstrap_servers, naming=naming)
    await admin.make_topics(TOPICS, PARTITIONS)
    publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
    assert all(await publisher.publish([outgoing(n) for n in range(records)]))
    try:
        yield publisher
    finally:
        await publisher.close()
        await admin.delete_topics(TOPICS)


@asynccontextmanager
async def _process(
    kind: Kind, parts: Parts, naming: Naming, name: str, takes: int
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A member in a process of its own, which has taken so many records and acknowledged none."""
    told = (kind.__module__, kind.__name__, parts.bootstrap_servers, naming(""), name, str(takes), "0")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.adapters.member", *told), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout
        async with asyncio.timeout(60):
            while await child.stdout.readline() != b"acknowledged\n":
                assert child.returncode is None
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


@KINDS
async def test_a_killed_member_without_a_name_expires_and_its_partitions_go_to_another(
    kind: Kind, parts: Parts, naming: Naming
) -> None:
    async with _filled(parts, naming, 40):
        async with _process(kind, parts, naming, "", 40) as child:
            child.kill()
        other = kind(parts.bootstrap_servers, "workers", TOPICS, naming=naming, membership=membership())
        async with asyncio.timeout(SESSION_SECONDS + 20):
            await other.start()
            assert sorted(numbers(await take(other, 40))) == list(range(40))
        await other.close()


@KINDS
async def test_a_named_member_that_is_back_within_its_session_rebalances_nobody(
    kind: Kind, parts: Parts, naming: Naming
) -> None:
    def member(name: str) -> AiokafkaTransport | FaustTransport:
        return kind(parts.bootstrap_servers, "workers", TOPICS, naming=naming, membership=membership(name))

    async with _filled(parts, naming, 40):
        stays = member("stays")
        await stays.start()
        async with _process(kind, parts, naming, "leaves", 1) as child:
            async with asyncio.timeout(30):
                while len(stays.partitions()) != PARTITIONS // 2:
                    await asyncio.sleep(0.01)
            generation, mine = stays.generation(), stays.partitions()
            child.kill()
        back = member("leaves")
        await back.start()
        await settled(stays, back)
        assert (stays.generation(), stays.partitions()) == (generation, mine)
        taken = await _take_all(stays, back)
        assert sorted(set(numbers(taken))) == list(range(40))
        await back.close()
        await stays.close()


@KINDS
async def test_a_member_frozen_beyond_its_session_loses_its_partitions_and_comes_back_in_order(
    kind: Kind, parts: Parts, naming: Naming
) -> None:
    async with _filled(parts, naming, 40) as publisher:
        async with _process(kind, parts, naming, "", 40) as child:
            child.send_signal(signal.SIGSTOP)
            other = kind(parts.bootstrap_servers, "workers", TOPICS, naming=naming, membership=membership())
            async with asyncio.timeout(SESSION_SECONDS + 20):
                await other.start()
                taken = await take(other, 40)
                await other.ack(taken)
            generation = other.generation()
            child.send_signal(signal.SIGCONT)
            # It wakes, hears that it is no member any more, and joins again.
            async with asyncio.timeout(30):
                while other.generation() == generation or len(other.partitions()) != PARTITIONS // 2:
                    await other.batch(10, 0.05)
            assert await publisher.publish([Outgoing(ORDERS, b"key-0", b"40")]) == [True]
        async with asyncio.timeout(SESSION_SECONDS + 20):
            while len(other.partitions()) != PARTITIONS:
                await other.batch(10, 0.05)
        assert sorted(numbers(taken)) == list(range(40))
        await other.close()


async def _take_all(*members: AiokafkaTransport | FaustTransport) -> list[Record]:
    taken: list[Record] = []
    async with asyncio.timeout(30):
        for member in members:
            ends = await member.end_offsets()
            while any(member.positions().get(where, 0) < end for where, end in ends.items()):
                taken += await member.batch(100, 0.2)
    return taken
