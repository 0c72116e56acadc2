"""Profiles and shops, read from YAML files and checked when they are loaded.

One file is one version of one profile. A directory holds as many as it likes, and a version that
orders were placed under stays in it: they go by it until they end.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.adapters.profiles import DEFAULT, Profiles, in_force_on
from shared.kernel.profiles import Profile, Shop, in_force

OWN_DIRECTORY: Final = Path(__file__).parents[1] / "profiles"
OWN_SHOPS: Final = OWN_DIRECTORY / "shops.yaml"
_SECTIONS: Final = ("values", "facts", "may")
_SHOWN_MAX_CHARS: Final = 80


class ProfilesWrong(Exception):
    """A profile or a list of shops can't be used. The text names the file, the entry and the field."""


@dataclass(frozen=True, slots=True)
class Written:
    """One version as its file has it: what it gives itself, and what it comes to."""

    path: Path
    profile: Profile
    given: frozenset[str]
    """The values that the file itself gives, `facts.<name>` and `may.<name>`; others are the default's."""


def load_profiles(profiles_dir: Path | None = None, shops_file: Path | None = None) -> Profiles:
    """Read the product's own profiles, those of the directory, and the list of shops.

    Raises `ProfilesWrong`.
    """
    written = read_all(profiles_dir)
    return Profiles([each.profile for each in written.values()], read_shops(written, shops_file or OWN_SHOPS))


def read_all(profiles_dir: Path | None = None) -> dict[str, Written]:
    """The product's own versions and those of the directory, by `id@version`. Raises `ProfilesWrong`."""
    written = read_directory(OWN_DIRECTORY)
    return written if profiles_dir is None else written | read_directory(profiles_dir, written)


def read_directory(directory: Path, others: dict[str, Written] | None = None) -> dict[str, Written]:
    """The versions in a directory, by `id@version`. Raises `ProfilesWrong`.

    What one leaves out is the default's, which may be among the `others`.
    """
    if not directory.is_dir():
        raise ProfilesWrong(f"{directory}: there is no such directory")
    return read_files([path for path in sorted(directory.glob("*.yaml")) if path != OWN_SHOPS], others)


def read_files(paths: list[Path], others: dict[str, Written] | None = None) -> dict[str, Written]:
    """The versions in some files, by `id@version`. Raises `ProfilesWrong`."""
    raws = [(path, _mapping(path)) for path in paths]
    raws.sort(key=lambda told: told[1].get("id") != DEFAULT)
    known, found = dict(others or {}), dict[str, Written]()
    for path, raw in raws:
        written = _version(path, raw, known)
        ref = written.profile.ref
        if ref in found:
            raise ProfilesWrong(f"{path}, {ref}: version: {ref} was read from another file before")
        found[ref] = known[ref] = written
    _in_order(known)
    return found


def read_shops(written: dict[str, Written], path: Path) -> dict[str, Shop]:
    """The list of shops, by id. Raises `ProfilesWrong`."""
    ids = {each.profile.id for each in written.values()}
    shops: dict[str, Shop] = {}
    entries = _yaml(path)
    if not isinstance(entries, list):
        raise ProfilesWrong(f"{path}: expected a list of shops")
    for number, entry in enumerate(entries, 1):
        where = f"{path}, shop {number}"
        try:
            shop = Shop.model_validate(entry)
        except ValidationError as problem:
            raise ProfilesWrong(f"{where}: {_first(problem)}") from None
        if shop.shop_id in shops:
            raise ProfilesWrong(f"{where}: shop_id: {shop.shop_id} is listed twice")
        if shop.profile not in ids:
            there_are = ", ".join(sorted(ids))
            raise ProfilesWrong(f"{where}: profile: there is no {shop.profile!r}, only {there_are}")
        try:
            for each in written.values():
                if each.profile.id == shop.profile:
                    in_force(each.profile, shop)
        except ValidationError as problem:
            raise ProfilesWrong(f"{where}: overrides: {_first(problem)}") from None
        shops[shop.shop_id] = shop
    return shops


