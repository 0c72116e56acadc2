"""Effects outside, run by the owner of the slot: started under a lease, performed, reported.

Each effect is a task of its own, so a slow one holds up nobody. What the far side answered is kept
until it is committed: while the database is away it is reported again and again, and only a crash
in between makes the effect be tried a second time, under the same id.

A file that can't go on (full, or of another version) keeps its own effects waiting and no other's: what is
due is looked for behind it, and it is tried again when nothing else is due.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from shared.runtime.engine import Engine
from shared.runtime.file import EffectEntry, effects_in
from shared.runtime.ports import EffectResult, Outside
from shared.runtime.skipped import Skipped, Telling
from shared.runtime.traces import HERE
from shared.runtime.work import FILE_CANT_GO_ON, PAUSED, ReportEffect, StartEffect

REPORT_PAUSE_SECONDS = 0.5


class _UnderWay(NamedTuple):
    subject: str
    effect_id: str


class Effects:
    """The effects that one worker has under way; at most `effects_at_once`."""

    def __init__(
        self,
        engine: Engine,
        outsides: Mapping[str, Outside],
        log: Callable[..., None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._outsides = outsides
        self._log = log
        self._monotonic = monotonic
        self._running: dict[asyncio.Task[None], _UnderWay] = {}
        self._skipped = Skipped()
        self._telling = Telling(log, engine.limits.outage_backoff_max_seconds, monotonic)

    @property
    def running(self) -> int:
        """How many are under way."""
        return len(self._running)

    async def step(self, slots: list[int]) -> bool:
        """Start what is due as far as there is room, then wait for one to end, until the next look is due.

        Whether any was under way, but for those of files that can't go on. What is wanted meanwhile does not
        wait for the slowest far side. Raises what one of those that ended raised.
        """
        await self._start_due(slots)
        if not self._running:
            return False
        ended, _ = await asyncio.wait(
            self._running,
            timeout=self._engine.limits.effect_poll_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        problems = {self._running.pop(task): task.exception() for task in ended}
        stuck = {it.subject: why for it, why in problems.items() if isinstance(why, FILE_CANT_GO_ON)}
        if stuck:
            self._skipped.looked(at_the_end=False, stuck=stuck.keys())
            self._telling.tell("effects of some files wait", next(iter(stuck.values())))
        for problem in problems.values():
            if problem is not None and not isinstance(problem, FILE_CANT_GO_ON):
                raise problem
        return not ended or len(stuck) < len(ended)

    async def finish(self) -> None:
        """Wait for what is under way; what was begun outside is to be known of."""
        while self._running:
            try:
                await self.step([])
            except PAUSED as problem:
                # It could not be begun, so there is nothing to be known of it.
                self._log("an effect is left to the next worker", reason=str(problem))

    async def _start_due(self, slots: list[int]) -> None:
        engine = self._engine
        room = engine.limits.effects_at_once - len(self._running)
        if not slots or room <= 0:
            return
        now = engine.clock.now()
        found = await engine.store.due_effects(slots, now, self._skipped.more(room))
        documents = self._skipped.behind(found, room)
        if len(documents) < room:
            self._skipped.looked(at_the_end=True, stuck=())
        under_way = {each.effect_id for each in self._running.values()}
        due = [
            (document["_id"], entry)
            for document in documents
            for entry in effects_in(document)
            if entry.next_try_at is not None and entry.next_try_at <= now and entry.effect_id not in under_way
        ]
        for subject, entry in due[:room]:
            task = asyncio.get_running_loop().create_task(self._one(subject, entry))
            self._running[task] = _UnderWay(subject, entry.effect_id)

    async def _one(self, subject: str, entry: EffectEntry) -> None:
        began = self._monotonic()
        (started,) = await self._engine.run([StartEffect(subject, entry.effect_id)])
        # What the file had pending was published behind that commit, or the process was frozen: so late, the
        # lease may be over before the far side has answered. Then it is tried by whoever comes after it.
        late = self._monotonic() - began > self._engine.limits.effect_lease_seconds / 2
        if not started.started or late:
            return
        span = self._engine.traces.begin(
            f"effect {entry.kind}", entry.traceparent, effect_id=entry.effect_id, attempt=started.started
        )
        HERE.set(span.traceparent)
        result = await self._perform(entry)
        span.note(done=result.done)
        span.end()
        report = ReportEffect(subject, entry.effect_id, started.started, result, span.traceparent)
        while True:
            try:
                await self._engine.run([report])
                return
            except PAUSED as problem:
                self._log(
                    "an effect's result waits",
                    effect_id=entry.effect_id,
                    correlation_id=entry.correlation_id,
                    reason=str(problem),
                )
                await asyncio.sleep(REPORT_PAUSE_SECONDS)

    async def _perform(self, entry: EffectEntry) -> EffectResult:
        started = self._monotonic()
        try:
            async with asyncio.timeout(self._engine.limits.effect_lease_seconds / 2):
                result = await self._outsides[entry.kind].perform(entry.effect_id, entry.request)
        except TimeoutError:
            result = EffectResult(done=False, retry=True, unclear=True, reason="no answer in time")
        except Exception as problem:  # noqa: BLE001  # an adapter that raises is one that may work later
            self._log(
                "an effect's adapter raised",
                kind=entry.kind,
                correlation_id=entry.correlation_id,
                problem=type(problem).__name__,
            )
            result = EffectResult(done=False, retry=True, unclear=True, reason=type(problem).__name__)
        metrics = self._engine.metrics
        outcome = "done" if result.done else "retry" if result.retry else "failed"
        metrics.count("orderlink_effects_total", kind=entry.kind, outcome=outcome)
        metrics.observe("orderlink_effect_seconds", self._monotonic() - started, kind=entry.kind)
        return result
