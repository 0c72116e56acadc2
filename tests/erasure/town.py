"""The four services in memory, told stories full of markers, and everything that they hold to be searched."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.memory_store import MemoryStore
from shared.cli.loading import load_services
from shared.cli.simulation import ALL_SLOTS, FILES_AT_ONCE, House, Simulation
from shared.contracts.catalog import CONTACTS_TOPIC, HEARS, TOPICS, dead_letter_topic, event_topic
from shared.kernel.decision import Command
from shared.runtime.erasing import ask_orders, bury_letters, still_known
from shared.runtime.fold import body_digest
from shared.runtime.parked import ReadLetters
from shared.runtime.ports import Outgoing, Record, TopicPartition
from shared.runtime.restore.comparison import compare
from shared.runtime.restore.lifting import lift
from shared.runtime.work import Ask, FireTimers
from tests.kit.rules import START, default_profile
from tests.storms.telling import Telling

COMPACTED = frozenset(topic.name for topic in TOPICS if topic.compacted)


class Town:
    """All services under one clock. What is said is kept, so that it can be searched."""

    def __init__(self) -> None:
        profile = default_profile()
        self.simulation = Simulation(load_services(), lambda *_: profile, START)
        self.houses: dict[str, House] = self.simulation.houses
        self.log, self.clock = self.simulation.log, self.simulation.clock

    async def start(self) -> "Town":
        for house in self.houses.values():
            await house.worker.transport.start()
        return self

    async def tell(self, telling: Telling) -> None:
        """Let time pass until then, and tell it; what is due at that very moment comes after it."""
        await self.until(telling.at - timedelta(microseconds=1))
        self.clock.set(max(telling.at, self.clock.now()))
        house = self.houses[telling.service]
        file = await house.engine.load(telling.subject)
        work = telling.work(None if file is None else file.state)
        for answer in await house.engine.run(work):
            if answer.problem is not None:
                raise answer.problem
        await self.simulation.drain()

    async def ask(self, service: str, order: str, command: Command) -> str | None:
        """Ask for something now; the slug of a refusal."""
        digest = body_digest(command)
        work = Ask(order, command, f"{type(command).__name__}/{digest}", digest)
        (answer,) = await self.houses[service].engine.run([work])
        await self.simulation.drain()
        return None if answer.refused is None else answer.refused.slug

    async def until(self, moment: datetime) -> None:
        """Fire every timer that is due by then, in order."""
        while (due := await self._next_due()) is not None and due <= moment:
            self.clock.set(max(due, self.clock.now()))
            for house in self.houses.values():
                files = await house.store.due_timers(ALL_SLOTS, due, FILES_AT_ONCE)
                if files:
                    await house.engine.run([FireTimers(file["_id"], due) for file in files])
            await self.simulation.drain()
        self.clock.set(max(moment, self.clock.now()))

    async def _next_due(self) -> datetime | None:
        moments = [await house.store.next_timer_at(ALL_SLOTS) for house in self.houses.values()]
        return min((moment for moment in moments if moment is not None), default=None)

    async def write(self, topic: str, order: str, value: bytes, source: str, number: int) -> None:
        """Write a record of any kind, and let everybody hear it."""
        headers = {"ce_source": source, "ce_subject": order, "ce_sequence": str(number)}
        self.log.append(
            Outgoing(topic, order.encode(), value, {name: text.encode() for name, text in headers.items()})
        )
        await self.simulation.drain()

    async def erase(self, orders: list[str]) -> int:
        """What `orderlink erase --even-though-open` does. How many dead letters it buried."""
        engine = self.houses["orders"].engine
        refused = await ask_orders(engine, orders, even_though_open=True)
        assert not refused
        await self.simulation.drain()
        buried = 0
        for name, house in self.houses.items():
            assert not await still_known(house.engine, orders, 1.0)
            buried += await bury_letters(house.engine, self._letters_of(name), orders)
        return buried

    def _letters_of(self, name: str) -> ReadLetters:
        return lambda _start: self.log.records(dead_letter_topic(name))

    async def restore(self, name: str, backup: MemoryStore) -> None:
        """Put a service's database back, and do what `orderlink restore-check --from-start --apply` does."""
        house = self.houses[name]
        house.store.__dict__.update(backup.__dict__)
        records = list(self.log.records(event_topic(name)))
        found = await compare(name, house.store, _in_one(records))
        await lift(house.engine, found, self.clock.now())
        for topic in HEARS[name]:
            self.log.commit(name, TopicPartition(topic, 0), 0)
        self.log.rebalance(name)
        await self.simulation.drain()

    async def everything(self) -> Iterator[tuple[str, str]]:
        """Every document, what is shown of each, and every record that compaction leaves, as texts."""
        found: list[tuple[str, str]] = []
        for name, house in self.houses.items():
            for document in await house.store.page({}, None, 100_000):
                where = f"{name}: file {document['_id']}"
                found.append((where, json.dumps(document, default=str, ensure_ascii=False)))
                seen = await house.desk.look(document["_id"])
                assert seen is not None
                found.append((f"{where}, as shown", str(asdict(seen))))
        for topic in self.log.topics():
            found += [(f"topic {topic}", text) for text in self._left(topic)]
        return iter(found)

    def _left(self, topic: str) -> list[str]:
        newest: dict[Any, str] = {}
        for number, record in enumerate(self.log.records(topic)):
            key = record.key if topic in COMPACTED else number
            newest[key] = f"{record.key!r} {record.value!r} {dict(record.headers)!r}"
        return list(newest.values())

    async def hits(self, words: list[str]) -> dict[str, str]:
        """The words that are somewhere, each with a place."""
        found: dict[str, str] = {}
        for where, text in await self.everything():
            if "zzmarker" in text or "+49 30 7770" in text:
                found |= {word: where for word in words if word in text and word not in found}
        return found


async def _in_one(records: list[Record]) -> AsyncIterator[list[Record]]:
    yield records


def contacts_written(town: Town) -> int:
    """How many records the contacts topic got."""
    return sum(1 for _ in town.log.records(CONTACTS_TOPIC))
