"""All services in one process on memory adapters, under a clock that jumps to where something happens.

At one instant the facts and acts come first, with timers held, until nothing moves any more; then the
timers that are due, again until nothing moves. So a whole year of a shop takes as long as its facts
and timers take to be thought through.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from pydantic_core import from_json

from shared.adapters.clock import VirtualClock
from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_store import MemoryStore
from shared.adapters.memory_transport import MemoryTransport
from shared.cli.counts import Counts
from shared.cli.timeline import Line
from shared.contracts.acts import AnyAct
from shared.contracts.catalog import HEARS, SLOTS, TOPICS, dead_letter_topic
from shared.contracts.event import Event, UnknownEventType, from_cloudevent
from shared.contracts.facts import TAKEN_BY, AnyFact
from shared.kernel.calendar import utc_text
from shared.runtime.desk import Desk
from shared.runtime.engine import Engine
from shared.runtime.fold import body_digest
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.pins import ProfileOf
from shared.runtime.ports import Document, EffectResult, Record
from shared.runtime.service import Service
from shared.runtime.work import (
    EventTooLarge,
    FileTooLarge,
    FireTimers,
    KeyReused,
    TooManyEvents,
    TooManyTimers,
    TooMuchPending,
)
from shared.runtime.worker import Worker

PARTITIONS: Final = 1
ALL_SLOTS: Final = range(SLOTS)
FILES_AT_ONCE: Final = 500
SAME_INSTANT_ROUNDS_MAX: Final = 10_000
"""Timers that set timers for the very same moment for ever would stop the clock."""

_COUNTED = tuple(topic.name for topic in TOPICS if topic.co_partitioned)


class Stuck(Exception):
    """The simulation can't go on; the text says where it stood and why."""


class Players(Protocol):
    """Who does what the timeline's acts say."""

    async def act(self, act: AnyAct) -> str | None:
        """Do it. None, or the slug with which it was refused."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    """One service with all that it runs on."""

    service: Service
    store: MemoryStore
    engine: Engine
    worker: Worker
    desk: Desk


@dataclass(slots=True)
class Played:
    """What came of a run."""

    counts: Counts = field(default_factory=Counts)
    lines: int = 0
    facts: int = 0
    acts: int = 0
    timers_until: datetime | None = None
    """When the last timer fired, or the last line came."""
    refused: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    """Acts that were refused: the line's number and the slug."""
    dead_letters: int = 0


