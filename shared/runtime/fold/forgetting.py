"""What a file forgets with its buyer, beside what its rules make of it. For good: there is no way back.

Blank afterwards: whatever is marked personal in state and view, and in facts that wait to fit; what mails
that are on their way ask for; contacts records that the broker does not have yet. What others told of his
contact and what was parked of that is given up, since nobody is to hear it any more.
"""

from dataclasses import replace
from typing import Final

from shared.contracts.catalog import CONTACTS_SOURCES, CONTACTS_TOPIC
from shared.contracts.facts import fact_from
from shared.kernel.erasure import without_personal
from shared.runtime.file import EffectEntry, File, WaitingFact

TO_THE_BUYER: Final = "mail"
"""The kind of effect that says something to the buyer. Money that goes back to him goes all the same."""


def forget(file: File) -> None:
    """Blank the file. Doing it again changes nothing."""
    file.erased = True
    file.state = without_personal(file.state)
    file.view = without_personal(file.view)
    file.waiting = [_without_texts(entry) for entry in file.waiting]
    file.effects = {name: _ended(entry) for name, entry in file.effects.items()}
    file.pending = [
        replace(entry, value=None) if entry.topic == CONTACTS_TOPIC else entry for entry in file.pending
    ]
    for source in CONTACTS_SOURCES:
        parked = file.parked.pop(f"{source}/{file.subject}", None)
        if parked is not None:
            file.applied[source] = max(parked, file.applied.get(source, 0))


def _without_texts(entry: WaitingFact) -> WaitingFact:
    fact = fact_from(entry.fact)
    blank = without_personal(fact)
    return entry if blank is fact else replace(entry, fact=blank.model_dump(mode="json"))


def _ended(entry: EffectEntry) -> EffectEntry:
    """A mail is tried no more. Whoever is at it may still say that it is out, and is heard."""
    if entry.kind != TO_THE_BUYER or entry.next_try_at is None:
        return entry
    return replace(entry, status="failed", next_try_at=None, request={}, told=None)
