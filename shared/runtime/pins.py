"""Which profile a file goes by: the one that was in force when its order was placed.

A file is pinned in the commit in which it learns its shop: that of the service that took the order by
the placing's day, the others' by the events that they hear, which carry the pin. So all services' files
of an order go by the same values, whatever becomes of the shop's entry or of the profile afterwards.
Files that are no order's, and those of orders whose shop is not known yet, have no pin.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from shared.kernel.profiles import Profile
from shared.runtime.ports import Unavailable


class Pin(NamedTuple):
    """A profile's `id@version` and what the shop overrode in it, as a JSON object."""

    ref: str
    overrides: str


BEFORE_PINS: Final = Pin("", "")
"""Of orders taken by a release that knew no pins: they go by the first version of their shop's profile."""

ProfileOf = Callable[[str | None, Pin | None, datetime], Profile]
"""The profile for a shop and a pin; without a pin the one in force at that moment, and the default for a
shop that is not known. Raises `ProfileUnknown` for a pin to a version that was not loaded."""


class ProfileUnknown(Unavailable):
    """An order goes by a version of a profile that this process has not loaded: its file is away."""


def pin_of(profile: Profile) -> Pin:
    """The pin of an order that is placed under a profile."""
    return Pin(profile.ref, profile.overrides)
