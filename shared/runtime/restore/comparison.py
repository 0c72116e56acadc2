"""The comparison: the service's own topic read to its end, and each number on it held against its file.

Memory holds the numbers of one partition's files at a time, and all of what was said after the backup.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from pydantic_core import from_json

from shared.contracts.catalog import SERVICES, contacts_source
from shared.runtime.ports import Record, Store
from shared.runtime.restore.guard import Told, told_in

Origin = Literal["outside", "event", "timer"]
ORIGINS: Final[dict[Origin, str]] = {
    "outside": "facts and commands over HTTP: to be told again",
    "event": "events on the topics: heard again by itself",
    "timer": "timers: they fire again",
}
"""What each kind of cause means after a restore."""
_SOURCES: Final = (*SERVICES, *(contacts_source(service) for service in SERVICES))


@dataclass(frozen=True, slots=True)
class Lost:
    """An event that the log has and its file knows nothing of: it was said after the backup."""

    subject: str
    sequence: int
    event: str
    time: str
    cause: str
    """The id of what it followed from: a fact's id, a command's key, an event's id, a timer."""
    origin: Origin

    def line(self) -> dict[str, Any]:
        """As it is written to a list."""
        return asdict(self)


@dataclass(slots=True)
class Comparison:
    """What a database lacks of what its service has said."""

    records: int = 0
    subjects: int = 0
    last: dict[str, int] = field(default_factory=dict[str, int])
    """For each file that is behind, or not there, its last number on the log."""
    lost: Counter[str] = field(default_factory=Counter[str])
    """For each of them, how many of its events it knows nothing of."""
    unknown: set[str] = field(default_factory=set[str])
    """Those of them that the database does not have."""
    kinds: Counter[tuple[str, Origin]] = field(default_factory=Counter[tuple[str, Origin]])
    """How many events of each name and origin."""
    earliest: str = ""
    """When the first of them was said."""

    @property
    def events(self) -> int:
        """How many events."""
        return self.lost.total()

    def count(self, origin: Origin) -> int:
        """How many events followed from this."""
        return sum(times for (_, theirs), times in self.kinds.items() if theirs == origin)


async def compare(
    service: str,
    store: Store,
    chunks: AsyncIterator[list[Record]],
    note: Callable[[Lost], None] = lambda lost: None,
    progress: Callable[[int], None] = lambda records: None,
) -> Comparison:
    """Read the service's own topic, partition by partition, and find what its files know nothing of.

    `note` is called for each event that is found, in the log's order; `progress` with how many records
    were read. Raises `Unavailable`.
    """
    found = Comparison()
    known: dict[str, int | None] = {}
    partition = -1
    async for records in chunks:
        if records[0].partition != partition:
            partition = records[-1].partition
            known.clear()
        told = [(record, told_in(record)) for record in records]
        ours = [(record, each) for record, each in told if each is not None and each.source == service]
        new = {each.subject for _, each in ours} - known.keys()
        numbers = await store.numbers(new)
        known.update({subject: _next_of(numbers, subject, service) for subject in new})
        found.subjects += len(new)
        found.records += len(records)
        for record, each in ours:
            _hold_against(found, record, each, known[each.subject], note)
        progress(found.records)
    return found


def _next_of(numbers: dict[str, dict[str, int]], subject: str, service: str) -> int | None:
    return numbers[subject].get(service, 1) if subject in numbers else None


def _hold_against(
    found: Comparison, record: Record, told: Told, next_seq: int | None, note: Callable[[Lost], None]
) -> None:
    """Count a record if its file knows nothing of it, once for all its repetitions."""
    if told.sequence < (next_seq or 1) or told.sequence <= found.last.get(told.subject, 0):
        return
    found.last[told.subject] = told.sequence
    found.lost[told.subject] += 1
    if next_seq is None:
        found.unknown.add(told.subject)
    lost = _lost(record, told)
    found.kinds[lost.event, lost.origin] += 1
    if lost.time:
        found.earliest = min(found.earliest or lost.time, lost.time, key=datetime.fromisoformat)
    note(lost)


def _lost(record: Record, told: Told) -> Lost:
    kind = record.headers.get("ce_type", b"").decode(errors="replace")
    raw: dict[str, Any]
    try:
        raw = from_json(record.value or b"{}")
    except ValueError:
        raw = {}
    cause = str(raw.get("causationid", ""))
    return Lost(
        told.subject,
        told.sequence,
        kind.removeprefix("orderlink.").rpartition(".v")[0] or kind,
        str(raw.get("time", "")),
        cause,
        origin_of(cause),
    )


def origin_of(cause: str) -> Origin:
    """What kind of thing an event followed from, by the shape of its id."""
    if cause.startswith("timer/"):
        return "timer"
    source, _, rest = cause.partition("/")
    if source in _SOURCES and rest.rpartition("/")[2].isdecimal():
        return "event"
    return "outside"
