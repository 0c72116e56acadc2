"""Thousands of parked records on a real broker and database, and their redrive while traffic goes on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from pymongo import AsyncMongoClient

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.clock import SystemClock
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import MAX_REQUEST_BYTES, KafkaPublisher
from shared.adapters.motor_store import MotorStore
from shared.contracts.catalog import dead_letter_topic, event_topic
from shared.runtime.audit import Audit
from shared.runtime.engine import Engine
from shared.runtime.limits import Limits
from shared.runtime.metrics import Metrics, NoMetrics
from shared.runtime.parked import Choice, Survey, survey
from shared.runtime.ports import Document, Outgoing
from shared.runtime.redrive import Report, redrive_parked
from shared.runtime.worker import Worker
from tests.kit.rules import default_profile
from tests.kit.toy import Rules, toy
from tests.kit.world import Outbox, poke_record
from tests.size.timers import rss_megabytes

HEARD: Final = "logistics.v1"
SERVICE: Final = "orders"
TRAFFIC_PAUSE_SECONDS: Final = 0.02
"""Each record of it joins those that wait, as long as its source is parked: more of them a second than the
embedded database can take, and a redrive would never end."""
WRITTEN_AT_ONCE: Final = 500
NO_METRICS: Final = NoMetrics()
SAID: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Redriven:
    """What a redrive under traffic came to."""

    found: Survey
    report: Report
    seconds: float
    traffic: int
    """Records for the same sources that arrived meanwhile."""
    rss_megabytes: float
    """How much more the process held at its highest."""


class Depot:
    """The toy's rules as the service `orders`, with a worker that parks whatever follows a word `bad`."""

    def __init__(self, broker: str, url: str, database: str, sources: int, each: int) -> None:
        self.rules = Rules()
        self.rules.broken = {"bad"}
        self.subjects = [f"A-{number}" for number in range(sources)]
        self.words = ["bad", *(str(number) for number in range(2, each + 1))]
        self.admin = KafkaAdmin(broker)
        self._broker, self._url, self._database = broker, url, database
        self._service = replace(toy(self.rules), name=SERVICE)
        self._publisher = KafkaPublisher(broker)
        self._said = dict.fromkeys(self.subjects, 0)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Engine]:
        """A worker takes in what comes; the engine given is another one on the same files."""
        await self.admin.ensure_topics(4, 1)
        stop = asyncio.Event()
        engine, mine = self.engine(), self.engine()
        await engine.store.prepare()
        transport = AiokafkaTransport(self._broker, "parking", (HEARD,))
        await transport.start()
        worker = Worker(engine, transport, {"mail": Outbox()}, 4, lambda *_, **__: None)
        working = asyncio.create_task(worker.run(stop))
        try:
            yield mine
        finally:
            stop.set()
            await working
            await transport.close()
            for each in (engine, mine):
                await each.publisher.close()
                await each.store.close()
            await self.close()

    async def close(self) -> None:
        """Leave nothing in the database."""
        await self._publisher.close()
        await self.admin.close()
        async with AsyncMongoClient[Document](self._url) as client:
            await client.drop_database(self._database)

    def engine(self, metrics: Metrics = NO_METRICS, max_request_bytes: int = MAX_REQUEST_BYTES) -> Engine:
        """One more on the same files, whose publisher takes records up to such a size."""
        store = MotorStore(self._url, self._database)
        limits = Limits(brake_in_a_row=1_000_000, brake_window_percent=100)
        profile = default_profile()
        publisher = KafkaPublisher(self._broker, max_request_bytes=max_request_bytes)
        return Engine(self._service, store, publisher, SystemClock(), lambda *_: profile, limits, metrics)

    async def say(self, subject: str, *words: str) -> list[Outgoing]:
        """Records in which another service pokes a file, the next numbers of that subject."""
        told: list[Outgoing] = []
        for word in words:
            self._said[subject] += 1
            told.append(replace(poke_record(subject, self._said[subject], word, SAID), topic=HEARD))
        return told

    async def write(self, records: list[Outgoing]) -> None:
        """Onto the log, all of it."""
        for at in range(0, len(records), WRITTEN_AT_ONCE):
            assert all(await self._publisher.publish(records[at : at + WRITTEN_AT_ONCE]))

    async def heard(self) -> None:
        """Return when the worker has taken in everything."""
        while sum((await self.admin.lag("parking", [HEARD])).values()):
            await asyncio.sleep(0.1)

    async def park(self) -> None:
        """All words of all sources, the sources mixed; every one of them is parked."""
        records: list[Outgoing] = []
        for word in self.words:
            for subject in self.subjects:
                records += await self.say(subject, word)
        await self.write(records)
        await self.heard()
        self.rules.broken = set()

    async def redrive(self, engine: Engine, show: Progress) -> Redriven:
        """Redrive everything while each source goes on being spoken of, until nothing is parked."""
        read = lambda start: self.admin.read_all(dead_letter_topic(SERVICE), start)  # noqa: E731
        before = rss_megabytes()
        found = await survey(engine, read, Choice())
        highest, done = before, asyncio.Event()
        traffic = 0

        async def speak() -> None:
            nonlocal traffic, highest
            while not done.is_set():
                subject = self.subjects[traffic % len(self.subjects)]
                await self.write(await self.say(subject, f"more {self._said[subject]}"))
                traffic += 1
                highest = max(highest, rss_megabytes())
                await asyncio.sleep(TRAFFIC_PAUSE_SECONDS)

        speaking = asyncio.create_task(speak())
        began = time.perf_counter()
        report = await redrive_parked(engine, read, found.parked, show)
        seconds = time.perf_counter() - began
        done.set()
        await speaking
        await self.heard()
        left = await survey(engine, read, Choice())
        report.add(await redrive_parked(engine, read, left.parked, show))
        return Redriven(found, report, seconds, traffic, highest - before)

    async def check(self, engine: Engine) -> int:
        """Every file has heard every word once, in order, and has said so. How many words that are."""
        for subject in self.subjects:
            file = await engine.load(subject)
            assert file is not None
            assert file.parked == {}
            heard = list(file.state.words)
            more = [f"more {number}" for number in range(len(self.words), self._said[subject])]
            assert heard == [*self.words, *more], (subject, heard)
        audit = Audit()
        for record in await asyncio.to_thread(lambda: list(self.admin.read_all(event_topic(SERVICE)))):
            audit.read([record])
        assert audit.problem_count == 0
        assert audit.events == sum(self._said.values())
        return audit.events
