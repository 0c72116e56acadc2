"""The relay: publish what files have pending, oldest first, and clear exactly what was acknowledged.

It goes in rounds: the oldest pending event of every file, then the next of each file whose earlier
ones were all acknowledged. So a rejected record holds back its own file and no other, and on the
log an event never comes before its predecessor: whoever publishes a file's event has published
every earlier pending one first, and `pending` loses nothing before the broker's ack.

Clearing is no part of the promise: it saves publishing again, which consumers drop. So nobody has to
wait for it. Where `clear_after_seconds` says so, what was acknowledged is kept in mind and cleared
together with what else is by then. Meanwhile `strip` takes it out of what is loaded, and a commit of
that file clears it by the way. A crash forgets it, and the sweep publishes it once more.

One clears at a time, and so many files at once. A database that takes less than the broker is met by
hundreds who publish: each of them clearing all that is left, side by side, would give it the same
work hundreds of times over, and the slower it became the more.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice

from shared.contracts.event import TYPE_PREFIX
from shared.runtime.file import File, Pending
from shared.runtime.metrics import Metrics
from shared.runtime.ports import Cleared, Clock, Outgoing, Publisher, Store, Unavailable
from shared.runtime.traces import NO_TRACES, Span, Traces

UNCLEARED_MAX_FILES = 1_000
"""Who publishes waits for the clearing from so many files on: the database takes less than the broker."""
PUBLISH_MAX_SECONDS = 5.0
"""So long one goes on with what files have pending; then the sweep does, and who published gets ahead."""
CLEARED_AT_ONCE_MAX_FILES = 256
"""In one bulk: what somebody waits for who publishes meanwhile, and what is lost when it fails."""


class Relay:
    """Between the files of one engine and the log."""

    def __init__(
        self,
        publisher: Publisher,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        clear_after_seconds: float = 0.0,
        traces: Traces = NO_TRACES,
    ) -> None:
        self._publisher = publisher
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._traces = traces
        self._clear_after_seconds = clear_after_seconds
        self._acknowledged: dict[str, dict[str, int]] = {}
        """For each file and topic the last sequence that the broker has, until it is cleared."""
        self._uncleared = asyncio.Event()
        self._clearing = asyncio.Lock()

    async def publish(self, files: Sequence[File]) -> int:
        """Publish, best effort. Returns how many events were acknowledged.

        What could not be published stays pending: the sweep finds it.
        """
        for file in files:
            self.strip(file)
        queues = {file.subject: file.pending for file in files if file.pending}
        published: Counter[tuple[str, str]] = Counter()
        failed: Counter[str] = Counter()
        turn, time = 0, asyncio.get_running_loop().time
        until = time() + PUBLISH_MAX_SECONDS
        while queues and time() < until:
            heads = [(subject, queue[turn]) for subject, queue in queues.items()]
            spans = self._begun([entry for _, entry in heads]) if self._traces.on else []
            answers = await self._publisher.publish([_outgoing(entry) for _, entry in heads])
            now = self._clock.now()
            for (subject, entry), answered in zip(heads, answers, strict=True):
                if answered:
                    known = self._acknowledged.setdefault(subject, {})
                    known[entry.topic] = max(entry.seq, known.get(entry.topic, 0))
                    published[(entry.topic, _name(entry))] += 1
                    waited = max(0.0, (now - entry.since).total_seconds())
                    self._metrics.observe("orderlink_publish_wait_seconds", waited)
                else:
                    failed[entry.topic] += 1
                    del queues[subject]
            for span, answered in zip(spans, answers, strict=False):
                span.note(acknowledged=answered)
                span.end()
            if self._acknowledged:
                self._uncleared.set()
            turn += 1
            queues = {subject: queue for subject, queue in queues.items() if len(queue) > turn}
        for (topic, event), times in published.items():
            self._metrics.count("orderlink_events_published_total", times, topic=topic, event=event)
        for topic, times in failed.items():
            self._metrics.count("orderlink_publish_failures_total", times, topic=topic)
        for file in files:
            self.strip(file)
        if self._acknowledged:
            self._uncleared.set()
            if not self._clear_after_seconds:
                await self.clear()
            elif self._is_full():
                await self._make_room()
        return published.total()

    def _begun(self, entries: Sequence[Pending]) -> list[Span]:
        return [
            self._traces.begin(f"publish {_name(entry)}", entry.headers.get("traceparent"), topic=entry.topic)
            for entry in entries
        ]

    def strip(self, file: File) -> None:
        """Take out of a file's `pending` what the broker is known to have."""
        known = self._acknowledged.get(file.subject)
        if known and file.pending:
            file.pending = [entry for entry in file.pending if entry.seq > known.get(entry.topic, 0)]

    def committed(self, file: File) -> None:
        """The file was stored as it is: what its `pending` does not hold any more is cleared."""
        known = self._acknowledged.pop(file.subject, None)
        if not known:
            return
        held = {entry.topic for entry in file.pending if entry.seq <= known.get(entry.topic, 0)}
        if held:
            self._acknowledged[file.subject] = {topic: known[topic] for topic in held}

    def has_to_clear(self) -> bool:
        """Whether something was acknowledged that is not cleared."""
        return bool(self._acknowledged)

    async def clear(self) -> bool:
        """Clear what was acknowledged by now. Whether there was anything, and it could be done."""
        self._uncleared.clear()
        subjects = list(self._acknowledged)
        for first in range(0, len(subjects), CLEARED_AT_ONCE_MAX_FILES):
            async with self._clearing:
                if not await self._clear(subjects[first : first + CLEARED_AT_ONCE_MAX_FILES]):
                    return False
        return bool(subjects)

    def _is_full(self) -> bool:
        return len(self._acknowledged) >= UNCLEARED_MAX_FILES

    async def _make_room(self) -> None:
        """Clear some of it, or wait for whoever does so. That it failed for him is not tried anew by all."""
        is_at_it = self._clearing.locked()
        async with self._clearing:
            if not is_at_it and self._is_full():
                await self._clear(list(islice(self._acknowledged, CLEARED_AT_ONCE_MAX_FILES)))

    async def _clear(self, subjects: Collection[str]) -> bool:
        """Clear these files in one go. Whether it could be done."""
        cleared = [
            Cleared(subject, topic, seq)
            for subject in subjects
            for topic, seq in self._acknowledged.get(subject, {}).items()
        ]
        try:
            await self._store.clear(cleared)
        except Unavailable:
            self._uncleared.set()
            return False
        for done in cleared:
            known = self._acknowledged.get(done.subject, {})
            if known.get(done.topic) == done.sequence:
                del known[done.topic]
            if not known:
                self._acknowledged.pop(done.subject, None)
        return True

    async def keep_clearing(self, retry_seconds: float) -> None:
        """Clear a moment after each acknowledgement, together with what else came by then. Never ends."""
        while True:
            await self._uncleared.wait()
            await asyncio.sleep(self._clear_after_seconds)
            if not await self.clear() and self._uncleared.is_set():
                await asyncio.sleep(retry_seconds)


def _name(entry: Pending) -> str:
    """The event's name, by the type that travels beside it: `order.paid` of `orderlink.order.paid.v1`."""
    return entry.headers.get("ce_type", "").removeprefix(TYPE_PREFIX).rpartition(".")[0]


def _outgoing(entry: Pending) -> Outgoing:
    return Outgoing(
        topic=entry.topic,
        key=entry.key.encode(),
        value=None if entry.value is None else entry.value.encode(),
        headers={name: value.encode() for name, value in entry.headers.items()},
    )
