"""A long stream about many orders, while workers come and go and what one order says is refused."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final

from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_publisher import MAX_REQUEST_BYTES
from shared.contracts.catalog import event_topic
from shared.runtime.audit import Audit
from shared.runtime.engine import Engine
from shared.runtime.metrics import HistogramName, NoMetrics
from shared.runtime.ports import Outgoing, Unavailable
from shared.runtime.worker import Worker
from tests.kit.toy import ToySaid
from tests.kit.world import Outbox, read
from tests.size.parking import HEARD, SERVICE, WRITTEN_AT_ONCE, Depot

GROUP: Final = "crew"
PARTITIONS: Final = 4
TAKEN_MAX_BYTES: Final = 8_192
"""A record that is larger is refused, until the crew is exchanged."""
LARGE: Final = "x" * TAKEN_MAX_BYTES
WORDS_AFTER_LARGE: Final = 5
CREW_MAX: Final = 3
POLL_SECONDS: Final = 0.2
SILENT_MAX: Final = 20
"""So often in turn may the broker not answer a question in its time, which is seconds."""


class Waits(NoMetrics):
    """How long events waited for the broker after they were decided on."""

    def __init__(self) -> None:
        self.seconds = array("d")

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """Keep what was waited for the broker."""
        if name == "orderlink_publish_wait_seconds":
            self.seconds.append(value)


@dataclass(slots=True, eq=False)
class _Member:
    """A worker that is at work."""

    engine: Engine
    transport: FaustTransport
    stop: asyncio.Event
    working: asyncio.Task[None]

    async def leave(self) -> None:
        """End as a process does that is asked to."""
        self.stop.set()
        await self.working
        await self.transport.close()
        await self.engine.publisher.close()
        await self.engine.store.close()


@dataclass(slots=True)
class Crew:
    """The toy's workers on one stream: each word of each order is heard, and said again."""

    broker: str
    url: str
    database: str
    orders: int
    words: int
    random: Random
    waits: Waits = field(default_factory=Waits)
    joined: int = 0
    left: int = 0
    written: int = 0
    _members: list[_Member] = field(default_factory=list[_Member])
    _depot: Depot = field(init=False)
    _refused: str = field(init=False)

    def __post_init__(self) -> None:
        self._depot = Depot(self.broker, self.url, self.database, self.orders, self.words)
        self._depot.rules.broken = set()
        self._refused = self._depot.subjects[self.orders // 2]

    @property
    def total(self) -> int:
        """How many words there are altogether."""
        return self.orders * self.words

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """One worker to begin with; in the end none, and no database."""
        await self._depot.admin.ensure_topics(PARTITIONS, 1)
        engine = self._depot.engine()
        await engine.store.prepare()
        await engine.store.close()
        await self._join(TAKEN_MAX_BYTES)
        try:
            yield
        finally:
            while self._members:
                await self._members.pop().leave()
            await self._depot.close()

    async def write(self) -> None:
        """Every order's first word, then every order's second one, and so on."""
        records: list[Outgoing] = []
        for number in range(self.words):
            for subject in self._depot.subjects:
                records += await self._depot.say(subject, self._words(subject)[number])
                if len(records) == WRITTEN_AT_ONCE:
                    await self._depot.write(records)
                    self.written += len(records)
                    records = []
        await self._depot.write(records)
        self.written += len(records)

    async def heard(self, count: int, show: Callable[[int, int], None]) -> None:
        """Return when the crew has heard so many words."""
        silent = 0
        while True:
            try:
                committed = sum((await self._depot.admin.committed(GROUP, [HEARD])).values())
                silent = 0
            except Unavailable:
                # A broker with all hands full answers who only looks a little later.
                silent += 1
                if silent > SILENT_MAX:
                    raise
                continue
            show(committed, self.total)
            if committed >= count:
                return
            for member in self._members:
                if member.working.done():
                    member.working.result()
            await asyncio.sleep(POLL_SECONDS)

    async def change(self) -> None:
        """Somebody joins or leaves."""
        if len(self._members) == 1 or (len(self._members) < CREW_MAX and self.random.random() < 0.5):
            await self._join(TAKEN_MAX_BYTES)
            self.joined += 1
        else:
            await self._members.pop(self.random.randrange(len(self._members))).leave()
            self.left += 1

    async def exchange(self) -> int:
        """One worker that may say large words in place of them all. How many events had to wait for it."""
        while self._members:
            await self._members.pop().leave()
        engine = self._depot.engine()
        file = await engine.load(self._refused)
        assert file is not None
        held_back = len(file.pending)
        await self._join(MAX_REQUEST_BYTES)
        while await engine.store.pending_count(1):
            await asyncio.sleep(POLL_SECONDS)
        await engine.store.close()
        return held_back

    async def check(self, show: Callable[[int, int], None]) -> Audit:
        """Every file has heard its words once and in order, and each is on the log once and in order."""
        engine = self._depot.engine()
        for number, subject in enumerate(self._depot.subjects):
            file = await engine.load(subject)
            assert file is not None
            assert file.state.words == tuple(self._words(subject)), subject
            if number % 100 == 0:
                show(number, self.orders)
        await engine.store.close()
        audit = await asyncio.to_thread(self._read)
        assert audit.problem_count == 0, audit.problems[:5]
        assert audit.events == self.total
        return audit

    def _read(self) -> Audit:
        audit = Audit()
        for record in self._depot.admin.read_all(event_topic(SERVICE)):
            audit.read([record])
            event = read(record)
            assert isinstance(event.data, ToySaid)
            assert event.data.word == self._words(event.subject)[event.sequence - 1]
        return audit

    def _words(self, subject: str) -> Sequence[str]:
        words = self._depot.words
        if subject != self._refused:
            return words
        large = len(words) - WORDS_AFTER_LARGE - 1
        return [LARGE if number == large else word for number, word in enumerate(words)]

    async def _join(self, max_request_bytes: int) -> None:
        engine = self._depot.engine(self.waits, max_request_bytes)
        transport = FaustTransport(self.broker, GROUP, (HEARD,))
        await transport.start()
        stop = asyncio.Event()
        worker = Worker(engine, transport, {"mail": Outbox()}, PARTITIONS, lambda *_, **__: None)
        self._members.append(_Member(engine, transport, stop, asyncio.create_task(worker.run(stop))))
