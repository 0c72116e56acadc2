"""A consumer group's member hosted by Faust: its groups, assignment, rebalancing and life cycle.

Of Faust we use as little as possible: no tables, web server, leader, replies or producing, none of
its acknowledgements, and none of its streams. Acknowledgements happen in a `finally`, so that an
exception loses what it was at; also Faust acknowledges what it skips after a rebalance, and its
positions can pass a record that nobody has seen. A stream hands over record by record, which costs
four times what the engine takes for an event. Here what Faust's consumer has fetched goes into a
buffer as it is, `batch` empties the buffer, and what Faust commits are the positions of our own `Acks`.

A fetch during which the group rebalanced may hold records of the assignment before, which somebody
else has now, or of the one after, which the consumer has moved past. So it is thrown away, and the
consumer goes back to the committed positions.

What goes wrong inside crashes the app, and `batch` then says `Unavailable`.
"""

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

import faust
import mode
import mode.threads
from aiokafka.errors import KafkaError
from faust.app import BootStrategy
from faust.tables import TableManager
from faust.transport.drivers import aiokafka as driver
from yarl import URL

from shared.adapters.acks import Acks
from shared.adapters.ending import within
from shared.adapters.kafka_broker import Broker, as_broker, unavailable
from shared.adapters.kafka_ends import EndOffsets
from shared.adapters.kafka_member import (
    JOINING,
    LEAVE_SECONDS,
    START_SECONDS,
    Membership,
    co_partitioned,
    given,
    keep_member_id,
    leave,
    new_consumer,
)
from shared.adapters.naming import Names, Naming, as_they_are
from shared.adapters.record_buffer import RecordBuffer
from shared.runtime.loops import wait_at_most
from shared.runtime.ports import (
    MemberLost,
    Note,
    PortError,
    Positions,
    Record,
    Restored,
    TopicPartition,
    Unavailable,
    no_note,
)

