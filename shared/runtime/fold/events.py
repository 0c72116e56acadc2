"""Events from the log: dedupe by sequence or place, reactions, poison and what waits behind it."""

import traceback
from collections.abc import Sequence
from typing import Any

from shared.contracts.event import Event, event_id
from shared.contracts.events.orders import ContactChanged
from shared.kernel.decision import Decision, Refused
from shared.runtime.file import taken_up_to
from shared.runtime.fold.book import Book, Cause
from shared.runtime.fold.facts import hear_fact, take_in
from shared.runtime.fold.places import note_judged, was_judged
from shared.runtime.pins import BEFORE_PINS, Pin
from shared.runtime.work import Discard, Done, FileTooLarge, Hear, Letter, TooMuchPending, Undigested

STACK_MAX_FRAMES = 20
BEHIND_A_PARKED_ONE = "an earlier record of the same source is parked"


def source_of(event: Event) -> str:
    """What an event's order is kept by: who said it, about what."""
    return f"{event.source}/{event.subject}"


def hear(book: Book, work: Hear) -> Done:
    """Take an event in, once. A rule that raises parks it; what follows it waits behind it."""
    event, file = work.event, book.file
    if event.subject == file.subject:
        if event.sequence > file.applied.get(event.source, 0):
            return _take_or_park(book, work, own_subject=True)
        if file.erased and isinstance(event.data, ContactChanged):
            # The topic keeps the newest record alone, so a late copy brings the buyer back: rules answer it.
            _ask_aside(book, work, work.commands, may_wait=False)
        return Done(duplicate=True)
    if work.redriven:
        return Done(duplicate=True) if event.id in file.seen else _take_or_park(book, work, own_subject=False)
    is_old = was_judged(file, work)
    done = Done(duplicate=True) if is_old else _take_or_park(book, work, own_subject=False)
    note_judged(book, work, is_old=is_old)
    return done


def _take_or_park(book: Book, work: Hear, *, own_subject: bool) -> Done:
    event, file = work.event, book.file
    source = source_of(event)
    last_parked = file.parked.get(source)
    # Older than all that is parked here: a repetition, or one that nobody could read when its turn was.
    comes_before = not own_subject and event.sequence <= file.applied.get(source, 0)
    if last_parked is not None:
        if comes_before and not work.late:
            return Done(duplicate=True)
        if not work.redriven and not comes_before:
            at_once = tuple(command for command in work.commands if command.AT_ONCE)
            _ask_aside(book, work, at_once, may_wait=book.rejected)
            book.park(source, _letter(work, "waiting", BEHIND_A_PARKED_ONE, ""))
            return Done(parked=True)
        if source in book.stuck:
            return Done(parked=True)
    elif work.redriven:
        # Somebody else has taken it in meanwhile, or given it up.
        return Done(duplicate=True)
    try:
        with book.all_or_nothing():
            _take_reactions(book, work, own_subject)
    except TooMuchPending as problem:
        if work.redriven or not book.rejected:
            raise
        reason = f"{problem}, and the broker rejects the first of them"
        book.park(source, _letter(work, "waiting", reason, ""))
        return Done(parked=True, rejected=True)
    except Exception as problem:  # noqa: BLE001  # whatever a rule raises is poison
        stack = traceback.format_exc(limit=STACK_MAX_FRAMES)
        book.park(source, _letter(work, "poison", f"{type(problem).__name__}: {problem}", stack))
        if last_parked is not None and comes_before:
            file = book.file
            file.applied[source] = min(file.applied[source], event.sequence - 1)
            book.changed = True
        book.stuck.add(source)
        return Done(poisoned=True, outgrown=isinstance(problem, FileTooLarge))
    if last_parked is not None and not comes_before:
        _move_past(book, event.source, event.subject, event.sequence, event.id)
    return Done()


