"""When a buyer is reminded of an unpaid order, of which orders never, and what a shop's reports tell."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.base import Amount, Currency, Id, Strict
from shared.kernel.calendar import at_local, later, local_date
from shared.kernel.routes import Hours

Step = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]
"""The name of a stage, such as `first` or `six_hours`."""
Wording = Literal["first", "last_call"]
Withheld = Literal[
    "switched_off", "buyer_excluded", "amount_too_small", "amount_too_large", "product_excluded"
]
"""Why the shop's own settings keep a reminder from its buyer."""


class ReminderStage(Strict):
    """One moment at which an order that is still unpaid is reminded of, in one of three modes.

    `after`: so long after the placing. `before_close`: so long before the order closes. `local_times`: at
    the first of these times of day, on the shop's clocks, that comes once `after` is over. Source of the
    modes: CCMS trade centre of 2013, UrpayConfigDomain (real time, fixed hours, before the close).
    """

    name: Step
    text: Wording = "first"
    """Which of the reminder's texts the buyer gets."""
    after: Hours | None = None
    before_close: Hours | None = None
    local_times: Annotated[tuple[time, ...], Field(max_length=24)] = ()

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        from_placing = self.after is not None or bool(self.local_times)
        if from_placing == (self.before_close is not None):
            raise ValueError(
                f"{self.name}: expected either before_close or one of after and local_times, got "
                f"{'both' if from_placing else 'none'}"
            )
        return self

    def moment(self, placed_at: datetime, closes_at: datetime, zone: str) -> datetime:
        """When it comes for an order."""
        if self.before_close is not None:
            return later(closes_at, -self.before_close)
        start = later(placed_at, self.after or timedelta(0))
        if not self.local_times:
            return start
        day = local_date(start, zone)
        days = (day, day + timedelta(days=1)) if day < date.max else (day,)
        moments = (at_local(each, wall, zone) for each in days for wall in self.local_times)
        return min((moment for moment in moments if moment >= start), default=start)


class ShopReminders(Strict):
    """Which of a shop's unpaid orders are reminded of. A change holds at once, for every order.

    Source: CCMS trade centre of 2013, BaseConfigDomain and UrpayConfigDomain. Its filter by member grade
    is not here: no fact tells a grade.
    """

    enabled: bool = True
    """The master switch."""
    exclude_buyers: Annotated[frozenset[Id], Field(max_length=10_000)] = frozenset()
    amount_min: Amount | None = None
    """Orders below this are left alone, in the order's own currency."""
    amount_max: Amount | None = None
    only_skus: Annotated[frozenset[Id], Field(max_length=10_000)] = frozenset()
    """Where any are named: only orders with one of these."""
    exclude_skus: Annotated[frozenset[Id], Field(max_length=10_000)] = frozenset()
    """Orders with one of these are left alone."""

    def withheld(self, buyer_id: str, total: Decimal, skus: Collection[str]) -> Withheld | None:
        """Why an order is not reminded of, if it is not."""
        if not self.enabled:
            return "switched_off"
        if buyer_id in self.exclude_buyers:
            return "buyer_excluded"
        if self.amount_min is not None and total < self.amount_min:
            return "amount_too_small"
        if self.amount_max is not None and total > self.amount_max:
            return "amount_too_large"
        if not self.exclude_skus.isdisjoint(skus) or (self.only_skus and self.only_skus.isdisjoint(skus)):
            return "product_excluded"
        return None


class ShopReports(Strict):
    """Which reports of its days a shop wants, and what a message costs it."""

    daily_sweep: bool = False
    """Whether open and abnormal orders are gathered each morning at `daily_sweep_at`."""
    reminders: bool = False
    """Whether each day's payment reminders and what they brought are added up."""
    message_price: Amount = Decimal(0)
    """What one message to a buyer costs."""
    message_currency: Currency | None = None
    """The price's currency. Amounts in other currencies are told beside it and not set against it."""
