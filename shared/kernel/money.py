"""Arithmetic with amounts. Decimal throughout, never a float."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from typing import Final

from shared.contracts.base import AMOUNT_MAX_DIGITS

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
    """The amount with as many places as the contracts let it have, rounded down."""
    _, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int) or len(digits) <= AMOUNT_MAX_DIGITS:
        return amount
    places = max(0, -exponent - (len(digits) - AMOUNT_MAX_DIGITS))
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
