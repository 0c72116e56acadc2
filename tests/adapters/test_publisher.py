"""The publisher suite over both publishers, and what only one behind a network can meet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from shared.adapters.embedded import EmbeddedBroker
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.memory_admin import MemoryAdmin
from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.naming import Naming
from shared.runtime.ports import Admin, Outgoing, Publisher, Record, Unavailable
from tests.adapters.publisher_suite import CASES, LOGISTICS, ORDERS, PARTITIONS, Press
from tests.kit.parts import Parts
from tests.kit.proxy import Proxy

Case = Callable[[Press], Awaitable[None]]


class AnyPress:
    def __init__(self, publisher: Publisher, admin: Admin) -> None:
        self.publisher = publisher
        self._admin = admin

    async def log(self, topic: str) -> Sequence[Record]:
        return await asyncio.to_thread(lambda: list(self._admin.read_all(topic)))


def memory_press(kind: type[MemoryPublisher] = MemoryPublisher) -> AnyPress:
    log = MemoryLog(PARTITIONS)
    return AnyPress(kind(log), MemoryAdmin(log))


@pytest.fixture
async def admin(parts: Parts, naming: Naming) -> AsyncIterator[KafkaAdmin]:
    admin = KafkaAdmin(parts.bootstrap_servers, naming=naming)
    await admin.make_topics((ORDERS, LOGISTICS), PARTITIONS)
    yield admin
    await admin.delete_topics((ORDERS, LOGISTICS))
    await admin.close()


@pytest.fixture
async def kafka_press(parts: Parts, naming: Naming, admin: KafkaAdmin) -> AsyncIterator[AnyPress]:
    publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
    await publisher.start()
    yield AnyPress(publisher, admin)
    await publisher.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_memory_publisher_passes(case: Case) -> None:
    await case(memory_press())


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_kafka_publisher_passes(case: Case, kafka_press: AnyPress) -> None:
    await case(kafka_press)


class Shuffles(MemoryPublisher):
    """Sends what it has, last first."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        return await super().publish(records[::-1])


class ForgetsHeaders(MemoryPublisher):
    """Leaves away what it takes for decoration."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        return await super().publish([Outgoing(each.topic, each.key, each.value) for each in records])


class SaysYesAnyway(MemoryPublisher):
    """Does not wait for the broker, and drops what does not fit."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        await super().publish(records[:50])
        return [True] * len(records)


@pytest.mark.parametrize("defective", [Shuffles, ForgetsHeaders, SaysYesAnyway])
async def test_the_suite_catches_a_defective_publisher(defective: type[MemoryPublisher]) -> None:
    failed: list[str] = []
    for case in CASES:
        try:
            await case(memory_press(defective))
        except (AssertionError, ValueError):
            failed.append(case.__name__)
    assert failed


@pytest.fixture
async def proxy(parts: Parts) -> AsyncIterator[Proxy]:
    if "," in parts.bootstrap_servers:
        pytest.skip("a proxy stands before one broker only")
    async with Proxy(parts.bootstrap_servers, kafka=True) as proxy:
        yield proxy


@pytest.fixture
async def publisher(proxy: Proxy, naming: Naming, admin: KafkaAdmin) -> AsyncIterator[KafkaPublisher]:
    del admin  # the topics must be there
    publisher = KafkaPublisher(proxy.address, naming=naming, publish_seconds=1.0)
    await publisher.start()
    yield publisher
    await publisher.close()


@pytest.mark.promise("ordered")
@pytest.mark.real
async def test_a_record_whose_acknowledgement_was_lost_is_not_lost(
    publisher: KafkaPublisher, proxy: Proxy, admin: KafkaAdmin
) -> None:
    assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"first")]) == [True]
    proxy.swallow_answer_to(b"swallowed")
    answer = await publisher.publish([Outgoing(ORDERS, b"A-1", b"swallowed")])
    while answer != [True]:
        answer = await publisher.publish([Outgoing(ORDERS, b"A-1", b"swallowed")])
    assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"last")]) == [True]
    assert proxy.answers_swallowed == 1
    values = [record.value for record in await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))]
    assert values[0] == b"first"
    assert values[-1] == b"last"
    assert set(values[1:-1]) == {b"swallowed"}


@pytest.mark.real
async def test_publishing_to_a_broker_that_hangs_ends_in_time_and_says_no(
    publisher: KafkaPublisher, proxy: Proxy, admin: KafkaAdmin
) -> None:
    proxy.hold(True)
    async with asyncio.timeout(4):
        assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"held")] * 2) == [False, False]
    proxy.hold(False)
    proxy.cut()
    async with asyncio.timeout(10):
        while await publisher.publish([Outgoing(ORDERS, b"A-1", b"later")]) != [True]:
            pass
    values = [record.value for record in await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))]
    assert values.index(b"later") >= values.count(b"held")


