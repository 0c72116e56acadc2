"""Profiles and shops, read from YAML files and checked when they are loaded."""

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from shared.kernel.profiles import Profile, Shop, in_force

OWN_DIRECTORY: Final = Path(__file__).parents[1] / "profiles"
OWN_SHOPS: Final = OWN_DIRECTORY / "shops.yaml"
DEFAULT: Final = "default"


class ProfilesWrong(Exception):
    """A profile or a list of shops can't be used. The text names the file, the entry and the field."""


class Profiles:
    """Which profile is in force for which shop."""

    def __init__(self, known: dict[str, Profile], shops: dict[str, Shop]) -> None:
        self.profiles = known
        self.shops = shops
        self._in_force = {shop_id: in_force(known[shop.profile], shop) for shop_id, shop in shops.items()}

    def of(self, shop_id: str | None) -> Profile:
        """The profile for a shop; the default one for a shop that is not listed, or not known yet."""
        return self._in_force.get(shop_id or "", self.profiles[DEFAULT])


def load_profiles(profiles_dir: Path | None = None, shops_file: Path | None = None) -> Profiles:
    """Read the product's own profile, those of the directory, and the list of shops.

    Raises `ProfilesWrong`.
    """
    known = _profiles_in(OWN_DIRECTORY, leave_out=OWN_SHOPS.name)
    if profiles_dir is not None:
        known |= _profiles_in(profiles_dir, otherwise=known[DEFAULT])
    path = shops_file or OWN_SHOPS
    shops: dict[str, Shop] = {}
    entries = _yaml(path)
    if not isinstance(entries, list):
        raise ProfilesWrong(f"{path}: expected a list of shops")
    for number, entry in enumerate(entries, 1):
        shop = _shop(path, number, entry)
        if shop.shop_id in shops:
            raise ProfilesWrong(f"{path}, shop {number}: {shop.shop_id} is listed twice")
        if shop.profile not in known:
            there_are = ", ".join(sorted(known))
            raise ProfilesWrong(
                f"{path}, shop {number}: profile: there is no {shop.profile!r}, only {there_are}"
            )
        try:
            in_force(known[shop.profile], shop)
        except ValidationError as problem:
            raise ProfilesWrong(f"{path}, shop {number}: overrides: {_first(problem)}") from None
        shops[shop.shop_id] = shop
    return Profiles(known, shops)


def _profiles_in(
    directory: Path, leave_out: str = "", otherwise: Profile | None = None
) -> dict[str, Profile]:
    """The profiles of a directory. A value that one leaves out is the other's."""
    if not directory.is_dir():
        raise ProfilesWrong(f"{directory}: there is no such directory")
    found: dict[str, Profile] = {}
    for path in sorted(directory.glob("*.yaml")):
        if path.name == leave_out:
            continue
        try:
            profile = Profile.model_validate(_filled(_yaml(path), otherwise))
        except ValidationError as problem:
            raise ProfilesWrong(f"{path}: {_first(problem)}") from None
        if profile.id in found:
            raise ProfilesWrong(f"{path}: a profile {profile.id!r} was read from another file before")
        found[profile.id] = profile
    return found


def _filled(raw: Any, otherwise: Profile | None) -> Any:
    given = raw.get("values", {}) if isinstance(raw, dict) else None
    if otherwise is None or not isinstance(given, dict):
        return raw
    return {**raw, "values": {**otherwise.values.model_dump(), **given}}


def _shop(path: Path, number: int, entry: Any) -> Shop:
    try:
        return Shop.model_validate(entry)
    except ValidationError as problem:
        raise ProfilesWrong(f"{path}, shop {number}: {_first(problem)}") from None


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ProfilesWrong(f"{path}: {problem}") from None


def _first(problem: ValidationError) -> str:
    error = problem.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {error['msg']}" if where else error["msg"]
