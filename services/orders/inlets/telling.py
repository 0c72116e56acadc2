"""Facts as inlets tell them: made of checked fields, with an id that says what is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast, get_args

from pydantic import BaseModel

from shared.contracts.facts import AnyFact
from shared.kernel.inlets import Read, fact_id

_KINDS: Final[dict[str, type[AnyFact]]] = {
    kind.model_fields["fact"].default: kind for kind in get_args(AnyFact)
}
_BODIES: Final[dict[str, type[BaseModel]]] = {
    name: cast("type[BaseModel]", kind.model_fields["data"].annotation) for name, kind in _KINDS.items()
}


def fact(system: str, kind: str, order_id: str, at: datetime, data: Mapping[str, Any]) -> AnyFact:
    """One fact. Raises `pydantic.ValidationError` where a field of it can't be made of the payload's."""
    model = _KINDS[kind]
    told = _BODIES[kind].model_validate(dict(data))
    of = fact_id(system, kind, order_id, body=told)
    return model.model_validate({"id": of, "at": at, "order_id": order_id, "data": told})


@dataclass(slots=True)
class Story:
    """What one payload tells of one order, gathered."""

    system: str
    order_id: str
    facts: list[AnyFact] = field(default_factory=list[AnyFact])
    left: list[str] = field(default_factory=list[str])

    def tell(self, kind: str, at: datetime, /, **data: Any) -> None:
        """One more fact."""
        self.facts.append(fact(self.system, kind, self.order_id, at, data))

    def leave(self, *why: str) -> None:
        """Something that is not told, and why."""
        self.left.extend(why)

    def read(self) -> Read:
        """All of it."""
        return Read(tuple(self.facts), tuple(self.left))


def nothing(why: str) -> Read:
    """A payload of which nothing is told, and why."""
    return Read((), (why,))
