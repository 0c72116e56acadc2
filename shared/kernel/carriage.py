"""What a shop agreed with its carriers, and when standing parcels are one incident: values of a profile."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.contracts.base import Amount, Currency, Id, Name, Strict
from shared.kernel.routes import Hours, Place, Route

Share = Annotated[Decimal, Field(gt=0, le=1)]


class ClaimTerms(Strict):
    """How a carrier's claims for lost parcels go: what it wants to see, and how long each step may take."""

    carrier: Id | None = None
    """None: every carrier that has no terms of its own."""
    evidence: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Kinds of document that must be there before the claim is handed in, such as `proof_of_value`."""
    submit_within: Hours
    """From opening the claim: until when the carrier takes it."""
    answer_within: Hours
    """From handing it in, or from the appeal, to the carrier's decision."""
    appeal_within: Hours
    """From a refusal: until when it may be appealed, once."""
    pay_within: Hours
    """From the approval to the money."""


class Surcharge(Strict):
    """What a buyer pays on top who insists on a carrier."""

    carrier: Id
    route: Literal["domestic", "international"] | None = None
    destination: Place | None = None
    """A country, or a country and its state, as in thresholds."""
    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if self.route is not None and self.destination is not None:
            raise ValueError("expected `route` or `destination`, got both")
        return self

    def holds(self, carrier: str, route: Route | None) -> bool:
        """Whether it is asked for a parcel with that carrier on that way."""
        if self.carrier.strip().casefold() != carrier.strip().casefold():
            return False
        if self.route is not None:
            return route is not None and route.is_domestic == (self.route == "domestic")
        return self.destination is None or (route is not None and route.reaches(self.destination))

    @property
    def rank(self) -> int:
        """How specific it is."""
        if self.destination is not None:
            return 2 + self.destination.count("/")
        return int(self.route is not None)


class IncidentRule(Strict):
    """When parcels of one carrier and region that stop at once are one incident, and when it is over.

    Of the parcels dispatched within `among` and not arrived, those that came to a stand within `window`
    are counted: `min_parcels` of them and a share of `share` open an incident. It is over when no more
    than `over_share` of the parcels that belonged to it still stand.
    """

    min_parcels: Annotated[int, Field(ge=2, le=10_000)]
    share: Share
    window: Hours
    among: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=60))] = timedelta(days=30)
    over_share: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal("0.2")
    look_again_after: Hours = timedelta(hours=24)
    """How long an incident may go on before somebody looks at it again."""


def surcharge_for(
    table: tuple[Surcharge, ...], carrier: str, route: Route | None
) -> tuple[Decimal, str] | None:
    """Rule `surcharges`: the amount and currency of the most specific row; None where none is agreed."""
    rows = [row for row in table if row.holds(carrier, route)]
    best = max(rows, key=lambda row: row.rank, default=None)
    return None if best is None else (best.amount, best.currency)


def claim_terms(table: tuple[ClaimTerms, ...], carrier: str) -> ClaimTerms | None:
    """The carrier's terms, else those for every carrier, else None: then no clock runs."""
    plain = carrier.strip().casefold()
    own = [row for row in table if row.carrier is not None and row.carrier.strip().casefold() == plain]
    return next(iter(own), next((row for row in table if row.carrier is None), None))
