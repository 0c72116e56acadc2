"""What a buyer is offered for his next order once one ended well, by the amount that he kept of it.

Source: customer-service practice, duty O21: a voucher or a gift by the order's amount. Cash for a good
review, which that practice also names, is forbidden today and can't be written here.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Amount, Currency, Name, Strict


class Offer(Strict):
    """One step of the table."""

    at_least: Amount
    """From so much on, in `currency`, after what was paid back."""
    currency: Currency
    kind: Literal["voucher", "gift"]
    what: Name
    """The voucher's code, or the article that is packed with the next order."""
    valid_for: Annotated[timedelta, Field(ge=timedelta(days=1), le=timedelta(days=1000))] = timedelta(days=90)
    """How long it may be used, from the order's completion."""


def offer_for(table: tuple[Offer, ...], kept: Decimal, currency: str) -> Offer | None:
    """Rule `offers`: the highest step that the amount reaches; None below the first."""
    reached = [one for one in table if one.currency == currency and kept >= one.at_least]
    return max(reached, key=lambda one: one.at_least, default=None)
