"""What other systems' words mean: tables of statuses, and the words of Chinese traces. Data, checked."""

import re
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from services.logistics.decide.faults import REASONS
from shared.contracts.base import Name, Strict, Text
from shared.contracts.facts import Fault, ScanStatus

Means = Literal[
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "exception",
    "returning",
    "returned",
    "nothing",
    "as_status",
    "by_words",
]
"""A scan of ours, or: nothing of the parcel; what the status beside it means; what its text says."""


class Meaning(Strict):
    """One code of a system."""

    code: Name
    name: Name | None = None
    """The system's own name for the code, where it sends that alone."""
    means: Means
    otherwise: ScanStatus | None = None
    """What it means when its text says nothing."""
    reason: Name | None = None
    fault: Fault | None = None
    source: Name
    note: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.reason is not None and self.reason not in REASONS:
            raise ValueError(f"{self.code}: reason: there is no {self.reason!r}")
        if self.means != "exception" and (self.reason or self.fault):
            raise ValueError(f"{self.code}: only an exception has a reason or a fault")
        if (self.means == "by_words") != (self.otherwise is not None):
            raise ValueError(f"{self.code}: by_words and otherwise go together")
        return self


class StatusTable(Strict):
    """One system's codes. A detail refines its status, except one that says `delivered`."""

    system: Name
    sources: Annotated[dict[Name, str], Field(min_length=1)]
    statuses: Annotated[tuple[Meaning, ...], Field(min_length=1)]
    details: tuple[Meaning, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for entries in (self.statuses, self.details):
            codes = [entry.code.casefold() for entry in entries]
            twice = {code for code in codes if codes.count(code) > 1}
            if twice:
                raise ValueError(f"{self.system}: {sorted(twice)} stand there twice")
            unknown = {entry.source for entry in entries} - set(self.sources)
            if unknown:
                raise ValueError(f"{self.system}: no such sources as {sorted(unknown)}")
        if any(entry.means == "as_status" for entry in self.statuses):
            raise ValueError(f"{self.system}: a status can't mean what the status means")
        return self

    def status(self, *codes: str | None) -> Meaning | None:
        """The meaning of the first of these codes or names that the table has."""
        return _first(self.statuses, codes)

    def refined(self, status: str | None, detail: str | None) -> Meaning | None:
        """The meaning of a status with its detail."""
        plain, fine = self.status(status), _first(self.details, (detail,))
        if plain is not None and plain.means == "delivered":
            return plain
        return plain if fine is None or fine.means == "as_status" else fine


def _first(entries: tuple[Meaning, ...], codes: tuple[str | None, ...]) -> Meaning | None:
    for code in codes:
        for entry in entries:
            if code and code.casefold() in (entry.code.casefold(), entry.name):
                return entry
    return None


class Words(Strict):
    """Words of a language in carriers' lines, and what they mean."""

    source: Text
    words: dict[Means | Literal["neutral"], tuple[Name, ...]]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        every = [word for words in self.words.values() for word in words]
        twice = {word for word in every if every.count(word) > 1}
        if twice:
            raise ValueError(f"{sorted(twice)} stand there twice")
        strange = set(self.words) - {*get_args(ScanStatus), "neutral"}
        if strange:
            raise ValueError(f"{sorted(strange)} are no scans of ours")
        return self

    def status_of(self, text: str) -> ScanStatus | None:
        """What a line says: at each place the longest word counts, and of those that count the last."""
        kinds = {word: kind for kind, words in self.words.items() for word in words}
        longest_first = "|".join(re.escape(word) for word in sorted(kinds, key=len, reverse=True))
        said: ScanStatus | None = None
        for match in re.finditer(longest_first, text):
            kind = kinds[match[0]]
            if kind in get_args(ScanStatus):
                said = kind  # type: ignore[assignment]  # checked when it was loaded
        return said
