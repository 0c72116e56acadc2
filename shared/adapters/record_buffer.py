"""Records that were fetched and not given out yet, in order, and how many bytes they are."""

from collections import deque
from collections.abc import Iterable

from shared.runtime.ports import Record


class RecordBuffer:
    """First in, first out. What it gives is bounded in records and in bytes."""

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, records: Iterable[Record]) -> None:
        """These came after all others."""
        for record in records:
            self._records.append(record)
            self.size_bytes += record.size_bytes

    def take(self, max_records: int, max_bytes: int) -> list[Record]:
        """The first ones, so many and so large together; one that is larger alone comes alone."""
        taken: list[Record] = []
        room = max_bytes
        while self._records and len(taken) < max_records:
            room -= self._records[0].size_bytes
            if taken and room < 0:
                break
            taken.append(self._records.popleft())
        self.size_bytes -= sum(record.size_bytes for record in taken)
        return taken

    def clear(self) -> None:
        """They are nobody's any more."""
        self._records.clear()
        self.size_bytes = 0