@pytest.mark.promise("ordered")
@pytest.mark.real
async def test_nothing_that_was_refused_is_sent_later_by_itself(
    publisher: KafkaPublisher, proxy: Proxy, admin: KafkaAdmin
) -> None:
    proxy.refuse(True)
    assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"refused")]) == [False]
    proxy.refuse(False)
    async with asyncio.timeout(10):
        while await publisher.publish([Outgoing(ORDERS, b"A-1", b"later")]) != [True]:
            pass
    await asyncio.sleep(0.3)
    values = {record.value for record in await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))}
    assert values == {b"later"}


@pytest.mark.real
async def test_one_record_that_is_too_large_holds_up_no_other(
    publisher: KafkaPublisher, admin: KafkaAdmin
) -> None:
    large = Outgoing(ORDERS, b"A-2", b"x" * 2_000_000)
    others = [Outgoing(ORDERS, f"A-{n}".encode(), b"small") for n in range(3, 6)]
    assert await publisher.publish([others[0], large, *others[1:]]) == [True, False, True, True]
    assert len(await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))) == 3


@pytest.mark.promise("isolated")
@pytest.mark.real
async def test_who_publishes_beside_a_record_that_is_too_large_gets_his_acknowledgements(
    kafka_press: AnyPress,
) -> None:
    publisher = kafka_press.publisher
    large = Outgoing(ORDERS, b"A-0", b"x" * 2_000_000)

    async def beside(number: int) -> list[bool]:
        for _ in range(number):
            await asyncio.sleep(0)
        return await publisher.publish([Outgoing(ORDERS, f"A-{number}".encode(), b"small")])

    for turn in range(1, 6):
        asked = [publisher.publish([large, Outgoing(ORDERS, b"A-0", b"small")])]
        answers = await asyncio.gather(*asked, *(beside(number) for number in range(turn * 40)))
        assert answers == [[False, True], *[[True]] * (turn * 40)]


@pytest.mark.promise("isolated")
@pytest.mark.real
async def test_who_waits_in_a_producer_that_is_replaced_is_published_by_the_next_one(
    proxy: Proxy, naming: Naming, admin: KafkaAdmin
) -> None:
    publisher = KafkaPublisher(proxy.address, naming=naming)
    assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"first")]) == [True]
    line = publisher._line
    assert line is not None
    proxy.hold(True)
    # A producer has one request under way to a broker; what comes meanwhile waits for it to be answered.
    under_way = asyncio.ensure_future(publisher.publish([Outgoing(ORDERS, b"A-1", b"under way")]))
    async with asyncio.timeout(4):
        while not line.waiting:
            await asyncio.sleep(0.01)
    waits = asyncio.ensure_future(publisher.publish([Outgoing(ORDERS, b"A-2", b"waits")]))
    async with asyncio.timeout(4):
        while len(line.waiting) < 2:
            await asyncio.sleep(0.01)
    # As somebody does whose own record the broker has refused.
    replacing = asyncio.ensure_future(publisher._replace(line))
    await asyncio.sleep(0)
    proxy.hold(False)
    assert [await under_way, await waits] == [[True], [True]]
    await replacing
    await publisher.close()
    records = await asyncio.to_thread(lambda: list(admin.read_all(ORDERS)))
    assert {record.value for record in records} == {b"first", b"under way", b"waits"}


@pytest.mark.promise("resumed")
@pytest.mark.real
async def test_a_publisher_survives_a_broker_that_restarts(own_broker: EmbeddedBroker) -> None:
    admin = KafkaAdmin(own_broker.address)
    await admin.ensure_topics(PARTITIONS, 1)
    publisher = KafkaPublisher(own_broker.address, publish_seconds=1.0)
    await publisher.start()
    assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"before")]) == [True]
    await own_broker.stop()
    assert await publisher.publish([Outgoing(ORDERS, b"A-1", b"away")]) == [False]
    await own_broker.start()
    async with asyncio.timeout(10):
        while await publisher.publish([Outgoing(ORDERS, b"A-1", b"after")]) != [True]:
            pass
    await publisher.close()
    await admin.close()


@pytest.mark.real
async def test_a_publisher_without_a_broker_does_not_start() -> None:
    publisher = KafkaPublisher("127.0.0.1:1")
    with pytest.raises(Unavailable, match="broker"):
        await publisher.start()
    await publisher.close()
