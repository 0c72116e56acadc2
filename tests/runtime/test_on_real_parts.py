"""The engine and its workers on a real broker and database, by the toy's rules."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.adapters.clock import VirtualClock
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_member import Membership
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.motor_store import MotorStore
from shared.adapters.naming import Names, Naming
from shared.contracts.catalog import dead_letter_topic, event_topic
from shared.runtime.dead_letters import StoredLetter, read_letter
from shared.runtime.desk import Desk
from shared.runtime.engine import Engine
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import Record
from shared.runtime.worker import Worker
from tests.kit.parts import Parts
from tests.kit.rules import START, after, default_profile
from tests.kit.toy import Rules, toy
from tests.kit.world import GROUP, HEARS, Outbox, fact, poke_record, read

PARTITIONS = 4
MEMBERSHIP = Membership(session_timeout_seconds=6.0, heartbeat_seconds=0.2, commit_interval_seconds=0.1)

pytestmark = [pytest.mark.real, pytest.mark.promise("kept", "once", "ordered", "timed", "isolated")]


class RealWorld:
    """The toy service with everything around it, for real but for its clock."""

    def __init__(self, parts: Parts, naming: Naming, database: str, stack: AsyncExitStack) -> None:
        self.rules = Rules()
        self.clock = VirtualClock(START)
        self.outbox = Outbox()
        self._parts, self._naming, self._stack = parts, naming, stack
        self.store = MotorStore(parts.mongodb_url, database)
        self.publisher = KafkaPublisher(parts.bootstrap_servers, naming=naming)
        profile = default_profile()
        limits = Limits(pending_stale_after_seconds=0, timer_poll_seconds=0.05, effect_poll_seconds=0.05)
        self.engine = Engine(
            toy(self.rules),
            self.store,
            self.publisher,
            self.clock,
            lambda *_: profile,
            limits,
            NoMetrics(),
        )
        self.desk = Desk(self.engine)

    async def worker(self) -> Worker:
        """A worker that has joined the group."""
        servers = self._parts.bootstrap_servers
        transport = FaustTransport(servers, GROUP, HEARS, naming=self._naming, membership=MEMBERSHIP)
        await transport.start()
        self._stack.push_async_callback(transport.close)
        return Worker(self.engine, transport, {"mail": self.outbox}, PARTITIONS, lambda *args, **kwargs: None)

    async def poke(self, *words: tuple[str, int, str]) -> None:
        """Another service says words about subjects, with their numbers."""
        records = [poke_record(subject, number, word, START) for subject, number, word in words]
        assert all(await self.publisher.publish(records))

    async def words(self, subject: str) -> list[str]:
        """What a file remembers."""
        file = await self.engine.load(subject)
        return [] if file is None else list(file.state.words)

    async def said(self, subject: str) -> list[int]:
        """The numbers on the toy's topic about a subject, first appearances only."""
        events = [read(record) for record in await self._records(event_topic("toy"))]
        return list(dict.fromkeys(event.sequence for event in events if event.subject == subject))

    async def letters(self) -> list[StoredLetter]:
        """The dead letters, in order."""
        return [read_letter(record.value or b"") for record in await self._records(dead_letter_topic("toy"))]

    async def _records(self, topic: str) -> list[Record]:
        admin = KafkaAdmin(self._parts.bootstrap_servers)
        # The catalogue has none of the toy's topics.
        admin._names = Names(self._naming, [topic])
        return await asyncio.to_thread(lambda: list(admin.read_all(topic)))


@pytest.fixture
async def world(parts: Parts, naming: Naming, database_name: str) -> AsyncIterator[RealWorld]:
    admin = AIOKafkaAdminClient(bootstrap_servers=parts.bootstrap_servers)
    await admin.start()
    counts = {event_topic("toy"): PARTITIONS, HEARS[0]: PARTITIONS, dead_letter_topic("toy"): 1}
    await admin.create_topics([NewTopic(naming(name), count, 1) for name, count in counts.items()])
    async with AsyncExitStack() as stack:
        made = RealWorld(parts, naming, database_name, stack)
        await made.store.prepare()
        yield made
    await made.publisher.close()
    await made.store.close()
    await admin.delete_topics([naming(name) for name in counts])
    await admin.close()


