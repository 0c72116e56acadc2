"""Every client on an Apache Kafka that wants TLS and a user, and what each is told when it is not let in."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.connection_settings import KafkaSettings
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_broker import Broker
from shared.adapters.kafka_ends import EndOffsets
from shared.adapters.kafka_growth import KafkaGrowth
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.naming import Names, Naming, as_they_are
from shared.adapters.settings import variable
from shared.client import subscribe
from shared.contracts.access import OPERATORS, Right, rights_of, rights_of_operators
from shared.contracts.catalog import CONTACTS_TOPIC, dead_letter_topic, event_topic
from shared.runtime.ports import Unavailable
from tests.adapters.transport_suite import ORDERS, PARTITIONS, TOPICS, numbers, outgoing, take
from tests.http.kit import placed
from tests.kit.certificates import Authority
from tests.kit.parts import Kinds, Parts
from tests.kit.secured import OPERATOR, PASSWORD, SecuredKafka
from tests.settings.test_process import client_of, ready, running

pytestmark = [pytest.mark.real, pytest.mark.processes]

LATE = "the password of late"


@pytest.fixture(scope="module")
def broker(kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A broker for all tests here, of Apache Kafka wherever that can be had."""
    if kinds.broker != "apache":
        pytest.skip("wants an Apache Kafka of its own settings: make test-real ARGS='--broker apache'")
    broker = SecuredKafka(tmp_path_factory.mktemp("secured"))
    with asyncio.Runner() as runner:
        runner.run(broker.start())
        runner.run(KafkaAdmin(broker.operator).ensure_topics(PARTITIONS, 1))
        yield broker
        runner.run(broker.stop())


def environment(broker: Broker) -> dict[str, str]:
    """A broker as a process is told of it."""
    told = {
        "kafka_bootstrap_servers": broker.servers,
        "kafka_security_protocol": broker.protocol,
        "kafka_sasl_mechanism": broker.mechanism,
        "kafka_sasl_username": broker.username,
        "kafka_sasl_password": broker.password,
        "kafka_tls_ca_file": broker.ca_file,
        "kafka_tls_cert_file": broker.cert_file,
        "kafka_tls_key_file": broker.key_file,
    }
    return {variable(KafkaSettings, name): str(value) for name, value in told.items() if value is not None}


Way = Callable[[SecuredKafka], Broker]
WAYS: Mapping[str, Way] = {
    "SCRAM-SHA-512": lambda broker: broker.operator,
    "SCRAM-SHA-256": lambda broker: replace(broker.operator, mechanism="SCRAM-SHA-256"),
    "a certificate": lambda broker: broker.mutual,
}


@pytest.mark.parametrize("kind", [AiokafkaTransport, FaustTransport])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_topics_records_members_and_lag_go_over_it(
    broker: SecuredKafka, way: Way, kind: type[AiokafkaTransport | FaustTransport], naming: Naming
) -> None:
    where = way(broker)
    admin = KafkaAdmin(where, naming=naming)
    await admin.make_topics(TOPICS, PARTITIONS)
    publisher = KafkaPublisher(where, naming=naming)
    await publisher.start()
    assert all(await publisher.publish([outgoing(n) for n in range(20)]))
    member = kind(where, "workers", TOPICS, naming=naming)
    await member.start()
    taken = await take(member, 20)
    await member.ack(taken)
    assert sum((await member.end_offsets()).values()) == 20
    await member.close()
    await publisher.close()
    assert sorted(numbers(taken)) == list(range(20))
    assert sum((await admin.lag("workers", [ORDERS])).values()) == 0
    stored = await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))
    assert sorted(numbers(stored)) == list(range(20))
    await KafkaGrowth(where, naming=naming).grow(ORDERS, PARTITIONS * 2)
    await admin.delete_topics(TOPICS)


REFUSED: Mapping[str, tuple[Callable[[SecuredKafka, Authority], Broker], str]] = {
    "a wrong password": (
        lambda broker, _: broker.as_user(OPERATOR, "another"),
        r"does not let user 'operator' in: .*KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD",
    ),
    "a user who is not there": (
        lambda broker, _: broker.as_user("nobody", PASSWORD),
        r"does not let user 'nobody' in: .*KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD",
    ),
    "another CA": (
        lambda broker, other: replace(broker.operator, ca_file=other.file),
        r"certificate that is not to be trusted: .*certificate.*\(KAFKA_TLS_CA_FILE\)",
    ),
    "the system's CAs": (
        lambda broker, _: replace(broker.operator, ca_file=None),
        r"certificate that is not to be trusted: unable to get local issuer.*\(KAFKA_TLS_CA_FILE\)",
    ),
    "another name than the certificate's": (
        lambda broker, _: replace(broker.operator, servers=f"localhost:{broker.port}"),
        r"not to be trusted: Hostname mismatch.*'localhost'",
    ),
    "no TLS": (
        lambda broker, _: Broker(broker.address),
        r"ends the connection before it has answered; we spoke PLAINTEXT \(KAFKA_SECURITY_PROTOCOL\)",
    ),
    "no user": (
        lambda broker, _: replace(broker.operator, protocol="SSL"),
        r"ends the connection before it has answered; we spoke SSL \(KAFKA_SECURITY_PROTOCOL\)",
    ),
    "a mechanism that is off": (
        lambda broker, _: replace(broker.operator, mechanism="PLAIN"),
        r"takes no PLAIN \(KAFKA_SASL_MECHANISM\)",
    ),
    "no certificate": (
        lambda broker, _: replace(broker.mutual, cert_file=None, key_file=None),
        r"ends the connection .* and showed no certificate",
    ),
}