CLOSE_SECONDS: Final = 4.5
"""How long leaving may take; after that Faust is left to itself."""
BUFFER_MAX_RECORDS: Final = 1000
"""From so many records or a batch's bytes in the buffer on, what was fetched waits: a fetch more."""
_CRASH_POLL_SECONDS: Final = 0.5
_FETCH_MAX_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class FaustTransport:
    """Batches of a Faust app that runs on the loop we are on."""

    def __init__(
        self,
        broker: Broker | str,
        group: str,
        topics: Sequence[str],
        *,
        naming: Naming = as_they_are,
        membership: Membership = Membership(),  # noqa: B008  # immutable
    ) -> None:
        self.broker = as_broker(broker)
        self.group = naming(group)
        self.names = Names(naming, topics)
        self.membership = membership
        self.ends = EndOffsets(self.broker, self.names, membership.client_id)
        self.acks = Acks()
        self._app: Any = None
        self._directory: str | None = None
        self._buffer = RecordBuffer()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._generation = 0
        self._owned: frozenset[int] = frozenset()
        self._positions: dict[TopicPartition, int] = {}
        self._failure: Unavailable | None = None
        self._note: Note = no_note

    def note_by(self, note: Note) -> None:
        """Have positions noted by this before they are committed."""
        self._note = note

    async def start(self) -> None:
        """Join the group. Raises `Unavailable`."""
        self._directory = tempfile.mkdtemp(prefix="orderlink-faust-")
        self._app = _new_app(self, self._directory)
        try:
            # Connecting is tried here first: inside Faust it would be tried without end.
            await self.ends.connect()
            async with asyncio.timeout(START_SECONDS):
                await self._app.start()
        except Unavailable:
            await self.close()
            raise
        except (KafkaError, OSError, TimeoutError) as problem:
            await self.close()
            raise await unavailable(self.broker, problem, JOINING) from problem

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        """The next records of the owned partitions; [] after the wait."""
        deadline = asyncio.get_running_loop().time() + wait_seconds
        while not self._buffer:
            self._check()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return []
            self._filled.clear()
            await wait_at_most(min(left, _CRASH_POLL_SECONDS), self._filled)
        self._check()
        batch = self._buffer.take(max_records, self.membership.batch_max_bytes)
        self._emptied.set()
        self.acks.give(batch)
        for record in batch:
            self._positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
        return batch

    async def ack(self, records: Sequence[Record]) -> None:
        """These records are done with; the position is committed soon after, and at close."""
        self.acks.ack(records)

    def partitions(self) -> frozenset[int]:
        """The partition numbers owned now; empty while rebalancing."""
        return self._owned

    def generation(self) -> int:
        """Grows at each rebalance."""
        return self._generation

    def positions(self) -> Mapping[TopicPartition, int]:
        """The offset of the next record to be given, for each owned partition."""
        return dict(self._positions)

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """The offset after the last record of each owned partition, read now. Raises `Unavailable`."""
        return await self.ends.read(
            [TopicPartition(topic, number) for topic in self.names.ours for number in self._owned]
        )

    async def close(self) -> None:
        """Commit what was acknowledged and leave the group."""
        app, self._app = self._app, None
        if app is not None:
            self._emptied.set()
            try:
                await within(CLOSE_SECONDS, app.stop())
            except TimeoutError:
                log.warning("faust did not stop within %.0f s and is left to itself", CLOSE_SECONDS)
        await self.ends.close()
        self._reset()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    # Called by the app

    async def take(self, fetched: Mapping[Any, Sequence[Any]], generation: int) -> bool:
        """What was fetched, by partition: into the buffer. False if the group has rebalanced meanwhile."""
        if generation != self._generation or not self._owned:
            return False
        while self._is_full() and self._app is not None:
            self._emptied.clear()
            await self._emptied.wait()
        # Nothing else fetches while this one waits for room: after a rebalance the consumer stands where
        # it was put, and this is thrown away with the rest of the buffer.
        if generation == self._generation and self._owned:
            self._buffer.add(given(self.names, fetched))
            self._filled.set()
        return True

    def _is_full(self) -> bool:
        buffer = self._buffer
        return len(buffer) >= BUFFER_MAX_RECORDS or buffer.size_bytes >= self.membership.batch_max_bytes

    def revoked(self) -> None:
        """The group is rebalancing: nothing is owned until it is assigned again."""
        self._generation += 1
        self._reset()

    def assigned(self, starts: Mapping[TopicPartition, int]) -> None:
        """The group has shared out its partitions anew, to be read from these offsets."""
        self._reset()
        try:
            self._owned = co_partitioned(starts, self.names.ours)
        except Unavailable as failure:
            self._failure = MemberLost(str(failure))
            self._filled.set()
        else:
            self._positions = dict(starts)

    async def noted(self, positions: Positions) -> bool:
        """Whether these could be noted, so that they may be committed."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._note(positions)
        except Restored as problem:
            self._failure = MemberLost(str(problem))
            return False
        except (PortError, TimeoutError) as problem:
            log.warning("positions could not be noted, another try follows: %r", problem)
            return False
        return True

    def _reset(self) -> None:
        self._owned = frozenset()
        self._positions = {}
        self._buffer.clear()
        self._emptied.set()
        self.acks.forget()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._app is None:
            raise MemberLost("the member has left the group")
        if self._app.crashed or self._app.should_stop:
            raise MemberLost(f"faust has stopped: {self._app.crash_reason!r}")


def _new_app(transport: FaustTransport, directory: str) -> Any:
    membership = transport.membership
    app: Any = faust.App(
        transport.group,
        broker=";".join(f"kafka://{server}" for server in transport.broker.servers.split(",")),
        loop=asyncio.get_running_loop(),
        datadir=directory,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        TableManager=_NoTables,
        agent_supervisor=mode.CrashingSupervisor,
        stream_wait_empty=False,
        stream_buffer_maxsize=BUFFER_MAX_RECORDS,
        broker_commit_interval=membership.commit_interval_seconds,
        broker_session_timeout=membership.session_timeout_seconds,
        broker_request_timeout=max(40.0, membership.session_timeout_seconds),
        broker_heartbeat_interval=membership.heartbeat_seconds,
        consumer_auto_offset_reset="earliest",
    )
    app.BootStrategy = _Boot
    app.boot_strategy = _Boot(app)
    app.transport = _Driver([URL(f"kafka://{transport.broker.servers.split(',')[0]}")], app)
    app.orderlink = transport
    app.topics.add(app.topic(*transport.names.theirs, acks=False))
    return app


class _Boot(BootStrategy):  # type: ignore[misc]  # faust has no types here
    """Start what consumes, and nothing else."""

    enable_kafka_producer = False
    enable_web = False
    enable_sensors = False


class _NoTables(TableManager):  # type: ignore[misc]  # faust has no types here
    """Faust waits a second here for tables to be declared. We declare none."""

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class _ThreadThatMayBeLeft(mode.threads.WorkerThread):  # type: ignore[misc]  # mode has no types here
    """A thread that does not keep the process when it can't be ended, since the broker hangs."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.daemon = True

    def run(self) -> None:
        try:
            super().run()
        except Exception:  # a crash is told elsewhere; this is the end of one that was left
            log.warning("faust's consumer thread ended badly", exc_info=True)


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]  # faust has no types here
    """The thread in which Faust's consumer lives, with our consumer in it."""

    Worker = _ThreadThatMayBeLeft

    def _create_worker_consumer(self, transport: Any) -> Any:
        ours: FaustTransport = transport.app.orderlink
        return new_consumer(ours.broker, ours.group, ours.membership)

    async def on_start(self) -> None:
        await super().on_start()
        keep_member_id(self._ensure_consumer())

    async def on_thread_stop(self) -> None:
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await leave(self._consumer)


