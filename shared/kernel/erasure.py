"""The erasure of a buyer: what is asked of a file, and a file's values without whatever names him.

What may name him carries the mark `PERSONAL` in its annotation, in facts and commands as in states and
views. So one walk blanks all of it, and a field that is added tomorrow is blanked if it has the mark.
"""

from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar, cast, get_args

from pydantic import BaseModel

from shared.contracts.base import PERSONAL
from shared.kernel.decision import Command, Refused

ERASED: Final = "(erased)"
"""Stands where a text was. It is no empty one, since many may not be empty."""
RULE: Final = "erasure"
ORDER_ERASED: Final = Refused(
    slug="order-erased",
    detail="The buyer of this order was erased: nothing that may be about him is kept any more.",
)

T = TypeVar("T")


class EraseBuyer(Command):
    """The file shall forget who the buyer is and what he wrote."""

    AT_ONCE = True

    even_though_open: bool = False
    """Whether it shall be done although the trade still needs to know him."""


def without_personal(value: T) -> T:
    """The value with everything blank that may name somebody; the same object if there is nothing.

    A text becomes `(erased)`, what may be absent None, a dict and a tuple of other things an empty one.
    An empty text names nobody and stays.
    """
    blanked: Any = value
    match value:
        case BaseModel():
            blanked = _without(value)
        case tuple():
            items = cast("tuple[Any, ...]", value)
            blank = tuple(map(without_personal, items))
            blanked = blank if any(now is not was for now, was in zip(blank, items, strict=True)) else items
        case dict():
            held = cast("dict[Any, Any]", value)
            emptied = {key: without_personal(was) for key, was in held.items()}
            blanked = emptied if any(emptied[key] is not was for key, was in held.items()) else held
        case _:
            pass
    return blanked  # type: ignore[no-any-return]  # of the value's own type, by its kind


def _without(model: BaseModel) -> BaseModel:
    optional = marked(type(model))
    changed: dict[str, Any] = {}
    for name in type(model).model_fields:
        was = getattr(model, name)
        now = _blank(was, optional=optional[name]) if name in optional else without_personal(was)
        if now is not was:
            changed[name] = now
    return model.model_copy(update=changed) if changed else model


def _blank(was: Any, *, optional: bool) -> Any:
    if not was or was == ERASED:
        return was
    if optional:
        return None
    match was:
        case str():
            return ERASED
        case tuple():
            items = cast("tuple[Any, ...]", was)  # type: ignore[redundant-cast]  # not for pyright
            if not all(isinstance(each, str) for each in items):
                return ()
            return items if set(items) == {ERASED} else (ERASED,) * len(items)
        case dict():
            return {}
        case _:
            return without_personal(was)


@cache
def marked(model: type[BaseModel]) -> dict[str, bool]:
    """The model's fields that carry the mark, and whether each may be absent."""
    return {
        name: NoneType in get_args(field.annotation)
        for name, field in model.model_fields.items()
        if PERSONAL in field.metadata or _holds_mark(field.annotation)
    }


def _holds_mark(annotation: Any) -> bool:
    """Whether a part of the annotation, such as one side of `Text | None`, carries the mark."""
    metadata = getattr(annotation, "__metadata__", ())
    return PERSONAL in metadata or any(_holds_mark(part) for part in get_args(annotation))
