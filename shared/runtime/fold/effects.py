"""Effects outside: wanted, trying under a lease, done or failed, each noted in the file.

Between a decision and a try may lie a night in which the far side, or the worker, was away. So rules that
care are asked again before each try; what they recall then is not tried. That is for what surely was not
done: where an attempt was not answered, or crashed, the same is tried under the same id until it is known.
"""

import traceback
from dataclasses import asdict, replace
from datetime import timedelta

from shared.kernel.decision import Decision, EffectDone, EffectDue, EffectFailed, Refused
from shared.runtime.file import EffectEntry
from shared.runtime.fold.book import Book, Cause
from shared.runtime.fold.events import STACK_MAX_FRAMES
from shared.runtime.fold.facts import take_in
from shared.runtime.ports import EffectResult
from shared.runtime.work import Done, Letter, ReportEffect, StartEffect, TooMuchPending


def start(book: Book, work: StartEffect) -> Done:
    """Mark an effect as being tried. Only who commits this may try it, until the lease is over.

    One that was done, but whose rule raised when it was told so, is not done again: the rule is
    told again.
    """
    entry = book.file.effects.get(work.effect_id)
    if entry is None or entry.next_try_at is None or entry.next_try_at > book.now:
        return Done()
    if entry.told is not None:
        _tell(book, entry, EffectResult(**entry.told), entry.traceparent)
        return Done()
    rechecked = entry.status == "wanted" and entry.kind in book.service.rechecked
    if rechecked and _recalled_now(book, entry):
        return Done()
    lease = timedelta(seconds=book.limits.effect_lease_seconds)
    attempt = entry.attempts + 1
    book.file.effects[work.effect_id] = replace(
        entry,
        status="trying" if entry.status == "wanted" else "unclear",
        attempts=attempt,
        next_try_at=book.now + lease,
    )
    book.changed = True
    return Done(started=attempt)


def _recalled_now(book: Book, entry: EffectEntry) -> bool:
    """Ask the rules whether the effect is still wanted, and take in what follows where it is not.

    A rule that raises here does not hold back what was decided; somebody is told of it once.
    """
    due = EffectDue(at=book.now, effect_id=entry.effect_id, kind=entry.kind)
    try:
        with book.all_or_nothing():
            outcome = book.decide(due)
            if not isinstance(outcome, Decision) or entry.effect_id not in outcome.recalls:
                return False
            del book.file.effects[entry.effect_id]
            others = tuple(each for each in outcome.recalls if each != entry.effect_id)
            cause = Cause(entry.correlation_id, entry.cause, entry.traceparent)
            take_in(book, outcome.model_copy(update={"recalls": others}), book.now, cause, EffectDue.__name__)
            book.changed = True
            return True
    except TooMuchPending:
        raise
    except Exception as problem:  # noqa: BLE001  # a rule may raise anything; the effect was decided on
        if entry.attempts == 0:
            book.letters.append(_letter(book, entry, problem))
        return False


def report(book: Book, work: ReportEffect) -> Done:
    """Take in what became of an attempt: ended, or to be tried again after a while.

    That it was done counts whenever it is heard, also after it was given up. That it was not done
    counts of the latest attempt only: an earlier one knows nothing of those after it.
    """
    entry = book.file.effects.get(work.effect_id)
    result = work.result
    if entry is None or entry.status == "done":
        return Done(duplicate=True)
    if not result.done and (entry.status == "failed" or work.attempt != entry.attempts):
        return Done(duplicate=True)
    if not result.done and result.retry and entry.attempts < book.limits.effect_attempts:
        wait = min(
            book.limits.effect_backoff_first_seconds * 2.0 ** min(entry.attempts - 1, 30),
            book.limits.effect_backoff_max_seconds,
        )
        book.file.effects[work.effect_id] = replace(
            entry,
            status="unclear" if result.unclear or entry.status == "unclear" else "wanted",
            next_try_at=book.now + timedelta(seconds=wait),
        )
        book.changed = True
        return Done()
    _tell(book, entry, result, work.traceparent or entry.traceparent)
    return Done()


def _tell(book: Book, entry: EffectEntry, result: EffectResult, traceparent: str | None) -> None:
    """Tell the rules. If that raises, keep the answer and tell them again later."""
    try:
        with book.all_or_nothing():
            _decide(book, entry, result, traceparent)
    except TooMuchPending:
        later = book.now + timedelta(seconds=book.limits.effect_lease_seconds)
        book.file.effects[entry.effect_id] = replace(entry, next_try_at=later, told=asdict(result))
        book.changed = True
    except Exception as problem:  # noqa: BLE001  # a rule may raise anything; the answer must not be lost
        later = book.now + timedelta(seconds=book.limits.effect_lease_seconds)
        book.file.effects[entry.effect_id] = replace(
            entry, status="told", next_try_at=later, told=asdict(result)
        )
        if entry.told is None:
            book.letters.append(_letter(book, entry, problem))
        book.changed = True


def _decide(book: Book, entry: EffectEntry, result: EffectResult, traceparent: str | None) -> None:
    command: EffectDone | EffectFailed
    if result.done:
        command = EffectDone(
            at=book.now, effect_id=entry.effect_id, kind=entry.kind, result=dict(result.result)
        )
    else:
        command = EffectFailed(at=book.now, effect_id=entry.effect_id, kind=entry.kind, reason=result.reason)
    outcome = book.decide(command)
    book.end_effect(entry, "done" if result.done else "failed")
    cause = Cause(entry.correlation_id, entry.cause, traceparent)
    asked = type(command).__name__
    match outcome:
        case Decision():
            take_in(book, outcome, book.now, cause, asked)
        case Refused():
            book.note_history(book.now, asked, cause, rule="", refused=outcome.slug)
    book.changed = True


def _letter(book: Book, entry: EffectEntry, problem: Exception) -> Letter:
    return Letter(
        target=book.file.subject,
        source=book.service.name,
        source_subject=book.file.subject,
        sequence=0,
        event_id=f"effect/{entry.effect_id}",
        reason=f"{type(problem).__name__}: {problem}",
        stack="".join(traceback.format_exception(problem, limit=STACK_MAX_FRAMES)),
        kind="effect",
        record=None,
    )
