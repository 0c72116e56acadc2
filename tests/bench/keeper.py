"""A small service that does what the peers do: keep each order's stage and the last things said of it.

It runs on the engine as any service does, so its numbers are those of the engine with rules that cost
next to nothing. Every promise holds for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter

from shared.contracts.base import Frozen, Utc
from shared.contracts.event import Event
from shared.kernel.decision import NOTHING, Outcome
from shared.kernel.profiles import Profile
from shared.runtime.service import Service

ENTRIES_KEPT: Final = 50


class Kept(Frozen):
    """Rules have nothing to remember here."""


class Entry(Frozen):
    """One thing that was said."""

    event_id: str
    at: Utc
    event: str


class OrderSeen(Frozen):
    """What is kept of an order."""

    stage: str = ""
    entries: tuple[Entry, ...] = ()


def project(view: OrderSeen, event: Event) -> OrderSeen:
    """One more thing was said."""
    entry = Entry(event_id=event.id, at=event.time, event=event.name)
    return view.model_copy(update={"stage": event.name, "entries": (*view.entries, entry)[-ENTRIES_KEPT:]})


def _decide(command: Any, state: Kept, now: datetime, profile: Profile) -> Outcome:
    return NOTHING


def _evolve(state: Kept, event: Any) -> Kept:
    return state


def _react(event: Event) -> Sequence[tuple[str, Any]]:
    return ()


KEEPER: Final = Service(
    name="keeper",
    decide=_decide,
    evolve=_evolve,
    react=_react,
    project=project,
    initial=Kept(),
    state=TypeAdapter(Kept),
    view=TypeAdapter(OrderSeen),
    initial_view=OrderSeen(),
    watches=True,
)
