"""How long a fetch may be held back: as long as the consumer says, unless partitions are left out of it."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest

from shared.adapters.kafka_broker import Broker
from shared.adapters.kafka_member import Membership, hold_back_empty_fetches, new_consumer

LEADERS = {0: 1, 1: 1, 2: 2}
SHORT_SECONDS = 0.001
LONG_MILLISECONDS = 500


@dataclass
class Client:
    """Stands for the driver's client: what it was asked for, each answered with one record."""

    asked: list[Any] = field(default_factory=list[Any])

    @property
    def cluster(self) -> Any:
        return SimpleNamespace(leader_for_partition=lambda where: LEADERS[where.partition])

    async def send(self, node_id: int, request: Any) -> Any:
        del node_id
        self.asked.append(request)
        return SimpleNamespace(topics=[("orders.v1", [(0, 0, b"record")])])


@dataclass
class Consumer:
    """Stands for the driver's consumer of three partitions, two of them led by node 1."""

    _client: Client = field(default_factory=Client)

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(TopicPartition("orders.v1", number) for number in LEADERS)


async def waits(node_id: int, *partitions: int) -> int:
    """How long the broker may hold back a fetch of these, in milliseconds."""
    consumer = Consumer()
    client = consumer._client  # where the driver has it
    hold_back_empty_fetches(consumer, SHORT_SECONDS)
    wanted = [("orders.v1", [(number, 0, 1024) for number in partitions])]
    await client.send(node_id, FetchRequest(LONG_MILLISECONDS, 1, 1024, 0, wanted))
    struct = client.asked[0].build(FetchRequest(0, 0, 0, 0, [])._CLASSES[-1])
    return int(struct.max_wait_time)


async def test_a_fetch_of_all_that_a_node_leads_is_held_back_until_there_is_something() -> None:
    assert await waits(1, 0, 1) == LONG_MILLISECONDS
    assert await waits(2, 2) == LONG_MILLISECONDS


async def test_a_fetch_that_leaves_a_partition_out_comes_back_at_once() -> None:
    assert await waits(1, 0) == round(SHORT_SECONDS * 1000)


async def test_a_member_lets_the_broker_hold_its_fetches_back() -> None:
    membership = Membership()
    assert membership.partial_fetch_wait_seconds < membership.fetch_wait_seconds
    consumer = new_consumer(Broker("127.0.0.1:1"), "workers", membership)
    assert consumer._fetch_max_wait_ms == round(membership.fetch_wait_seconds * 1000)
    await consumer.stop()
