"""Rules that are asked once: pure functions over immutable values, so an answer holds for ever.

Storms over one story ask the same things again and again. What a rule said about this very command
in this very state is remembered, by the identity of both; and so are events read from bytes and the
bytes that were written of them. The engine sees the same services, only faster. States are kept as
they are, not as JSON.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast
from unittest.mock import patch

from pydantic import BaseModel, TypeAdapter
from pydantic_core import from_json, to_json

from shared.contracts.event import Event, from_cloudevent, to_cloudevent
from shared.kernel.decision import Decision, EffectDone, EffectDue, Outcome, TimerDue
from shared.kernel.profiles import Profile
from shared.runtime import listen
from shared.runtime.fold import book
from shared.runtime.service import Service

Key = tuple[Any, ...]
SAID: Final = ("events", "tasks", "messages")
"""Of a decision, what is said."""
HISTORIANS: Final = ("notifications",)
"""Services whose views tell in what order all things came: hardly any is come to in two ways."""


class AsItIs:
    """Stands where a type adapter does: an immutable value is its own document."""

    def dump_python(self, value: Any, *, mode: str = "python") -> Any:
        """The value."""
        del mode
        return value

    def validate_python(self, value: Any) -> Any:
        """The value."""
        return value


class OneOfEach:
    """States, views and payloads that are written alike are one value.

    They are for the engine too, which writes them as JSON and reads them again. Storms over one story come
    to the same states in many ways; what was asked in one is remembered then, however it was come to.
    Commands and notes are never written, and JSON may not tell them apart.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[type, str], Any] = {}

    def of(self, value: BaseModel) -> Any:
        """The first that was written like this one."""
        return self._first.setdefault((type(value), value.model_dump_json()), value)


class Remembered:
    """One service whose rules are asked once. What is remembered keeps its arguments alive."""

    def __init__(self, rules: Service, one: OneOfEach) -> None:
        self._rules = rules
        self._one = one
        self._known: dict[Key, tuple[Any, Any, Any]] = {}

    def service(self) -> Service:
        """The service, with these rules. It refers to this, and this to nothing that refers to it."""
        as_it_is = cast("TypeAdapter[Any]", AsItIs())
        return replace(
            self._rules,
            decide=self._decide,
            evolve=self._evolve,
            react=self._react,
            project=self._project,
            state=as_it_is,
            view=as_it_is,
        )

    def _decide(self, command: Any, state: Any, now: datetime, profile: Profile) -> Outcome:
        key = ("decide", _command_key(command), id(state), now)
        found = self._known.get(key)
        if found is None:
            outcome = self._one_of_each_said(self._rules.decide(command, state, now, profile))
            found = self._known[key] = (outcome, command, state)
        answer: Outcome = found[0]
        return answer

    def _one_of_each_said(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Decision):
            return outcome
        of = self._one.of
        said = {name: tuple(map(of, payloads)) for name in SAID if (payloads := getattr(outcome, name))}
        return outcome.model_copy(update=said) if said else outcome

    def _evolve(self, state: Any, what: Any) -> Any:
        return self._folded("evolve", self._rules.evolve, state, what)

    def _project(self, view: Any, event: Event) -> Any:
        return self._folded("project", self._rules.project, view, event)

    def _folded(self, which: str, fold: Callable[[Any, Any], Any], before: Any, what: Any) -> Any:
        key = (which, id(before), *event_key(what))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (self._first(which, before, fold(before, what)), before, what)
        return found[0]

    def _first(self, which: str, before: Any, after: Any) -> Any:
        if after is before or (which == "project" and self._rules.name in HISTORIANS):
            return after
        first = self._one.of(after)
        # By asking whether it is the same object, the engine asks whether anything was touched.
        return after if first is before else first

    def _react(self, event: Event) -> Sequence[tuple[str, Any]]:
        key = ("react", id(event))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = (self._rules.react(event), event, None)
        reactions: Sequence[tuple[str, Any]] = found[0]
        return reactions


def _command_key(command: Any) -> Any:
    """The engine makes these anew each time; all others come from a story or from `react`."""
    if type(command) is TimerDue:
        return (command.name, command.key, command.due_at)
    if type(command) in (EffectDone, EffectDue):
        return (type(command), command.effect_id, command.at)
    return id(command)


def event_key(what: Any) -> Key:
    """An event is made anew each time it is said, around a payload that is remembered."""
    if type(what) is Event:
        return (id(what.data), what.id, what.time, what.correlation_id, what.causation_id)
    return (id(what),)


class ReadOnce:
    """Events from bytes and to bytes, each read and written once, while `in_force`."""

    def __init__(self, one: OneOfEach) -> None:
        self._one = one
        self._events: dict[bytes, Event] = {}
        self._written: dict[Key, tuple[bytes, Event]] = {}

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """`listen` reads by this, and the book of a file writes by it."""
        with (
            patch.multiple(listen, from_json=_as_it_is, from_cloudevent=self._event),
            patch.multiple(book, to_json=_as_it_is, to_cloudevent=self._bytes),
        ):
            yield

    def _bytes(self, event: Event) -> bytes:
        # Of all that an envelope holds, this is what two runs of one story may have otherwise.
        key = (*event_key(event), event.rule, event.profile, event.shop_id)
        found = self._written.get(key)
        if found is None:
            found = self._written[key] = (to_json(to_cloudevent(event)), event)
        return found[0]

    def _event(self, raw: bytes) -> Event:
        found = self._events.get(raw)
        if found is None:
            event = from_cloudevent(from_json(raw))
            found = self._events[raw] = event.model_copy(update={"data": self._one.of(event.data)})
        return found


def _as_it_is(raw: bytes, **_how: object) -> bytes:
    return raw
