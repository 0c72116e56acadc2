"""From records of the log to work: reading, reacting, and naming the files that each is for."""

import re
import traceback
from collections.abc import Sequence
from itertools import groupby

from pydantic_core import from_json

from shared.contracts.base import ID_MAX_CHARS
from shared.contracts.event import (
    SEQUENCE_MAX,
    SOURCE_PATTERN,
    Event,
    LaterVersion,
    UnknownEventType,
    from_cloudevent,
)
from shared.runtime.ports import Record
from shared.runtime.service import Service
from shared.runtime.work import Hear, Letter, Undigested

STACK_MAX_FRAMES = 20


class Heard:
    """What a batch of records comes to: work for files, and records that are no events of ours."""

    def __init__(self) -> None:
        self.work: list[Hear | Undigested] = []
        self.aliens: list[Letter] = []


def listen(service: Service, records: Sequence[Record]) -> Heard:
    """Read records, in order. An event type that is not known yet is skipped; a tombstone too."""
    heard = Heard()
    for record in records:
        if record.value is not None:
            _one(service, record, heard, redriven=False, target=None)
    return heard


def listen_again(service: Service, record: Record, target: str | None) -> Heard:
    """Read one parked record for its redrive, for one file or for all that it concerns."""
    heard = Heard()
    _one(service, record, heard, redriven=True, target=target)
    return heard


def _one(service: Service, record: Record, heard: Heard, *, redriven: bool, target: str | None) -> None:
    try:
        # Of an event's values hardly one comes again: remembering them takes time, and two megabytes.
        event = from_cloudevent(from_json(record.value or b"", cache_strings="keys"))
    except LaterVersion as problem:
        # There may be rules for it, so it waits, with what follows, for the release that reads it.
        _undigested(record, heard, problem, redriven, target)
        return
    except UnknownEventType:
        return
    except Exception as problem:  # noqa: BLE001  # anything may be in a record
        _undigested(record, heard, problem, redriven, target)
        return
    try:
        reactions = list(service.react(event))
    except Exception as problem:  # noqa: BLE001  # a reaction that raises is poison
        _undigested(record, heard, problem, redriven, target)
        return
    parked_in = (target or event.subject) if redriven else None
    for work in _work_of(service, event, record, reactions, parked_in):
        if target is None or work.subject == target:
            heard.work.append(work)


def _work_of(
    service: Service,
    event: Event,
    record: Record,
    reactions: Sequence[tuple[str, object]],
    parked_in: str | None,
) -> list[Hear]:
    """One piece of work for each file: those that react, and the subject's own where it watches.

    `parked_in` is the file in which the record is parked. It moves past the record whatever the rules
    say; for other files the record is one like any other.
    """
    watched = service.watches and not event.source.startswith(service.name)
    if not reactions and not watched and parked_in is None:
        # Of all that is heard, half concerns no file here.
        return []
    ordered = sorted(reactions, key=lambda reaction: reaction[0])
    work = [
        Hear(
            subject,
            event,
            record,
            tuple(command for _, command in group),
            redriven=subject == parked_in,
            late=parked_in not in (None, subject),
        )
        for subject, group in groupby(ordered, key=lambda reaction: reaction[0])
    ]
    told = {piece.subject for piece in work}
    if event.subject not in told and watched:
        redriven = event.subject == parked_in
        late = parked_in is not None and not redriven
        work.append(Hear(event.subject, event, record, (), redriven, late))
        told.add(event.subject)
    if parked_in is not None and parked_in not in told:
        work.append(Hear(parked_in, event, record, (), redriven=True))
    return work


def _is_ours(source: str, subject: str, number: str) -> bool:
    """Whether headers name a file and a number that could be ours."""
    return (
        re.fullmatch(SOURCE_PATTERN, source) is not None
        and 0 < len(subject) <= ID_MAX_CHARS
        and re.fullmatch(r"[0-9]{1,16}", number) is not None
        and 0 < int(number) <= SEQUENCE_MAX
    )


def _undigested(record: Record, heard: Heard, problem: Exception, redriven: bool, target: str | None) -> None:
    """Park by the headers what cannot be read; without them it is nobody's and waits for nobody."""
    reason = f"{type(problem).__name__}: {problem}"
    stack = "".join(traceback.format_exception(problem, limit=STACK_MAX_FRAMES))
    source = record.headers.get("ce_source", b"").decode(errors="replace")
    subject = record.headers.get("ce_subject", b"").decode(errors="replace")
    number = record.headers.get("ce_sequence", b"").decode(errors="replace")
    if _is_ours(source, subject, number):
        file = target or subject
        heard.work.append(Undigested(file, source, subject, int(number), record, reason, stack, redriven))
        return
    heard.aliens.append(
        Letter(
            target=None,
            source=source,
            source_subject=subject,
            sequence=0,
            event_id=f"{record.topic}/{record.partition}/{record.offset}",
            reason=reason,
            stack=stack,
            kind="alien",
            record=record,
        )
    )
