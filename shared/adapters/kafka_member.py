"""What both Kafka transports have in common: how their consumer is set up, and what it must be given."""

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiokafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from shared.adapters.calm import calm_the_driver
from shared.adapters.ending import within
from shared.adapters.kafka_broker import Broker, record_of
from shared.adapters.naming import Names
from shared.runtime.ports import Record, TopicPartition, Unavailable

START_SECONDS: Final = 30.0
"""How long joining the group may take."""

JOINING: Final = "broker: the group cannot be joined"
"""What could not be done where a member does not get in."""

LEAVE_SECONDS: Final = 1.5
"""How long each step of leaving may take: the last commit, and saying goodbye."""

FETCH_MAX_RECORDS: Final = 1000
"""How many records one fetch may bring, unless it is asked for fewer."""


@dataclass(frozen=True, slots=True)
class Membership:
    """How a member behaves in its group."""

    client_id: str = "orderlink"
    instance_id: str | None = None
    """A fixed name makes it a static member: a restart within the session timeout rebalances nobody."""
    session_timeout_seconds: float = 10.0
    """A member that is silent for so long is taken for dead. Kafka allows 6 s and more."""
    heartbeat_seconds: float = 1.0
    """How often it says that it lives, and so how soon it hears of a rebalance."""
    max_poll_seconds: float = 300.0
    """A member that asks for no batch for so long is taken for stuck and loses its partitions."""
    fetch_wait_seconds: float = 0.5
    """How long the broker may hold back a fetch of all partitions that it leads for this member. The
    first record ends it, so only the broker's work grows with more questions, and nobody waits longer."""
    partial_fetch_wait_seconds: float = 0.01
    """How long it may hold back a fetch that leaves some partitions out, since records of them lie here.
    The next of their records would wait for so long; hence short."""
    commit_interval_seconds: float = 0.5
    """How soon after the acknowledgement a position is committed."""
    batch_max_bytes: int = 4_194_304
    """A batch carries no more than this; a record that is larger comes alone."""
    fetch_max_bytes: int = 8_388_608
    """So much may lie fetched and not taken yet, over all partitions; a single larger record passes."""
    partition_fetch_max_bytes: int = 262_144
    """So much of it may be of one partition."""


def new_consumer(broker: Broker, group: str, membership: Membership) -> Any:
    """A consumer for a group member, on the running loop."""
    session_milliseconds = round(membership.session_timeout_seconds * 1000)
    calm_the_driver()
    consumer: Any = aiokafka.AIOKafkaConsumer(
        **broker.options(),
        client_id=membership.client_id,
        group_id=group,
        group_instance_id=membership.instance_id,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        # Ranges give a member the same partition numbers of every topic; round robin does not.
        partition_assignment_strategy=(RangePartitionAssignor,),
        max_poll_records=FETCH_MAX_RECORDS,
        max_poll_interval_ms=round(membership.max_poll_seconds * 1000),
        session_timeout_ms=session_milliseconds,
        rebalance_timeout_ms=session_milliseconds,
        heartbeat_interval_ms=round(membership.heartbeat_seconds * 1000),
        fetch_max_wait_ms=round(membership.fetch_wait_seconds * 1000),
        # The driver keeps one answer for each partition until that is used up.
        fetch_max_bytes=membership.fetch_max_bytes,
        max_partition_fetch_bytes=membership.partition_fetch_max_bytes,
        metadata_max_age_ms=60_000,
    )
    hold_back_empty_fetches(consumer, membership.partial_fetch_wait_seconds)
    return consumer


def given(names: Names, fetched: Mapping[Any, Iterable[Any]]) -> list[Record]:
    """What a consumer has fetched, by partition, as records of ours."""
    return [
        record_of(names.in_catalogue(each.topic), each) for records in fetched.values() for each in records
    ]


def keep_member_id(consumer: Any) -> None:
    """Let a started consumer that is told of an old generation rejoin as the member it was.

    aiokafka forgets its id then, as Java's client no longer does, and joins as somebody new. The group
    goes on waiting for the one it was, until the session timeout or, with small brokers, for ever.
    """
    coordinator = consumer._coordinator  # noqa: SLF001  # aiokafka has no other seam
    forget = coordinator.reset_generation

    def reset_generation() -> None:
        # Heartbeats stop while it joins. What is refused then is the id itself.
        member_id = None if coordinator._heartbeat_task is None else coordinator.member_id  # noqa: SLF001
        forget()
        if member_id is not None:
            coordinator.member_id = member_id

    coordinator.reset_generation = reset_generation


async def leave(consumer: Any, seconds: float = LEAVE_SECONDS) -> None:
    """Leave the group and let connections go; where the broker hangs, without saying goodbye."""
    with contextlib.suppress(TimeoutError, KafkaError, OSError):
        await within(seconds, consumer.stop())
        return
    # What `stop` would have come to. A task that is left would open connections again.
    coordinator = consumer._coordinator  # noqa: SLF001  # aiokafka has no other seam
    names = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")
    tasks = [task for task in (getattr(coordinator, name, None) for name in names) if task is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    for part in (consumer._fetcher, consumer._client):  # noqa: SLF001
        if part is not None:
            with contextlib.suppress(TimeoutError, KafkaError, OSError):
                await within(seconds, part.close())


def co_partitioned(assigned: Iterable[TopicPartition], topics: Collection[str]) -> frozenset[int]:
    """The partition numbers of an assignment. Raises `Unavailable` unless all topics have the same."""
    numbers: dict[str, set[int]] = {topic: set() for topic in topics}
    for where in assigned:
        numbers[where.topic].add(where.partition)
    different = {frozenset(each) for each in numbers.values()}
    if len(different) != 1:
        told = ", ".join(f"{topic}: {sorted(each)}" for topic, each in numbers.items())
        raise Unavailable(
            f"the topics' partitions are not assigned together ({told}): "
            "are all topics made, with the same partition count?"
        )
    return different.pop()


def hold_back_empty_fetches(consumer: Any, seconds: float) -> None:
    """Let a fetch that leaves partitions out be held back no longer than this, by the broker or here.

    Kafka holds an empty fetch back as it is asked to, which is as long as the consumer says where all its
    partitions are asked for. Small brokers answer at once, and would be asked again at once, thousands of
    times a second.
    """
    client = consumer._client  # noqa: SLF001  # aiokafka has no other seam
    send = client.send

    async def send_and_wait(node_id: Any, request: Any, **kwargs: Any) -> Any:
        if getattr(request, "API_KEY", None) != _FETCH:
            return await send(node_id, request, **kwargs)
        if _leaves_out(request, node_id, consumer):
            request._max_wait_ms = round(seconds * 1000)  # noqa: SLF001  # the driver knows one for all
        began = asyncio.get_running_loop().time()
        response = await send(node_id, request, **kwargs)
        if not _has_records(response):
            await asyncio.sleep(began + seconds - asyncio.get_running_loop().time())
        return response

    client.send = send_and_wait


def _leaves_out(request: Any, node_id: Any, consumer: Any) -> bool:
    """Whether a fetch is not for all of the consumer's partitions that this node leads."""
    leader_of = consumer._client.cluster.leader_for_partition  # noqa: SLF001  # aiokafka has no other seam
    led = sum(1 for where in consumer.assignment() if leader_of(where) == node_id)
    wanted = sum(len(partitions) for _, partitions in request.topics)
    return wanted < led


_FETCH: Final = 1
"""Kafka's number of the fetch request."""


def _has_records(response: Any) -> bool:
    # Whatever the version, a partition's records are its last field.
    return any(partition[-1] for _, partitions in response.topics for partition in partitions)
