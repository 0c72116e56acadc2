"""Check digits of tracking numbers: which public scheme a number has, and whether it fails it.

A number counts as mistyped only when it has the shape of one of its carrier's schemes and fails every
scheme whose shape it has. A number of another shape proves nothing: carriers have more kinds of numbers
than they publish. Schemes and their samples: github.com/jkeen/tracking_number_data (couriers/*.json and
CHECKSUM_ALGORITHMS.md); S10 is the standard of the Universal Postal Union.
"""

import re
from collections.abc import Callable
from itertools import cycle
from types import MappingProxyType
from typing import Final, NamedTuple

from services.logistics.state.carriers import Carriers
from shared.contracts.facts import plain_number


class Scheme(NamedTuple):
    """The shape of a number, and whether one of that shape passes."""

    shape: re.Pattern[str]
    passes: Callable[[str], bool]


def _mod10(digits: str, first: int, second: int) -> int:
    """The check digit that makes the weighted sum a multiple of ten; weights alternate from the left."""
    total = sum(
        _digit_of(sign) * weight for sign, weight in zip(digits, cycle((first, second)), strict=False)
    )
    return -total % 10


def _digit_of(sign: str) -> int:
    """A digit itself; a letter as UPS counts it: A is 2, B is 3 and so on, within ten."""
    return int(sign) if sign.isdigit() else (ord(sign) - 3) % 10


def _ups(number: str) -> bool:
    return number[-1].isdigit() and _mod10(number[2:-1], 1, 2) == int(number[-1])


def _usps(number: str) -> bool:
    """IMpb: the routing by postal code in front (420 and 5 or 9 digits) is not counted."""
    package = number[-22:] if len(number) > 26 else number
    return _mod10(package[:-1], 3, 1) == int(package[-1])


def _s10(number: str) -> bool:
    digits = [int(sign) for sign in number[2:11]]
    rest = sum(digit * weight for digit, weight in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=False)) % 11
    return digits[8] == {0: 5, 1: 0}.get(rest, 11 - rest)


def _fedex_12(number: str) -> bool:
    weights = zip(number[:11], cycle((3, 1, 7)), strict=False)
    return sum(int(sign) * weight for sign, weight in weights) % 11 % 10 == int(number[11])


def _fedex_15(number: str) -> bool:
    return _mod10(number[:14], 1, 3) == int(number[14])


def _dhl(number: str) -> bool:
    return int(number[:-1]) % 7 == int(number[-1])


SCHEMES: Final = MappingProxyType(
    {
        "ups_1z": Scheme(re.compile(r"1Z[A-Z0-9]{16}"), _ups),
        "usps_impb": Scheme(re.compile(r"(420[0-9]{5}([0-9]{4})?)?9[1-5][0-9]{20}"), _usps),
        "s10": Scheme(re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}"), _s10),
        "fedex_12": Scheme(re.compile(r"[0-9]{12}"), _fedex_12),
        "fedex_15": Scheme(re.compile(r"[0-9]{15}"), _fedex_15),
        "dhl_express_10": Scheme(re.compile(r"[0-9]{10}"), _dhl),
    }
)
"""By the names that the table of carriers gives them."""


def failed_scheme(carriers: Carriers, carrier: str, tracking_no: str) -> str | None:
    """The scheme that the number has the shape of and fails; None where it passes, or there is none."""
    known = carriers.named(carrier)
    if known is None:
        return None
    number = plain_number(tracking_no)
    if not number.isascii():
        return None
    shaped = [name for name in known.schemes if SCHEMES[name].shape.fullmatch(number)]
    if not shaped or any(SCHEMES[name].passes(number) for name in shaped):
        return None
    return shaped[0]
