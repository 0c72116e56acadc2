"""`orderlink topics migrate` on a broker: what it refuses, what it takes in, and going on half-way."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner, Result

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.kafka_growth import EVENT_TOPICS, KafkaGrowth
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.restrained import Restrained
from shared.cli import migrate, topics
from shared.cli.operate import engine_of, settings_now
from shared.contracts.catalog import CONTACTS_TOPIC, HEARS, consumer_group
from shared.runtime.ports import Outgoing, Record, TopicPartition
from shared.runtime.slots import partition_of
from tests.cli.test_operators import dispatched, record
from tests.kit.parts import Parts, Server

pytestmark = [pytest.mark.promise("ordered"), pytest.mark.real]

SUBJECTS = tuple(f"A-{number}" for number in range(40))


@pytest.fixture
async def admin(
    parts: Parts, own_broker: Server, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[KafkaGrowth]:
    """A broker with four partitions, and the environment that names it to the commands."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", own_broker.address)
    monkeypatch.setenv("MONGODB_URL", parts.mongodb_url)
    monkeypatch.setenv("ORDERLINK_MONGODB_DATABASE_PREFIX", f"{database_name[:30]}_")
    growth = KafkaGrowth(own_broker.address)
    await growth.ensure_topics(4, 1)
    yield growth
    await growth.close()


async def grow_to(partitions: int, *options: str) -> Result:
    said = ["migrate", "--partitions", str(partitions), "--yes", "--watch-seconds", "0", *options]
    return await asyncio.to_thread(CliRunner().invoke, topics.app, said)


async def write(own_broker: Server, *records: Outgoing) -> None:
    publisher = KafkaPublisher(own_broker.address)
    assert all(await publisher.publish(records))
    await publisher.close()


async def pass_over(admin: KafkaGrowth) -> None:
    """Let the services have read everything: these tests write what they could not digest."""
    for service, heard in HEARS.items():
        await admin.set_position(consumer_group(service), await admin.end_offsets(heard))


async def all_of(admin: KafkaGrowth, topic: str) -> list[Record]:
    return await asyncio.to_thread(lambda: list(admin.read_all(topic)))


async def test_only_a_larger_power_of_two_will_do(admin: KafkaGrowth) -> None:
    assert "power of two" in (await grow_to(12)).output
    assert "can't become fewer: expected 2 or less, got orders.v1 4" in (await grow_to(2)).output
    assert "nothing to do" in (await grow_to(4)).output
    assert set((await admin.partition_counts()).values()) == {4, 1}


async def test_it_refuses_while_a_worker_is_a_member_of_its_group(
    admin: KafkaGrowth, own_broker: Server
) -> None:
    member = AiokafkaTransport(own_broker.address, consumer_group("orders"), HEARS["orders"])
    await member.start()
    await member.batch(1, 0.5)
    refused = await grow_to(8)
    await member.close()
    assert refused.exit_code == 1
    assert "workers are running (orderlink.orders: orderlink)" in refused.output
    assert (await grow_to(8)).exit_code == 0


async def test_a_worker_with_a_fixed_name_counts_as_running_until_it_is_said_to_be_stopped(
    admin: KafkaGrowth, own_broker: Server
) -> None:
    membership = Membership(instance_id="orders-1")
    group = consumer_group("orders")
    member = AiokafkaTransport(own_broker.address, group, HEARS["orders"], membership=membership)
    await member.start()
    await member.batch(1, 0.5)
    await member.close()
    refused = await grow_to(8)
    assert "workers are running (orderlink.orders: orders-1)" in refused.output
    assert (await grow_to(8, "--stopped")).exit_code == 0


async def test_it_names_subscribers_that_are_behind_and_goes_on_when_told_to(
    admin: KafkaGrowth, own_broker: Server
) -> None:
    await write(own_broker, *(Outgoing("orders.v1", f"{n}".encode(), b"{}") for n in range(20)))
    subscriber = AiokafkaTransport(own_broker.address, "warehouse", ["orders.v1"])
    await subscriber.start()
    taken: list[Record] = []
    async with asyncio.timeout(20):
        while len(taken) < 20:
            taken += await subscriber.batch(20, 0.2)
    await subscriber.ack(taken)
    await subscriber.close()
    await write(own_broker, *(Outgoing("orders.v1", b"1", b"{}") for _ in range(3)))
    await pass_over(admin)
    refused = await grow_to(8)
    assert refused.exit_code == 1
    assert "subscribers from elsewhere are behind (warehouse by 3 records)" in refused.output
    assert (await admin.partition_counts())["orders.v1"] == 4
    assert (await grow_to(8, "--force")).exit_code == 0


async def test_what_is_left_is_taken_in_first_and_what_follows_waits_in_the_files(
    admin: KafkaGrowth, own_broker: Server
) -> None:
    left = record(1, readable=True)
    await write(own_broker, Outgoing("logistics.v1", b"A-1", left.value, left.headers))
    grown = await grow_to(8)
    assert grown.exit_code == 0, grown.output
    # Four services hear it, logistics itself among them.
    assert "Taken in what was left: 4 records" in grown.output
    for service in ("orders", "aftersales", "notifications"):
        lag = await admin.lag(consumer_group(service), HEARS[service])
        assert set(lag.values()) == {0}
    async with engine_of("orders", settings_now()) as orders:
        file = await orders.load("A-1")
    assert file is not None
    assert file.applied == {"logistics": dispatched(1).sequence}
    assert sum((await admin.end_offsets(["orders.v1", "notifications.v1"])).values()) == 0


