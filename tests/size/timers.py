"""Files with a pending timer by the hundred thousand on a real database, and a worker that fires them."""

import asyncio
import json
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from shared.adapters.memory_log import MemoryLog, MemoryPublisher
from shared.adapters.memory_transport import MemoryTransport
from shared.adapters.motor_store import MotorStore
from shared.runtime.engine import Engine
from shared.runtime.file import Timer, new_file, to_document
from shared.runtime.limits import Limits
from shared.runtime.metrics import NoMetrics
from shared.runtime.ports import Clock, Committed, Document, Outgoing, Write
from shared.runtime.worker import Worker
from tests.kit.memory import memory_of
from tests.kit.rules import default_profile
from tests.kit.toy import Rules, ToyState, toy
from tests.kit.world import Outbox

CHUNK_FILES: Final = 1_000
FAR: Final = timedelta(days=30)
FIRED_NUMBER: Final = 2
"""The event that a firing says is each file's second, unless it fires twice."""

Progress = Callable[[int, int], None]


class Noting(MemoryPublisher):
    """Notes when each subject's event was first published, by the engine's clock, in order."""

    def __init__(self, log: MemoryLog, clock: Clock) -> None:
        super().__init__(log)
        self._clock = clock
        self.published: dict[str, datetime] = {}
        self.numbers: list[int] = []
        """The sequence of every record, repetitions too."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        now = self._clock.now()
        for record in records:
            self.published.setdefault(record.key.decode(), now)
            self.numbers.append(int(record.headers["ce_sequence"]))
        return await super().publish(records)


class NotingStore(MotorStore):
    """Notes which files were committed, in order: a timer has fired when its file is committed.

    Publishing may be in another order, since the sweep publishes what a slow commit has stored already.
    """

    def __init__(self, url: str, database: str, operation_seconds: float) -> None:
        super().__init__(url, database, operation_seconds=operation_seconds)
        self.committed: list[str] = []

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        answers = await super().commit(writes)
        done = zip(writes, answers, strict=True)
        self.committed += [write.document["_id"] for write, answer in done if answer is Committed.DONE]
        return answers


class FindsSeen(CommandListener):
    """Every `find` that a client sends, as it is sent."""

    def __init__(self) -> None:
        self.finds: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "find":
            kept = ("find", "filter", "sort", "projection", "limit")
            self.finds.append({name: event.command[name] for name in kept if name in event.command})

    def succeeded(self, event: Any) -> None:
        """Not of interest."""

    def failed(self, event: Any) -> None:
        """Not of interest."""


@dataclass
class Clockwork:
    """The toy service on a real database, its log in memory, and one worker that owns every slot."""

    url: str
    database: str
    clock: Clock
    due: dict[str, datetime] = field(default_factory=dict[str, datetime])
    """The files whose timers are to fire, and when."""
    finds: FindsSeen = field(default_factory=FindsSeen)

    def __post_init__(self) -> None:
        self.service = toy(Rules())
        self.log = MemoryLog(partitions=1)
        self.publisher = Noting(self.log, self.clock)
        self.store = NotingStore(self.url, self.database, operation_seconds=60.0)
        profile = default_profile()
        self.engine = Engine(
            self.service, self.store, self.publisher, self.clock, lambda *_: profile, Limits(), NoMetrics()
        )
        transport = MemoryTransport(self.log, "toy", ("other.v1",))
        self.worker = Worker(self.engine, transport, {"mail": Outbox()}, 1, lambda *_, **__: None)

    async def start(self) -> None:
        """Make the indexes; what is asked from now on is seen."""
        self.store._client = AsyncIOMotorClient(
            self.url, event_listeners=[self.finds], w="majority", journal=True, timeoutMS=60_000
        )
        await self.store.prepare()
        await self.worker.transport.start()

    async def fill(self, count: int, due_at: Callable[[int], datetime], name: str, show: Progress) -> None:
        """Store files with one timer each, as the engine would have stored them."""
        async with AsyncMongoClient[Document](self.url) as client:
            files = client[self.database]["files"]
            for start in range(0, count, CHUNK_FILES):
                numbers = range(start, min(count, start + CHUNK_FILES))
                await files.insert_many(
                    [self._file(f"{name}-{n}", due_at(n)) for n in numbers], ordered=False
                )
                show(numbers.stop, count)

    def _file(self, subject: str, due_at: datetime) -> Document:
        file = new_file(self.service, subject)
        file.state = ToyState(placed=True, words=("placed",))
        file.next_seq = {"toy": 2}
        file.timers = {("nudge", ""): Timer("nudge", "", due_at, 1, "c")}
        return to_document(self.service, file, 1)

    async def fire_all(self, count: int) -> None:
        """Fire what is due, pass by pass, until so many files have said so, or nothing is due."""
        while len(self.publisher.published) < count and await self.worker.fire_timers():
            pass

    async def run_until_fired(self, count: int, show: Progress) -> None:
        """Let the worker work as it does, until so many have fired."""
        stop = asyncio.Event()
        working = asyncio.create_task(self.worker.run(stop))
        while len(self.publisher.published) < count and not working.done():
            show(len(self.publisher.published), count)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(working), 0.2)
        stop.set()
        await working

    async def explain(self, slots: Sequence[int], until: datetime) -> dict[str, Any]:
        """What the server says of the very query by which the store looks for due timers."""
        self.finds.finds.clear()
        await self.store.due_timers(slots, until, 500)
        (query,) = self.finds.finds
        async with AsyncMongoClient[Document](self.url) as client:
            return dict(await client[self.database].command("explain", query))

    async def close(self) -> None:
        """Drop the files and let connections go."""
        await self.worker.transport.close()
        await self.store.close()
        async with AsyncMongoClient[Document](self.url) as client:
            await client.drop_database(self.database)


def stages(explained: dict[str, Any]) -> set[str]:
    """The stages of the plan that the server chose."""
    found: set[str] = set()
    plan: Any = explained["queryPlanner"]["winningPlan"]
    text = json.dumps(plan, default=str)
    for stage in ("COLLSCAN", "IXSCAN", "EXPRESS_IXSCAN"):
        if f'"{stage}"' in text:
            found.add(stage)
    return found


def rss_megabytes() -> float:
    """What this process holds in memory now; its highest where the system does not tell."""
    memory = memory_of()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if memory is None else memory.now
