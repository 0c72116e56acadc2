"""A service as a value: what the engine needs to know of it. Services differ in this value only."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.event import Event
from shared.kernel.charts import Chart
from shared.kernel.decision import Outcome
from shared.kernel.inlets import Inlet
from shared.kernel.profiles import Profile
from shared.runtime.metrics import GaugeName

Decide = Callable[[Any, Any, datetime, Profile], Outcome]
"""`(command, state, now, profile) -> Decision | Refused`. Pure."""
Evolve = Callable[[Any, Any], Any]
"""`(state, event) -> state`, where event is an own `Event` or one of the service's notes. Pure."""
React = Callable[[Event], Sequence[tuple[str, Any]]]
"""`event -> [(subject, command)]`. Pure."""
Project = Callable[[Any, Event], Any]
"""`(view, event) -> view`, for events the file said or heard; the same object if it is untouched."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Files that a worker counts now and then: those that hold a value at an indexed path."""

    metric: GaugeName
    path: str
    values: tuple[str | bool, ...]
    label: str | None = None
    """The label that takes the value; None where there is one value only."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its name, its rules, the types of its state and view, and what it needs."""

    name: str
    decide: Decide
    evolve: Evolve
    react: React
    project: Project
    initial: Any
    """The state of a file that knows nothing yet."""
    state: TypeAdapter[Any]
    view: TypeAdapter[Any]
    initial_view: Any
    keys: Callable[[Any], Sequence[str]] = lambda state: ()
    """Look-up keys of a state: ids other than the subject by which the file must be found."""
    watches: bool = False
    """Whether its view follows other services' events even where no rule reacts to them."""
    charts: tuple[Chart, ...] = ()
    effects: tuple[str, ...] = ()
    """Kinds of effects outside that it asks for."""
    rechecked: tuple[str, ...] = ()
    """Those of them that its rules look at again before each try: `EffectDue`."""
    indexed: tuple[str, ...] = ()
    """Dotted paths (`state.stage`, `view.open_tasks`) that lists are filtered by."""
    counted: tuple[Counted, ...] = ()
    """What of its files is told as a metric."""
    routes: Callable[..., Any] | None = None
    """`routes(desk) -> fastapi.APIRouter`: the service's own HTTP routes."""
    inlets: tuple[Inlet, ...] = ()
    """The outside systems whose deliveries it reads."""
    sight: Callable[..., Awaitable[Sequence[Any]]] | None = None
    """`sight(desk, sightings, shops) -> [Taken]`: takes scans that name no order, one answer for each."""

    @property
    def listed_by(self) -> tuple[str, ...]:
        """The paths by which its files may be listed and counted: each has an index."""
        return (*self.indexed, "shop_id")
