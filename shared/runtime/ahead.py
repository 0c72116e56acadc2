"""Reading ahead: the records of the next batch are read while the files of this one are written.

Reading a record (its JSON, its event, the work that the service's reactions make of it) is a third of what
a worker computes, and while the database writes, a worker has nothing else to do. What a record comes to
rests on the record and on nothing else, so it may be found at any time: it is kept with the record until
that record is taken, and thrown away if it never is. Whether and when anything is read ahead changes
nothing but the time that it takes.

Invariants: a record stays the transport's until `batch` gives it; not more is kept than a batch has
records; and the loop is held for a few records at a time, so whoever waits for the database goes on as soon
as it has answered.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from shared.runtime.listen import Heard, listen
from shared.runtime.ports import Record, Transport
from shared.runtime.service import Service

PORTION_RECORDS: Final = 8
"""So many at a time: less than half a millisecond."""


class ReadAhead:
    """What records come to, found before they are taken where there is time for it."""

    def __init__(self, service: Service, transport: Transport, max_records: int) -> None:
        self._service = service
        self._transport = transport
        self._max_records = max_records
        self._kept: dict[int, tuple[Record, Heard]] = {}
        """By the record's identity, which nobody else can have while it is kept here; oldest first."""
        self._reading = False

    def listen(self, records: Sequence[Record]) -> Heard:
        """What these come to, in order. Those that come next are read as soon as the loop is free."""
        heard = self._with_what_is_kept(records) if self._kept else listen(self._service, records)
        if not self._reading:
            self._reading = True
            asyncio.get_running_loop().call_soon(self._read_some)
        return heard

    def _with_what_is_kept(self, records: Sequence[Record]) -> Heard:
        heard = Heard()
        for record in records:
            kept = self._kept.pop(id(record), None)
            heard.add(listen(self._service, [record]) if kept is None else kept[1])
        return heard

    def _read_some(self) -> None:
        self._reading = False
        left = PORTION_RECORDS
        for record in self._transport.ahead(self._max_records):
            if id(record) in self._kept:
                continue
            if not left:
                self._reading = True
                asyncio.get_running_loop().call_soon(self._read_some)
                return
            left -= 1
            if len(self._kept) >= self._max_records:
                del self._kept[next(iter(self._kept))]
            self._kept[id(record)] = record, listen(self._service, [record])
