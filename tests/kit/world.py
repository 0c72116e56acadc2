"""A world in memory around the toy service: store, log, clock, workers, and faults on order."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.clock import VirtualClock
from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_store import MemoryStore
from shared.adapters.memory_transport import MemoryTransport
from shared.contracts.catalog import dead_letter_topic, event_topic
from shared.contracts.event import Event, Payload, event_id, from_cloudevent, to_cloudevent
from shared.contracts.facts import AnyFact, fact_from
from shared.runtime.dead_letters import StoredLetter, read_letter
from shared.runtime.desk import Desk
from shared.runtime.engine import Engine
from shared.runtime.fold.book import event_headers
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import (
    Cleared,
    Committed,
    Document,
    EffectResult,
    Outgoing,
    Record,
    Unavailable,
    Write,
)
from shared.runtime.worker import Worker
from tests.kit.rules import START, default_profile
from tests.kit.toy import Rules, ToyPassed, ToyPoked, toy

GROUP = "toy"
HEARS = ("other.v1",)


class FaultyStore(MemoryStore):
    """A store that does what it is told to do wrong, once for each order given."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.commit_faults: list[str] = []
        """`unknown-done`, `unknown-lost` or `lost`, one for each of the next commits."""
        self.before_commit: list[Callable[[], Any]] = []
        """Called, and awaited, before the next commits: another writer's chance."""
        self.commits = 0

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        self._answer()
        return await super().load(subjects, known)

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        if self.away:
            return [Committed.UNKNOWN] * len(writes)
        self.commits += 1
        if self.before_commit:
            await self.before_commit.pop(0)()
        fault = self.commit_faults.pop(0) if self.commit_faults else ""
        if fault == "unknown-lost":
            return [Committed.UNKNOWN] * len(writes)
        if fault == "lost":
            return [Committed.LOST] * len(writes)
        outcome = await super().commit(writes)
        return [Committed.UNKNOWN] * len(writes) if fault == "unknown-done" else outcome

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        self._answer()
        await super().clear(cleared)

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("the database is away")


class FaultyPublisher(MemoryPublisher):
    """A publisher that can be away, refuse records, or lose the acknowledgement."""

    def __init__(self, log: MemoryLog) -> None:
        super().__init__(log)
        self.away = False
        self.refuse: Callable[[Outgoing], bool] = lambda record: False
        self.lose_acks = 0
        """So many of the next calls write everything and acknowledge nothing."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        if self.away:
            return [False] * len(records)
        answers: list[bool] = []
        for record in records:
            refused = self.refuse(record)
            if not refused:
                await super().publish([record])
            answers.append(not refused)
        if self.lose_acks:
            self.lose_acks -= 1
            return [False] * len(records)
        return answers


class Outbox:
    """An outside that records each attempt and answers as told."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self.answers: list[EffectResult] = []

    async def perform(self, effect_id: str, request: Any) -> EffectResult:
        """Record the attempt."""
        self.attempts.append(effect_id)
        return self.answers.pop(0) if self.answers else EffectResult(done=True)