@pytest.mark.parametrize(("way", "reason"), REFUSED.values(), ids=REFUSED)
async def test_who_is_not_let_in_is_told_why_by_every_client(
    broker: SecuredKafka,
    way: Callable[[SecuredKafka, Authority], Broker],
    reason: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    where = way(broker, Authority(tmp_path))
    with pytest.raises(Unavailable, match=reason):
        await KafkaAdmin(where).partition_counts()
    with pytest.raises(Unavailable, match=reason):
        await KafkaPublisher(where).start()
    with pytest.raises(Unavailable, match=reason):
        await EndOffsets(where, Names(as_they_are, TOPICS), "ends").connect()
    for kind in (AiokafkaTransport, FaustTransport):
        with pytest.raises(Unavailable, match=reason):
            await kind(where, "workers", TOPICS).start()
    assert await KafkaPublisher(where).publish([outgoing(1)]) == [False]
    assert PASSWORD not in caplog.text


async def test_certificates_that_are_gone_are_said_to_be(broker: SecuredKafka, tmp_path: Path) -> None:
    gone = replace(broker.operator, ca_file=tmp_path / "gone.pem")
    with pytest.raises(Unavailable, match=r"certificates cannot be read: .*No such file"):
        await KafkaPublisher(gone).start()
    assert await KafkaPublisher(gone).publish([outgoing(1)]) == [False]


async def test_a_worker_waits_unready_for_its_user_and_works_when_he_is_there(
    broker: SecuredKafka, parts: Parts
) -> None:
    told = {
        **environment(broker.as_user("late", LATE)),
        "MONGODB_URL": parts.mongodb_url,
        "ORDERLINK_MONGODB_DATABASE_PREFIX": f"secured_{os.getpid()}_",
    }
    async with running("orders", "all", **told) as it:
        api, worker = await it.ports()
        waiting = await it.until(lambda: it.event("waiting for what is away"))
        assert waiting["what"] == "the broker and its topics"
        assert "does not let user 'late' in" in waiting["reason"]
        assert LATE not in "".join(it.lines)
        async with client_of(api) as client, client_of(worker) as probes:
            assert (await probes.get("/readyz")).status_code == 503
            await asyncio.to_thread(broker.let_in, "late", LATE, rights_of("orders"))
            await ready(it, probes)
            assert (await client.post("/facts", json=placed())).status_code == 202
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(broker.operator).items():
            patch.setenv(name, value)
        events = subscribe("orders.v1", group="readers")
        async with asyncio.timeout(30):
            assert (await anext(events)).subject == "A-1"
        await events.aclose()


async def test_an_api_waits_unready_for_its_user_and_for_his_rights(
    broker: SecuredKafka, parts: Parts
) -> None:
    told = {
        **environment(broker.as_user("early", LATE)),
        "MONGODB_URL": parts.mongodb_url,
        "ORDERLINK_MONGODB_DATABASE_PREFIX": f"early_{os.getpid()}_",
    }
    own = event_topic("orders")
    async with running("orders", "api", **told) as it:
        (port,) = await it.ports()
        waiting = await it.until(lambda: it.event("waiting for what is away"))
        assert "does not let user 'early' in" in waiting["reason"]
        reads = [right for right in rights_of("orders") if right.name != own]
        reads.append(Right(resource="topic", name=own, operations=("Describe", "Read")))
        await asyncio.to_thread(broker.let_in, "early", LATE, reads)
        await it.until(lambda: f"user 'early' lacks rights: Write on {own} " in "".join(it.lines))
        async with client_of(port) as client:
            assert (await client.get("/readyz")).json()["because"].keys() == {"start"}
            await asyncio.to_thread(broker.let_in, "early", LATE, rights_of("orders"))
            await ready(it, client)


async def test_who_looks_after_topics_sees_all_of_them_and_makes_none(broker: SecuredKafka) -> None:
    await asyncio.to_thread(broker.let_in, OPERATORS, PASSWORD, rights_of_operators())
    who = broker.as_user(OPERATORS, PASSWORD)
    code, said = await _orderlink(environment(who), "topics", "check", "--partitions", str(PARTITIONS))
    assert (code, said.count("topics are there")) == (0, 1)
    code, said = await _orderlink(environment(who), "topics", "lag")
    assert (code, said.count("orders.v1")) == (0, 4)
    admin = KafkaAdmin(broker.operator)
    await admin.delete_topics([dead_letter_topic("aftersales")])
    code, said = await _orderlink(environment(who), "topics", "make", "--partitions", str(PARTITIONS))
    assert code == 1
    assert f"this user may not make topics: {dead_letter_topic('aftersales')}; it takes the right" in said
    await admin.ensure_topics(PARTITIONS, 1)


async def test_a_service_that_does_not_read_contacts_does_not_even_see_them(broker: SecuredKafka) -> None:
    await asyncio.to_thread(broker.let_in, "aftersales", PASSWORD, rights_of("aftersales"))
    seen = await KafkaAdmin(broker.as_user("aftersales", PASSWORD)).partition_counts()
    assert "orders.v1" in seen
    assert CONTACTS_TOPIC not in seen


async def test_the_command_line_makes_topics_over_it_or_says_why_not(broker: SecuredKafka) -> None:
    code, said = await _orderlink(
        environment(broker.operator), "topics", "make", "--partitions", str(PARTITIONS)
    )
    assert (code, said.count("topics are there")) == (0, 1)
    wrong = broker.as_user(OPERATOR, "another")
    code, said = await _orderlink(environment(wrong), "topics", "make")
    assert code == 1
    assert "does not let user 'operator' in" in said
    assert "another" not in said.replace("his password is another", "")


async def _orderlink(told: dict[str, str], *arguments: str) -> tuple[int, str]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from shared.cli.main import main; main()", *arguments),
        env={**os.environ, **told},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await child.communicate()
    return child.returncode or 0, said.decode()
