"""What a process holds in memory, read from `/proc`."""

from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """Resident memory, in MiB."""

    now: float
    peak: float


def memory_of(process: int | str = "self") -> Memory | None:
    """The memory of a process by its number; None when it has ended, or where the system does not tell."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if "VmRSS" not in fields or "VmHWM" not in fields:
        return None
    return Memory(*(int(fields[each].split()[0]) / 1024 for each in ("VmRSS", "VmHWM")))
