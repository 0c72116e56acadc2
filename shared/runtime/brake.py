"""The brake: when too much of the stream is poison the fault is ours, and the worker stops."""

from collections import deque
from collections.abc import Collection, Sequence

from shared.contracts.event import event_id
from shared.runtime.limits import Limits
from shared.runtime.listen import Heard
from shared.runtime.ports import PortError, Record
from shared.runtime.work import Done, Hear


class Braked(PortError):
    """Too many records in a row, or of the last thousand, could not be digested."""


def verdicts(heard: Heard, answers: Sequence[Done], posted: Collection[tuple[str, str, str]]) -> list[bool]:
    """For each record that anybody hears: whether some file could not digest it, in whichever attempt.

    A batch that is tried again finds what it poisoned parked by then; the letters of it, which are `posted`,
    tell. A file without room is no fault of the rules.
    """
    found = dict.fromkeys(
        (_place(letter.record) for letter in heard.aliens if letter.record is not None), True
    )
    for piece, answer in zip(heard.work, answers, strict=True):
        if isinstance(piece, Hear):
            name = piece.event.id
        else:
            name = event_id(piece.source, piece.source_subject, piece.sequence)
        told = answer.poisoned or ("poison", piece.subject, name) in posted
        where = _place(piece.record)
        found[where] = found.get(where, False) or (told and not answer.outgrown)
    return list(found.values())


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


class Brake:
    """Counts what was digested and what was not."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._recent: deque[bool] = deque(maxlen=limits.brake_window_records)
        self._poisoned = 0
        self._in_a_row = 0

    def note(self, poisoned: bool) -> None:
        """Count one record. Raises `Braked` when it is one too many."""
        if len(self._recent) == self._recent.maxlen:
            self._poisoned -= self._recent[0]
        self._recent.append(poisoned)
        self._poisoned += poisoned
        self._in_a_row = self._in_a_row + 1 if poisoned else 0
        limits = self._limits
        if self._in_a_row >= limits.brake_in_a_row:
            raise Braked(f"{self._in_a_row} records in a row could not be digested; see the dead letters")
        full = len(self._recent) == limits.brake_window_records
        if full and self._poisoned * 100 > limits.brake_window_percent * len(self._recent):
            raise Braked(
                f"{self._poisoned} of the last {len(self._recent)} records could not be digested; "
                "see the dead letters"
            )
