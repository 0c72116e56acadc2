"""Administration of both brokers: topics, ends, lag, reading a topic from end to end."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.kafka_topics import Difference, KafkaTopics, differences
from shared.adapters.memory_admin import MemoryAdmin
from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_transport import MemoryTransport
from shared.adapters.naming import Naming
from shared.contracts.catalog import TOPICS, dead_letter_topic
from shared.runtime.ports import Admin, Outgoing, Publisher, Record, TopicPartition, Transport, Unavailable
from tests.kit.parts import Parts

NAMES = tuple(topic.name for topic in TOPICS)
ORDERS = "orders.v1"


async def read(admin: Admin, topic: str) -> list[Record]:
    return await asyncio.to_thread(lambda: list(admin.read_all(topic)))


async def tell_of_a_broker(admin: Admin, publisher: Publisher, member: Transport) -> None:
    """What both administrations must say of a broker with 4 partitions and some records."""
    await admin.ensure_topics(4, 1)
    await admin.ensure_topics(4, 1)
    with pytest.raises(ValueError, match="partitions"):
        await admin.ensure_topics(8, 1)
    letters = dead_letter_topic("orders")
    ends = await admin.end_offsets((ORDERS, letters))
    assert ends == {
        **{TopicPartition(ORDERS, number): 0 for number in range(4)},
        TopicPartition(letters, 0): 0,
    }
    assert await read(admin, ORDERS) == []
    sent = [Outgoing(ORDERS, f"A-{n}".encode(), str(n).encode(), {"n": b"1"}) for n in range(1500)]
    assert all(await publisher.publish([*sent, Outgoing(letters, b"A-1", b"letter")]))
    records = await read(admin, ORDERS)
    assert sorted(int(record.value or b"") for record in records) == list(range(1500))
    assert records == sorted(records, key=lambda record: (record.partition, record.offset))
    assert [record.value for record in await read(admin, letters)] == [b"letter"]
    assert sum((await admin.end_offsets([ORDERS])).values()) == 1500
    assert sum((await admin.lag("workers", [ORDERS])).values()) == 1500
    await member.start()
    taken: list[Record] = []
    async with asyncio.timeout(20):
        while len(taken) < 600:
            taken += await member.batch(600 - len(taken), 0.2)
    await member.ack(taken)
    await member.close()
    assert sum((await admin.lag("workers", [ORDERS])).values()) == 900
    await admin.delete_topics([letters])
    await admin.delete_topics([letters])
    await admin.ensure_topics(4, 1)
    assert await read(admin, letters) == []


async def test_the_memory_broker_is_administered() -> None:
    log = MemoryLog(4)
    member = MemoryTransport(log, "workers", [ORDERS])
    await tell_of_a_broker(MemoryAdmin(log), MemoryPublisher(log), member)


@pytest.fixture
async def admin(parts: Parts, naming: Naming) -> AsyncIterator[KafkaAdmin]:
    admin = KafkaAdmin(parts.bootstrap_servers, naming=naming)
    yield admin
    await admin.delete_topics(NAMES)


@pytest.mark.real
async def test_the_kafka_broker_is_administered(parts: Parts, naming: Naming, admin: KafkaAdmin) -> None:
    publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
    await publisher.start()
    member = AiokafkaTransport(
        parts.bootstrap_servers,
        "workers",
        [ORDERS],
        naming=naming,
        membership=Membership(session_timeout_seconds=6.0),
    )
    await tell_of_a_broker(admin, publisher, member)
    await publisher.close()


@pytest.mark.real
async def test_more_copies_than_there_are_brokers_are_refused_with_what_to_do(admin: KafkaAdmin) -> None:
    with pytest.raises(Unavailable, match=r"does not make .*at most as many copies as there are brokers"):
        await admin.ensure_topics(2, 9)


@pytest.mark.parametrize("count", [0, 3, 512])
async def test_a_partition_count_that_slots_do_not_fit_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        await KafkaAdmin("127.0.0.1:1").ensure_topics(count, 1)


@pytest.mark.real
async def test_topics_with_different_partition_counts_end_a_member(
    parts: Parts, naming: Naming, admin: KafkaAdmin
) -> None:
    await admin.make_topics([ORDERS], 4)
    await admin.make_topics(["logistics.v1"], 2)
    member = AiokafkaTransport(parts.bootstrap_servers, "workers", [ORDERS, "logistics.v1"], naming=naming)
    await member.start()
    with pytest.raises(Unavailable, match="same partition count"):
        await member.batch(1, 0.1)
    assert member.partitions() == frozenset()
    await member.close()


@pytest.mark.real
async def test_a_topic_that_somebody_set_otherwise_is_seen_and_set_right(
    parts: Parts, naming: Naming, admin: KafkaAdmin
) -> None:
    await admin.ensure_topics(4, 1)
    topics = KafkaTopics(parts.bootstrap_servers, naming=naming)
    assert differences(await topics.standing(), 4) == []
    await topics.settle([Difference(ORDERS, "retention.ms", "-1", "3600000")])
    assert [each.told for each in differences(await topics.standing(), 8)[:2]] == [
        "orders.v1 has 4 partitions, expected 8",
        "orders.v1 has retention.ms=3600000, expected -1",
    ]
    await topics.settle(differences(await topics.standing(), 4))
    assert differences(await topics.standing(), 4) == []


async def test_a_broker_that_is_away_is_unavailable() -> None:
    admin = KafkaAdmin("127.0.0.1:1")
    with pytest.raises(Unavailable):
        await admin.end_offsets([ORDERS])
    with pytest.raises(Unavailable):
        await read(admin, ORDERS)


class Silent:
    """A consumer whose broker went away: it gives nothing, and the driver says nothing of it."""

    def __init__(self, position: int | None) -> None:
        self.position_of: int | None = position

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return {0}

    def end_offsets(self, wheres: list[object]) -> dict[object, int]:
        return dict.fromkeys(wheres, 5)

    def assign(self, _wheres: list[object]) -> None: ...

    def seek_to_beginning(self, _where: object) -> None: ...

    def position(self, _where: object) -> int | None:
        return self.position_of

    def poll(self, timeout_ms: int) -> dict[object, object]:
        assert timeout_ms > 0
        return {}


@pytest.mark.parametrize("position", [2, None])
def test_a_read_of_which_nothing_more_comes_ends(
    position: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.adapters.kafka_admin.monotonic", count(step=5).__next__)
    with pytest.raises(Unavailable, match="gives nothing more"):
        list(KafkaAdmin("127.0.0.1:1")._read(Silent(position), ORDERS, {}))
