"""What a field of a contract takes, and what it refuses with a reason."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.contracts.base import Amount, Id
from shared.kernel.money import plain, total

AMOUNT: TypeAdapter[Decimal] = TypeAdapter(Amount)
ID: TypeAdapter[str] = TypeAdapter(Id)


@pytest.mark.parametrize("text", ["0", "0.00", "16.45", "99999999999.9999"])
def test_an_amount_is_a_decimal_string(text: str) -> None:
    assert AMOUNT.validate_python(text) == Decimal(text)


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (16.45, "written as a string"),
        (16, "written as a string"),
        (None, "written as a string"),
        ("-0.01", "zero or more"),
        ("NaN", "in digits"),
        ("Infinity", "in digits"),
        ("1e3", "in digits"),
        ("1_000", "in digits"),
        ("١٦", "in digits"),
        (" 16.45", "in digits"),
        ("16,45", "in digits"),
        ("0.00001", "decimal places"),
        ("1" * 40, "digits"),
        ("abc", "in digits"),
    ],
)
def test_anything_else_is_refused_with_what_was_expected(came: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AMOUNT.validate_python(came)


def test_amounts_are_written_plainly_and_come_back_equal() -> None:
    assert AMOUNT.dump_json(Decimal("1E+3")) == b'"1000"'
    assert plain(Decimal("1E+3")) == "1000"
    assert total([Decimal("0.10"), Decimal("0.20")]) == Decimal("0.30")
    assert total([]) == 0


@pytest.mark.parametrize("text", ["CA-2014-103800", "订单-1", "a" * 128, "a b/c~d.e$"])
def test_an_id_is_opaque(text: str) -> None:
    assert ID.validate_python(text) == text


@pytest.mark.parametrize("text", ["", "a" * 129, "a\x00b", "a\nb", " a"])
def test_an_id_is_not_empty_not_long_and_has_no_control_characters(text: str) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(text)
