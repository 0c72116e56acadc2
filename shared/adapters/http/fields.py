"""What was wrong with a field, told without repeating anything personal."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from shared.contracts.facts import TAKEN_BY

PERSONAL: Final = frozenset(
    {
        "receiver",
        "contact",
        "text",
        "name",
        "phone",
        "email",
        "address",
        "city",
        "state",
        "country",
        "postal_code",
        "location",
        "reason",
        "details",
        "buyer_id",
        "resolution",
        "result",
        "summary",
    }
)
"""Fields whose values, and everything below them, are told by their type only."""

_SHOWN_MAX_CHARS: Final = 64
_PLAIN_NAME: Final = re.compile(r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")
_SUBJECT: Final = re.compile(r"^an? \w+ (?:is|has|lies) ")
"""What our own checks begin with: "an amount is …", "a moment lies …"."""
_PLACES: Final = frozenset({"body", "query", "path", "header"})
_OWN_WORDS: Final[dict[str, str]] = {
    "missing": "a value",
    "extra_forbidden": "no field of this name",
    "string_type": "a string",
    "string_unicode": "a string of valid Unicode",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "an array",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "decimal_parsing": "a decimal number written as a string, such as '16.45'",
    "decimal_type": "a decimal number written as a string, such as '16.45'",
    "finite_number": "a finite number",
    "timezone_aware": "a moment with an offset, such as '2026-03-02T12:00:00Z'",
    "datetime_type": "a moment, such as '2026-03-02T12:00:00Z'",
    "datetime_parsing": "a moment, such as '2026-03-02T12:00:00Z'",
    "datetime_from_date_parsing": "a moment, such as '2026-03-02T12:00:00Z'",
}


class Fault(NamedTuple):
    """One field, what it should have been and what it was."""

    field: str
    expected: str
    got: str


def field_errors(errors: Sequence[Any], where: str = "body", *, foreign: bool = False) -> list[Fault]:
    """Pydantic's errors as field, expected and got; those that only follow from others are left out.

    Of a foreign payload nobody here knows which fields are personal: all values are told by their type.
    """
    paths = [tuple(error["loc"]) for error in errors]
    found: list[Fault] = []
    for error, path in zip(errors, paths, strict=True):
        follows = error["type"] in {"too_short", "too_long"} and any(
            len(other) > len(path) and other[: len(path)] == path for other in paths
        )
        if not follows:
            found.append(_fault(error, _parts(path), foreign))
    return found or [Fault(where, "something else", "this")]


def named(part: object) -> str:
    """A part of a field's path as it may be told: names from outside that look odd are not repeated."""
    if isinstance(part, int):
        return str(part)
    text = str(part)
    return text if _PLAIN_NAME.match(text) else f"(a name of {len(text)} characters)"


def described(value: object) -> str:
    """A value by its type alone."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float() | Decimal():
            return "a number"
        case str() | bytes():
            return f"a string of {len(value)} characters"
        case dict():
            return "an object"
        case list() | tuple():
            return "an array"
        case _:
            return "something else"


def shown(value: object, path: Sequence[object]) -> str:
    """A value as it may be told: short and plain ones as they are, personal ones by their type."""
    if any(str(part).lower() in PERSONAL for part in path):
        return described(value)
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < 10**18 else "a number of very many digits"
        case float():
            return repr(value)
        case str() if len(value) <= _SHOWN_MAX_CHARS:
            return _printable(value)
        case str():
            return f"{_printable(value[:_SHOWN_MAX_CHARS])}… ({len(value)} characters)"
        case _:
            return described(value)


def _printable(text: str) -> str:
    return repr(text.encode("utf-8", "backslashreplace").decode())


def _parts(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """The path without the place it was found in, and without a union's tag such as `order.placed`."""
    rest = path[1:] if path and path[0] in _PLACES else path
    return rest[1:] if rest and rest[0] in TAKEN_BY else rest


def _fault(error: Any, path: tuple[Any, ...], foreign: bool) -> Fault:
    kind: str = error["type"]
    context: dict[str, Any] = error.get("ctx") or {}
    value = error.get("input")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        path = (*path, str(context.get("discriminator", "")).strip("'"))
        if kind == "union_tag_not_found":
            return Fault(_joined(path), "a value", "nothing")
        return Fault(_joined(path), f"one of {context['expected_tags']}", shown(context["tag"], path))
    if kind == "missing":
        return Fault(_joined(path), "a value", "nothing")
    if kind == "extra_forbidden":
        return Fault(_joined(path), _OWN_WORDS[kind], described(value))
    got = described(value) if foreign else shown(value, path)
    return Fault(_joined(path), _expected(kind, error["msg"], context, path), got)


def _joined(path: tuple[Any, ...]) -> str:
    return ".".join(named(part) for part in path) or "body"


def _expected(kind: str, message: str, context: dict[str, Any], path: tuple[Any, ...]) -> str:
    if kind in _OWN_WORDS:
        return _OWN_WORDS[kind]
    match kind:
        case "literal_error":
            return f"one of {context['expected']}"
        case "string_too_short":
            return f"at least {context['min_length']} character(s)"
        case "string_too_long":
            return f"at most {context['max_length']} characters"
        case "too_short":
            return f"at least {context['min_length']} item(s)"
        case "too_long":
            return f"at most {context['max_length']} items"
        case "string_pattern_mismatch" if str(context["pattern"]).startswith(r"^[^\x00"):
            return "1 to 128 characters, no control characters, not starting with a space"
        case "string_pattern_mismatch":
            return f"a string that matches {context['pattern']}"
        case "value_error" if path and path[-1] == "email":
            return "an e-mail address"
        case "value_error" if message.startswith("Value error, "):
            return _SUBJECT.sub("", message.removeprefix("Value error, "))
        case _:
            return message.removeprefix("Input should be ")
