"""Arithmetic with amounts. Decimal throughout, never a float."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from typing import Final

from shared.contracts.base import AMOUNT_MAX_DIGITS, AMOUNT_MAX_PLACES

ZERO: Final = Decimal("0")


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, zero for none."""
    return sum(amounts, ZERO)


def plain(amount: Decimal) -> str:
    """The amount as contracts write it: a decimal string without an exponent."""
    return format(amount, "f")


def fits(amount: Decimal) -> bool:
    """Whether the contracts can write the amount as it is."""
    return len(amount.as_tuple().digits) <= AMOUNT_MAX_DIGITS


def writable(amount: Decimal) -> Decimal:
    """The amount as the contracts can write it: not below zero, rounded down to their digits and places."""
    if amount <= 0:
        return ZERO
    places = min(AMOUNT_MAX_PLACES, max(0, AMOUNT_MAX_DIGITS - (amount.adjusted() + 1)))
    if -int(amount.as_tuple().exponent) <= places:
        return amount
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
