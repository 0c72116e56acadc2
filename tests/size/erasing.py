"""Many buyers in four services on a real broker and database, erased by the command, and searched for."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import AsyncMongoClient
from typer import Typer
from typer.testing import CliRunner, Result

from shared.adapters.aiokafka_transport import AiokafkaTransport
from shared.adapters.clock import SystemClock
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_publisher import KafkaPublisher
from shared.adapters.memory_outside import MemoryMail, MemoryPayments
from shared.adapters.motor_store import MotorStore
from shared.cli import audit, dead_letters, erase
from shared.cli.loading import load_services
from shared.contracts.catalog import CONTACTS_TOPIC, HEARS, TOPICS, consumer_group
from shared.contracts.facts import TAKEN_BY, fact_from
from shared.runtime.engine import Engine
from shared.runtime.fold import body_digest
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import Document, Outgoing, Outside
from shared.runtime.work import Tell
from shared.runtime.worker import Worker
from tests.kit.rules import default_profile

WORD: Final = "zzmarker"
PARTITIONS: Final = 4
TOLD_AT_ONCE: Final = 500
PAST: Final = timedelta(days=60)
"""So long ago the orders were placed: whatever was to come of them has come by now."""
NEVER: Final = timedelta(hours=1)


@dataclass(slots=True)
class Found:
    """How often the markers are where."""

    hits: Counter[str]
    documents: int
    records: int


class Buyers:
    """Each buyer has one order, over by now, and a marker in every field that could hold one."""

    def __init__(self, broker: str, url: str, prefix: str, count: int) -> None:
        self.orders = [f"A-{number}" for number in range(count)]
        self.said: list[str] = []
        """What workers logged and commands printed."""
        self._broker, self._url, self._prefix = broker, url, prefix
        self._admin = KafkaAdmin(broker)
        self._engines: dict[str, Engine] = {}
        self._environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": broker,
            "MONGODB_URL": url,
            "ORDERLINK_MONGODB_DATABASE_PREFIX": prefix,
        }

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator["Buyers"]:
        """A worker of each service takes in what comes."""
        await self._admin.ensure_topics(PARTITIONS, 1)
        stop = asyncio.Event()
        working: list[asyncio.Task[None]] = []
        transports: list[AiokafkaTransport] = []
        for service in load_services():
            engine = self._engine(service.name)
            self._engines[service.name] = engine
            await engine.store.prepare()
            transport = AiokafkaTransport(self._broker, consumer_group(service.name), HEARS[service.name])
            await transport.start()
            transports.append(transport)
            outsides: dict[str, Outside] = {"mail": MemoryMail(), "refund": MemoryPayments()}
            worker = Worker(engine, transport, outsides, PARTITIONS, self._log)
            working.append(asyncio.create_task(worker.run(stop)))
        try:
            yield self
        finally:
            stop.set()
            await asyncio.gather(*working, return_exceptions=True)
            for transport in transports:
                await transport.close()
            async with AsyncMongoClient[Document](self._url) as client:
                for name, engine in self._engines.items():
                    await engine.publisher.close()
                    await engine.store.close()
                    await client.drop_database(f"{self._prefix}{name}")

    def _log(self, event: str, **values: Any) -> None:
        self.said.append(f"{event} {values}")

    def _engine(self, name: str) -> Engine:
        (service,) = load_services(name)
        store = MotorStore(self._url, f"{self._prefix}{name}", service.listed_by)
        limits = Limits(brake_in_a_row=1_000_000, brake_window_percent=100)
        publisher = KafkaPublisher(self._broker)
        profile = default_profile()
        return Engine(service, store, publisher, SystemClock(), lambda *_: profile, limits, NoMetrics())

    async def live(self) -> None:
        """Everything that buyers tell and shops write, then quiet."""
        placed = SystemClock().now() - PAST
        for at in range(0, len(self.orders), TOLD_AT_ONCE):
            for facts in zip(*map(self._life(placed), self.orders[at : at + TOLD_AT_ONCE]), strict=True):
                service = TAKEN_BY[facts[0].fact]
                told = [Tell(fact.order_id, fact, body_digest(fact)) for fact in facts]
                await self._engines[service].run(told)
                if facts[0].fact in {"order.placed", "order.paid", "shipment.dispatched"}:
                    await self.quiet()
        await self.quiet()

    @staticmethod
    def _life(placed: datetime) -> Any:
        return lambda order: _facts(order, placed)

    async def garble(self, orders: list[str]) -> None:
        """Contacts that nobody can read: dead letters with markers in them."""
        publisher = self._engines["orders"].publisher
        for order in orders:
            headers = {"ce_source": b"orders-contacts", "ce_subject": order.encode(), "ce_sequence": b"9"}
            body = f'{{"name": "{WORD} {order}"'.encode()
            assert all(await publisher.publish([Outgoing(CONTACTS_TOPIC, order.encode(), body, headers)]))
        await self.quiet()

    async def quiet(self) -> None:
        """Return when everybody has heard everything, and nothing is to be done now."""
        calm = 0
        while calm < 2:
            lags = [
                sum((await self._admin.lag(consumer_group(name), HEARS[name])).values()) for name in HEARS
            ]
            busy = [await self._busy(engine) for engine in self._engines.values()]
            calm = 0 if any(lags) or any(busy) else calm + 1
            await asyncio.sleep(0.1)

    async def _busy(self, engine: Engine) -> bool:
        now = engine.clock.now()
        return bool(
            await engine.store.pending_count(1)
            or await engine.store.due_timers(range(256), now, 1)
            or await engine.store.due_effects(range(256), now + NEVER, 1)
        )

    async def command(self, app: Typer, *arguments: str) -> Result:
        """Run a command as an operator does, and keep what it printed."""
        result = await asyncio.to_thread(CliRunner(env=self._environment).invoke, app, list(arguments))
        self.said.append(result.output)
        return result

    async def erase(self, *arguments: str) -> Result:
        """`orderlink erase`, of all orders unless it is said whose."""
        named = arguments if "--buyer" in arguments else (*_named(self.orders), *arguments)
        return await self.command(erase.app, *named, "--yes")

    async def search(self) -> Found:
        """The markers in every document, every record that compaction leaves, logs and listings."""
        found = Found(Counter(), 0, 0)
        async with AsyncMongoClient[Document](self._url) as client:
            for name in self._engines:
                database = client[f"{self._prefix}{name}"]
                for collection in await database.list_collection_names():
                    async for document in database[collection].find({}):
                        found.documents += 1
                        found.hits[f"database of {name}"] += WORD in str(document)
        for topic in TOPICS:
            newest: dict[Any, bytes] = {}
            for record in self._admin.read_all(topic.name):
                found.records += 1
                key = (record.partition, record.key if topic.compacted else record.offset)
                newest[key] = b"%r %r %r" % (record.key, record.value, dict(record.headers))
            found.hits[f"topic {topic.name}"] += sum(WORD.encode() in each for each in newest.values())
        listings = [await self.command(dead_letters.app, "list", "--json")]
        listings.append(await self.command(audit.app, "--json"))
        found.hits["logs and listings"] += sum(WORD in line for line in self.said)
        assert all(listing.exit_code == 0 for listing in listings), [each.output for each in listings]
        return found


def _named(orders: list[str]) -> list[str]:
    return [word for order in orders for word in ("--order", order)]


def _facts(order: str, placed: datetime) -> Iterator[Any]:
    """One order's facts, told with a marker wherever one fits."""
    word = f"{WORD} {order}"
    receiver = {"name": word, "city": word, "postal_code": word, "address": word}
    receiver["email"] = f"{WORD}-{order}@buyers.example".lower()
    line = {"line_id": "1", "sku": "S-1", "name": "Lamp", "quantity": 1, "amount": "10.00"}
    wishes = [{"kind": "invoice", "title": word}, {"kind": "card", "text": word}]
    parcel = {"carrier": "dhl", "tracking_no": f"T{order}"}
    delivered = placed + timedelta(days=2)
    turns: tuple[tuple[str, timedelta, dict[str, Any]], ...] = (
        (
            "order.placed",
            timedelta(),
            {
                "shop_id": "demo",
                "buyer_id": f"buyer-{order}",
                "currency": "EUR",
                "total": "10.00",
                "lines": [line],
                "receiver": receiver,
                "requests": wishes,
            },
        ),
        ("order.paid", timedelta(hours=1), {"amount": "10.00", "payment_id": f"pay-{order}"}),
        ("shipment.dispatched", timedelta(days=1), {**parcel, "parcel_id": f"P-{order}", "lines": ["1"]}),
        (
            "shipment.scanned",
            timedelta(days=2),
            {**parcel, "status": "delivered", "text": word, "scanned_at": delivered.isoformat()},
        ),
        ("review.posted", timedelta(days=3), {"stars": 5, "text": word}),
        ("buyer.message", timedelta(days=4), {"text": word}),
    )
    for kind, after, data in turns:
        at = (placed + after).isoformat()
        yield fact_from({"id": f"{kind}-{order}", "at": at, "fact": kind, "order_id": order, "data": data})


