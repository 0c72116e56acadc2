"""The ports as one process sees them: memory adapters through which fate strikes and the ledger watches."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_store import MemoryStore
from shared.adapters.memory_transport import MemoryTransport
from shared.runtime.ports import (
    Cleared,
    Clock,
    Committed,
    Document,
    EffectResult,
    Outgoing,
    Positions,
    Record,
    TopicPartition,
    Unavailable,
    Write,
)
from tests.storms.fate import PATH, Process
from tests.storms.ledger import Ledger

AWAY = "store away"
PORTIONS = 0.25
"""How often a batch has fewer records than it may."""
AGAIN = 0.2
"""How often a batch, or the end of the one before, is delivered once more."""


class StormStore:
    """A service's store as one process sees it: the files are shared, the connection is its own."""

    def __init__(self, files: MemoryStore, process: Process, ledger: Ledger, clock: Clock) -> None:
        self._files = files
        self._process = process
        self._ledger = ledger
        self._clock = clock

    async def prepare(self) -> None:
        """Nothing to create."""

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        await self._enter("load")
        found = await self._files.load(subjects, known)
        self._process.leave("load")
        return found

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        fault = await self._process.enter("commit")
        if fault == "commit fails":
            return [Committed.UNKNOWN] * len(writes)
        if fault == "commit loses to another writer":
            await self._somebody_else_writes(writes[0].document["_id"])
        before = await self._files.load([write.document["_id"] for write in writes])
        outcomes = await self._files.commit(writes)
        now = self._clock.now()
        for write, outcome in zip(writes, outcomes, strict=True):
            if outcome is Committed.DONE:
                old = before.get(write.document["_id"])
                self._ledger.stored(self._process.service, old, write.document, now)
        self._process.leave("commit")
        return [Committed.UNKNOWN] * len(writes) if fault == "commit times out though done" else outcomes

    def size(self, document: Document) -> int:
        return self._files.size(document)

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        fault = await self._enter("clear")
        await self._files.clear(cleared)
        documents = await self._files.load({done.subject for done in cleared})
        for document in documents.values():
            self._ledger.cleared(self._process.service, document)
        self._process.leave("clear")
        if fault:
            raise Unavailable(fault)

    async def due_timers(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        await self._enter("due_timers")
        found = await self._files.due_timers(slots, until, limit)
        self._process.leave("due_timers")
        return found

    async def due_effects(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        await self._enter("due_effects")
        found = await self._files.due_effects(slots, until, limit)
        self._process.leave("due_effects")
        return found

    async def stale_pending(self, slots: Collection[int], before: datetime, limit: int) -> list[Document]:
        await self._enter("pending")
        found = await self._files.stale_pending(slots, before, limit)
        self._process.leave("pending")
        return found

    async def next_timer_at(self, slots: Collection[int]) -> datetime | None:
        return await self._files.next_timer_at(slots)

    async def pending_count(self, limit: int) -> int:
        return await self._files.pending_count(limit)

    async def pending_since(self, slots: Collection[int]) -> datetime | None:
        return await self._files.pending_since(slots)

    async def count(self, where: Mapping[str, Any], limit: int) -> int:
        return await self._files.count(where, limit)

    async def profiles_held(self) -> list[str]:
        return await self._files.profiles_held()

    async def by_key(self, key: str, limit: int = 2) -> list[Document]:
        return await self._files.by_key(key, limit)

    async def page(self, where: Mapping[str, Any], after: str | None, limit: int) -> list[Document]:
        return await self._files.page(where, after, limit)

    async def numbers(self, subjects: Collection[str]) -> dict[str, dict[str, int]]:
        return await self._files.numbers(subjects)

    async def note_heard(self, positions: Positions) -> None:
        await self._files.note_heard(positions)

    async def heard(self) -> dict[TopicPartition, int] | None:
        return await self._files.heard()

    async def trust(self, positions: Positions) -> None:
        await self._files.trust(positions)

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to let go."""

    async def _enter(self, call: str) -> str:
        fault = await self._process.enter(call)
        if fault == AWAY:
            raise Unavailable(fault)
        return fault

    async def _somebody_else_writes(self, subject: str) -> None:
        """Another writer is first: the file is the same, but for its version."""
        stored = (await self._files.load([subject])).get(subject)
        if stored is not None:
            version = stored["version"]
            await self._files.commit([Write({**stored, "version": version + 1}, version)])


class StormPublisher(MemoryPublisher):
    """Refuses records, loses acknowledgements, or takes the process with it."""

    def __init__(self, log: MemoryLog, process: Process, ledger: Ledger) -> None:
        super().__init__(log)
        self._process = process
        self._ledger = ledger
        self._broker = log
        self._refuse_next = False

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        call = "letters" if ".dead-letters." in records[0].topic else "publish"
        fault = await self._process.enter(call)
        refuse, self._refuse_next = self._refuse_next, False
        if fault == "one record refused":
            # In the next round, half of the time: a file's first event is taken then, and its second is not.
            self._refuse_next = self._process.draw() % 2 == 0
            refuse = not self._refuse_next
        if fault or refuse:
            # Who had something to publish has something to do again.
            self._ledger.moves += 1
        if fault == "publish fails":
            return [False] * len(records)
        refused = len(records) // 2 if refuse else -1
        half = (len(records) + 1) // 2
        answers: list[bool] = []
        for index, record in enumerate(records):
            if index != refused:
                written = self._broker.append(record)
                if call == "publish":
                    self._ledger.appended(written)
            answers.append(index != refused)
            if index + 1 == half:
                self._process.leave(call, "half")
        self._process.leave(call)
        return [False] * len(records) if fault == "publish times out though done" else answers


class StormTransport(MemoryTransport):
    """Delivers records up to three times, and crashes around batches and acknowledgements."""

    def __init__(
        self,
        log: MemoryLog,
        topics: Sequence[str],
        process: Process,
        ledger: Ledger,
        random: Random,
        *,
        mix: bool,
    ) -> None:
        super().__init__(log, process.service, topics, random if mix else None)
        self._process = process
        self._ledger = ledger
        self._random = random
        self._broker = log
        self._last: list[Record] = []

    def behind(self) -> bool:
        """Whether there is something to deliver."""
        if self._member is None:
            return False
        self._follow()
        if self._seen_all_at == self._broker.appended:
            return False
        positions = self._positions
        for where, records in self._turn:
            if len(records) > positions[where]:
                return True
        self._seen_all_at = self._broker.appended
        return False

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        fault = await self._process.enter("batch")
        if fault == "offsets set back":
            self._set_back()
        if self._member is None:
            return []
        some = self._random.random() < PORTIONS
        found = await super().batch(self._random.randint(1, max_records) if some else max_records, 0)
        self._process.leave("batch")
        if not found:
            return found
        lot = self._random.random()
        fresh = found
        if lot < AGAIN:
            found = [*found, *found[self._random.randrange(len(found)) :]]
        elif lot < 2 * AGAIN and self._last:
            found = [*self._last[self._random.randrange(len(self._last)) :], *found]
        self._last = fresh
        return found

    async def ack(self, records: Sequence[Record]) -> None:
        await self._process.enter("ack")
        await super().ack(records)
        if self._member is not None:
            for where in {TopicPartition(record.topic, record.partition) for record in records}:
                self._ledger.heard(
                    self._process.service, where, self._broker.committed(self._process.service, where)
                )
        self._process.leave("ack")

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        await self._process.enter("ends")
        ends = await super().end_offsets()
        self._process.leave("ends")
        return ends

    @property
    def number(self) -> int:
        """The member's number: who joined earlier has a lower one. 0 when it is no member."""
        return self._member or 0

    def expire(self) -> None:
        """The group takes the member for dead."""
        if self._member is not None:
            member, self._member = self._member, None
            self._broker.leave(self._group, member)

    def rejoin(self) -> None:
        """Leave and join again: the partitions change hands."""
        self.expire()
        self._member = self._broker.join(self._group, self._topics)

    def _set_back(self) -> None:
        """Set the group's positions back by some records: they are delivered again."""
        group = self._process.service
        for topic in self._topics:
            for number in range(self._broker.partition_count(topic)):
                where = TopicPartition(topic, number)
                back = self._random.randint(0, 5)
                committed = self._broker.committed(group, where)
                self._broker.commit(group, where, max(0, committed - back))
        self._broker.rebalance(group)


class StormOutside:
    """The far side of an effect. It honours ids, and counts every call that it acted on."""

    def __init__(self, process: Process, ledger: Ledger, acted: Counter[str]) -> None:
        self._process = process
        self._ledger = ledger
        self._acted = acted

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Act once for each id; crash, fail or lose the answer as fate wills."""
        path = PATH.set("effects")
        try:
            fault = await self._process.enter("perform")
            self._ledger.asking(effect_id, request)
            await asyncio.sleep(0)
            if fault == "far side busy":
                return EffectResult(done=False, retry=True, reason="busy")
            if not self._acted[effect_id]:
                self._acted[effect_id] += 1
            self._process.leave("perform")
            if fault == "far side's answer lost":
                return EffectResult(done=False, retry=True, unclear=True, reason="no answer")
            return EffectResult(done=True, result={"refund_id": f"r-{effect_id}"})
        finally:
            self._ledger.answered(effect_id)
            PATH.reset(path)
