"""Additive evolution: what a version of an event may still change once it has been released."""

from typing import Any

from shared.contracts.event import MalformedEvent, UnknownEventType, from_cloudevent
from shared.contracts.schemas import Schema

Record = dict[str, Any]


def narrowed(old: Schema, new: Schema) -> list[str]:
    """What the new schema no longer promises that the old one did, one line a finding.

    A subscriber reads by the old schema: every field it requires must still be required, and every
    type and fixed value it names must stay. New fields are no loss.
    """
    return sorted(set(_narrowed(old, new, old, new, "record", frozenset())))


def unreadable(records: dict[str, Record]) -> list[str]:
    """Which stored records today's code cannot read, and why."""
    found: list[str] = []
    for name, record in sorted(records.items()):
        try:
            from_cloudevent(record)
        except (MalformedEvent, UnknownEventType) as problem:
            found.append(f"{name}: {problem}")
    return found


def _resolved(node: Schema, root: Schema) -> Schema:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    target: Any = root
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def _types(node: Schema) -> set[str]:
    kind = node.get("type")
    return {kind} if isinstance(kind, str) else set(kind or ())


def _values(node: Schema) -> set[str] | None:
    if "const" in node:
        return {repr(node["const"])}
    return {repr(value) for value in node["enum"]} if "enum" in node else None


def _choices(node: Schema) -> list[Schema]:
    choices: list[Schema] = node.get("anyOf") or node.get("oneOf") or [node]
    return choices


def _narrowed(
    old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str, seen: frozenset[str]
) -> list[str]:
    reference = str(old.get("$ref", ""))
    if reference and reference in seen:
        return []
    seen = seen | {reference} if reference else seen
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    olds, news = _choices(old), _choices(new)
    if len(olds) > 1 or len(news) > 1:
        return _narrowed_choice(olds, news, (old_root, new_root), at, seen)
    found: list[str] = []
    if _types(old) and not (_types(new) and _types(new) <= _types(old)):
        found.append(f"{at}: was {sorted(_types(old))}, is {sorted(_types(new)) or 'anything'}")
    old_values, new_values = _values(old), _values(new)
    if old_values is not None and (new_values is None or not new_values <= old_values):
        added = sorted((new_values or {"anything"}) - old_values)
        found.append(f"{at}: may now be {', '.join(added)}")
    found += [
        f"{at}.{name}: is no longer always there"
        for name in old.get("required", ())
        if name not in new.get("required", ())
    ]
    for name, field in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            inner = new["properties"][name]
            found += _narrowed(field, inner, old_root, new_root, f"{at}.{name}", seen)
        else:
            found.append(f"{at}.{name}: is gone")
    if isinstance(old.get("items"), dict):
        inner = new.get("items", {})
        found += _narrowed(old["items"], inner, old_root, new_root, f"{at}[]", seen)
    return found


def _narrowed_choice(
    olds: list[Schema], news: list[Schema], roots: tuple[Schema, Schema], at: str, seen: frozenset[str]
) -> list[str]:
    """Every new choice must fit one of the old ones."""
    return [
        f"{at}: may now be {choice.get('type') or choice.get('$ref') or 'something else'}"
        for choice in news
        if all(_narrowed(old, choice, *roots, at, seen) for old in olds)
    ]
