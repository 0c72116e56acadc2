"""The audit: reads topics and checks, for each subject, that its events come in order without gaps.

It looks from outside, at the log alone. Repetitions are allowed and counted; a number that comes
before its predecessor, or never, is the alarm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.runtime.ports import Record

PROBLEMS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One break in a subject's numbers."""

    topic: str
    partition: int
    offset: int
    source: str
    subject: str
    expected: int
    came: int


@dataclass(slots=True)
class Audit:
    """Counts over what was read so far, and the first thousand problems."""

    records: int = 0
    events: int = 0
    repetitions: int = 0
    unreadable: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])
    problem_count: int = 0
    _last: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])

    def read(self, records: Iterable[Record], *, compacted: bool = False) -> None:
        """Take records in, in the order of their partition. A compacted topic may have gaps."""
        for record in records:
            self.records += 1
            self._one(record, compacted)

    @property
    def subjects(self) -> int:
        """How many subjects were seen, each counted for every source that speaks of it."""
        return len(self._last)

    def _one(self, record: Record, compacted: bool) -> None:
        source = record.headers.get("ce_source", b"").decode(errors="replace")
        subject = record.headers.get("ce_subject", b"").decode(errors="replace")
        number = record.headers.get("ce_sequence", b"").decode(errors="replace")
        if not source or not subject or not number.isdecimal():
            self.unreadable += record.value is not None
            return
        came = int(number)
        where = (record.topic, source, subject)
        last = self._last.get(where, 0)
        if came <= last:
            self.repetitions += 1
            return
        if came != last + 1 and not compacted:
            self.problem_count += 1
            if len(self.problems) < PROBLEMS_KEPT:
                self.problems.append(
                    Problem(record.topic, record.partition, record.offset, source, subject, last + 1, came)
                )
        self.events += 1
        self._last[where] = came
