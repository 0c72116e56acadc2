"""Carriers and what others call them: one id of ours for the names of shops, trackers and aggregators."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from shared.contracts.base import ID_MAX_CHARS, Id, Name, Strict

OF_A_SYSTEM: Final = ":"
"""Parts a system from its code for a carrier that the table does not know: `aftership:my-courier`."""


class Carrier(Strict):
    """One carrier, its names, and the public check of its tracking numbers."""

    id: Id
    name: Name
    names: tuple[Name, ...] = ()
    """What shops and systems call it. Compared by letters and digits alone."""
    codes: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    """Names that hold in one system only, such as 17TRACK's numbers."""
    family: Name | None = None
    """Companies of one family pass parcels to each other under one number, and are mixed up by shops."""
    schemes: tuple[Name, ...] = ()
    """The check digits that its tracking numbers have; `decide/check_digits.py` computes them."""
    source: Annotated[str, Field(min_length=5)]


class Carriers:
    """All carriers by all their names."""

    def __init__(self, known: Sequence[Carrier]) -> None:
        """Raises `ValueError` when two carriers share a name."""
        names: dict[str, Carrier] = {}
        for carrier in known:
            called = [plain(name) for name in (carrier.id, carrier.name, *carrier.names)]
            called += [
                f"{plain(system)}{OF_A_SYSTEM}{plain(code)}"
                for system, codes in carrier.codes.items()
                for code in codes
            ]
            for name in called:
                if names.setdefault(name, carrier) is not carrier:
                    raise ValueError(f"carriers {names[name].id} and {carrier.id} are both called {name!r}")
        self.all: tuple[Carrier, ...] = tuple(known)
        self._names: Mapping[str, Carrier] = MappingProxyType(names)

    def named(self, name: str) -> Carrier | None:
        """The carrier of that name; `system:code` is looked up as the system's own code first."""
        system, parted, code = name.partition(OF_A_SYSTEM)
        if not parted:
            return self._names.get(plain(name))
        return self._names.get(f"{plain(system)}{OF_A_SYSTEM}{plain(code)}") or self._names.get(plain(code))

    def id_of(self, name: str) -> str | None:
        """Our id of the carrier of that name; None for one that the table does not know."""
        carrier = self.named(name)
        return None if carrier is None else carrier.id

    def told_by(self, system: str, code: str) -> str:
        """A carrier as a system calls it, in our words; an unknown one is kept as `system:code`."""
        return self.id_of(f"{system}{OF_A_SYSTEM}{code}") or f"{system}{OF_A_SYSTEM}{code}"[:ID_MAX_CHARS]


def plain(name: str) -> str:
    """A name as it is compared."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


class CarrierTable(Strict):
    """The file of carriers."""

    carriers: Annotated[tuple[Carrier, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        Carriers(self.carriers)
        return self


NO_CARRIERS: Final = Carriers(())
