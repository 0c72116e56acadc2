"""What each kind of wish brings with it, as data: its flag, its remark, whether it is acknowledged.

`wishes.yaml` beside this module holds it, `reading.py` reads it.
"""

from collections.abc import Mapping
from string import Template as Placeholders
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from shared.contracts.base import Strict
from shared.contracts.wishes import FlagColour, WishKind
from shared.kernel.platforms import Action
from shared.kernel.profiles import Language

MAY_SAY: Final = frozenset({"date", "author", "carrier", "slot", "was", "now", "amount"})
"""What a remark's placeholders may name; nothing of it names or places the buyer."""


class WishRule(Strict):
    """What a kind of wish brings with it."""

    colour: FlagColour
    """The flag where nobody chooses another."""
    acknowledged: bool
    """Whether the warehouse has to acknowledge it, and the order must not leave before that."""
    may: Action | None = None
    """What a platform must allow for it."""
    remark: dict[Language, Annotated[str, Field(min_length=1, max_length=300)]]
    """The shop's fixed remark; English where its language has none."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "en" not in self.remark:
            raise ValueError("remark: expected an English text")
        for language, text in self.remark.items():
            strange = sorted(set(Placeholders(text).get_identifiers()) - MAY_SAY)
            if strange or not Placeholders(text).is_valid():
                raise ValueError(
                    f"remark, {language}: expected placeholders among {sorted(MAY_SAY)}, got {strange}"
                )
        return self


WishRules = Mapping[WishKind, WishRule]


def written(rule: WishRule, language: Language, values: Mapping[str, str]) -> str:
    """The remark with its values filled in. Total: what is missing is left out."""
    text = rule.remark.get(language, rule.remark["en"])
    return Placeholders(text).safe_substitute({**dict.fromkeys(MAY_SAY, ""), **values})
