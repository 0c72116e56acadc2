"""Clocks. The only file of Orderlink that reads real time.

`SystemClock` is the machine's. `VirtualClock` stands still until it is moved: simulations and tests.
`FileClock` is a test clock that all processes of one machine share through a small mapped file.
"""

import mmap
import os
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from zlib import crc32

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class SystemClock:
    """The machine's clock. Timers are never held."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    def timers_held(self) -> bool:
        """Never."""
        return False


class VirtualClock:
    """A clock that moves only when it is told to, and never back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._held = False

    def now(self) -> datetime:
        """The moment it was last set to."""
        return self._now

    def timers_held(self) -> bool:
        """As set by `hold`."""
        return self._held

    def set(self, moment: datetime) -> None:
        """Move to this moment, not back."""
        if moment < self._now:
            raise ValueError(f"the clock stands at {self._now.isoformat()} and does not go back")
        self._now = moment.astimezone(UTC)

    def advance(self, by: timedelta) -> datetime:
        """Move on by this much."""
        self.set(self._now + by)
        return self._now

    def hold(self, held: bool) -> None:
        """Whether timers shall not fire for now."""
        self._held = held


class FileClock:
    """The reading side of a clock in a file. The file must have been written once."""

    def __init__(self, path: Path) -> None:
        self._slots = _Slots(path, create=False)

    def now(self) -> datetime:
        """The moment that was last written."""
        return _EPOCH + timedelta(microseconds=self._slots.read()[0])

    def timers_held(self) -> bool:
        """As it was last written."""
        return self._slots.read()[1]

    def close(self) -> None:
        """Let the file go."""
        self._slots.close()


class FileClockWriter:
    """The writing side; one process has it."""

    def __init__(self, path: Path, now: datetime, held: bool = False) -> None:
        self._slots = _Slots(path, create=True)
        self.set(now, held)

    def set(self, now: datetime, held: bool) -> None:
        """Show this moment and flag to all readers, both at once."""
        self._slots.write((now.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1), held)

    def close(self) -> None:
        """Let the file go; readers keep the last moment."""
        self._slots.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Slots:
    """Two copies of the value, each with a number and a checksum; the newer one that is whole is in force.

    The writer overwrites the older copy, so at any moment at least one copy is whole, also when the
    writer is stopped half-way. A reader that was itself overtaken twice while reading looks again.
    """

    _VALUE: Final = struct.Struct("<Qq?")
    _CHECKED: Final = struct.Struct("<Qq?I")
    _COPY_SIZE: Final = 32
    _SIZE: Final = 2 * _COPY_SIZE
    _TRIES: Final = 10_000

    def __init__(self, path: Path, create: bool) -> None:
        flags = os.O_RDWR | (os.O_CREAT if create else 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            if os.fstat(descriptor).st_size < self._SIZE:
                if not create:
                    raise ValueError(f"{path} is no clock file: it is shorter than {self._SIZE} bytes")
                os.ftruncate(descriptor, self._SIZE)
            self._map = mmap.mmap(descriptor, self._SIZE)
        finally:
            os.close(descriptor)

    def read(self) -> tuple[int, bool]:
        for _ in range(self._TRIES):
            if found := self._newest():
                return found[1], found[2]
            time.sleep(0)
        raise RuntimeError("the clock file was never written, or is written without a pause")

    def write(self, microseconds: int, held: bool) -> None:
        newest = self._newest()
        number = newest[0] + 1 if newest else 1
        checksum = crc32(self._VALUE.pack(number, microseconds, held))
        copy = self._CHECKED.pack(number, microseconds, held, checksum)
        at = number % 2 * self._COPY_SIZE
        self._map[at : at + len(copy)] = copy

    def close(self) -> None:
        self._map.close()

    def _newest(self) -> tuple[int, int, bool] | None:
        both = self._map[:]
        return max(filter(None, (self._whole(both, 0), self._whole(both, self._COPY_SIZE))), default=None)

    def _whole(self, both: bytes, at: int) -> tuple[int, int, bool] | None:
        number, microseconds, held, checksum = self._CHECKED.unpack_from(both, at)
        if number == 0 or crc32(both[at : at + self._VALUE.size]) != checksum:
            return None
        return number, microseconds, held
