"""Which profile is in force for which shop, and which one an order was pinned to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from pydantic_core import from_json

from shared.kernel.calendar import local_date
from shared.kernel.profiles import Profile, Shop, in_force, overridden
from shared.runtime.pins import BEFORE_PINS, Pin, ProfileOf, ProfileUnknown, pin_of

DEFAULT: Final = "default"
BUILT_MAX: Final = 10_000
"""Profiles as they stand for a shop that are kept built; one for each shop, version and set of overrides."""


class Profiles:
    """All versions of all profiles, and the shops."""

    def __init__(self, versions: Iterable[Profile], shops: Mapping[str, Shop]) -> None:
        self.shops = dict(shops)
        self.versions: dict[str, list[Profile]] = {}
        """Each profile's versions, oldest first."""
        for profile in sorted(versions, key=lambda each: each.version):
            self.versions.setdefault(profile.id, []).append(profile)
        self._by_ref = {each.ref: each for several in self.versions.values() for each in several}
        self._built: dict[tuple[str | None, Pin], Profile] = {}
        self._only = {shop_id: self._sole_pin(shop_id) for shop_id in (None, *self.shops)}

    def of(self, shop_id: str | None, pin: Pin | None = None, at: datetime | None = None) -> Profile:
        """The profile for a shop: the pinned one, or else the one in force at a moment, or else the newest.

        A shop that is not listed, or not known yet, has the default one. Raises `ProfileUnknown` when the
        pin names a version that is not loaded.
        """
        if shop_id not in self.shops:
            shop_id = None
        if pin is None:
            pin = self._only[shop_id] or self._pin_at(shop_id, at)
        found = self._built.get((shop_id, pin))
        return self._build(shop_id, pin) if found is None else found

    def all_under(self, profile: Profile) -> ProfileOf:
        """As `of`, if every shop had that profile all the time; each keeps what it overrides."""
        by_shop = {shop_id: in_force(profile, shop) for shop_id, shop in self.shops.items()}

        def of(shop_id: str | None, pin: Pin | None = None, at: datetime | None = None) -> Profile:  # noqa: ARG001
            return by_shop.get(shop_id or "", profile)

        return of

    def named(self, name: str) -> Profile:
        """A version by its name `mall@1`, or the newest one of `mall`. Raises `ValueError`."""
        profile_id, _, version = name.partition("@")
        for each in reversed(self.versions.get(profile_id, [])):
            if not version or version == str(each.version):
                return each
        there_are = ", ".join(sorted((*self.shops, *self.versions)))
        raise ValueError(f"there is no shop and no profile {name!r}; there are {there_are}")

    def missing(self, refs: Iterable[str]) -> list[str]:
        """Those of the versions that are not loaded."""
        return sorted({ref for ref in refs if ref and ref not in self._by_ref})

    def _sole_pin(self, shop_id: str | None) -> Pin | None:
        """What a shop's orders are pinned to, where its profile has one version and no day decides."""
        several = self._several(shop_id)
        return self._pin(shop_id, several[0]) if len(several) == 1 else None

    def _pin_at(self, shop_id: str | None, at: datetime | None) -> Pin:
        several = self._several(shop_id)
        if at is None:
            return self._pin(shop_id, several[-1])
        zone = "UTC" if shop_id is None else self.shops[shop_id].zone
        return self._pin(shop_id, in_force_on(several, local_date(at, zone)))

    def _pin(self, shop_id: str | None, profile: Profile) -> Pin:
        return pin_of(profile if shop_id is None else in_force(profile, self.shops[shop_id]))

    def _several(self, shop_id: str | None) -> list[Profile]:
        return self.versions[DEFAULT if shop_id is None else self.shops[shop_id].profile]

    def _build(self, shop_id: str | None, pin: Pin) -> Profile:
        shop = None if shop_id is None else self.shops[shop_id]
        if pin == BEFORE_PINS:
            found = self._several(shop_id)[0]
            built = found if shop is None else in_force(found, shop)
        else:
            known = self._by_ref.get(pin.ref)
            if known is None:
                raise ProfileUnknown(
                    f"the order goes by profile {pin.ref}, which is not loaded; "
                    "put its file into ORDERLINK_PROFILES_DIR of every service, start again, and redrive"
                )
            built = overridden(known, from_json(pin.overrides))
            if shop is not None:
                built = in_force(built, shop.model_copy(update={"overrides": {}}))
        if len(self._built) >= BUILT_MAX:
            self._built.clear()
        self._built[(shop_id, pin)] = built
        return built


def in_force_on(several: Sequence[Profile], day: date) -> Profile:
    """Of a profile's versions, oldest first, the one in force on a day; the first before any was."""
    begun = [each for each in several if each.effective is None or each.effective <= day]
    return begun[-1] if begun else several[0]
