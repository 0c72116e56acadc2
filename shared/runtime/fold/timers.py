"""Timers: fired once, not early, earliest first; one whose rule raises is tried again later."""

import traceback
from dataclasses import replace
from datetime import timedelta

from shared.kernel.decision import Decision, Refused, TimerDue
from shared.runtime.file import Timer
from shared.runtime.fold.book import Book, Cause
from shared.runtime.fold.events import STACK_MAX_FRAMES
from shared.runtime.fold.facts import FACT_WAIT, give_up_waiting, take_in
from shared.runtime.work import Done, FireTimers, Letter, TooMuchPending

AT_ONCE_MAX = 1_000
"""Timers of one file fired in one commit; the rest follow in the next."""
RETRY_FIRST = timedelta(minutes=1)
RETRY_MAX = timedelta(hours=1)
RETRY_DOUBLINGS_MAX = 16


def fire(book: Book, work: FireTimers) -> Done:
    """Fire what is due by `until`, and what that sets to be due by then, in order of due time.

    The file was reloaded for this, so a timer that was moved or cancelled meanwhile is not there.
    """
    until = min(work.until, book.now)
    fired: list[tuple[str, str | None]] = []
    for _ in range(AT_ONCE_MAX):
        timer = book.file.due_timer(until)
        if timer is None:
            break
        try:
            with book.all_or_nothing():
                del book.file.timers[(timer.name, timer.key)]
                _fire_one(book, timer, work.traceparent)
            fired.append((timer.name, timer.traceparent))
        except TooMuchPending:
            break
        except Exception as problem:  # noqa: BLE001  # a rule may raise anything; the timer stays
            _postpone(book, timer, problem)
        book.changed = True
    return Done(fired=tuple(fired))


def _fire_one(book: Book, timer: Timer, traceparent: str | None) -> None:
    if timer.name == FACT_WAIT:
        give_up_waiting(book, timer.key, timer.due_at)
        return
    cause = Cause(timer.correlation_id, timer_ref(timer), traceparent)
    command = TimerDue(at=timer.due_at, name=timer.name, key=timer.key, due_at=timer.due_at)
    outcome = book.decide(command)
    match outcome:
        case Decision():
            take_in(book, outcome, timer.due_at, cause, f"timer {timer.name}")
        case Refused():
            book.note_history(timer.due_at, f"timer {timer.name}", cause, rule="", refused=outcome.slug)


def _postpone(book: Book, timer: Timer, problem: Exception) -> None:
    """Keep the timer, with a later attempt; the first failure goes to the dead letters to be seen."""
    wait = min(RETRY_FIRST * 2**timer.failures, RETRY_MAX)
    if timer.failures == 0:
        book.letters.append(
            Letter(
                target=book.file.subject,
                source=book.service.name,
                source_subject=book.file.subject,
                sequence=0,
                event_id=timer_ref(timer),
                reason=f"{type(problem).__name__}: {problem}",
                stack=traceback.format_exc(limit=STACK_MAX_FRAMES),
                kind="timer",
                record=None,
            )
        )
    book.file.timers[(timer.name, timer.key)] = replace(
        timer, not_before=book.now + wait, failures=min(timer.failures + 1, RETRY_DOUBLINGS_MAX)
    )


def timer_ref(timer: Timer) -> str:
    """What stands in the why-trail as the cause of what a timer's firing did."""
    about = f"{timer.name}/{timer.key}" if timer.key else timer.name
    return f"timer/{about}@{timer.due_at.isoformat()}"
