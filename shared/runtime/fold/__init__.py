"""The fold: one piece of work taken into one file, through dedupe, the rules and `evolve`."""

from typing import assert_never

from shared.runtime.fold import effects, events, facts, timers
from shared.runtime.fold.book import Book, body_digest, told_digest
from shared.runtime.work import (
    Ask,
    Discard,
    Done,
    FireTimers,
    Hear,
    ReportEffect,
    StartEffect,
    Tell,
    Undigested,
    Work,
)

__all__ = ["Book", "body_digest", "take", "told_digest"]


def take(book: Book, work: Work) -> Done:
    """Take one piece of work into the book's file and say what became of it.

    What a rule raises for somebody who asks is told to him in `Done.problem`; for the stream it
    is parked. Only `TooMuchPending` escapes, for work of the stream: it is to be tried again.
    """
    match work:
        case Hear():
            return events.hear(book, work)
        case Undigested():
            return events.undigested(book, work)
        case Discard():
            return events.discard(book, work)
        case FireTimers():
            return timers.fire(book, work)
        case StartEffect():
            return effects.start(book, work)
        case ReportEffect():
            return effects.report(book, work)
        case Tell() | Ask():
            return _told(book, work)
        case _:
            assert_never(work)


def _told(book: Book, work: Tell | Ask) -> Done:
    try:
        with book.all_or_nothing():
            match work:
                case Tell():
                    return facts.tell(book, work)
                case Ask():
                    return facts.ask(book, work)
    except Exception as problem:  # noqa: BLE001  # the asker is told whatever it was
        return Done(problem=problem)