def _version(path: Path, raw: dict[str, Any], known: dict[str, Written]) -> Written:
    ref = f"{raw.get('id')}@{raw.get('version')}"
    defaults = sorted(
        (each.profile for each in known.values() if each.profile.id == DEFAULT), key=lambda one: one.version
    )
    filled = raw
    if defaults:
        filled = _filled(raw, _default_of(raw, defaults), path, ref)
    try:
        profile = Profile.model_validate(filled)
    except ValidationError as problem:
        raise ProfilesWrong(f"{path}, {ref}: {_first(problem)}") from None
    return Written(path, profile, _given(raw))


def _default_of(raw: dict[str, Any], defaults: list[Profile]) -> Profile:
    """The default that was in force on the version's day; the first where it has none, or no good one."""
    try:
        day = date.fromisoformat(str(raw.get("effective")))
    except ValueError:
        return defaults[0]
    return in_force_on(defaults, day)


def _filled(raw: dict[str, Any], base: Profile, path: Path, ref: str) -> dict[str, Any]:
    """The version with what it leaves out from the default, sources included."""
    rest = base.model_dump(include={"values", "may"})
    for section in _SECTIONS:
        if not isinstance(raw.get(section, {}), dict):
            raise ProfilesWrong(f"{path}, {ref}: {section}: expected names with values, got {raw[section]!r}")
    sources = raw.get("sources", {})
    if not isinstance(sources, dict):
        raise ProfilesWrong(f"{path}, {ref}: sources: expected names with sources, got {sources!r}")
    given = _given(raw)
    inherited = {
        name: {"source": f"{base.ref}: {one.source}"[:500], "confidence": one.confidence}
        for name, one in base.sources.items()
        if name not in given
    }
    return {
        **raw,
        "values": {**rest["values"], **raw.get("values", {})},
        "may": {**rest["may"], **raw.get("may", {})},
        "sources": {**inherited, **sources},
    }


def _given(raw: dict[str, Any]) -> frozenset[str]:
    parts = ((section, "" if section == "values" else f"{section}.") for section in _SECTIONS)
    return frozenset(f"{prefix}{name}" for section, prefix in parts for name in raw.get(section, {}))


def _in_order(known: dict[str, Written]) -> None:
    """A later version of a profile comes into force on a later day."""
    before: Written | None = None
    for each in sorted(known.values(), key=lambda one: (one.profile.id, one.profile.version)):
        profile = each.profile
        if before is not None and before.profile.id == profile.id:
            was = before.profile.effective
            if profile.effective is None or (was is not None and profile.effective <= was):
                expected = "a day" if was is None else f"a day after {was}, that of {before.profile.ref}"
                got = "nothing" if profile.effective is None else profile.effective
                raise ProfilesWrong(f"{each.path}, {profile.ref}: effective: expected {expected}, got {got}")
        before = each


def _mapping(path: Path) -> dict[str, Any]:
    raw = _yaml(path)
    if not isinstance(raw, dict):
        raise ProfilesWrong(f"{path}: expected a profile: `id`, `version`, `effective`, `values`")
    return raw


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as problem:
        raise ProfilesWrong(f"{path}: {problem}") from None


def _first(problem: ValidationError) -> str:
    error = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in error["loc"])
    return f"{where}: {_said(error)}" if where else _said(error)


def _said(error: ErrorDetails) -> str:
    """What was expected and what came."""
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return "expected a value, got nothing"
    if kind == "extra_forbidden":
        return f"expected no entry of this name, got one; {_NAMES_ARE}"
    if kind.startswith("time_delta"):
        message = "expected a duration such as PT24H or P10D"
    elif kind.startswith("int_"):
        message = "expected a whole number"
    elif kind.startswith("date_"):
        message = "expected a day such as 2026-10-01"
    if ", got " in message:
        return message
    came = str(error["input"])
    return f"{message}, got {came[:_SHOWN_MAX_CHARS]}{'…' if len(came) > _SHOWN_MAX_CHARS else ''}"


_NAMES_ARE: Final = "docs/profiles.md lists the names"
