"""What a process shows between SIGTERM and its end, seen from outside and under load.

Seen are, in seconds after the signal: the first `/readyz` that says 503, the first connection that is
refused, and the end; and beside them the process's own log, and for a worker whether it has left its
group, and which records would be delivered again: those behind the group's committed positions that
its files have taken in already.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import httpx

from shared.adapters.ending import ended
from shared.adapters.kafka_growth import KafkaGrowth
from shared.cli.children import Child
from shared.contracts.catalog import HEARS, consumer_group
from shared.contracts.event import SOURCE_PREFIX
from shared.runtime.ports import Record, TopicPartition
from tests.chaos.run import Run, Stroke
from tests.chaos.town import NEVER

LOOK_SECONDS = 0.01
ANSWER_SECONDS = 2.0
ON_THE_WAY_SECONDS = 0.25
"""A request that was sent so long before the port closed may find it closed: the machine is busy."""
STOPPED = "stopped"
BEGAN = "draining"


@dataclass(slots=True)
class Drained:
    """One process that was told to stop."""

    name: str
    signalled: float
    """The machine's monotonic time of the signal; all others count from there."""
    unready_seconds: float | None = None
    closed_seconds: float | None = None
    exit_seconds: float = 0.0
    said: list[str] = field(default_factory=list[str])
    """Its log lines from the signal on, by their event."""
    members_left: int = 0
    """How many members its group has after its end: it leaves, and is not given up by and by."""
    again: int | None = None
    """How many records a successor would be given that the files have taken in; None of an API."""
    back_seconds: float = NEVER
    """When a successor was there and had caught up."""


