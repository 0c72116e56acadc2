"""Rule `scorecards`: what carriers do, counted week by week, and the stall levels that it speaks for."""

from collections.abc import Iterable
from typing import Final, Literal

from services.logistics.commands import MeasureParcel
from services.logistics.state.scorecards import Histogram, Scorecard, ScorecardIs, summed
from shared.contracts.base import Frozen
from shared.kernel.decision import Decision

ENOUGH: Final = 50
"""Delivered parcels below which nothing is suggested."""
LEVELS: Final = (95, 99)
"""Of a hundred delivered parcels, how many had no longer gap than the first and the second level."""
Enough = Literal["measured", "too_few", "too_long"]


class Suggestion(Frozen):
    """Stall levels that measured gaps speak for. Nobody sets them but whoever writes the profile."""

    parcels: int
    stall_levels_hours: tuple[int, int] | None = None
    why: Enough


def measured(command: MeasureParcel, card: Scorecard) -> Decision:
    """One parcel more on the card."""
    told = command.measured
    changed: dict[str, object] = {told.what: getattr(card, told.what) + 1}
    if told.what in ("delivered", "returned", "lost") and told.stalled:
        changed["stalled"] = card.stalled + 1
    if told.what == "delivered":
        changed |= {
            "pickup": card.pickup.with_hours(told.pickup_hours),
            "transit": card.transit.with_hours(told.transit_hours),
            "longest_gap": card.longest_gap.with_hours(told.longest_gap_hours),
        }
    return Decision(rule="scorecards", notes=(ScorecardIs(card=card.model_copy(update=changed)),))


def suggested(cards: Iterable[Scorecard]) -> Suggestion:
    """Levels above which a gap is unusual: of delivered parcels 95 and 99 of a hundred stay below them."""
    gaps: Histogram = summed(card.longest_gap for card in cards)
    if gaps.total < ENOUGH:
        return Suggestion(parcels=gaps.total, why="too_few")
    first, second = (gaps.percentile(percent) for percent in LEVELS)
    if first is None or second is None:
        return Suggestion(parcels=gaps.total, why="too_long")
    return Suggestion(parcels=gaps.total, stall_levels_hours=(first, max(second, first + 1)), why="measured")
