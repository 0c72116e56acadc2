"""The guard: whether a database is older than what was said and heard by it. Asked before anybody works.

Two questions, each cheap, and neither is ever wrong about a database that was not replaced:

- Does the end of the service's own topic hold a number that a file would give again? An event is on the
  log only after its file was committed, so a file always knows more than the log.
- Has the group committed a position that the database never noted? Positions are noted in the database
  before they are committed (`Store.note_heard`), so the group is never ahead of the note.

The log is to be read before the files, and the positions before the note: what grows meanwhile then
grows on the side that may be ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.contracts.event import SEQUENCE_MAX
from shared.runtime.ports import Positions, Record, Restored, Store

LAST_RECORDS: Final = 10
"""So many of each partition are looked at. The very last one would do, but for what is published late."""
NAMED_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Told:
    """Who said a record about which subject, and under which number: what its headers say."""

    source: str
    subject: str
    sequence: int


def told_in(record: Record) -> Told | None:
    """What the headers of a record say; None for one that is no event of ours."""
    source = record.headers.get("ce_source", b"").decode(errors="replace")
    subject = record.headers.get("ce_subject", b"").decode(errors="replace")
    number = record.headers.get("ce_sequence", b"").decode(errors="replace")
    if not source or not subject or not number.isdecimal() or not 0 < int(number) <= SEQUENCE_MAX:
        return None
    return Told(source, subject, int(number))


async def check_numbers(service: str, store: Store, last: Sequence[Record]) -> None:
    """Raise `Restored` when a file would give a number again that the log has."""
    said: dict[str, int] = {}
    for record in last:
        told = told_in(record)
        if told is not None and told.source == service:
            said[told.subject] = max(told.sequence, said.get(told.subject, 0))
    files = await store.numbers(said)
    again = {
        subject: files.get(subject, {}).get(service, 1)
        for subject, number in said.items()
        if files.get(subject, {}).get(service, 1) <= number
    }
    if again:
        named = "; ".join(
            f"{subject} has said {said[subject]} and would say {number} next"
            for subject, number in list(again.items())[:NAMED_MAX]
        )
        raise Restored(f"the database of {service} is older than its topic ({named}). {_next(service)}")


async def check_heard(service: str, store: Store, committed: Positions) -> None:
    """Raise `Restored` when the group is ahead of what the database has noted.

    A database that an older release made knows nothing of notes; it is trusted, and notes from now on.
    """
    heard = await store.heard()
    if heard is None:
        await store.trust(committed)
        return
    ahead = {where: offset for where, offset in committed.items() if offset > heard.get(where, 0)}
    if ahead:
        named = "; ".join(
            f"{where.topic}/{where.partition} up to {offset}, and the database up to {heard.get(where, 0)}"
            for where, offset in list(ahead.items())[:NAMED_MAX]
        )
        raise Restored(f"the group of {service} has heard more than its database ({named}). {_next(service)}")


def _next(service: str) -> str:
    return (
        "Was the database restored, or made anew? Stop what works on it and run "
        f"`orderlink restore-check {service}`, which says what is missing and how to go on"
    )
