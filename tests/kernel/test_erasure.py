"""The walk that blanks what may name a buyer: all of it and nothing else; what it leaves can be read."""

from typing import Annotated, Any

import pytest
from pydantic import Field

from shared.contracts.base import PERSONAL, Frozen, Name, Text
from shared.contracts.facts import Receiver
from shared.kernel.erasure import ERASED, marked, without_personal

pytestmark = pytest.mark.promise("forgotten")


class Inner(Frozen):
    """A part with a text."""

    number: int = 1
    text: Text = ""


class Outer(Frozen):
    """Every way in which a mark may stand."""

    label: Name
    name: Annotated[Name, PERSONAL]
    maybe: Text | None = None
    texts: tuple[Text, ...] = ()
    kept: Annotated[tuple[Inner, ...], PERSONAL] = ()
    values: Annotated[dict[str, Any], PERSONAL] = Field(default_factory=dict)
    parts: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] = Field(default_factory=dict)
    contact: Annotated[Receiver | None, PERSONAL] = None
    part: Inner | None = None


ANNA = Inner(text="Anna")
FULL = Outer(
    label="stays",
    name="Anna",
    maybe="Anna",
    texts=("Anna", "Roth"),
    kept=(ANNA,),
    values={"to": "Anna"},
    parts=(Inner(number=2), ANNA),
    by_name={"one": ANNA},
    contact=Receiver(name="Anna"),
    part=ANNA,
)


def test_whatever_has_the_mark_is_blank_and_everything_else_stays() -> None:
    blank = without_personal(FULL)
    gone = Inner(text=ERASED)
    assert blank == Outer(
        label="stays",
        name=ERASED,
        texts=(ERASED, ERASED),
        parts=(Inner(number=2), gone),
        by_name={"one": gone},
        part=gone,
    )
    assert "Anna" not in blank.model_dump_json()


def test_what_is_blank_can_be_read_again_and_stays_as_it_is() -> None:
    blank = without_personal(FULL)
    assert Outer.model_validate_json(blank.model_dump_json()) == blank
    assert without_personal(blank) is blank


def test_a_value_that_names_nobody_is_handed_back_itself() -> None:
    plain = Outer(label="stays", name=ERASED, parts=(Inner(),))
    assert without_personal(plain) is plain
    assert without_personal((plain, "text", 3)) == (plain, "text", 3)


def test_of_a_receiver_country_and_state_stay() -> None:
    assert set(Receiver.model_fields) - set(marked(Receiver)) == {"country", "state"}
