"""The worker: takes batches from the stream, fires timers, tries effects, sweeps up what is pending.

Its loops share one engine, and the version guard keeps them, and other workers, apart. Each loop's
body is a method of its own (`take_batch`, `fire_timers`, `try_effects`, `sweep`), so that a
simulation can call them one at a time.

A timer due at t fires only when this worker has taken in every record that was on its slot's
partitions when their ends were read, at or after t. So what was said before t is heard first,
also after an outage.

Liveness is progress: with records to take on a partition, and none taken for
`progress_timeout_seconds`, the worker is not alive, and its process is to be restarted. A member that
the group has lost ends the process at once.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.catalog import SLOTS
from shared.kernel.calendar import utc_text
from shared.runtime.brake import Brake, Braked, verdicts
from shared.runtime.effects import Effects
from shared.runtime.engine import Engine, Posted
from shared.runtime.file import outbox_in
from shared.runtime.furthest import Furthest
from shared.runtime.listen import listen
from shared.runtime.loops import Loops
from shared.runtime.ports import (
    MemberLost,
    Outside,
    Record,
    TopicPartition,
    Transport,
    Unavailable,
)
from shared.runtime.progress import LOOKS, Progress
from shared.runtime.sampling import labelled, sample
from shared.runtime.skipped import Skipped, Telling
from shared.runtime.work import FILE_CANT_GO_ON, PAUSED, Done, FireTimers, Work, portions

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
REACH_POLL_SECONDS = 0.002
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
        transport.note_by(engine.store.note_heard)
        self.partitions = partitions
        self.log = log
        self.brake = Brake(engine.limits)
        self.effects = Effects(engine, outsides, log, monotonic)
        self._monotonic = monotonic
        self._furthest = Furthest(engine.clock, log)
        self._progress = Progress(engine.limits.progress_timeout_seconds, monotonic)
        self._loops = Loops(engine.limits, log)
        self._acting = 0
        self._slots_of: frozenset[int] = frozenset()
        self._slots: list[int] = []
        self._posted: Posted = set()
        """Dead letters of the batch at hand: while a commit is in vain, trying again writes no copies."""
        self._untaken: dict[TopicPartition, int] = {}
        self._more_due = False
        self._skipped_timers, self._skipped_pending = Skipped(), Skipped()
        self._telling = Telling(log, engine.limits.outage_backoff_max_seconds, monotonic)
        self._marks_of = -1
        self._marks: dict[int, tuple[datetime, dict[TopicPartition, int]]] = {}
        self._effects_wanted = asyncio.Event()
        self._timers_wanted = asyncio.Event()

    def slots(self) -> list[int]:
        """The slots of the partitions that it owns now."""
        owned = self.transport.partitions()
        if owned != self._slots_of:
            if max(owned, default=0) >= self.partitions:
                raise MemberLost(f"topics had {self.partitions} partitions at the start, and now have more")
            self._slots_of = owned
            self._slots = [slot for slot in range(SLOTS) if slot % self.partitions in owned]
        return self._slots

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then finish what is at hand. What escapes is to end the process."""
        limits, turn = self.engine.limits, self._loops.turn
        await self._loops.run(
            stop,
            turn(self.take_batch, 0.0),
            turn(self.fire_timers, limits.timer_poll_seconds, self._timers_wanted),
            turn(self.try_effects, limits.effect_poll_seconds, self._effects_wanted),
            turn(self.sweep, limits.sweep_poll_seconds),
            turn(self.watch, limits.progress_timeout_seconds / LOOKS),
            turn(self.sample, limits.sample_poll_seconds),
        )
        await self.effects.finish()

    # The stream

    async def take_batch(self) -> bool:
        """Take one batch from the stream, through commit and acknowledgement."""
        limits = self.engine.limits
        records = await self.transport.batch(limits.batch_max_records, limits.stream_wait_seconds)
        if not records:
            return False
        generation = self.transport.generation()
        for record in records:
            where = TopicPartition(record.topic, record.partition)
            self._untaken.setdefault(where, record.offset)
        self._posted.clear()
        started = self._monotonic()
        backoff = limits.outage_backoff_first_seconds
        while True:
            try:
                await self.digest(records)
                break
            except PAUSED as problem:
                self.log("batch waits", reason=str(problem), seconds=backoff)
                self._progress.waits(backoff)
                await self._loops.pause(backoff)
                backoff = min(backoff * 2, limits.outage_backoff_max_seconds)
                if self._loops.over.is_set():
                    return False
                if self.transport.generation() != generation:
                    # Partitions moved. Whoever has them now is given these records again, and so are we.
                    self._untaken.clear()
                    return False
        await self.transport.ack(records)
        self._progress.moved(self._untaken)
        self._untaken.clear()
        metrics = self.engine.metrics
        metrics.observe("orderlink_batch_records", len(records))
        metrics.observe("orderlink_batch_seconds", self._monotonic() - started)
        return True

    async def digest(self, records: Sequence[Record]) -> None:
        """Do what a batch asks for, up to the commit. Raises what `PAUSED` lists, and `Braked`."""
        heard = listen(self.engine.service, records)
        if heard.aliens:
            await self.engine.post_letters(heard.aliens, self._posted)
        answers: list[Done] = []
        for portion in portions(heard.work, self.engine.limits.batch_max_files):
            done = await self.engine.run(portion, self._posted)
            self._look_for_effects(done)
            self._say_rejected(portion, done)
            answers += done
        try:
            for poisoned in verdicts(heard, answers, self._posted):
                self.brake.note(poisoned=poisoned)
        except Braked:
            await self.transport.ack(records)
            raise

    def _say_rejected(self, work: Sequence[Work], answers: Sequence[Done]) -> None:
        both = zip(work, answers, strict=True)
        for subject in sorted({piece.subject for piece, answer in both if answer.rejected}):
            self.log(
                "the broker rejects what a file says, and what it hears is parked",
                subject=subject,
                next="mend the topic's max.message.bytes or the rights, then redrive its dead letters",
            )

    # Timers

    async def fire_timers(self) -> bool:
        """Fire what is due, once the backlog before that moment has been taken in."""
        with self._at_work():
            return await self._fire_timers()

    async def _fire_timers(self) -> bool:
        clock, store, limits = self.engine.clock, self.engine.store, self.engine.limits
        if clock.timers_held():
            return False
        # After a pass that was full more is due, and a look whether that is so would cost a scan.
        if not self._more_due and not await store.due_timers(self.slots(), clock.now(), 1):
            return False
        fired = self._more_due = False
        stuck: set[str] = set()
        problem: Exception | None = None
        page = limits.timer_scan_max_files
        for until, partitions in (await self._caught_up()).items():
            slots = [slot for slot in self.slots() if slot % self.partitions in partitions]
            found = await store.due_timers(slots, until, self._skipped_timers.more(page))
            due_at = {each["_id"]: each["next_timer_at"] for each in self._skipped_timers.behind(found, page)}
            self._more_due = self._more_due or len(due_at) == page
            work: list[Work] = [FireTimers(subject, until) for subject in due_at]
            for portion in portions(work, limits.batch_max_files):
                try:
                    done = await self.engine.run(portion)
                except FILE_CANT_GO_ON as its:
                    # The others of the portion have fired.
                    problem, stuck = its, stuck.union(piece.subject for piece in portion)
                    continue
                self._look_for_effects(done)
                for piece, answer in zip(portion, done, strict=True):
                    # In a file without room for more events a timer stays due: looking on is no work done.
                    if not answer.fired:
                        stuck.add(piece.subject)
                        continue
                    fired = True
                    lateness = max(0.0, (clock.now() - due_at[piece.subject]).total_seconds())
                    self.engine.metrics.observe("orderlink_timer_lateness_seconds", lateness)
        self._skipped_timers.looked(at_the_end=not self._more_due, stuck=stuck)
        if problem is not None:
            # It must not make the timers of others late, so it is no reason to wait.
            self._telling.tell("timers of some files wait", problem)
        return fired

    async def _caught_up(self) -> dict[datetime, set[int]]:
        """Partitions whose backlog has been taken in, by the moment up to which their timers may fire.

        For each partition a mark is kept: the ends of its topics as they were read at some moment.
        Once everything before them has been taken in, timers due by that moment may fire, and the
        next mark is set. So a partition that is behind holds up no other.
        """
        generation = self.transport.generation()
        if generation != self._marks_of:
            self._marks_of, self._marks = generation, {}
        read_at = self.engine.clock.now()
        ends = await self.transport.end_offsets()
        for partition in self.transport.partitions():
            mine = {where: end for where, end in ends.items() if where.partition == partition}
            self._marks.setdefault(partition, (read_at, mine))
        ready: dict[datetime, set[int]] = {}
        if self.transport.generation() != generation:
            return ready
        for partition, (moment, marked) in list(self._marks.items()):
            if all(self._consumed(where) >= end for where, end in marked.items()):
                ready.setdefault(moment, set()).add(partition)
                del self._marks[partition]
        return ready

    def _consumed(self, where: TopicPartition) -> int:
        """The offset up to which a partition has been taken in and acknowledged."""
        untaken = self._untaken.get(where)
        return self.transport.positions().get(where, 0) if untaken is None else untaken

    # Effects outside

    async def try_effects(self) -> bool:
        """Try the effects that are due, several at once, each under a lease that is committed first."""
        with self._at_work():
            return await self.effects.step(self.slots())

    def _look_for_effects(self, answers: Sequence[Done]) -> None:
        """Effects that this very process committed are not left to the next poll."""
        if any(answer.file is not None and answer.file.next_effect_at is not None for answer in answers):
            self._effects_wanted.set()

    # The sweep

    async def sweep(self) -> bool:
        """Publish what has been pending for too long, whoever committed it."""
        limits, store = self.engine.limits, self.engine.store
        slots = self.slots()
        if not slots:
            return False
        waited = timedelta(seconds=limits.pending_stale_after_seconds) - STORED_PRECISION
        before = self._furthest.now() - waited
        page, skipped = limits.batch_max_files, self._skipped_pending
        found = await store.stale_pending(slots, before, skipped.more(page))
        files = [outbox_in(document) for document in skipped.behind(found, page)]
        published = await self.engine.publish(files)
        stuck = {file.subject for file in files if file.pending}
        skipped.looked(at_the_end=len(files) < page, stuck=stuck)
        return published > 0 and not stuck

    # What others may know

    async def watch(self) -> bool:
        """Note whether it gets ahead: with records to take, the positions must move."""
        ends: Mapping[TopicPartition, int] = {}
        if self.transport.partitions():
            try:
                ends = await self.transport.end_offsets()
            except Unavailable:
                # While the broker is away nothing can be taken, and starting again would not help.
                self._progress.excuse()
                raise
        consumed = {where: self._consumed(where) for where in ends}
        lag = {where: max(0, end - consumed[where]) for where, end in ends.items()}
        self._progress.look(consumed, lag)
        self.engine.metrics.gauge("orderlink_partitions_owned", len(self.transport.partitions()))
        self.engine.metrics.whole("orderlink_lag_records", labelled(lag))
        return False

    async def sample(self) -> bool:
        """Count what is pending, due, stuck and open, for the metrics."""
        return await sample(self.engine, self.slots())

    def alive(self) -> bool:
        """Whether it gets ahead: false when a partition has records and has stood still for too long.

        While the database or the broker is away it waits, and starting again would not help.
        """
        return self._progress.alive()

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
            "busy": self._busy(),
            "now": utc_text(now),
        }
        if light:
            return told
        timer = await self._next_timer(slots, until)
        if timer is not None and timer <= now:
            self._timers_wanted.set()
        pending = await store.pending_count(limit=1)
        effect = _moment(await store.due_effects(slots, END_OF_TIME, 1), "next_effect_at")
        # Asked again at the end: what began while the database was read is not in what was read.
        return told | {
            "busy": told["busy"] or self._busy(),
            "pending": pending,
            "effects_due": int(effect is not None and effect <= now),
            "next_effect_at": None if effect is None else utc_text(effect),
            "timers_due": timer is not None and timer <= now,
            "next_timer_at": None if timer is None else utc_text(timer),
        }

    async def reach(self, ends: Mapping[str, int], within_seconds: float) -> None:
        """Return when all of its partitions up to these ends is taken in and nothing is at work.

        Or when the time is over. For a replay, which would have to ask again and again otherwise.
        """
        until = self._monotonic() + within_seconds
        while self._monotonic() < until:
            behind = any(
                self._consumed(where) < ends.get(_place(where), 0) for where in self.transport.positions()
            )
            if not behind and not self._busy():
                return
            await asyncio.sleep(REACH_POLL_SECONDS)

    def _busy(self) -> bool:
        working = self._acting > 0 or self.effects.running > 0
        return bool(self._untaken) or working or self._effects_wanted.is_set()

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
