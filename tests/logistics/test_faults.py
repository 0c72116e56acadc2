"""Whose fault an exception is."""

import pytest

from services.logistics.decide.faults import cause_of
from shared.contracts.facts import Fault


@pytest.mark.parametrize(
    ("text", "reason", "fault"),
    [
        ("Address not found", "address_not_found", "buyer"),
        ("Delivery delayed due to severe WEATHER", "weather", "weather"),
        ("Held by customs: invoice missing", "customs", "customs"),
        ("Recipient refused the parcel", "refused", "buyer"),
        ("Parcel damaged in transit", "damaged", "carrier"),
        ("Label unreadable", "packaging", "shop"),
        ("收件人拒收", "refused", "buyer"),
        ("Something happened", "unspecified", "unknown"),
        ("", "unspecified", "unknown"),
    ],
)
def test_the_carriers_words_tell_whose_fault_it_is(text: str, reason: str, fault: Fault) -> None:
    cause = cause_of(text, None)
    assert (cause.reason, cause.fault) == (reason, fault)


def test_the_carriers_own_finding_comes_before_its_words() -> None:
    cause = cause_of("Address not found", "carrier")
    assert (cause.reason, cause.fault) == ("address_not_found", "carrier")
