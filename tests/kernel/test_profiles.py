"""Profiles are data that is checked; a shop overrides single values."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from shared.kernel.profiles import Profile, Shop, in_force
from tests.kit.rules import default_profile


def shop(**fields: object) -> Shop:
    return Shop.model_validate({"shop_id": "s", "name": "S", "zone": "Europe/Berlin", **fields})


def test_the_default_profile_has_the_values_of_the_trade() -> None:
    values = default_profile().values
    assert values.payment_reminder_after == timedelta(hours=12)
    assert values.close_unpaid_after == timedelta(hours=24)
    assert values.stall_levels == (timedelta(hours=48), timedelta(hours=120))
    assert values.ship_within_of("Standard Class") == timedelta(hours=168)
    assert values.ship_within_of("Anything else") == timedelta(hours=48)


def test_a_shop_brings_its_zone_and_its_overrides() -> None:
    profile = in_force(default_profile(), shop(overrides={"close_unpaid_after": "PT72H"}))
    assert profile.zone == "Europe/Berlin"
    assert profile.values.close_unpaid_after == timedelta(hours=72)
    assert profile.values.answer_within == timedelta(hours=48)
    assert profile.ref == "default@1"


def test_an_override_that_names_no_value_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="close_unpayed_after"):
        in_force(default_profile(), shop(overrides={"close_unpayed_after": "PT72H"}))


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected an IANA time zone"):
        shop(zone="Europe/Berlyn")


def test_a_profile_without_a_value_is_refused_by_name() -> None:
    raw = default_profile().model_dump(mode="json")
    del raw["values"]["claim_lease"]
    with pytest.raises(ValidationError, match="claim_lease"):
        Profile.model_validate(raw)
