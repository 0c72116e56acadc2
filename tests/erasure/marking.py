"""Markers: words that stand in every field that may name a buyer, to be searched for afterwards."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from shared.kernel.erasure import marked

WORD: Final = "zzmarker"
PHONE: Final = "+49 30 7770"
"""A phone number takes no letters."""

M = TypeVar("M", bound=BaseModel)
Field = tuple[str, str]


class Marker:
    """Fills every field with the mark, each time with another word, and remembers which fields it filled."""

    def __init__(self) -> None:
        self.planted: set[Field] = set()
        self.words: list[str] = []

    def fill(self, model: M) -> M:
        """The model with a word in every field that may name a buyer, absent ones included."""
        changed: dict[str, Any] = {}
        for name in type(model).model_fields:
            value = getattr(model, name)
            if name in marked(type(model)):
                changed[name] = self._word(type(model), model, name)
            elif isinstance(value, BaseModel):
                changed[name] = self.fill(value)
            elif isinstance(value, tuple):
                changed[name] = tuple(
                    self.fill(each) if isinstance(each, BaseModel) else each for each in value
                )
        return model.model_copy(update=changed)

    def word(self, model: type[BaseModel], field: str) -> str:
        """A word for a field that somebody fills by hand."""
        self.planted.add((model.__name__, field))
        self.words.append(f"{WORD}{len(self.words)}x")
        return self.words[-1]

    def _word(self, model: type[BaseModel], filled: BaseModel, field: str) -> Any:
        word = self.word(model, field)
        for value in (f"{word} wrote", f"{word}@buyers.example", f"{PHONE}{len(self.words):06}"):
            try:
                told = model.model_validate({**filled.model_dump(), field: value})
            except ValidationError:
                continue
            if value.startswith(PHONE):
                self.words[-1] = value
            return getattr(told, field)
        raise AssertionError(f"no word fits {model.__name__}.{field}")


def inputs(*unions: Any) -> set[type[BaseModel]]:
    """All models that the members of these unions are made of."""
    found: set[type[BaseModel]] = set()
    for union in unions:
        _collect(union, found)
    return found


def _collect(annotation: Any, found: set[type[BaseModel]]) -> None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation not in found:
            found.add(annotation)
            for field in annotation.model_fields.values():
                _collect(field.annotation, found)
        return
    for part in get_args(annotation):
        _collect(part, found)


def fields_with_mark(models: Iterable[type[BaseModel]]) -> set[Field]:
    """The fields of these models that may name a buyer."""
    return {(model.__name__, field) for model in models for field in marked(model)}


def labels(models: Iterable[type[BaseModel]]) -> Iterator[Field]:
    """Their fields that hold a text without the mark: neither an id nor one of a few values."""
    for model in models:
        for name, field in model.model_fields.items():
            told = f"{field.annotation} {field.metadata}"
            is_text = "max_length=200" in told or (field.annotation is str and not field.metadata)
            if is_text and name not in marked(model):
                yield model.__name__, name