class Willing:
    """An outside that does everything at once and keeps nothing: mail and refunds of a simulation."""

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Done."""
        return EffectResult(done=True)


class _EagerTransport(MemoryTransport):
    """Never waits: in a simulation nothing comes while one waits."""

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        return await super().batch(max_records, 0)


class Simulation:
    """The four services on memory adapters. `play` runs one timeline through them."""

    def __init__(
        self,
        services: Sequence[Service],
        profile_of: ProfileOf,
        start: datetime,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.clock = VirtualClock(start)
        self.log = MemoryLog(partitions=PARTITIONS)
        self.houses = {service.name: self._house(service, profile_of) for service in services}
        self.players: Players | None = None
        self.played = Played()
        self._workers = [house.worker for house in self.houses.values()]
        self._read_up_to = dict.fromkeys(_COUNTED, 0)
        self._on_event = on_event

    async def play(
        self,
        instants: Iterable[tuple[datetime, list[Line]]],
        on_progress: Callable[[int, datetime], None] = lambda lines, moment: None,
    ) -> Played:
        """Play the lines and everything that follows from them, until no timer is left.

        Raises `Stuck` when a service can't digest what it is given.
        """
        for house in self.houses.values():
            await house.worker.transport.start()
        ahead = iter(instants)
        coming = next(ahead, None)
        while True:
            due = await self._next_timer_at()
            moments = [moment for moment in (due, coming[0] if coming else None) if moment is not None]
            if not moments:
                return self.played
            # A timer may be due in the past, when a fact told late sets it; time stands still for it.
            now = max(min(moments), self.clock.now())
            self.clock.set(now)
            if coming is not None and coming[0] <= now:
                await self._tell(coming[1])
                coming = next(ahead, None)
            await self._fire(now)
            self._count()
            self.played.timers_until = now
            on_progress(self.played.lines, now)

    @property
    def desks(self) -> dict[str, Desk]:
        """The doors of the services, by name."""
        return {name: house.desk for name, house in self.houses.items()}

    async def drain(self) -> None:
        """Let events and effects run until nothing moves."""
        moved = True
        while moved:
            moved = False
            for worker in self._workers:
                while await worker.take_batch():
                    moved = True
                while await worker.try_effects():
                    moved = True

    def _house(self, service: Service, profile_of: ProfileOf) -> House:
        # Reading BSON would be a good part of the time, and the suites of the engine have it.
        store = MemoryStore(as_bson=False)
        publisher = MemoryPublisher(self.log)
        engine = Engine(service, store, publisher, self.clock, profile_of, Limits(), NoMetrics())
        transport = _EagerTransport(self.log, service.name, HEARS[service.name])
        outsides = dict.fromkeys(service.effects, Willing())
        worker = Worker(engine, transport, outsides, PARTITIONS, log=_no_log)
        return House(service, store, engine, worker, Desk(engine))

    async def _tell(self, lines: Sequence[Line]) -> None:
        """Facts and acts of one instant, in the file's order, with timers held."""
        self.clock.hold(True)
        for line in lines:
            content = line.content
            self.played.lines += 1
            if isinstance(content, AnyFact):
                self.played.facts += 1
                desk = self.houses[TAKEN_BY[content.fact]].desk
                try:
                    await desk.take(content, body_digest(content))
                except KeyReused:
                    expected = "one that no other fact of the order has"
                    raise Stuck(f"line {line.number}: id: expected {expected}, got {content.id!r}") from None
                except (EventTooLarge, FileTooLarge, TooManyEvents, TooManyTimers, TooMuchPending) as problem:
                    raise Stuck(f"line {line.number}: {problem}") from problem
            else:
                self.played.acts += 1
                await self.drain()
                await self._act(line.number, content)
        await self.drain()
        self.clock.hold(False)

    async def _act(self, number: int, act: AnyAct) -> None:
        if self.players is None:
            raise Stuck(f"line {number}: the timeline has acts, and nobody is there to do them")
        refused = await self.players.act(act)
        if refused is not None:
            self.played.refused.append((number, refused))

    async def _fire(self, now: datetime) -> None:
        """Fire what is due, in all services before anybody hears of it, until nothing is due.

        The workers' own way waits for a backlog first; here there is none, and what several services
        have due at the same moment has happened at that moment in all of them.
        """
        before: set[tuple[str, str, int]] = set()
        for _ in range(SAME_INSTANT_ROUNDS_MAX):
            due = {name: await self._due(house, now) for name, house in self.houses.items()}
            found = {(name, file["_id"], file["version"]) for name, files in due.items() for file in files}
            if not found:
                return
            if found == before:
                raise Stuck(f"timers are due at {utc_text(now)} and do not fire: {sorted(found)[:5]}")
            for name, files in due.items():
                if files:
                    await self.houses[name].engine.run([FireTimers(file["_id"], now) for file in files])
            await self.drain()
            before = found
        raise Stuck(f"timers go on setting timers for {utc_text(now)}")

    async def _due(self, house: House, now: datetime) -> list[Document]:
        return await house.store.due_timers(ALL_SLOTS, now, FILES_AT_ONCE)

    async def _next_timer_at(self) -> datetime | None:
        moments = [await house.store.next_timer_at(ALL_SLOTS) for house in self.houses.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    def _count(self) -> None:
        """Count what was said since the last time, and let its bytes go."""
        for event in self._said():
            self.played.counts.add(event)
            if self._on_event is not None:
                self._on_event(event)
        self.played.dead_letters = sum(
            len(partition) for name in self.houses for partition in self.log.topic(dead_letter_topic(name))
        )

    def _said(self) -> Iterator[Event]:
        for topic, start in self._read_up_to.items():
            (records,) = self.log.topic(topic)
            for record in records[start:]:
                if record.value is None:
                    continue
                try:
                    yield from_cloudevent(from_json(record.value))
                except UnknownEventType:
                    continue
            self._read_up_to[topic] = len(records)
            self.log.forget(topic, 0, len(records))


def _no_log(event: str, **values: Any) -> None:
    """A simulation has nobody who reads a worker's log."""
