"""Reading ahead: the records of the next batch are read while the database is waited for.

Reading a record (its JSON, its event, the work that the service's reactions make of it) is a third of what
a worker computes, and while the database reads or writes, a worker has nothing else to do. What a record
comes to rests on the record and on nothing else, so it may be found at any time: it is kept with the record
until that record is taken, or until the partitions are shared out anew. Whether and when anything is read
ahead changes nothing but the time that it takes.

Invariants: a record stays the transport's until `batch` gives it; no more is kept than one batch may have,
in records and in bytes; and the loop is held for a few records at a time, so whoever waits for the database
goes on as soon as it has answered.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from shared.runtime.limits import Limits
from shared.runtime.listen import Heard, listen
from shared.runtime.ports import Record, Transport
from shared.runtime.service import Service

PORTION_RECORDS: Final = 8
"""So many at a time, which takes less than half a millisecond."""
PORTION_BYTES: Final = 16_384
"""Nor many bytes more than these; one record that is larger is read alone."""


class ReadAhead:
    """What records come to, found before they are taken where there is time for it."""

    def __init__(self, service: Service, transport: Transport, limits: Limits) -> None:
        self._service = service
        self._transport = transport
        self._limits = limits
        self._kept: dict[int, tuple[Record, Heard]] = {}
        """By the record's identity, which nobody else can have while it is kept here."""
        self._kept_bytes = 0
        self._generation = -1
        self._reading = False

    def listen(self, records: Sequence[Record]) -> Heard:
        """What these come to, in order. Those that come next are read as soon as the loop is free."""
        heard = self._with_what_is_kept(records) if self._kept else listen(self._service, records)
        self._go_on()
        return heard

    def _with_what_is_kept(self, records: Sequence[Record]) -> Heard:
        heard = Heard()
        for record in records:
            kept = self._kept.pop(id(record), None)
            if kept is None:
                heard.add(listen(self._service, [record]))
            else:
                self._kept_bytes -= record.size_bytes
                heard.add(kept[1])
        return heard

    def _go_on(self) -> None:
        if not self._reading:
            self._reading = True
            asyncio.get_running_loop().call_soon(self._read_some)

    def _read_some(self) -> None:
        self._reading = False
        self._forget_what_moved()
        count, room = 0, PORTION_BYTES
        for record in self._transport.ahead(self._limits.batch_max_records):
            if id(record) in self._kept:
                continue
            size = record.size_bytes
            if self._is_full(size):
                return
            if count == PORTION_RECORDS or (count and size > room):
                self._go_on()
                return
            self._kept[id(record)] = record, listen(self._service, [record])
            self._kept_bytes += size
            count, room = count + 1, room - size

    def _is_full(self, more_bytes: int) -> bool:
        limits = self._limits
        over = self._kept_bytes + more_bytes > limits.batch_max_bytes
        return over or len(self._kept) >= limits.batch_max_records

    def _forget_what_moved(self) -> None:
        generation = self._transport.generation()
        if generation != self._generation:
            self._generation = generation
            self._kept.clear()
            self._kept_bytes = 0
