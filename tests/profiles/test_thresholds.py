"""Thresholds of a carrier or a route: the most specific one that gives a value wins."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.kernel.profiles import Shop, in_force
from shared.kernel.routes import Route, Threshold
from tests.kit.rules import default_profile

DOMESTIC = Route(origin="US/California", country="US", state="Texas")
ABROAD = Route(origin="US/California", country="CN", state="Guangdong")


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


def threshold(pickup: int, **condition: Any) -> dict[str, Any]:
    return {**condition, "pickup_overdue_after": f"PT{pickup}H"}


LADDER = [
    threshold(1, route="international"),
    threshold(2, **{"from": "US", "to": "CN"}),
    threshold(3, **{"from": "US/California", "to": "CN"}),
    threshold(4, **{"from": "US/California", "to": "CN/Guangdong"}),
    threshold(5, carrier="dhl"),
    threshold(6, carrier="dhl", route="international"),
    threshold(7, carrier="dhl", **{"from": "US", "to": "CN"}),
]
"""From the least specific to the most."""


def pickup(entries: Any, carrier: str = "dhl", route: Route | None = ABROAD) -> timedelta:
    entries = tuple(Threshold.model_validate(entry) for entry in entries)
    values = default_profile(thresholds=entries).values.for_parcel(carrier, route)
    return values.pickup_overdue_after


def test_a_parcel_that_no_threshold_is_for_has_the_profiles_own_values() -> None:
    values = default_profile().values
    assert values.for_parcel("dhl", ABROAD) is values
    assert pickup([threshold(1, carrier="ups")]) == hours(24)


@pytest.mark.parametrize("length", range(1, len(LADDER) + 1))
def test_the_most_specific_threshold_wins_wherever_it_stands(length: int) -> None:
    for order in ([*LADDER[:length]], [*reversed(LADDER[:length])]):
        assert pickup(order) == hours(length)


@given(st.permutations(LADDER))
def test_the_order_in_which_thresholds_are_written_does_not_matter(entries: list[dict[str, Any]]) -> None:
    assert pickup(entries) == hours(7)
    assert pickup(entries, "ups") == hours(4)
    assert pickup(entries, "ups", DOMESTIC) == hours(24)
    assert pickup(entries, "dhl", None) == hours(5)


def test_each_value_is_taken_from_the_most_specific_threshold_that_gives_it() -> None:
    general = {"carrier": "dhl", "stall_levels": ["PT72H", "PT168H"], "pickup_overdue_after": "PT48H"}
    special = {"carrier": "dhl", "route": "international", "lost_suspected_after": "P30D"}
    for one, other in permutations((general, special)):
        entries = (Threshold.model_validate(one), Threshold.model_validate(other))
        values = default_profile(thresholds=entries).values.for_parcel("dhl", ABROAD)
        assert values.stall_levels == (hours(72), hours(168))
        assert values.pickup_overdue_after == hours(48)
        assert values.lost_suspected_after == timedelta(days=30)
        assert values.answer_within == hours(48)


@pytest.mark.parametrize(
    ("country", "kind"), [("US", "domestic"), ("us ", "domestic"), ("CN", "international")]
)
def test_a_route_is_domestic_where_both_ends_are_in_one_country(country: str, kind: str) -> None:
    route = Route(origin="US/California", country=country)
    entries = [threshold(1, route="domestic"), threshold(2, route="international")]
    assert pickup(entries, route=route) == hours(1 if kind == "domestic" else 2)


def test_a_route_that_is_not_known_matches_no_threshold_that_asks_for_one() -> None:
    assert pickup(LADDER[:4], route=None) == hours(24)
    assert pickup(
        [threshold(3, **{"from": "US", "to": "CN/Guangdong"})], route=Route(origin="US", country="CN")
    ) == hours(24)


def test_a_shop_without_a_place_or_a_receiver_without_a_country_has_no_route() -> None:
    shop = Shop(shop_id="s", name="S", zone="UTC", ships_from="US/California")
    profile = in_force(default_profile(), shop)
    assert profile.route_to("CN", None) == Route(origin="US/California", country="CN")
    assert profile.route_to(None, None) is None
    assert default_profile().route_to("CN", None) is None


def test_a_shops_threshold_is_added_to_its_profiles_and_wins_on_the_same_condition() -> None:
    base = default_profile(
        thresholds=(
            Threshold.model_validate(threshold(30, carrier="dhl")),
            Threshold.model_validate(threshold(40, carrier="ups")),
        )
    )
    shop = Shop(shop_id="s", name="S", zone="UTC", overrides={"thresholds": [threshold(31, carrier="DHL")]})
    values = in_force(base, shop).values
    assert values.for_parcel("dhl", None).pickup_overdue_after == hours(31)
    assert values.for_parcel("ups", None).pickup_overdue_after == hours(40)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (threshold(1), "a `carrier`, a `route`, or `from` and `to`"),
        ({"carrier": "dhl"}, "expected `pickup_overdue_after`"),
        (threshold(1, **{"from": "US"}), "`from` and `to` together"),
        (threshold(1, route="domestic", **{"from": "US", "to": "CN"}), "got both"),
        (threshold(1, route="overseas"), "domestic"),
        (threshold(1, **{"from": "US/", "to": "CN"}), "pattern"),
        ({"carrier": "dhl", "stall_levels": ["PT48H"]}, "stall_levels"),
    ],
)
def test_a_threshold_that_says_too_little_or_too_much_is_refused(entry: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Threshold.model_validate(entry)


def test_two_thresholds_for_the_same_carrier_and_route_are_refused() -> None:
    raw = default_profile().values.model_dump(mode="json")
    raw["thresholds"] = [threshold(1, carrier="dhl"), threshold(2, carrier="Dhl")]
    with pytest.raises(ValidationError, match="one threshold for each carrier and route"):
        type(default_profile().values).model_validate(raw)
