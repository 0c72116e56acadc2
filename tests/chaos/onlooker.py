"""Sees from outside how far everything is: the log's ends, the groups' positions, the files' books.

An order is quiet when nothing about it is under way any more in any service. In one look, in this
order: (1) the groups' committed positions are read, (2) the files that have something to publish or
to do outside now, (3) the log up to its ends. An order is quiet if no file of it is among (2) and all
that (3) has of it lies before (1): what was taken in before (1) is committed, what followed from it
was on the log or pending at (2), and what was on the log by then is in (3).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import aiokafka
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from shared.adapters.ending import ended
from shared.contracts.catalog import HEARS, SERVICES, consumer_group
from tests.chaos.ledger import EVENT_TOPICS, WATCHED, Ledger, Place

LOOK_SECONDS = 0.15
ASK_SECONDS = 5.0
READ_SECONDS = 20.0
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)

Positions = Mapping[tuple[str, str, int], int]
"""For service, topic and partition the offset up to which the group has committed."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look showed."""

    at: float
    """The machine's monotonic time when it began."""
    positions: Positions
    ends: Mapping[Place, int]
    unsettled: int
    """Files with something to publish or to do outside."""

    def lag(self, service: str, place: Place) -> int:
        """How many records a service has not taken in."""
        return max(0, self.ends.get(place, 0) - self.positions.get((service, *place), 0))

    @property
    def lag_total(self) -> int:
        """The same, of all services and places."""
        return sum(self.lag(service, (topic, number)) for service, topic, number in self.positions)


@dataclass(slots=True)
class _Waiting:
    since: float
    quiet: "asyncio.Future[None]"


