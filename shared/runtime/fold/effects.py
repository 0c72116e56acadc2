"""Effects outside: wanted, trying under a lease, done or failed, each noted in the file."""

from dataclasses import replace
from datetime import timedelta

from shared.kernel.decision import Decision, EffectDone, EffectFailed, Refused
from shared.runtime.file import EffectEntry
from shared.runtime.fold.book import Book, Cause
from shared.runtime.fold.facts import take_in
from shared.runtime.work import Done, ReportEffect, StartEffect

ENDED_KEPT = 20
"""How many ended effects a file remembers, so that wanting one again changes nothing."""


def start(book: Book, work: StartEffect) -> Done:
    """Mark an effect as being tried. Only who commits this may try it, until the lease is over."""
    entry = book.file.effects.get(work.effect_id)
    if entry is None or entry.next_try_at is None or entry.next_try_at > book.now:
        return Done(started=False)
    lease = timedelta(seconds=book.limits.effect_lease_seconds)
    book.file.effects[work.effect_id] = replace(
        entry, status="trying", attempts=entry.attempts + 1, next_try_at=book.now + lease
    )
    book.changed = True
    return Done(started=True)


def report(book: Book, work: ReportEffect) -> Done:
    """Take in what became of an attempt: ended, or to be tried again after a while."""
    entry = book.file.effects.get(work.effect_id)
    if entry is None or entry.next_try_at is None:
        return Done(duplicate=True)
    result = work.result
    if not result.done and result.retry and entry.attempts < book.limits.effect_attempts:
        wait = min(
            book.limits.effect_backoff_first_seconds * 2.0 ** max(entry.attempts - 1, 0),
            book.limits.effect_backoff_max_seconds,
        )
        book.file.effects[work.effect_id] = replace(
            entry, status="wanted", next_try_at=book.now + timedelta(seconds=wait)
        )
        book.changed = True
        return Done()
    command: EffectDone | EffectFailed
    if result.done:
        command = EffectDone(
            at=book.now, effect_id=entry.effect_id, kind=entry.kind, result=dict(result.result)
        )
    else:
        command = EffectFailed(at=book.now, effect_id=entry.effect_id, kind=entry.kind, reason=result.reason)
    outcome = book.decide(command)
    _end(book, entry, "done" if result.done else "failed")
    cause = Cause(entry.correlation_id, entry.cause)
    asked = type(command).__name__
    match outcome:
        case Decision():
            take_in(book, outcome, book.now, cause, asked)
        case Refused():
            book.note_history(book.now, asked, cause, rule="", refused=outcome.slug)
    book.changed = True
    return Done()


def _end(book: Book, entry: EffectEntry, status: str) -> None:
    """Keep the effect as ended, without what it asked for: that may be personal."""
    effects = book.file.effects
    effects.pop(entry.effect_id)
    effects[entry.effect_id] = replace(entry, status=status, next_try_at=None, request={})
    ended = [each.effect_id for each in effects.values() if each.next_try_at is None]
    for effect_id in ended[: max(0, len(ended) - ENDED_KEPT)]:
        del effects[effect_id]