async def until_heard(world: RealWorld, last: dict[str, str], *workers: Worker) -> None:
    """Take batches until each subject's last word was heard."""
    async with asyncio.timeout(40):
        for subject, word in last.items():
            while word not in await world.words(subject):
                for worker in workers:
                    await worker.take_batch()


async def test_a_fact_its_timer_and_its_mail_go_through_once_and_in_order(world: RealWorld) -> None:
    worker = await world.worker()
    await world.desk.take(fact("order.placed", "f-1"), "d")
    await world.desk.take(fact("order.cancelled", "f-2"), "d")
    await world.desk.take(fact("order.placed", "f-1"), "d")
    async with asyncio.timeout(40):
        while not worker.transport.partitions():
            await worker.take_batch()
        world.clock.set(after(hours=1))
        while "nudge" not in await world.words("A-1"):
            await worker.fire_timers()
        while "effect-done" not in await world.words("A-1"):
            await worker.try_effects()
    assert sorted(await world.words("A-1")) == ["effect-done", "nudge", "placed"]
    assert world.outbox.attempts == ["effect-1"]
    assert await world.said("A-1") == [1, 2, 3]


async def test_a_batch_that_was_committed_and_not_acknowledged_changes_nothing_again(
    world: RealWorld,
) -> None:
    await world.poke(*((f"A-{n % 5}", n // 5 + 1, f"word-{n}") for n in range(50)))
    first = await world.worker()
    async with asyncio.timeout(40):
        while not (records := await first.transport.batch(100, 0.5)):
            pass
    await first.digest(records)
    await first.transport.close()
    second = await world.worker()
    await until_heard(world, {f"A-{n}": f"word-{45 + n}" for n in range(5)}, second)
    for n in range(5):
        assert await world.words(f"A-{n}") == [f"word-{at}" for at in range(n, 50, 5)]
        assert await world.said(f"A-{n}") == list(range(1, 11))


async def test_poison_parks_its_source_and_stops_no_neighbour(world: RealWorld) -> None:
    world.rules.broken = {"bad"}
    await world.poke(("A-1", 1, "one"), ("A-1", 2, "bad"), ("A-1", 3, "three"), ("B-1", 1, "fine"))
    worker = await world.worker()
    await until_heard(world, {"A-1": "one", "B-1": "fine"}, worker)
    async with asyncio.timeout(20):
        while len(letters := await world.letters()) < 2:
            await worker.take_batch()
    assert [(letter.kind, letter.sequence) for letter in letters] == [("poison", 2), ("waiting", 3)]
    assert await world.words("A-1") == ["one"]


async def test_workers_that_come_and_go_under_traffic_lose_nothing_and_repeat_nothing(
    world: RealWorld,
) -> None:
    subjects = [f"A-{n}" for n in range(8)]
    first = await world.worker()
    await world.poke(*((subject, n, f"word-{n}") for n in range(1, 6) for subject in subjects))
    await first.take_batch()
    second = await world.worker()
    await world.poke(*((subject, n, f"word-{n}") for n in range(6, 11) for subject in subjects))
    await until_heard(world, dict.fromkeys(subjects, "word-10"), first, second)
    await first.transport.close()
    await world.poke(*((subject, n, f"word-{n}") for n in range(11, 16) for subject in subjects))
    await until_heard(world, dict.fromkeys(subjects, "word-15"), second)
    for subject in subjects:
        assert await world.words(subject) == [f"word-{n}" for n in range(1, 16)]
        assert await world.said(subject) == list(range(1, 16))