async def test_contacts_move_with_their_keys_and_leave_nothing_where_they_were(
    admin: KafkaGrowth, own_broker: Server
) -> None:
    written = [
        Outgoing(CONTACTS_TOPIC, subject.encode(), f"{subject} v{version}".encode(), {"v": b"1"})
        for version in (1, 2)
        for subject in SUBJECTS
    ]
    erased = Outgoing(CONTACTS_TOPIC, SUBJECTS[0].encode(), None)
    await write(own_broker, *written, erased)
    await pass_over(admin)
    assert (await grow_to(8)).exit_code == 0
    newest: dict[tuple[int, bytes], Record] = {}
    for each in await all_of(admin, CONTACTS_TOPIC):
        newest[(each.partition, each.key or b"")] = each
    for subject in SUBJECTS[1:]:
        key = subject.encode()
        alive = [where for (where, name), each in newest.items() if name == key and each.value is not None]
        assert alive == [partition_of(key, 8)]
        kept = newest[(alive[0], key)]
        assert (kept.value, kept.headers) == (f"{subject} v2".encode(), {"v": b"1"})
    gone = [each for (_, name), each in newest.items() if name == SUBJECTS[0].encode()]
    assert [each.value for each in gone] == [None]


async def test_moving_keys_twice_moves_them_once(admin: KafkaGrowth, own_broker: Server) -> None:
    await write(own_broker, *(Outgoing(CONTACTS_TOPIC, each.encode(), b"v") for each in SUBJECTS))
    await admin.grow(CONTACTS_TOPIC, 8)
    moved = await asyncio.to_thread(admin.move_keys, CONTACTS_TOPIC, 8)
    assert moved == sum(partition_of(each.encode(), 4) != partition_of(each.encode(), 8) for each in SUBJECTS)
    assert 0 < moved < len(SUBJECTS)
    assert await asyncio.to_thread(admin.move_keys, CONTACTS_TOPIC, 8) == 0


@pytest.mark.parametrize("grown_already", [(), (CONTACTS_TOPIC,), (CONTACTS_TOPIC, "orders.v1")])
async def test_interrupted_half_way_it_goes_on(
    admin: KafkaGrowth, own_broker: Server, grown_already: tuple[str, ...]
) -> None:
    await write(own_broker, *(Outgoing(CONTACTS_TOPIC, each.encode(), b"v") for each in SUBJECTS))
    await pass_over(admin)
    for topic in grown_already:
        await admin.grow(topic, 8)
    finished = await grow_to(8)
    assert finished.exit_code == 0, finished.output
    counts = await admin.partition_counts()
    assert {topic: count for topic, count in counts.items() if "dead-letters" not in topic} == dict.fromkeys(
        ("orders.v1", "logistics.v1", "aftersales.v1", "notifications.v1", CONTACTS_TOPIC), 8
    )
    assert {count for topic, count in counts.items() if "dead-letters" in topic} == {1}


async def test_it_refuses_while_somebody_writes(admin: KafkaGrowth, own_broker: Server) -> None:
    before = await admin.end_offsets(["orders.v1"])
    await write(own_broker, Outgoing("orders.v1", b"A-1", b"{}"))
    with pytest.raises(migrate.NotNow, match=r"1 on orders\.v1 since .* ORDERLINK_API_PUBLISHES=off"):
        await migrate.check_nobody_writes(admin, before, 0.0, 0.0)


async def test_what_was_written_while_it_grew_is_an_alarm(admin: KafkaGrowth, own_broker: Server) -> None:
    before = await admin.end_offsets(EVENT_TOPICS)
    stale = KafkaPublisher(own_broker.address)
    await stale.publish([Outgoing("orders.v1", b"warm", b"{}")])
    way = await migrate.look(admin, 8)
    await migrate.grow(admin, way, list[str]().append)
    # The danger itself: a producer that knew four partitions goes on using four.
    await stale.publish([Outgoing("orders.v1", each.encode(), b"{}") for each in SUBJECTS])
    await stale.close()
    with pytest.raises(migrate.NotNow, match="perhaps to where a subject's events are no more"):
        await migrate.verify(admin, way, before)


async def test_a_dry_run_checks_and_changes_nothing(admin: KafkaGrowth) -> None:
    assert "Dry run, nothing was changed." in (await grow_to(8, "--dry-run")).output
    assert (await admin.partition_counts())["orders.v1"] == 4


async def test_a_position_set_for_a_group_is_where_it_goes_on(admin: KafkaGrowth, own_broker: Server) -> None:
    await write(own_broker, *(Outgoing("orders.v1", b"A-1", b"{}") for _ in range(5)))
    where = TopicPartition("orders.v1", partition_of(b"A-1", 4))
    await admin.set_position("readers", {where: 3})
    assert (await admin.lag("readers", ["orders.v1"]))[where] == 2


async def test_a_restrained_publisher_writes_what_it_may_and_nothing_else(
    admin: KafkaGrowth, own_broker: Server
) -> None:
    publisher = Restrained(KafkaPublisher(own_broker.address), ("orders.dead-letters.v1",))
    answers = await publisher.publish(
        [Outgoing("orders.v1", b"A-1", b"{}"), Outgoing("orders.dead-letters.v1", b"A-1", b"{}")]
    )
    await publisher.close()
    assert answers == [False, True]
    ends = await admin.end_offsets(["orders.v1", "orders.dead-letters.v1"])
    assert sum(ends.values()) == 1