class _Consumer(driver.Consumer):  # type: ignore[misc]  # faust has no types here
    """Faust's consumer, told where to start and what to commit."""

    def _new_consumer_thread(self) -> Any:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    @property
    def _ours(self) -> FaustTransport:
        app: Any = self.app
        ours: FaustTransport = app.orderlink
        return ours

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """The group is rebalancing: commit what is acknowledged while it may still be."""
        await self.force_commit()
        self._ours.revoked()
        await super().on_partitions_revoked(revoked)

    async def on_stop(self) -> None:
        """Commit for the last time, if the broker lets us."""
        with contextlib.suppress(TimeoutError):
            await within(LEAVE_SECONDS, self.force_commit())

    async def perform_seek(self) -> None:
        """Go to the committed positions, or to the beginning where there are none.

        Faust's own leaves a partition without a committed position where it is, which loses what
        had been fetched from it and thrown away.
        """
        generation = self._ours.generation()
        assignment = frozenset(self.assignment())
        committed: Mapping[Any, int | None] = await self.seek_to_committed() if assignment else {}
        ours = {
            TopicPartition(self._ours.names.in_catalogue(where.topic), where.partition): where
            for where in committed
        }
        begins = await self._ours.ends.beginnings(ours)
        starts = {where: max(committed[theirs] or 0, begins[where]) for where, theirs in ours.items()}
        await self.seek_wait({ours[where]: offset for where, offset in starts.items()})
        # Faust also seeks between revocation and assignment; only what is owned at the end of it counts.
        if generation == self._ours.generation() and assignment == frozenset(self.assignment()):
            self._ours.assigned(starts)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit the positions of our own acknowledgements."""
        del topics, start_new_transaction
        ours = self._ours
        generation, positions = ours.generation(), ours.acks.take()
        if not positions:
            return False
        offsets = {
            self._new_topicpartition(ours.names.on_broker(where.topic), where.partition): offset
            for where, offset in positions.items()
        }
        committed = await ours.noted(positions) and bool(await self._commit(offsets))
        if not committed and generation == ours.generation():
            ours.acks.put_back(positions)
        return committed

    async def _drain_messages(self, fetcher: Any) -> None:
        """Fetch for as long as it may, and hand over what came. What escapes crashes the app."""
        ours = self._ours
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                resumed: Any = self.can_resume_flow
                await self.wait(resumed)
            generation = ours.generation()
            fetched, _ = await self._wait_next_records(_FETCH_MAX_SECONDS)
            if fetched and not self.should_stop and not await ours.take(fetched, generation):
                await self.perform_seek()

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Progress is the worker's to watch."""


class _Driver(driver.Transport):  # type: ignore[misc]  # faust has no types here
    """Faust's Kafka driver with our consumer."""

    Consumer = _Consumer
