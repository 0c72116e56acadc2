"""Arithmetic with amounts. Decimal throughout, never a float."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal("0")


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The sum, zero for none."""
    return sum(amounts, ZERO)


def plain(amount: Decimal) -> str:
    """The amount as contracts write it: a decimal string without an exponent."""
    return format(amount, "f")
