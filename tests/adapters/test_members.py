"""Group members on a real broker when things go wrong: the broker away or hanging, a member killed."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.embedded import EmbeddedBroker
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.naming import Naming
from shared.runtime.ports import Unavailable
from tests.adapters.transport_suite import ORDERS, PARTITIONS, TOPICS, numbers, outgoing, settled, take
from tests.kit.parts import Parts

pytestmark = [pytest.mark.real, pytest.mark.promise("resumed")]

Kind = type[AiokafkaTransport | FaustTransport]
KINDS = pytest.mark.parametrize("kind", [AiokafkaTransport, FaustTransport])
MEMBERSHIP = Membership(session_timeout_seconds=6.0, heartbeat_seconds=0.3, commit_interval_seconds=0.1)


@pytest.fixture
async def broker(own_broker: EmbeddedBroker) -> AsyncIterator[EmbeddedBroker]:
    await KafkaAdmin(own_broker.address).ensure_topics(PARTITIONS, 1)
    yield own_broker
    own_broker.freeze(False)


@KINDS
async def test_a_member_goes_on_by_itself_when_the_broker_is_back(
    kind: Kind, broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.kafka_ends.END_OFFSETS_SECONDS", 0.5)
    publisher = KafkaPublisher(broker.address, publish_seconds=1.0)
    member = kind(broker.address, "workers", TOPICS, membership=MEMBERSHIP)
    await member.start()
    await settled(member)
    assert await publisher.publish([outgoing(1)]) == [True]
    await member.ack(await take(member, 1))
    await asyncio.sleep(0.3)
    await broker.stop()
    assert await member.batch(10, 0.3) == []
    with pytest.raises(Unavailable):
        await member.end_offsets()
    await asyncio.sleep(0.5)
    await broker.start()
    async with asyncio.timeout(20):
        while await publisher.publish([outgoing(2)]) != [True]:
            pass
    assert 2 in numbers(await take(member, 1))
    await member.close()
    await publisher.close()


@KINDS
async def test_closing_ends_in_time_when_the_broker_hangs(kind: Kind, broker: EmbeddedBroker) -> None:
    publisher = KafkaPublisher(broker.address)
    member = kind(broker.address, "workers", TOPICS, membership=MEMBERSHIP)
    await member.start()
    assert await publisher.publish([outgoing(1)]) == [True]
    await member.ack(await take(member, 1))
    await publisher.close()
    broker.freeze(True)
    async with asyncio.timeout(5.5):
        await member.close()


@KINDS
async def test_a_member_without_a_broker_does_not_start(kind: Kind) -> None:
    member = kind("127.0.0.1:1", "workers", TOPICS)
    with pytest.raises(Unavailable, match="broker"):
        await member.start()
    await member.close()


def run_until_it_took(command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline() == "took\n"
        child.send_signal(signal.SIGKILL)


@KINDS
async def test_a_killed_member_is_replaced_by_its_next_self(kind: Kind, parts: Parts, naming: Naming) -> None:
    admin = KafkaAdmin(parts.bootstrap_servers, naming=naming)
    await admin.make_topics(TOPICS, PARTITIONS)
    publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
    assert all(await publisher.publish([outgoing(n) for n in range(10)]))
    program = (
        "import asyncio, sys\n"
        f"from {kind.__module__} import {kind.__name__} as Kind\n"
        "from shared.adapters.kafka_member import Membership\n"
        "async def main():\n"
        "    prefix = sys.argv[2]\n"
        "    member = Kind(sys.argv[1], 'workers', sys.argv[3:], naming=lambda name: prefix + name,\n"
        "        membership=Membership(instance_id='one'))\n"
        "    await member.start()\n"
        "    while not await member.batch(10, 0.5): pass\n"
        "    print('took', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, parts.bootstrap_servers, naming(""), *TOPICS]
    await asyncio.to_thread(run_until_it_took, command)
    membership = Membership(instance_id="one", commit_interval_seconds=0.1)
    member = kind(parts.bootstrap_servers, "workers", TOPICS, naming=naming, membership=membership)
    async with asyncio.timeout(membership.session_timeout_seconds):
        await member.start()
        assert sorted(numbers(await take(member, 10))) == list(range(10))
    await member.close()
    await publisher.close()
    await admin.delete_topics(TOPICS)


async def test_what_goes_wrong_inside_faust_ends_the_member(
    parts: Parts, naming: Naming, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def raises(self: FaustTransport, fetched: Any, generation: int) -> bool:
        raise RuntimeError("something inside")

    admin = KafkaAdmin(parts.bootstrap_servers, naming=naming)
    await admin.make_topics(TOPICS, PARTITIONS)
    publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
    assert await publisher.publish([outgoing(1)]) == [True]
    member = FaustTransport(parts.bootstrap_servers, "workers", TOPICS, naming=naming, membership=MEMBERSHIP)
    monkeypatch.setattr(FaustTransport, "take", raises)
    await member.start()
    with pytest.raises(Unavailable, match="something inside"):
        await take(member, 1)
    await member.close()
    assert sum((await admin.lag("workers", [ORDERS])).values()) == 1
    await publisher.close()
    await admin.delete_topics(TOPICS)
