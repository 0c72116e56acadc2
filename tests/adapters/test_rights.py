"""The rights of the catalogue on an Apache Kafka that demands them: enough for the work, and for no more."""

import asyncio
from collections.abc import Iterator

import pytest

from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.kafka_topics import KafkaTopics
from shared.cli.topics import all_there
from shared.contracts.access import rights_of, rights_of_operators
from shared.contracts.catalog import HEARS, SERVICES, TOPICS, consumer_group, dead_letter_topic, event_topic
from shared.runtime.ports import Outgoing, Unavailable
from tests.adapters.transport_suite import take
from tests.kit.parts import Kinds
from tests.kit.secured import SecuredKafka

pytestmark = [pytest.mark.real, pytest.mark.processes]

PARTITIONS = 2
SECRET = "the password of somebody"


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
    return Outgoing(topic, b"S-1", b"{}", {})


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