async def erased(broker: str, url: str, prefix: str, count: int) -> list[tuple[str, str]]:
    """Erase so many buyers; what was found before and after. Raises `AssertionError` if anything is left."""
    async with Buyers(broker, url, prefix, count).at_work() as buyers:
        began = time.perf_counter()
        await buyers.live()
        garbled = buyers.orders[:: max(1, count // 10)]
        await buyers.garble(garbled)
        living = time.perf_counter() - began
        before = await buyers.search()
        buyers.said.clear()
        refused = await buyers.erase()
        assert refused.exit_code == 1
        assert "parked records of" in refused.output
        of_shop = ("--shop", "demo", "--even-though-open")
        one = await buyers.erase("--buyer", f"buyer-{buyers.orders[0]}", *of_shop)
        assert "1 order erased" in one.output, one.output
        assert (await buyers.erase("--buyer", "nobody", *of_shop)).exit_code == 1
        began = time.perf_counter()
        done = await buyers.erase("--even-though-open")
        erasing = time.perf_counter() - began
        assert done.exit_code == 0, done.output
        await buyers.quiet()
        after = await buyers.search()
    assert +after.hits == Counter(), +after.hits
    places = sorted(before.hits)
    return [
        ("buyers, each with one order that is over", f"{count:,}, told in {living:.0f} s"),
        *((f"{place}: with markers, before and after", f"{before.hits[place]:,}, 0") for place in places),
        ("documents and records searched", f"{after.documents:,}, {after.records:,}"),
        ("erased by one command", f"in {erasing:.1f} s, {count / erasing:,.0f} a second"),
        ("it said", json.dumps(done.output.strip().splitlines()[-1])),
    ]
