"""Tracking numbers that fail their carrier's check digit: taken, said, and looked into once."""

import pytest

from services.logistics.app import SERVICE
from services.logistics.decide.check_digits import SCHEMES, failed_scheme
from services.logistics.inlets.reading import CARRIERS
from shared.contracts.facts import tracking_subject
from tests.kit.rules import START, Play, after
from tests.logistics.story import ORDER, dispatched, placed, shipping, wanted
from tests.logistics.test_sightings import sighting

GOOD = [
    ("ups", "1Z5R89390357567127"),
    ("ups", "1Z879E930346834440"),
    ("ups", "1Z8V92A70367203024"),
    ("usps", "9400 1112 0108 0805 4830 16"),
    ("usps", "9361289878700317633795"),
    ("usps", "4201002334249200190132607600833457"),
    ("usps", "420221539101026837331000039521"),
    ("usps", "RB123456785US"),
    ("royal-mail", "RB 123 456 785 GB"),
    ("china-ems", "RB123456785CN"),
    ("fedex", "986578788855"),
    ("fedex", "477179081230"),
    ("fedex", "041441760228964"),
    ("fedex", "568283610012734"),
    ("dhl", "3318810025"),
    ("dhl-express", "8487135506"),
]
BAD = [
    ("ups", "1Z5R89390357567128", "ups_1z"),
    ("usps", "9400111201080805483017", "usps_impb"),
    ("USPS", "RB123456786US", "s10"),
    ("fedex", "996578788855", "fedex_12"),
    ("fedex", "568283610012732", "fedex_15"),
    ("dhl_express", "3318810010", "dhl_express_10"),
]


@pytest.mark.parametrize(("carrier", "number"), GOOD)
def test_a_good_number_passes(carrier: str, number: str) -> None:
    assert failed_scheme(CARRIERS, carrier, number) is None


@pytest.mark.parametrize(("carrier", "number", "scheme"), BAD)
def test_a_mistyped_number_fails_its_scheme(carrier: str, number: str, scheme: str) -> None:
    assert failed_scheme(CARRIERS, carrier, number) == scheme


@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("ups", "T1234567890"),
        ("nobody", "1Z5R89390357567128"),
        ("sf", "SF1"),
        ("usps", "١٢٣"),
        ("dhl", "00340434161094042557"),
    ],
)
def test_a_number_of_another_shape_proves_nothing(carrier: str, number: str) -> None:
    assert failed_scheme(CARRIERS, carrier, number) is None


@pytest.mark.parametrize(("carrier", "number"), GOOD)
def test_every_scheme_sees_one_wrong_digit(carrier: str, number: str) -> None:
    at = max(place for place, sign in enumerate(number) if sign.isdigit())
    wrong = [number[:at] + digit + number[at + 1 :] for digit in "0123456789" if digit != number[at]]
    assert any(failed_scheme(CARRIERS, carrier, one) for one in wrong)


def test_every_scheme_is_some_carriers() -> None:
    assert {scheme for carrier in CARRIERS.all for scheme in carrier.schemes} == set(SCHEMES)


def test_a_parcel_with_a_mistyped_number_leaves_and_is_looked_into_once() -> None:
    play = Play(SERVICE, ORDER).hear(placed(), START)
    fact = dispatched(carrier="ups", tracking="1Z5R89390357567128")
    play.do(fact, fact, fact.model_copy(update={"id": "again"}))
    assert play.names().count("parcel.dispatched") == 1
    (task,) = wanted(play, "look_into")
    assert task.details["scheme"] == "ups_1z"
    assert play.names().count("parcel.number_doubted") == 1


def test_a_number_of_no_known_scheme_is_not_doubted() -> None:
    assert shipping().of("parcel.number_doubted") == []


def test_a_sighting_says_that_its_number_fails() -> None:
    number = "1Z5R89390357567128"
    play = Play(SERVICE, tracking_subject(number)).do(
        sighting(at=after(hours=1), carrier="ups", number=number)
    )
    assert [one.scheme_failed for one in play.of("sighting.recorded")] == ["ups_1z"]
    assert play.view.sightings[0].scheme_failed == "ups_1z"
