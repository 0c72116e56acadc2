"""Fate: what goes wrong, when, drawn from one seed; and ports through which it strikes.

Every call of a port is a point at which the process may crash before or after, answer late, fail, or
do its work and say that it failed. The draw is deterministic: the same seed is the same storm.
"""

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
    Committed,
    Document,
    EffectResult,
    Outgoing,
    Record,
    TopicPartition,
    Unavailable,
    Write,
)


class Crash(BaseException):
    """The process is gone. No `except Exception` sees it."""


class Fate:
    """What goes wrong in one storm. `calm` means nothing does."""

    def __init__(self, seed: int, faults: int) -> None:
        self.random = Random(seed)
        self.left = faults
        self.calm = False
        self.struck: Counter[str] = Counter()
        self.points: Counter[str] = Counter()

    async def passes(self, point: str, *kinds: str) -> str:
        """Go through a point. '' when nothing happens here, or one of the kinds of fault."""
        self.points[point] += 1
        for _ in range(self.random.randint(0, 2)):
            await asyncio.sleep(0)
        if self.calm or self.left <= 0 or self.random.random() >= 0.04:
            return ""
        self.left -= 1
        kind = self.random.choice(kinds)
        self.struck[f"{point}:{kind}"] += 1
        return kind

    async def crash_or_pass(self, point: str) -> None:
        """A point where only a crash can happen."""
        if await self.passes(point, "crash"):
            raise Crash(point)


class StormStore:
    """A service's store as one process sees it: the files are shared, the connection is its own."""

    def __init__(self, files: MemoryStore, fate: Fate) -> None:
        self._files = files
        self._fate = fate

    async def prepare(self) -> None:
        """Nothing to create."""

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        await self._read("load")
        return await self._files.load(subjects, known)

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        fault = await self._fate.passes("commit", "crash-before", "crash-after", "done-unknown", "not-done")
        if fault == "crash-before":
            raise Crash("commit")
        if fault == "not-done":
            return [Committed.UNKNOWN] * len(writes)
        outcomes = await self._files.commit(writes)
        if fault == "crash-after":
            raise Crash("commit")
        return [Committed.UNKNOWN] * len(writes) if fault == "done-unknown" else outcomes

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        fault = await self._fate.passes("clear", "crash-before", "crash-after", "away", "done-away")
        if fault == "crash-before":
            raise Crash("clear")
        if fault == "away":
            raise Unavailable("clear")
        await self._files.clear(cleared)
        if fault == "crash-after":
            raise Crash("clear")
        if fault:
            raise Unavailable("clear")

    async def due_timers(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        await self._read("due_timers")
        return await self._files.due_timers(slots, until, limit)

    async def due_effects(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        await self._read("due_effects")
        return await self._files.due_effects(slots, until, limit)

    async def stale_pending(self, slots: Collection[int], before: datetime, limit: int) -> list[Document]:
        await self._read("stale_pending")
        return await self._files.stale_pending(slots, before, limit)

    async def next_timer_at(self, slots: Collection[int]) -> datetime | None:
        return await self._files.next_timer_at(slots)

    async def pending_count(self, limit: int) -> int:
        return await self._files.pending_count(limit)

    async def by_key(self, key: str, limit: int = 2) -> list[Document]:
        return await self._files.by_key(key, limit)

    async def page(self, where: Mapping[str, Any], after: str | None, limit: int) -> list[Document]:
        return await self._files.page(where, after, limit)

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to let go."""

    async def _read(self, point: str) -> None:
        fault = await self._fate.passes(point, "crash", "away")
        if fault == "crash":
            raise Crash(point)
        if fault:
            raise Unavailable(point)


class StormPublisher(MemoryPublisher):
    """Refuses records, loses acknowledgements, or takes the process with it."""

    def __init__(self, log: MemoryLog, fate: Fate) -> None:
        super().__init__(log)
        self._fate = fate

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        fault = await self._fate.passes(
            "publish", "crash-before", "crash-half", "crash-after", "away", "acks-lost", "one-refused"
        )
        if fault == "crash-before":
            raise Crash("publish")
        if fault == "away":
            return [False] * len(records)
        refused = self._fate.random.randrange(len(records)) if fault == "one-refused" else -1
        answers: list[bool] = []
        for index, record in enumerate(records):
            if fault == "crash-half" and index >= len(records) / 2:
                raise Crash("publish")
            if index != refused:
                await super().publish([record])
            answers.append(index != refused)
        if fault in ("crash-after", "crash-half"):
            raise Crash("publish")
        return [False] * len(records) if fault == "acks-lost" else answers


class StormTransport(MemoryTransport):
    """Gives records again, and crashes around acknowledgements."""

    def __init__(self, log: MemoryLog, group: str, topics: Sequence[str], fate: Fate) -> None:
        super().__init__(log, group, topics)
        self._fate = fate
        self._storm_log = log
        self._storm_group = group
        self._storm_topics = topics

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        fault = await self._fate.passes("batch", "crash", "again", "rebalance")
        if fault == "crash":
            raise Crash("batch")
        if fault == "again":
            self._rewind()
        if fault == "rebalance":
            self._storm_log.rebalance(self._storm_group)
        return await super().batch(self._fate.random.randint(1, max_records), 0)

    async def ack(self, records: Sequence[Record]) -> None:
        fault = await self._fate.passes("ack", "crash-before", "crash-after")
        if fault == "crash-before":
            raise Crash("ack")
        await super().ack(records)
        if fault:
            raise Crash("ack")

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        await self._fate.crash_or_pass("end_offsets")
        return await super().end_offsets()

    def _rewind(self) -> None:
        """Set the group's positions back by some records: they are delivered again."""
        for topic in self._storm_topics:
            for number in range(self._storm_log.partition_count(topic)):
                where = TopicPartition(topic, number)
                committed = self._storm_log.committed(self._storm_group, where)
                back = self._fate.random.randint(0, 5)
                self._storm_log.commit(self._storm_group, where, max(0, committed - back))
        self._storm_log.rebalance(self._storm_group)


class StormOutside:
    """The far side of an effect. It honours ids, and counts every call that it acted on."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self.acted: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        """Act once for each id; crash, fail or lose the answer as fate wills."""
        self.calls[effect_id] += 1
        fault = await self._fate.passes("perform", "crash-before", "crash-after", "busy", "answer-lost")
        if fault == "crash-before":
            raise Crash("perform")
        if fault == "busy":
            return EffectResult(done=False, retry=True, reason="busy")
        if not self.acted[effect_id]:
            self.acted[effect_id] += 1
        if fault == "crash-after":
            raise Crash("perform")
        if fault == "answer-lost":
            return EffectResult(done=False, retry=True, reason="no answer")
        return EffectResult(done=True, result={"refund_id": f"r-{effect_id}"})
