"""Words of platforms and what they mean here, read from `tables.yaml` and checked when loaded."""

from importlib.resources import files
from typing import Annotated, Final

import yaml
from pydantic import Field, TypeAdapter

from shared.contracts.base import Strict

Word = Annotated[str, Field(min_length=1, max_length=120)]


class Table(Strict):
    """One platform's words for one thing. A meaning with a space is the reason why a word is left."""

    source: Annotated[str, Field(min_length=10)]
    words: Annotated[dict[Word, Word], Field(min_length=1)]

    def meaning(self, word: str) -> str | None:
        """What the word means; None for one that is not known."""
        return self.words.get(word)


def is_reason(meaning: str) -> bool:
    """Whether a meaning says why nothing is told."""
    return " " in meaning


def read_tables(text: str) -> dict[str, Table]:
    """The tables of a text. Raises `pydantic.ValidationError` that names the table and the word."""
    return TypeAdapter(dict[str, Table]).validate_python(yaml.safe_load(text))


TABLES: Final = read_tables(files("services.orders.inlets").joinpath("tables.yaml").read_text("utf-8"))
