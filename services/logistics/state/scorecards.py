"""What one carrier did on one route in one week: counts and histograms, of one size for ever."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from services.logistics.state.incidents import subject_of
from shared.contracts.base import Frozen, Id, Name
from shared.kernel.decision import Note

PREFIX: Final = "scorecard~"
EDGES: Final = (
    *(1, 2, 4, 6, 8, 12, 18, 24, 30, 36, 48, 60),
    *(72, 96, 120, 144, 168, 192, 240, 288, 336, 480, 720),
)
"""Upper edges of the histograms' columns in hours; one more column takes what is longer."""
Column = Annotated[int, Field(ge=0)]


def scorecard_subject(shop_id: str | None, carrier: str, route: str, week: str) -> str:
    """The file of a shop's parcels with one carrier on one route, dispatched in one week."""
    return f"{subject_of(PREFIX, shop_id or '', carrier, route)}~{week}"


class Histogram(Frozen):
    """How many parcels took how long."""

    columns: Annotated[tuple[Column, ...], Field(min_length=len(EDGES) + 1, max_length=len(EDGES) + 1)] = (
        0,
    ) * (len(EDGES) + 1)

    @property
    def total(self) -> int:
        """How many parcels."""
        return sum(self.columns)

    def with_hours(self, hours: int | None) -> "Histogram":
        """One parcel more; none where it is not known."""
        if hours is None:
            return self
        at = next((number for number, edge in enumerate(EDGES) if hours <= edge), len(EDGES))
        columns = tuple(each + (number == at) for number, each in enumerate(self.columns))
        return Histogram(columns=columns)

    def percentile(self, percent: int) -> int | None:
        """The edge in hours below which so many of a hundred parcels are; None where no edge is.

        It is the upper edge of the column, so never less than the true value.
        """
        wanted, seen = self.total * percent, 0
        for edge, column in zip(EDGES, self.columns, strict=False):
            seen += column
            if self.total and seen * 100 >= wanted:
                return edge
        return None


def summed(histograms: Iterable[Histogram]) -> Histogram:
    """All of them as one."""
    rows: Sequence[tuple[int, ...]] = [each.columns for each in histograms]
    if not rows:
        return Histogram()
    return Histogram(columns=tuple(sum(column) for column in zip(*rows, strict=True)))


class Scorecard(Frozen):
    """A carrier, a route and a week of a shop."""

    stage: Literal["scorecard"] = "scorecard"
    shop_id: Id | None = None
    carrier: Id
    route: Name
    week: Name
    delivered: int = 0
    returned: int = 0
    lost: int = 0
    stalled: int = 0
    """Of those that ended, how many had stalled on the way."""
    claimed: int = 0
    claim_paid: int = 0
    complained: int = 0
    pickup: Histogram = Histogram()
    transit: Histogram = Histogram()
    longest_gap: Histogram = Histogram()
    """Of delivered parcels, the longest time without a scan: what a stall level should lie above."""

    @property
    def ended(self) -> int:
        """Parcels whose end is known."""
        return self.delivered + self.returned + self.lost


class ScorecardIs(Note):
    """What was measured from now on."""

    card: Scorecard