class World:
    """The toy service with everything around it, in memory, one step at a time."""

    def __init__(self, *, watches: bool = False, **limits: Any) -> None:
        self.rules = Rules()
        self.service = toy(self.rules, watches=watches)
        self.clock = VirtualClock(START)
        self.log = MemoryLog(partitions=4)
        self.store = FaultyStore()
        self.publisher = FaultyPublisher(self.log)
        self.outbox = Outbox()
        self.limits = Limits(pending_stale_after_seconds=0, stream_wait_seconds=0.001, **limits)
        self.profile = default_profile()
        self.engine = self.another_engine()
        self.desk = Desk(self.engine)
        self.worker = self.another_worker()
        self._numbers: dict[str, int] = {}

    def another_engine(self) -> Engine:
        """Another process' engine on the same files."""
        return Engine(
            self.service,
            self.store,
            self.publisher,
            self.clock,
            lambda *_: self.profile,
            self.limits,
            NoMetrics(),
        )

    def another_worker(self) -> Worker:
        """Another member of the group. It joins with `start`."""
        return Worker(
            self.another_engine(),
            MemoryTransport(self.log, GROUP, HEARS, batch_max_bytes=self.limits.batch_max_bytes),
            {"mail": self.outbox},
            self.log.partitions,
            lambda *args, **kwargs: None,
        )

    async def start(self) -> None:
        """The first worker joins its group."""
        await self.worker.transport.start()

    def poke(self, subject: str, word: str, about: str | None = None, number: int | None = None) -> Outgoing:
        """Another service says `toy.poked` about a subject; the next number unless told."""
        sequence = number or self._numbers.get(subject, 0) + 1
        self._numbers[subject] = max(sequence, self._numbers.get(subject, 0))
        record = poke_record(subject, sequence, word, self.clock.now(), about)
        self.log.append(record)
        return record

    def pass_on(self, fact: AnyFact) -> Outgoing:
        """Another service passes a fact on, as its next event about the order."""
        sequence = self._numbers[fact.order_id] = self._numbers.get(fact.order_id, 0) + 1
        record = other_record(
            fact.order_id, sequence, ToyPassed(fact=fact.model_dump(mode="json")), self.clock.now()
        )
        self.log.append(record)
        return record

    async def settle(self) -> None:
        """Take everything in that is there."""
        while await self.worker.take_batch():
            pass

    async def state(self, subject: str = "A-1") -> Any:
        """The toy's state of a file."""
        file = await self.engine.load(subject)
        return None if file is None else file.state

    async def words(self, subject: str = "A-1") -> list[str]:
        """The words that a file remembers, in order."""
        state = await self.state(subject)
        return [] if state is None else list(state.words)

    def published(self, subject: str = "A-1") -> list[tuple[int, str]]:
        """What stands on the toy's topic about a subject: number and word, in the log's order."""
        return [(event.sequence, event.data.word) for event in self.events() if event.subject == subject]  # type: ignore[attr-defined]  # toy.said has a word

    def events(self) -> list[Event]:
        """Everything on the toy's topic, in order."""
        return [read(record) for record in self.log.records(event_topic("toy"))]

    def letters(self) -> list[StoredLetter]:
        """The dead letters, in order."""
        return [read_letter(record.value or b"") for record in self.log.records(dead_letter_topic("toy"))]

    async def pass_time(self, **span: float) -> None:
        """Let time pass, then fire what is due."""
        self.clock.advance(timedelta(**span))
        while await self.worker.fire_timers():
            pass


def read(record: Record) -> Event:
    """The event in a record."""
    return from_cloudevent(json.loads(record.value or b""))


def poke_record(subject: str, sequence: int, word: str, at: datetime, about: str | None = None) -> Outgoing:
    """A record in which another service pokes the toy."""
    return other_record(subject, sequence, ToyPoked(word=word, about=about), at)


def other_record(subject: str, sequence: int, payload: Payload, at: datetime) -> Outgoing:
    """A record in which another service says something."""
    event = Event(
        id=event_id("other", subject, sequence),
        source="other",
        name=payload.name,
        subject=subject,
        time=at,
        sequence=sequence,
        correlation_id="c",
        causation_id="c",
        data=payload,
    )
    headers = {name: value.encode() for name, value in event_headers(event).items()}
    return Outgoing("other.v1", subject.encode(), json.dumps(to_cloudevent(event)).encode(), headers)


def fact(kind: str, fact_id: str, at: datetime = START, order_id: str = "A-1", **body: Any) -> AnyFact:
    """A fact with a plain body for its kind."""
    bodies: dict[str, dict[str, Any]] = {
        "order.placed": {
            "shop_id": "demo",
            "buyer_id": "b-1",
            "currency": "EUR",
            "total": "10.00",
            "lines": [{"line_id": "1", "sku": "s", "name": "Thing", "quantity": 1, "amount": "10.00"}],
            "receiver": {"name": "A Buyer"},
        },
        "order.paid": {"amount": "10.00", "payment_id": "p-1"},
        "order.cancelled": {"reason": "changed_mind"},
    }
    raw = {"id": fact_id, "at": at.isoformat(), "fact": kind, "order_id": order_id}
    return fact_from({**raw, "data": {**bodies[kind], **body}})
