"""Joining a service's consumer group: how many partitions there are, and a member that takes its share."""

from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_broker import Broker
from shared.adapters.kafka_member import Membership
from shared.adapters.settings import CommonSettings
from shared.contracts.catalog import HEARS, consumer_group, event_topic
from shared.runtime.ports import Positions, Unavailable
from shared.runtime.slots import check_partition_count


async def partition_count(broker: Broker, service: str) -> int:
    """How many partitions the topics have that a service hears and writes.

    Raises `Unavailable` where a topic is not there yet, and `ValueError` where they differ.
    """
    topics = dict.fromkeys((event_topic(service), *HEARS[service]))
    admin = KafkaAdmin(broker)
    try:
        ends = await admin.end_offsets(topics)
    finally:
        await admin.close()
    counts = {topic: sum(1 for where in ends if where.topic == topic) for topic in topics}
    missing = [topic for topic, count in counts.items() if count == 0]
    if missing:
        raise Unavailable(f"there is no topic {', '.join(missing)}; `orderlink topics make` makes them")
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{topic} has {count}" for topic, count in counts.items())
        raise ValueError(f"event topics must have the same number of partitions: {told}")
    count = counts[event_topic(service)]
    check_partition_count(count)
    return count


async def committed(broker: Broker, service: str) -> Positions:
    """How far the service's group has come, by what it has committed. Raises `Unavailable`."""
    admin = KafkaAdmin(broker)
    try:
        return await admin.committed(consumer_group(service), HEARS[service])
    finally:
        await admin.close()


async def join_group(
    broker: Broker, service: str, partitions: int, settings: CommonSettings
) -> FaustTransport:
    """A member of the service's group, for topics of so many partitions. Raises `Unavailable`."""
    topics = HEARS[service]
    membership = Membership(
        client_id=f"orderlink-{service}",
        instance_id=settings.worker_instance_id,
        batch_max_bytes=settings.batch_max_bytes,
        fetch_max_bytes=settings.fetch_max_bytes,
        # All of them may be one member's, and each may have an answer lying there.
        partition_fetch_max_bytes=settings.fetch_max_bytes // (partitions * len(topics)),
    )
    transport = FaustTransport(broker, consumer_group(service), topics, membership=membership)
    try:
        await transport.start()
    except Unavailable:
        await transport.close()
        raise
    return transport
