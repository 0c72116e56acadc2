"""The rights of the catalogue on an Apache Kafka that demands them: enough for the work, and for no more."""

import asyncio
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import RECORD_MAX_BYTES, KafkaAdmin
from shared.adapters.kafka_broker import Broker
from shared.adapters.kafka_growth import KafkaGrowth
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.kafka_topics import Difference, KafkaTopics
from shared.cli import topics
from shared.cli.topics import all_there
from shared.contracts.access import (
    rights_of,
    rights_of_administrators,
    rights_of_operators,
    rights_to_migrate,
)
from shared.contracts.catalog import (
    CONTACTS_TOPIC,
    HEARS,
    SERVICES,
    TOPICS,
    consumer_group,
    dead_letter_topic,
    event_topic,
)
from shared.runtime.ports import Outgoing, TopicPartition, Unavailable
from shared.runtime.slots import partition_of
from tests.adapters.test_secured_kafka import environment
from tests.adapters.transport_suite import take
from tests.kit.parts import Kinds
from tests.kit.secured import SecuredKafka

pytestmark = [pytest.mark.real, pytest.mark.processes]

PARTITIONS = 2
SECRET = "the password of somebody"
KEY = next(
    key
    for key in (f"S-{n}".encode() for n in range(100))
    if partition_of(key, PARTITIONS) != partition_of(key, 2 * PARTITIONS)
)
"""One that belongs elsewhere when there are twice as many partitions."""


@pytest.fixture(scope="module")
def broker(kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker that refuses what nobody was allowed, with a record in every topic."""
    if kinds.broker != "apache":
        pytest.skip("wants an Apache Kafka of its own settings: make test-real ARGS='--broker apache'")
    broker = SecuredKafka(tmp_path_factory.mktemp("rights"))
    with asyncio.Runner() as runner:
        runner.run(broker.start())
        runner.run(KafkaAdmin(broker.operator).ensure_topics(PARTITIONS, 1))
        publisher = KafkaPublisher(broker.operator)
        runner.run(publisher.publish([record(topic.name) for topic in TOPICS]))
        runner.run(publisher.close())
        yield broker
        runner.run(broker.stop())


def record(topic: str) -> Outgoing:
    return Outgoing(topic, KEY, b"{}", {})


def readable(admin: KafkaAdmin) -> set[str]:
    """The topics whose records this user gets."""
    found: set[str] = set()
    for topic in TOPICS:
        try:
            if list(admin.read_all(topic.name)):
                found.add(topic.name)
        except Unavailable as refused:
            assert "Authorization" in str(refused)  # noqa: PT017  # any other reason is a fault of the test
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_can_do_its_work_with_its_rights_and_nothing_else(
    broker: SecuredKafka, service: str
) -> None:
    await asyncio.to_thread(broker.let_in, service, SECRET, rights_of(service))
    where = broker.as_user(service, SECRET)
    publisher = KafkaPublisher(where)
    await publisher.start()
    written = {topic.name for topic in TOPICS if all(await publisher.publish([record(topic.name)]))}
    await publisher.close()
    assert written == {topic.name for topic in TOPICS if service in (topic.owner, *topic.also_written_by)}
    member = FaustTransport(where, consumer_group(service), HEARS[service])
    await member.start()
    taken = await take(member, len(HEARS[service]))
    await member.ack(taken)
    assert {each.topic for each in taken} <= {*HEARS[service]}
    assert {each.topic for each in await member.end_offsets()} == {*HEARS[service]}
    await member.close()
    admin = KafkaAdmin(where)
    assert await asyncio.to_thread(readable, admin) == {
        *HEARS[service],
        event_topic(service),
        dead_letter_topic(service),
    }


async def test_operators_see_topics_and_lag_and_read_nothing(broker: SecuredKafka) -> None:
    await asyncio.to_thread(broker.let_in, "operators", SECRET, rights_of_operators())
    admin = KafkaTopics(broker.as_user("operators", SECRET))
    await all_there(admin, PARTITIONS)
    for service in SERVICES:
        assert (await admin.lag(consumer_group(service), HEARS[service])).keys()
    assert await asyncio.to_thread(readable, admin) == set()


def migrating(broker: Broker, *options: str) -> Result:
    """`orderlink topics migrate` as somebody, up to where it would begin to change things."""
    return CliRunner().invoke(
        topics.app,
        ["migrate", "--partitions", str(2 * PARTITIONS), "--dry-run", *options],
        env=environment(broker),
    )


async def test_a_migration_is_refused_to_who_could_not_end_it_or_would_not_see_who_is_behind(
    broker: SecuredKafka,
) -> None:
    everybodys = [right for service in SERVICES for right in (*rights_of(service), *rights_of_operators())]
    await asyncio.to_thread(broker.let_in, "services", SECRET, everybodys)
    where = broker.as_user("services", SECRET)
    refused = await asyncio.to_thread(migrating, where)
    assert refused.exit_code == 1
    assert "user 'services' lacks rights: Alter on orders.v1, Alter on logistics.v1" in refused.output
    await asyncio.to_thread(broker.let_in, "services", SECRET, rights_to_migrate())
    blind = await asyncio.to_thread(migrating, where)
    assert blind.exit_code == 1
    assert "this user may not look at every group (Describe on group *)" in blind.output
    borne = await asyncio.to_thread(migrating, where, "--force")
    assert borne.exit_code == 0
    assert "perhaps somebody whom the broker hides from this user" in borne.output


async def test_administrators_can_make_mend_read_write_and_grow_topics_and_see_every_group(
    broker: SecuredKafka,
) -> None:
    ours, stranger = [consumer_group(service) for service in SERVICES], "a system from elsewhere"
    place, size = TopicPartition(CONTACTS_TOPIC, partition_of(KEY, PARTITIONS)), "max.message.bytes"
    await KafkaGrowth(broker.operator).set_position(stranger, {place: 0})
    await KafkaTopics(broker.operator).settle([Difference(CONTACTS_TOPIC, size, "", "2000000")])
    await KafkaAdmin(broker.operator).delete_topics([dead_letter_topic("orders")])
    await asyncio.to_thread(broker.let_in, "administrators", SECRET, rights_of_administrators())
    where = broker.as_user("administrators", SECRET)
    admin, growth = KafkaTopics(where), KafkaGrowth(where)
    await admin.ensure_topics(PARTITIONS, 1)
    await admin.settle([Difference(CONTACTS_TOPIC, size, "2000000", str(RECORD_MAX_BYTES))])
    await all_there(admin, PARTITIONS)
    publisher = KafkaPublisher(where)
    await publisher.start()
    assert all(await publisher.publish([record(topic.name) for topic in TOPICS]))
    await publisher.close()
    assert await asyncio.to_thread(readable, admin) == {topic.name for topic in TOPICS}
    behind = await asyncio.to_thread(migrating, where)
    assert f"subscribers from elsewhere are behind ({stranger} by " in behind.output
    borne = await asyncio.to_thread(migrating, where, "--force")
    assert (borne.exit_code, "2  No worker is running." in borne.output) == (0, True), borne.output
    await growth.forget_named(ours)
    assert await growth.members(ours) == {}
    await growth.set_position(consumer_group("logistics"), {place: 0})
    await growth.grow(CONTACTS_TOPIC, 2 * PARTITIONS)
    assert await asyncio.to_thread(growth.move_keys, CONTACTS_TOPIC, 2 * PARTITIONS) == 1
    assert (await admin.partition_counts())[CONTACTS_TOPIC] == 2 * PARTITIONS
