"""Whose fault an exception is."""

import pytest

from services.logistics.decide.faults import REASONS, TABLE, Cause, cause_of
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
        ("电话无人接听,未签收", "unreachable", "buyer"),
        ("快件超区", "out_of_area", "unknown"),
        ("快件在途中遗失", "lost", "carrier"),
        ("Customs duties unpaid", "customs_duties_unpaid", "buyer"),
        ("attempted_delivery: nobody answered", "delivery_attempted", "unknown"),
        ("Delivery attempted, receiver not home", "not_home", "buyer"),
        ("Closed by an earthquake", "natural_disaster", "weather"),
        ("Something happened", "unspecified", "unknown"),
        ("", "unspecified", "unknown"),
    ],
)
def test_the_carriers_words_tell_whose_fault_it_is(text: str, reason: str, fault: Fault) -> None:
    cause = cause_of(text, None)
    assert (cause.reason, cause.fault) == (reason, fault)


def test_every_reason_read_from_words_is_one_of_ours_with_its_fault() -> None:
    assert {(reason, fault) for reason, fault, _ in TABLE} <= set(REASONS.items())


def test_a_senders_reason_comes_before_its_words_and_brings_its_fault() -> None:
    assert cause_of("Address not found", None, "refused") == Cause(reason="refused", fault="buyer")
    assert cause_of("", "carrier", "held") == Cause(reason="held", fault="carrier")


def test_the_carriers_own_finding_comes_before_its_words() -> None:
    cause = cause_of("Address not found", "carrier")
    assert (cause.reason, cause.fault) == ("address_not_found", "carrier")