def undigested(book: Book, work: Undigested) -> Done:
    """Park a record that could not be read, or to which the service could not react."""
    own_subject = work.source_subject == book.file.subject
    if own_subject and work.sequence <= book.file.applied.get(work.source, 0):
        return Done(duplicate=True)
    source = f"{work.source}/{work.source_subject}"
    if work.redriven:
        if source not in book.file.parked:
            return Done(duplicate=True)
        if source in book.stuck:
            return Done(parked=True)
        book.stuck.add(source)
    waits = source in book.file.parked and not work.redriven
    book.park(
        source,
        Letter(
            target=None if own_subject else work.subject,
            source=work.source,
            source_subject=work.source_subject,
            sequence=work.sequence,
            event_id=event_id(work.source, work.source_subject, work.sequence),
            reason=BEHIND_A_PARKED_ONE if waits else work.reason,
            stack="" if waits else work.stack,
            kind="waiting" if waits else "poison",
            record=work.record,
        ),
    )
    return Done(poisoned=not waits, parked=waits)


def discard(book: Book, work: Discard) -> Done:
    """Give a parked record up: move past it as if it had been taken in."""
    file, parked_as = book.file, f"{work.source}/{work.source_subject}"
    taken = taken_up_to(file.applied, file.subject, work.source, work.source_subject)
    if parked_as not in file.parked or work.sequence <= taken:
        return Done(duplicate=True)
    _move_past(book, work.source, work.source_subject, work.sequence, work.event_id)
    if book.changed:
        book.note_history(book.now, "Discard", Cause(work.event_id, work.event_id), rule="dead_letters")
    return Done()


def _take_reactions(book: Book, work: Hear, own_subject: bool) -> None:
    event, file = work.event, book.file
    moved = bool(work.commands)
    book.learn_shop(event.shop_id, _pin(event) if own_subject else None)
    if own_subject and book.service.watches and event.source != book.service.name:
        view = book.service.project(file.view, event)
        moved = moved or view is not file.view
        file.view = view
    _ask_all(book, work, work.commands)
    if moved:
        _note_applied(book, event.source, event.subject, event.sequence, event.id)


def _ask_aside(book: Book, work: Hear, commands: Sequence[Any], *, may_wait: bool) -> None:
    """Do this of an event that is not taken in now: it must not wait behind a parked record, and is done
    once more when that is redriven; or it answers a late copy. What finds no room in the file is tried
    again, or, where it may wait, left to the redrive.
    """
    try:
        with book.all_or_nothing():
            _ask_all(book, work, commands)
    except TooMuchPending:
        if not may_wait:
            raise
    except Exception:  # noqa: BLE001  # what is parked is done at the redrive; a copy has been heard before
        return


def _ask_all(book: Book, work: Hear, commands: Sequence[Any]) -> None:
    event = work.event
    cause = Cause(event.correlation_id, event.id, work.traceparent or event.traceparent)
    for command in commands:
        if command.OUTSIDE:
            hear_fact(book, command, cause)
            continue
        outcome = book.decide(command)
        asked = type(command).__name__
        match outcome:
            case Decision():
                take_in(book, outcome, command.at, cause, asked)
            case Refused():
                book.note_history(command.at, asked, cause, rule="", refused=outcome.slug)


def _pin(event: Event) -> Pin:
    """The profile that the order goes by, as its other files say with everything that they say."""
    if event.profile is None or event.overrides is None:
        return BEFORE_PINS
    return Pin(event.profile, event.overrides)


def _note_applied(book: Book, source: str, subject: str, sequence: int, named: str) -> None:
    if subject == book.file.subject:
        if sequence > book.file.applied.get(source, 0):
            book.file.applied[source] = sequence
            book.changed = True
    elif named not in book.file.seen:
        book.remember(named, "")
        book.changed = True


def _move_past(book: Book, source: str, subject: str, sequence: int, named: str) -> None:
    """Count a parked record as taken in; its source is free when it was the last one parked."""
    _note_applied(book, source, subject, sequence, named)
    file, parked_as = book.file, f"{source}/{subject}"
    parked = file.parked.get(parked_as)
    if parked is None:
        return
    book.changed = True
    if sequence >= parked:
        del file.parked[parked_as]
        file.applied.pop(parked_as, None)
    elif subject != file.subject:
        file.applied[parked_as] = sequence


def _letter(work: Hear, kind: str, reason: str, stack: str) -> Letter:
    event = work.event
    return Letter(
        target=work.subject,
        source=event.source,
        source_subject=event.subject,
        sequence=event.sequence,
        event_id=event.id,
        reason=reason,
        stack=stack,
        kind=kind,
        record=work.record,
    )