@dataclass
class Drains:
    """Watches every SIGTERM of a run in which nobody stands in for the process that ends."""

    run: Run
    announced_seconds: float
    seen: list[Drained] = field(default_factory=list[Drained])
    answers: list[tuple[str, float, str]] = field(default_factory=list[tuple[str, float, str]])
    """What each request got: its service, when it was sent, and the answer."""

    def begin(self) -> None:
        """Watch from now on."""
        run, tell = self.run, self.run.on_stroke

        def is_back(stroke: Stroke) -> None:
            self.seen[-1].back_seconds = asyncio.get_running_loop().time() - self.seen[-1].signalled
            tell(stroke)

        run.town.watch_end, run.on_stroke = self.watch, is_back
        run.load.answers.on_note = lambda *noted: self.answers.append(noted)

    @asynccontextmanager
    async def watch(self, child: Child) -> AsyncIterator[None]:
        """Inside, the process is told to stop, and has ended in the end."""
        loop = asyncio.get_running_loop()
        service, role = child.name.split()[:2]
        where = self.run.town.stack.worker if role == "worker" else self.run.town.stack.api
        logged = child.log.stat().st_size
        it = Drained(child.name, loop.time())
        self.seen.append(it)
        looking = asyncio.create_task(_look(where(service), it))
        try:
            yield
            it.exit_seconds = loop.time() - it.signalled
        finally:
            await ended(looking)
        it.said = events_of(child.log.read_bytes()[logged:].decode(errors="replace"))
        if role == "worker":
            await self._look_at_what_is_left(service, it)

    async def _look_at_what_is_left(self, service: str, it: Drained) -> None:
        """Nobody works for the service now, so nothing of this moves."""
        admin, group = KafkaGrowth(self.run.town.addresses.kafka), consumer_group(service)
        if self.run.town.is_apache:  # elsewhere workers have names, and those stay for their successors
            it.members_left = len((await admin.members([group])).get(group, ()))
        positions = await admin.committed(group, HEARS[service])
        applied = {
            str(document["_id"]): dict[str, int](document["applied"])
            for document in await self.run.onlooker.documents(service)
        }
        it.again = await asyncio.to_thread(
            lambda: sum(given_again(admin.read_all(topic), positions, applied) for topic in HEARS[service])
        )

    def wrong(self, promised_seconds: float) -> list[str]:
        """What a drain must not show."""
        found = [f"{it.name}: {finding}" for it in self.seen for finding in findings(it, promised_seconds)]
        for service, sent, what in self.answers:
            if what != "2xx" and not any(self._is_closed(it, service, sent) for it in self.seen):
                found.append(f"a request to {service} got {what!r} though its port was not to be closed yet")
        return found

    def answered_unready(self) -> int:
        """How many requests got their answers from an API that said already that it was not ready."""
        return sum(
            what == "2xx" and self._is_announcing(it, service, sent)
            for it in self.seen
            for service, sent, what in self.answers
        )

    def _is_announcing(self, it: Drained, service: str, sent: float) -> bool:
        seconds = sent - it.signalled
        begins = it.unready_seconds or it.exit_seconds
        return it.name.startswith(f"{service} API") and begins < seconds < it.exit_seconds

    def _is_closed(self, it: Drained, service: str, sent: float) -> bool:
        """Whether the port may have been closed for a request of that moment."""
        seconds = sent - it.signalled
        begins = self.announced_seconds - ON_THE_WAY_SECONDS
        return it.name.startswith(f"{service} API") and begins < seconds < it.back_seconds

    def lines(self) -> list[str]:
        """What was counted."""
        workers = [it for it in self.seen if it.again is not None]
        longest = max((it.exit_seconds for it in self.seen), default=0.0)
        unready = sum(it.unready_seconds is not None for it in self.seen)
        members = sum(it.members_left for it in workers)
        again = sum(it.again or 0 for it in workers)
        return [
            f"- {len(self.seen)} processes were told to stop and ended within {longest:.1f} s;",
            "  ten are promised.",
            f"- {unready} of them said 503 at `/readyz` before their port closed.",
            f"  {self.answered_unready()} requests were sent to APIs in between, and had their answers.",
            f"- {len(workers)} workers left {members} members in their groups, and {again} records",
            "  behind the committed positions that their files had taken in: so much is delivered again.",
        ]

    def rows(self) -> list[str]:
        """A table, one row for each kind of process."""
        found = [
            "| process | times | said 503 after, s | port closed after, s | ended after, s | at most, s |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for name in sorted({it.name for it in self.seen}):
            its = [it for it in self.seen if it.name == name]
            spans = (
                [it.unready_seconds or NEVER for it in its],
                [it.closed_seconds or NEVER for it in its],
                [it.exit_seconds for it in its],
            )
            told = " | ".join(f"{median(seconds):.2f}" for seconds in spans)
            found.append(f"| {name} | {len(its)} | {told} | {max(spans[-1]):.2f} |")
        return found


async def _look(url: str, it: Drained) -> None:
    """Ask again and again, until nobody is there."""
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as client:
        while it.closed_seconds is None:
            try:
                status = (await client.get(f"{url}/readyz")).status_code
            except httpx.ConnectError:
                it.closed_seconds = loop.time() - it.signalled
            except httpx.TransportError:
                pass  # what was open when the port closed; the next look is refused
            else:
                if status == httpx.codes.SERVICE_UNAVAILABLE and it.unready_seconds is None:
                    it.unready_seconds = loop.time() - it.signalled
            await asyncio.sleep(LOOK_SECONDS)


def findings(it: Drained, promised_seconds: float) -> list[str]:
    """What is wrong with one drain."""
    found: list[str] = []
    if it.exit_seconds > promised_seconds:
        found.append(f"took {it.exit_seconds:.1f} s to end, expected {promised_seconds:.0f} s")
    if it.unready_seconds is None:
        found.append("was never seen unready before its port closed")
    if it.said[:1] != [BEGAN] or it.said[-1:] != [STOPPED]:
        found.append(f"did not end as told: its log says {it.said}")
    if late := [said for said in it.said if said.startswith(("did not close", "closing failed", "left in"))]:
        found.append(f"left something undone: {late}")
    if it.members_left:
        found.append("did not leave its group")
    if it.again:
        found.append(f"{it.again} records that were taken in would be delivered again")
    return found


def events_of(log: str) -> list[str]:
    """The events of a log's lines, without what is about other things than its end."""
    found: list[str] = []
    for line in log.splitlines():
        with suppress(ValueError):
            found.append(str(json.loads(line)["event"]))
    return found


def given_again(
    records: Iterable[Record],
    positions: Mapping[TopicPartition, int],
    applied: Mapping[str, Mapping[str, int]],
) -> int:
    """How many records of a topic lie behind the committed positions though their file has taken them in.

    A record that only repeats an earlier one on the log is not counted.
    """
    known: set[str] = set()
    count = 0
    for record in records:
        if record.value is None:
            continue
        told: dict[str, Any] = json.loads(record.value)
        source = str(told["source"]).removeprefix(SOURCE_PREFIX)
        is_taken_in = int(told["sequence"]) <= applied.get(told["subject"], {}).get(source, 0)
        is_behind = record.offset >= positions.get(TopicPartition(record.topic, record.partition), 0)
        count += is_behind and is_taken_in and told["id"] not in known
        known.add(told["id"])
    return count
