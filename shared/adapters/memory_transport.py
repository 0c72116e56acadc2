"""A consumer group's member on a `MemoryLog`."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

from shared.adapters.acks import Acks
from shared.adapters.memory_log import MemoryLog
from shared.runtime.ports import MemberLost, Note, PortError, Record, TopicPartition, no_note


class MemoryTransport:
    """Batches from memory. `batch` never sleeps unless it is told to wait.

    With `mix`, partitions are read in a random order and in random portions: between partitions a
    real broker promises no order either.
    """

    def __init__(
        self,
        log: MemoryLog,
        group: str,
        topics: Sequence[str],
        mix: Random | None = None,
        batch_max_bytes: int | None = None,
    ) -> None:
        self._log = log
        self._group = group
        self._topics = tuple(topics)
        self._mix = mix
        self._batch_max_bytes = batch_max_bytes
        self._member: int | None = None
        self._generation = -1
        self._positions: dict[TopicPartition, int] = {}
        self._turn: list[tuple[TopicPartition, list[Record]]] = []
        """The owned partitions with their records, in the order in which they are looked at."""
        self._acks = Acks()
        self._note: Note = no_note
        self._seen_all_at = -1
        """`log.appended` when the last look found nothing."""

    def note_by(self, note: Note) -> None:
        """Have positions noted by this before they are committed."""
        self._note = note

    async def start(self) -> None:
        """Join the group."""
        self._member = self._log.join(self._group, self._topics)
        self._follow()

    async def batch(self, max_records: int, wait_seconds: float) -> list[Record]:
        """The next records of the owned partitions; [] after the wait."""
        found = self._next(max_records)
        if found or wait_seconds <= 0:
            return found
        appended = asyncio.Event()
        self._log.on_append(self, appended.set)
        try:
            async with asyncio.timeout(wait_seconds):
                while not (found := self._next(max_records)):
                    await appended.wait()
                    appended.clear()
        except TimeoutError:
            pass
        finally:
            self._log.on_append(self, None)
        return found

    async def ack(self, records: Sequence[Record]) -> None:
        """Commit the positions up to the first record that is not done with."""
        if self._member is None:
            return
        self._follow()
        self._acks.ack(records)
        positions = self._acks.take()
        if positions:
            try:
                await self._note(positions)
            except PortError:
                self._acks.put_back(positions)
                raise
        for where, offset in positions.items():
            self._log.commit(self._group, where, offset)

    def partitions(self) -> frozenset[int]:
        """The partition numbers owned now."""
        return self._log.owned(self._group, self._member) if self._member is not None else frozenset()

    def generation(self) -> int:
        """Grows at each assignment."""
        return self._log.generation(self._group) if self._member is not None else self._generation

    def positions(self) -> Mapping[TopicPartition, int]:
        """The offset after the last record given, for each owned partition."""
        self._follow()
        return dict(self._positions)

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """The offset after the last record written, for each owned partition."""
        self._follow()
        return {where: self._log.end(where) for where in self._positions}

    async def close(self) -> None:
        """Leave the group. Acknowledged records are committed already."""
        if self._member is not None:
            self._generation = self._log.generation(self._group)
            member, self._member = self._member, None
            self._log.leave(self._group, member)
        self._positions = {}

    def _follow(self) -> None:
        """After a rebalance: start again from the committed positions of what is owned now."""
        if self._member is None or self._generation == (now := self._log.generation(self._group)):
            return
        self._generation = now
        self._acks.forget()
        self._turn = [
            (TopicPartition(topic, number), self._log.topic(topic)[number])
            for number in sorted(self.partitions())
            for topic in self._topics
        ]
        self._positions = {where: self._log.committed(self._group, where) for where, _ in self._turn}
        self._seen_all_at = -1

    def _next(self, max_records: int) -> list[Record]:
        if self._member is None:
            raise MemberLost("the member has left the group")
        self._follow()
        if self._seen_all_at == self._log.appended:
            return []
        found: list[Record] = []
        room_bytes = self._batch_max_bytes
        if self._mix:
            self._mix.shuffle(self._turn)
        for turn, (where, records) in enumerate(self._turn):
            room = max_records - len(found)
            if room <= 0 or (room_bytes is not None and room_bytes <= 0):
                # The next call starts where this one stopped, so that no partition waits for ever.
                self._turn = self._turn[turn:] + self._turn[:turn]
                break
            at = self._positions[where]
            if len(records) <= at:
                continue
            if self._mix:
                room = self._mix.randint(1, room)
            given = records[at : at + room]
            if room_bytes is not None:
                given, room_bytes = _within(given, room_bytes, alone=not found)
            self._positions[where] = at + len(given)
            found += given
        self._acks.give(found)
        if not found:
            self._seen_all_at = self._log.appended
        return found


def _within(records: list[Record], room_bytes: int, *, alone: bool) -> tuple[list[Record], int]:
    """The first of these that have room, and the room that is left; `alone`, the first one in any case."""
    for count, record in enumerate(records):
        if record.size_bytes > room_bytes and not (alone and count == 0):
            return records[:count], 0
        room_bytes -= record.size_bytes
    return records, room_bytes
