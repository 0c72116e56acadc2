"""The way to a state: what `evolve` got, one thing after the other, from where the service's files begin.

In a storm a state is kept together with the step that led to it. So it is copied, put back, committed and
lost together with it, and what a stored file has is the way of the incarnation that stands. Where the storm
is over, the rules go each of these ways anew. What a file says must be on its way, all of it and in order:
notes are kept nowhere else, but events are on the log too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.contracts.event import Event
from shared.runtime.service import Service
from tests.storms.remembered import Key, event_key


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """A state, and how it was come to."""

    state: Any
    before: "Reached | None" = None
    """None: nothing has happened yet."""
    what: Any = None
    """The event or note that led here from `before`."""


def on_its_way(rules: Service) -> Service:
    """The service with states that know how they were come to. Its rules get them as they always are."""

    def decide(command: Any, reached: Reached, now: Any, profile: Any) -> Any:
        return rules.decide(command, reached.state, now, profile)

    def evolve(reached: Reached, what: Any) -> Reached:
        return Reached(rules.evolve(reached.state, what), reached, what)

    def keys(reached: Reached) -> Sequence[str]:
        return rules.keys(reached.state)

    return replace(rules, decide=decide, evolve=evolve, keys=keys, initial=Reached(rules.initial))


class Ways:
    """The ways that files of one story went, gone anew by the rules themselves; each of them once."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._rules: Mapping[str, Service] = {service.name: service for service in services}
        self._right: dict[Key, tuple[Any, list[Any]]] = {}
        """Where the rules came out. What they were told is kept, since it goes by its identity."""

    def wrong(self, service: str, subject: str, reached: Reached, said: int) -> Iterator[str]:
        """What is wrong with a file that said so many events, as far as the log has them."""
        steps: list[Any] = []
        at = reached
        while at.before is not None:
            steps.append(at.what)
            at = at.before
        steps.reverse()
        numbers = [what.sequence for what in steps if type(what) is Event]
        if numbers != list(range(1, said + 1)):
            yield f"file: {service}/{subject} said {said} events, and its state knows of {numbers}"
        key: Key = (service, *map(event_key, steps))
        found = self._right.get(key)
        if found is None:
            rules = self._rules[service]
            state = rules.initial
            for what in steps:
                state = rules.evolve(state, what)
            found = self._right[key] = (state, steps)
        if found[0] is not reached.state and found[0] != reached.state:
            yield f"file: {service}/{subject} is not what its events and notes come to"
