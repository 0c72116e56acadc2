"""The worker: takes batches from the stream, fires timers, tries effects, sweeps up what is pending.

Four loops share one engine, and the version guard keeps them, and other workers, apart. Each loop's
body is a method of its own (`take_batch`, `fire_timers`, `try_effects`, `sweep`), so that a
simulation can call them one at a time.

A timer due at t fires only when this worker has taken in every record that was on its slot's
partitions when their ends were read, at or after t. So what was said before t is heard first,
also after an outage.

Liveness is progress: with records to take, or timers due, and nothing taken for
`progress_timeout_seconds`, the worker is not alive, and its process is to be restarted.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.catalog import SLOTS
from shared.runtime.brake import Brake, Braked
from shared.runtime.engine import Engine
from shared.runtime.file import EffectEntry, effects_in, from_document
from shared.runtime.listen import listen
from shared.runtime.ports import (
    EffectResult,
    Outside,
    Record,
    TopicPartition,
    Transport,
    Unavailable,
)
from shared.runtime.work import Contended, Done, FireTimers, ReportEffect, StartEffect, TooMuchPending, Work

PENDING_COUNTED_MAX = 10_000
"""The gauge of files with something pending stops counting there."""
PAUSED = (Unavailable, Contended, TooMuchPending)
"""What a loop waits out: nothing is wrong with the work itself."""
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
STORED_PRECISION = timedelta(milliseconds=1)
"""Databases keep moments to the millisecond; a sweep looks so much further."""


class Worker:
    """One member of a service's consumer group, with the slots of the partitions it owns."""

    def __init__(
        self,
        engine: Engine,
        transport: Transport,
        outsides: Mapping[str, Outside],
        partitions: int,
        log: Callable[..., None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        missing = set(engine.service.effects) - set(outsides)
        if missing:
            raise ValueError(f"no adapter for effects of kind {', '.join(sorted(missing))}")
        self.engine = engine
        self.transport = transport
        self.outsides = outsides
        self.partitions = partitions
        self.log = log
        self.brake = Brake(engine.limits)
        self._monotonic = monotonic
        self._behind_since: float | None = None
        self._seen_positions: dict[TopicPartition, int] = {}
        self._stop = asyncio.Event()
        self._acting = 0
        self._slots_of: frozenset[int] = frozenset()
        self._slots: list[int] = []
        self._untaken: dict[TopicPartition, int] = {}
        self._room = asyncio.Semaphore(engine.limits.effects_at_once)
        self._took = asyncio.Event()
        self._effects_wanted = asyncio.Event()
        self._timers_wanted = asyncio.Event()

    def slots(self) -> list[int]:
        """The slots of the partitions that it owns now."""
        owned = self.transport.partitions()
        if owned != self._slots_of:
            self._slots_of = owned
            self._slots = [slot for slot in range(SLOTS) if slot % self.partitions in owned]
        return self._slots

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then finish what is at hand. What escapes is to end the process."""
        limits = self.engine.limits
        self._stop = stop
        loops = (
            self._loop(self.take_batch, 0.0, stop),
            self._loop(self.fire_timers, limits.timer_poll_seconds, stop, self._timers_wanted),
            self._loop(self.try_effects, limits.effect_poll_seconds, stop, self._effects_wanted),
            self._loop(self.sweep, limits.sweep_poll_seconds, stop),
            self._loop(self.watch, limits.progress_timeout_seconds / 10, stop),
        )
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop)

    async def _loop(
        self,
        body: Callable[[], Coroutine[Any, Any, bool]],
        idle_seconds: float,
        stop: asyncio.Event,
        wake: asyncio.Event | None = None,
    ) -> None:
        """Call a body until told to stop: at once again while it finds work, after a pause if not.

        `wake` ends a pause early.
        """
        limits = self.engine.limits
        backoff = limits.outage_backoff_first_seconds
        while not stop.is_set():
            try:
                found = await body()
                backoff = limits.outage_backoff_first_seconds
            except PAUSED as problem:
                self.log("waiting", loop=body.__name__, reason=str(problem), seconds=backoff)
                await _wait(stop, backoff)
                backoff = min(backoff * 2, limits.outage_backoff_max_seconds)
                continue
            if idle_seconds and not found:
                await _wait(wake or stop, idle_seconds)
            if wake is not None:
                wake.clear()

    # The stream

    async def take_batch(self) -> bool:
        """Take one batch from the stream, through commit and acknowledgement."""
        limits = self.engine.limits
        records = await self.transport.batch(limits.batch_max_records, limits.stream_wait_seconds)
        if not records:
            return False
        for record in records:
            where = TopicPartition(record.topic, record.partition)
            self._untaken.setdefault(where, record.offset)
        started = self._monotonic()
        backoff = limits.outage_backoff_first_seconds
        while True:
            try:
                await self.digest(records)
                break
            except PAUSED as problem:
                self.log("batch waits", reason=str(problem), seconds=backoff)
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, limits.outage_backoff_max_seconds)
                if self._stop.is_set() or not self.transport.partitions():
                    self._untaken.clear()
                    return False
        await self.transport.ack(records)
        self._untaken.clear()
        self._took.set()
        metrics = self.engine.metrics
        metrics.observe("orderlink_batch_records", len(records))
        metrics.observe("orderlink_batch_seconds", self._monotonic() - started)
        return True

    async def digest(self, records: Sequence[Record]) -> None:
        """Do what a batch asks for, up to the commit. Raises what `PAUSED` lists, and `Braked`."""
        heard = listen(self.engine.service, records)
        await self.engine.post_letters(heard.aliens)
        done = await self.engine.run(heard.work)
        self._look_for_effects(done)
        try:
            for _ in heard.aliens:
                self.brake.note(poisoned=True)
            for answer in done:
                self.brake.note(poisoned=answer.poisoned)
        except Braked:
            await self.transport.ack(records)
            raise

    # Timers

    async def fire_timers(self) -> bool:
        """Fire what is due, once the backlog before that moment has been taken in."""
        with self._at_work():
            return await self._fire_timers()

    async def _fire_timers(self) -> bool:
        clock, store, limits = self.engine.clock, self.engine.store, self.engine.limits
        slots = self.slots()
        if clock.timers_held() or not slots:
            return False
        until = clock.now()
        documents = await store.due_timers(slots, until, limits.timer_scan_max_files)
        if not documents:
            return False
        caught_up = await self._caught_up()
        ready = [
            (_due(document, until), document["_id"])
            for document in documents
            if document["slot"] % self.partitions in caught_up
        ]
        if not ready:
            return False
        work: list[Work] = [FireTimers(subject, until) for _, subject in ready]
        self._look_for_effects(await self.engine.run(work))
        for due, _ in ready:
            lateness = max(0.0, (clock.now() - due).total_seconds())
            self.engine.metrics.observe("orderlink_timer_lateness_seconds", lateness)
        return True

    async def _caught_up(self) -> frozenset[int]:
        """The owned partitions that have been taken in up to their ends as they are now."""
        generation = self.transport.generation()
        ends = await self.transport.end_offsets()
        deadline = self._monotonic() + self.engine.limits.backlog_wait_seconds
        while True:
            if self.transport.generation() != generation:
                return frozenset()
            behind = {where.partition for where, end in ends.items() if self._consumed(where) < end}
            if not behind or self._monotonic() >= deadline:
                return self.transport.partitions() - behind
            self._took.clear()
            try:
                await asyncio.wait_for(self._took.wait(), self.engine.limits.stream_wait_seconds)
            except TimeoutError:
                continue

    def _consumed(self, where: TopicPartition) -> int:
        """The offset up to which a partition has been taken in and acknowledged."""
        untaken = self._untaken.get(where)
        return self.transport.positions().get(where, 0) if untaken is None else untaken

    # Effects outside

    async def try_effects(self) -> bool:
        """Try the effects that are due, several at once, each under a lease that is committed first."""
        with self._at_work():
            return await self._try_effects()

    async def _try_effects(self) -> bool:
        now, limits = self.engine.clock.now(), self.engine.limits
        slots = self.slots()
        if not slots:
            return False
        documents = await self.engine.store.due_effects(slots, now, limits.timer_scan_max_files)
        due = [
            (document["_id"], entry)
            for document in documents
            for entry in effects_in(document)
            if entry.next_try_at is not None and entry.next_try_at <= now
        ]
        if not due:
            return False
        starts: list[Work] = [StartEffect(subject, entry.effect_id) for subject, entry in due]
        started = await self.engine.run(starts)
        mine = [pair for pair, answer in zip(due, started, strict=True) if answer.started]
        results = await asyncio.gather(*(self._perform(entry) for _, entry in mine))
        reports: list[Work] = [
            ReportEffect(subject, entry.effect_id, result)
            for (subject, entry), result in zip(mine, results, strict=True)
        ]
        for answer in await self.engine.run(reports):
            if answer.problem is not None:
                self.log("effect report failed", reason=repr(answer.problem))
        return True

    def _look_for_effects(self, answers: Sequence[Done]) -> None:
        """Effects that this very process committed are not left to the next poll."""
        if any(answer.file is not None and answer.file.next_effect_at is not None for answer in answers):
            self._effects_wanted.set()

    async def _perform(self, entry: EffectEntry) -> EffectResult:
        started = self._monotonic()
        async with self._room:
            try:
                async with asyncio.timeout(self.engine.limits.effect_lease_seconds / 2):
                    result = await self.outsides[entry.kind].perform(entry.effect_id, entry.request)
            except TimeoutError:
                result = EffectResult(done=False, retry=True, reason="no answer in time")
        metrics = self.engine.metrics
        outcome = "done" if result.done else "retry" if result.retry else "failed"
        metrics.count("orderlink_effects_total", kind=entry.kind, outcome=outcome)
        metrics.observe("orderlink_effect_seconds", self._monotonic() - started, kind=entry.kind)
        return result

    # The sweep

    async def sweep(self) -> bool:
        """Publish what has been pending for too long, whoever committed it."""
        limits, store = self.engine.limits, self.engine.store
        slots = self.slots()
        if not slots:
            return False
        waited = timedelta(seconds=limits.pending_stale_after_seconds) - STORED_PRECISION
        before = self.engine.clock.now() - waited
        documents = await store.stale_pending(slots, before, limits.timer_scan_max_files)
        files = [from_document(self.engine.service, document) for document in documents]
        await self.engine.publish(files)
        return bool(files) and not any(file.pending for file in files)

    # What others may know

    async def watch(self) -> bool:
        """Note whether it gets ahead: with records to take, the positions must move."""
        ends: Mapping[TopicPartition, int] = {}
        if self.transport.partitions():
            ends = await self.transport.end_offsets()
        consumed = {where: self._consumed(where) for where in ends}
        lag = {where: max(0, end - consumed[where]) for where, end in ends.items()}
        stuck = any(lag.values()) and consumed == self._seen_positions
        self._seen_positions = consumed
        if not stuck:
            self._behind_since = None
        elif self._behind_since is None:
            self._behind_since = self._monotonic()
        metrics = self.engine.metrics
        metrics.gauge("orderlink_partitions_owned", len(self.transport.partitions()))
        for where, behind in lag.items():
            metrics.gauge("orderlink_lag_records", behind, topic=where.topic, partition=str(where.partition))
        pending = await self.engine.store.pending_count(PENDING_COUNTED_MAX)
        metrics.gauge("orderlink_pending_files", pending)
        return False

    def alive(self) -> bool:
        """Whether it gets ahead: false when there was work and none was done for too long."""
        since = self._behind_since
        return since is None or self._monotonic() - since < self.engine.limits.progress_timeout_seconds

    @contextmanager
    def _at_work(self) -> Generator[None]:
        self._acting += 1
        try:
            yield
        finally:
            self._acting -= 1

    async def status(self, until: datetime | None = None, light: bool = False) -> dict[str, Any]:
        """How far it is: what a lockstep replay asks, which compares `consumed` with the log's ends.

        `light` does not ask the database. With `until`, a timer that is due later is left out. Timers
        that are found to be due are looked at without waiting for the next poll.
        """
        clock, store, slots = self.engine.clock, self.engine.store, self.slots()
        now = clock.now()
        told: dict[str, Any] = {
            "service": self.engine.service.name,
            "partitions": sorted(self.transport.partitions()),
            "generation": self.transport.generation(),
            "consumed": {_place(where): self._consumed(where) for where in self.transport.positions()},
            "busy": bool(self._untaken) or self._acting > 0,
            "now": now.isoformat(),
        }
        if light:
            return told
        timer = await self._next_timer(slots, until)
        if timer is not None and timer <= now:
            self._timers_wanted.set()
        effect = _moment(await store.due_effects(slots, END_OF_TIME, 1), "next_effect_at")
        return told | {
            "pending": await store.pending_count(limit=1),
            "effects_due": int(effect is not None and effect <= now),
            "next_effect_at": None if effect is None else effect.isoformat(),
            "timers_due": timer is not None and timer <= now,
            "next_timer_at": None if timer is None else timer.isoformat(),
        }

    async def _next_timer(self, slots: Collection[int], until: datetime | None) -> datetime | None:
        store = self.engine.store
        if until is None:
            return await store.next_timer_at(slots)
        return _moment(await store.due_timers(slots, until, 1), "next_timer_at")


def _place(where: TopicPartition) -> str:
    return f"{where.topic}/{where.partition}"


def _moment(documents: Sequence[Mapping[str, Any]], field: str) -> datetime | None:
    first = documents[0][field] if documents else None
    return first if isinstance(first, datetime) else None


def _due(document: Mapping[str, Any], otherwise: datetime) -> datetime:
    due = document["next_timer_at"]
    return due if isinstance(due, datetime) else otherwise


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
