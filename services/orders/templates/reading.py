"""Reads the rules of wishes that lie beside this module, and checks them, when it is loaded."""

from importlib.resources import files
from types import MappingProxyType
from typing import Final, get_args

import yaml
from pydantic import TypeAdapter

from services.orders.templates import WishRule, WishRules
from shared.contracts.wishes import WishKind

_RULES: Final = TypeAdapter(dict[WishKind, WishRule])


def read_wishes(text: str) -> WishRules:
    """The rules from the text of their file. Raises `ValueError` that names what is at fault."""
    try:
        rules = _RULES.validate_python(yaml.safe_load(text))
    except (ValueError, yaml.YAMLError) as problem:
        raise ValueError(f"wishes.yaml: {problem}") from problem
    missing = sorted(set(get_args(WishKind)) - set(rules))
    if missing:
        raise ValueError(f"wishes.yaml: expected every kind of wish, {missing[0]!r} is missing")
    return MappingProxyType(rules)


WISHES: Final[WishRules] = read_wishes(
    files("services.orders.templates").joinpath("wishes.yaml").read_text(encoding="utf-8")
)
