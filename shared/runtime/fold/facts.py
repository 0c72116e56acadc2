"""Facts and commands: dedupe by id, the rule, and facts that wait until they fit."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from shared.contracts.facts import fact_from
from shared.kernel.decision import Decision, Outcome, Refused
from shared.kernel.erasure import ORDER_ERASED
from shared.kernel.unfit import out_of_stage
from shared.runtime.file import WaitingFact
from shared.runtime.fold.book import Book, Cause, body_digest, told_digest
from shared.runtime.pins import pin_of
from shared.runtime.work import Ask, Done, KeyReused, Tell, VersionMoved

UNKNOWN_SHOP = Refused(slug="order-unknown", detail="Whose order it is is not known yet.", early=True)
"""To a teller who may not speak for all shops: the fact waits until it is known."""
OTHER_SHOP = Refused(slug="other-shop", detail="The order is of a shop that its teller may not speak for.")
ID_REUSED = Refused(slug="key-reused", detail="Its id was used before, with another body.")
FACT_WAIT = "fact_wait"
"""The engine's own timer: a fact that came too early has waited long enough."""


def tell(book: Book, work: Tell, passed_on: Cause | None = None) -> Done:
    """Take a fact in. A well-formed one is always accepted; `Done` says whether it fits.

    One that another service passed on has that event for its cause.
    """
    fact = book.admitted(work.fact)
    if _repeated(book, fact.id, work.digest):
        is_waiting = any(kept.fact_id == fact.id for kept in book.file.waiting)
        return Done(duplicate=True, waiting=is_waiting, fits=not is_waiting)
    shop_id = getattr(fact.data, "shop_id", None)
    if shop_id is not None:
        book.learn_shop(shop_id, pin_of(book.profile_of(shop_id, None, fact.at)))
    outcome = _judged(book, fact, work.shops)
    book.remember(fact.id, work.digest)
    book.changed = True
    cause = passed_on or Cause(fact.id, fact.id, work.traceparent)
    match outcome:
        case Decision():
            take_in(book, outcome, fact.at, cause, fact.fact)
            return Done(result=dict(outcome.result))
        case Refused(early=True) if len(book.file.waiting) < book.limits.waiting_facts_max_per_file:
            _keep(book, fact, work.shops, cause, outcome)
            return Done(fits=False, waiting=True, refused=outcome)
        case Refused():
            _say_out_of_stage(book, fact, outcome, fact.at, cause)
            return Done(fits=False, refused=outcome)


def hear_fact(book: Book, fact: Any, cause: Cause) -> None:
    """Take in a fact that another service passed on, as if it had been told here.

    Nobody is there to be told that its id was used before with another body: that fact does not fit.
    """
    told_here = body_digest(fact)
    digest = told_here if book.file.seen.get(fact.id) == told_here else told_digest(fact)
    try:
        tell(book, Tell(book.file.subject, fact, digest), cause)
    except KeyReused:
        _say_out_of_stage(book, fact, ID_REUSED, fact.at, cause)


def ask(book: Book, work: Ask) -> Done:
    """Take a command in, or tell the asker the rule's no. A refusal changes nothing."""
    if _repeated(book, work.key, work.digest):
        return Done(duplicate=True)
    if work.if_match is not None and work.if_match != book.file.version:
        raise VersionMoved(f"the file is at version {book.file.version}, not {work.if_match}")
    is_allowed = book.admitted(work.command) is work.command
    outcome = book.decide(work.command) if is_allowed else ORDER_ERASED
    match outcome:
        case Refused():
            return Done(refused=outcome, fits=False)
        case Decision():
            book.remember(work.key, work.digest)
            book.changed = True
            cause = Cause(work.key, work.key, work.traceparent)
            take_in(book, outcome, work.command.at, cause, type(work.command).__name__)
            return Done(result=dict(outcome.result))


def take_in(book: Book, decision: Decision, at: datetime, cause: Cause, asked: str) -> bool:
    """Apply a decision; where it moved the file, try the facts that came too early again."""
    moved = book.apply(decision, at, cause, asked)
    if decision.notes or decision.events:
        _retry_waiting(book)
    return moved


def give_up_waiting(book: Book, fact_id: str, at: datetime) -> None:
    """The fact has waited long enough: it fits now, or it is out of stage."""
    for kept in tuple(book.file.waiting):
        if kept.fact_id == fact_id:
            _settle(book, kept, at, last=True)


def _repeated(book: Book, key: str, digest: str) -> bool:
    known = book.file.seen.get(key)
    if known is not None and known != digest:
        raise KeyReused(key)
    return known is not None


def _keep(book: Book, fact: Any, shops: tuple[str, ...] | None, cause: Cause, refused: Refused) -> None:
    may_speak_for = None if shops is None else list(shops)
    told = fact.model_dump(mode="json")
    book.file.waiting.append(WaitingFact(fact.id, fact.fact, told, may_speak_for, cause.traceparent))
    book.set_timer(FACT_WAIT, fact.id, fact.at + book.profile().values.fact_wait, cause)
    book.note_history(fact.at, fact.fact, cause, rule=FACT_WAIT, refused=refused.slug)


def _retry_waiting(book: Book) -> None:
    """Try the kept facts in the order in which they came, until none of them moves the file."""
    again = True
    while again:
        again = any(_settle(book, kept, book.now, last=False) for kept in tuple(book.file.waiting))


def _settle(book: Book, kept: WaitingFact, given_up_at: datetime, *, last: bool) -> bool:
    """Try one kept fact. Whether it left the waiting list. A rule that raises keeps it there."""
    try:
        with book.all_or_nothing():
            fact = fact_from(kept.fact)
            outcome = _judged(book, fact, kept.shops)
            if isinstance(outcome, Refused) and outcome.early and not last:
                return False
            book.file.waiting.remove(kept)
            book.file.timers.pop((FACT_WAIT, kept.fact_id), None)
            cause = Cause(fact.id, fact.id, kept.traceparent)
            match outcome:
                case Decision():
                    book.apply(outcome, fact.at, cause, fact.fact)
                case Refused(early=early):
                    _say_out_of_stage(book, fact, outcome, given_up_at if early else fact.at, cause)
            return True
    except Exception:
        if last:
            raise
        return False


def _judged(book: Book, fact: Any, shops: Collection[str] | None) -> Outcome:
    """What the rules say of a fact whose teller may speak for the order's shop; None stands for all shops.

    What is no order's, such as a carrier's scan, names its shop itself.
    """
    if shops is not None and getattr(fact, "order_id", None) is not None:
        if book.file.shop_id is None:
            return UNKNOWN_SHOP
        if book.file.shop_id not in shops:
            return OTHER_SHOP
    return book.decide(fact)


def _say_out_of_stage(book: Book, fact: Any, refused: Refused, at: datetime, cause: Cause) -> None:
    decision = out_of_stage(
        book.service.name,
        book.file.subject,
        fact.fact,
        fact.id,
        refused,
        book.file.looked_into,
    )
    for note in refused.notes:
        book.file.state = book.service.evolve(book.file.state, note)
    book.file.looked_into.add(fact.fact)
    book.apply(decision, at, cause, fact.fact, refused.slug)
