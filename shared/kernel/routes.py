"""Where a parcel goes from and to, and thresholds that hold on some routes or for some carriers only."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shared.contracts.base import Frozen, Id, Name, Strict

Hours = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=366))]
StallLevels = Annotated[tuple[Hours, Hours], Field(min_length=2, max_length=2)]
Place = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^/\s][^/]*(/[^/]+)?$")]
"""A country, or a country and its state: `US`, `US/California`. Written as the shop's facts write them."""


class Route(Frozen):
    """A parcel's way, as far as it is known."""

    origin: Place
    country: Name
    state: Name | None = None

    @property
    def is_domestic(self) -> bool:
        """Whether it stays in one country."""
        return _country(self.origin) == _plain(self.country)

    def leaves(self, place: Place) -> bool:
        """Whether it begins in that place."""
        return _within(place, self.origin)

    def reaches(self, place: Place) -> bool:
        """Whether it ends in that place."""
        return _within(place, self.country if self.state is None else f"{self.country}/{self.state}")


class Threshold(Strict):
    """Clocks of parcels that differ for a carrier, a kind of route, or a pair of places."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    carrier: Id | None = None
    route: Literal["domestic", "international"] | None = None
    origin: Place | None = Field(default=None, alias="from")
    destination: Place | None = Field(default=None, alias="to")
    pickup_overdue_after: Hours | None = None
    stall_levels: StallLevels | None = None
    lost_suspected_after: Hours | None = None

    @model_validator(mode="after")
    def _says_when_and_what(self) -> Self:
        if (self.origin is None) != (self.destination is None):
            raise ValueError("expected `from` and `to` together, got one of them")
        if self.route is not None and self.origin is not None:
            raise ValueError("expected `route`, or `from` and `to`, got both")
        if self.condition == (None, None, None, None):
            raise ValueError("expected a `carrier`, a `route`, or `from` and `to`, got none of them")
        if not self.changes:
            raise ValueError(
                "expected `pickup_overdue_after`, `stall_levels` or `lost_suspected_after`, got none of them"
            )
        return self

    @property
    def condition(self) -> tuple[str | None, str | None, str | None, str | None]:
        """What it holds for. Two thresholds with the same condition contradict each other."""
        places = (self.origin and _plain(self.origin), self.destination and _plain(self.destination))
        return (self.carrier and _plain(self.carrier), self.route, *places)

    @property
    def changes(self) -> dict[str, object]:
        """The values that it gives, by name."""
        names = ("pickup_overdue_after", "stall_levels", "lost_suspected_after")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def rank(self) -> tuple[bool, int]:
        """How specific it is: a carrier before a route, states before countries before a kind of route."""
        if self.origin is not None and self.destination is not None:
            return (self.carrier is not None, 2 + self.origin.count("/") + self.destination.count("/"))
        return (self.carrier is not None, int(self.route is not None))

    def holds(self, carrier: str, route: Route | None) -> bool:
        """Whether it holds for a parcel; one that asks for a route does not where that is unknown."""
        if self.carrier is not None and _plain(self.carrier) != _plain(carrier):
            return False
        if self.route is not None:
            return route is not None and route.is_domestic == (self.route == "domestic")
        if self.origin is not None and self.destination is not None:
            return route is not None and route.leaves(self.origin) and route.reaches(self.destination)
        return True


def merged(own: tuple[Threshold, ...], others: tuple[Threshold, ...]) -> tuple[Threshold, ...]:
    """A shop's own thresholds, and those of its profile with another condition."""
    conditions = {threshold.condition for threshold in own}
    return (*own, *(threshold for threshold in others if threshold.condition not in conditions))


def _plain(name: str) -> str:
    return name.strip().casefold()


def _country(place: Place) -> str:
    return _plain(place.partition("/")[0])


def _within(place: Place, actual: str) -> bool:
    """Whether the actual place is that one, or a state of that country."""
    if "/" in place:
        return _plain(place) == _plain(actual)
    return _plain(place) == _country(actual)