@dataclass
class Onlooker:
    """Reads by clients of its own, past the proxies. `begin` lets it look again and again."""

    kafka: str
    mongodb: str
    partitions: int
    ledger: Ledger = field(default_factory=Ledger)
    latest: Look | None = None
    on_look: list[Callable[[Look], None]] = field(default_factory=list[Callable[[Look], None]])
    look_seconds: float = LOOK_SECONDS
    """So long it rests between two looks. One costs the more, the more orders are under way."""
    trouble: str = ""
    """Why the last look failed, if it did."""
    _waiting: dict[str, _Waiting] = field(default_factory=dict[str, _Waiting])
    _looking: "asyncio.Task[None] | None" = None
    _reader: Any = None
    _admin: Any = None

    async def __aenter__(self) -> Self:
        self._database: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            self.mongodb, timeoutMS=round(ASK_SECONDS * 1000), serverSelectionTimeoutMS=2000
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._looking is not None:
            await ended(self._looking)
        await self._let_go()
        await self._database.close()

    def begin(self) -> None:
        """Look from now on, again and again."""
        self._looking = asyncio.create_task(self._look_on())

    def check(self) -> None:
        """Raise what ended the looking."""
        if self._looking is not None and self._looking.done():
            self._looking.result()

    async def _look_on(self) -> None:
        """Look until cancelled. What is away is waited for."""
        while True:
            try:
                async with asyncio.timeout(READ_SECONDS + ASK_SECONDS):
                    await self.look()
                self.trouble = ""
            except (KafkaError, PyMongoError, OSError, TimeoutError) as problem:
                self.trouble = f"{type(problem).__name__}: {problem}"
                await self._let_go()
            await asyncio.sleep(self.look_seconds)

    async def quiet(self, order_id: str) -> None:
        """Return when nothing about the order is under way any more."""
        waiting = _Waiting(time.monotonic(), asyncio.get_running_loop().create_future())
        self._waiting[order_id] = waiting
        await waiting.quiet

    async def looked_again(self) -> None:
        """Return after a look that began from now on: all that is on the log by now has been read."""
        asked, done = time.monotonic(), asyncio.get_running_loop().create_future()

        def tell(look: Look) -> None:
            if look.at >= asked and not done.done():
                done.set_result(None)

        self.on_look.append(tell)
        try:
            await done
        finally:
            self.on_look.remove(tell)

    def waits_since_before(self, moment: float) -> bool:
        """Whether an order has waited for quiet since before then. They stand as they came."""
        oldest = next(iter(self._waiting.values()), None)
        return oldest is not None and oldest.since < moment

    async def look(self) -> None:
        """One look."""
        began = time.monotonic()
        await self._connect()
        positions = await self._positions()
        unsettled = await self._unsettled()
        ends = await self._read_to_ends()
        self.latest = Look(began, positions, ends, len(unsettled))
        restless = {self.ledger.order_of(subject) for subject in unsettled}
        for order, waiting in list(self._waiting.items()):
            if waiting.since < began and order not in restless and self._is_taken_in(order, positions):
                del self._waiting[order]
                waiting.quiet.set_result(None)
        for tell in self.on_look:
            tell(self.latest)

    async def documents(self, service: str) -> list[dict[str, Any]]:
        """All files of a service as they are stored."""
        found: list[dict[str, Any]] = await self._database[f"orderlink_{service}"]["files"].find({}).to_list()
        return found

    def _is_taken_in(self, order: str, positions: Positions) -> bool:
        return all(
            positions.get((service, *place), 0) >= end
            for place, end in self.ledger.ends_of.get(order, {}).items()
            for service in SERVICES
            if place[0] in HEARS[service]
        )

    async def _positions(self) -> Positions:
        found: dict[tuple[str, str, int], int] = {}
        for service in SERVICES:
            group = await self._admin.list_consumer_group_offsets(consumer_group(service))
            stored = {(where.topic, where.partition): told.offset for where, told in group.items()}
            for topic in HEARS[service]:
                for number in range(self.partitions):
                    found[service, topic, number] = max(0, stored.get((topic, number), 0))
        return found

    async def _unsettled(self) -> set[str]:
        """The subjects of files that have something to publish or to do outside."""
        found: set[str] = set()
        for service in SERVICES:
            files = self._database[f"orderlink_{service}"]["files"]
            for path in ("pending.since", "next_effect_at"):
                found |= {each["_id"] async for each in files.find({path: {"$gte": EARLIEST}}, ["_id"])}
        return found

    async def _read_to_ends(self) -> Mapping[Place, int]:
        places = list(self._reader.assignment())
        ends = {(at.topic, at.partition): end for at, end in (await self._reader.end_offsets(places)).items()}
        until = time.monotonic() + READ_SECONDS
        while any(self.ledger.next_offset.get(place, 0) < end for place, end in ends.items()):
            batches = await self._reader.getmany(timeout_ms=100)
            for records in batches.values():
                for record in records:
                    self.ledger.take(record.topic, record.partition, record.offset, record.value)
            if time.monotonic() > until:
                raise TimeoutError("the log could not be read to its ends")
        return ends

    async def _connect(self) -> None:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(
                bootstrap_servers=self.kafka, request_timeout_ms=round(ASK_SECONDS * 1000)
            )
            await self._admin.start()
        if self._reader is None:
            reader = aiokafka.AIOKafkaConsumer(
                bootstrap_servers=self.kafka,
                group_id=None,
                enable_auto_commit=False,
                request_timeout_ms=round(ASK_SECONDS * 1000),
                fetch_max_wait_ms=50,
            )
            self._reader = reader
            await reader.start()
            places = [
                aiokafka.TopicPartition(topic, n) for topic in EVENT_TOPICS for n in range(self.partitions)
            ]
            places += [aiokafka.TopicPartition(topic, 0) for topic in WATCHED if topic not in EVENT_TOPICS]
            reader.assign(places)
            for place in places:
                reader.seek(place, self.ledger.next_offset.get((place.topic, place.partition), 0))

    async def _let_go(self) -> None:
        """Whatever state the clients are in: the next look makes new ones."""
        reader, admin = self._reader, self._admin
        self._reader = self._admin = None
        stopping = [
            asyncio.ensure_future(stop()) for stop in (reader and reader.stop, admin and admin.close) if stop
        ]
        if stopping:
            # The driver may end its own closing by a cancellation of its own; that is not ours.
            await asyncio.wait(stopping, timeout=2.0)
        for each in stopping:
            each.cancel()
