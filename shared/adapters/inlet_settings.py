"""The inlets that were opened: who may post here, for which shop, signed with which secrets."""

from dataclasses import dataclass
from typing import Annotated, Final

import yaml
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from shared.adapters.settings import CommonSettings, SettingsWrong
from shared.contracts.base import Id, Strict
from shared.kernel.inlets import Inlet
from shared.runtime.service import Service

ALL_SHOPS: Final = "*"
_SECRET_MIN_CHARS: Final = 8
_FORMAT: Final = 'a list of {"name": "…", "system": "shopify", "shop_id": "…", "secrets": ["…"]}'
_PlainName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class _Entry(Strict):
    name: _PlainName
    """Its place in the address: `/inlets/<name>`."""
    system: _PlainName
    shop_id: Id
    secrets: Annotated[
        tuple[Annotated[SecretStr, Field(min_length=_SECRET_MIN_CHARS)], ...],
        Field(min_length=1, max_length=10),
    ]
    """Several while they are rotated: what is signed with any of them is let in."""


_ENTRIES: Final = TypeAdapter(list[_Entry])


@dataclass(frozen=True, slots=True)
class OpenInlet:
    """One outside system that may post here."""

    name: str
    shop_id: str
    secrets: tuple[str, ...]
    inlet: Inlet

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"OpenInlet({self.name!r}, {self.inlet.system!r}, {self.shop_id!r})"


def inlets_from(settings: CommonSettings, service: Service) -> dict[str, OpenInlet]:
    """The service's inlets that the settings open, by name. Raises `SettingsWrong`.

    Entries for systems that this service does not read are other services'.
    """
    entries: dict[str, tuple[str, _Entry]] = {}
    for variable, text in _texts(settings):
        for entry in _read(variable, text):
            if entry.name in entries:
                raise SettingsWrong((variable, "names that are given once", f"{entry.name!r} twice"))
            entries[entry.name] = (variable, entry)
    known = {inlet.system: inlet for inlet in service.inlets}
    found: dict[str, OpenInlet] = {}
    for variable, entry in entries.values():
        inlet = known.get(entry.system)
        if inlet is None:
            continue
        if inlet.one_shop and entry.shop_id == ALL_SHOPS:
            raise SettingsWrong(
                (variable, f"{entry.name}: one shop's id, since {inlet.system} names no shop", "'*'")
            )
        secrets = tuple(secret.get_secret_value() for secret in entry.secrets)
        found[entry.name] = OpenInlet(entry.name, entry.shop_id, secrets, inlet)
    return found


def _texts(settings: CommonSettings) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    if settings.inlets is not None:
        found["ORDERLINK_INLETS"] = settings.inlets.get_secret_value()
    if settings.inlets_file is not None:
        try:
            found["ORDERLINK_INLETS_FILE"] = settings.inlets_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise SettingsWrong(
                ("ORDERLINK_INLETS_FILE", "a file in UTF-8 that can be read", "another")
            ) from None
    return list(found.items())


def _read(variable: str, text: str) -> list[_Entry]:
    """The entries of one text; JSON is YAML too. What is wrong is told without what is written there."""
    try:
        return _ENTRIES.validate_python(yaml.safe_load(text))
    except yaml.YAMLError as problem:
        line = getattr(getattr(problem, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise SettingsWrong((variable, _FORMAT, f"a text that is no YAML or JSON{where}")) from None
    except ValidationError as problem:
        error = problem.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in error["loc"])
        about = f" ({place}: {error['msg']})" if place else ""
        raise SettingsWrong((variable, _FORMAT, f"something else{about}")) from None
