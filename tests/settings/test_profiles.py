"""Profiles and shops from files: what ships, what is added, and what is told of a mistake."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.adapters.profile_files import ProfilesWrong, load_profiles


def test_the_shipped_profile_and_shops_can_be_read() -> None:
    profiles = load_profiles()
    assert profiles.of("superstore").zone == "America/New_York"
    assert profiles.of("superstore").ref == "default@1"
    assert profiles.of("demo").mail_from.endswith("example")


@pytest.mark.parametrize("shop_id", [None, "", "never heard of"])
def test_an_unknown_shop_has_the_default_profile_in_utc(shop_id: str | None) -> None:
    profile = load_profiles().of(shop_id)
    assert (profile.id, profile.zone) == ("default", "UTC")


def test_a_profile_falls_back_to_the_default_for_what_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "fast.yaml").write_text(
        "id: fast\nversion: 2\neffective: 2026-01-01\nvalues: {close_unpaid_after: PT1H}\n"
    )
    shops = tmp_path / "shops.list"
    shops.write_text(
        "- {shop_id: s, name: S, zone: Europe/Berlin, profile: fast, overrides: {buyer_daily_cap: 5}}\n"
    )
    profile = load_profiles(tmp_path, shops).of("s")
    assert profile.ref == "fast@2"
    assert profile.values.close_unpaid_after == timedelta(hours=1)
    assert profile.values.auto_complete_after == timedelta(days=10)
    assert profile.values.buyer_daily_cap == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "shops.yaml"),
        ("shop: 1", "list of shops"),
        ("- {shop_id: s, name: S, zone: Mars/Base}", "IANA time zone"),
        ("- {shop_id: s, name: S, zone: UTC, profile: gone}", "gone"),
        ("- {shop_id: s, name: S, zone: UTC, colour: red}", "colour"),
        ("- {shop_id: s, name: S, zone: UTC, overrides: {close_unpaid: PT1H}}", "close_unpaid"),
        ("- {shop_id: s, name: S, zone: UTC, overrides: {buyer_daily_cap: many}}", "buyer_daily_cap"),
        ("- {shop_id: s, name: S, zone: UTC}\n- {shop_id: s, name: S, zone: UTC}", "twice"),
    ],
)
def test_a_mistake_in_the_list_of_shops_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    shops = tmp_path / "shops.yaml"
    shops.write_text(text)
    with pytest.raises(ProfilesWrong, match=told):
        load_profiles(None, shops)


def test_a_mistake_in_a_profile_is_told_with_its_file_and_field(tmp_path: Path) -> None:
    (tmp_path / "fast.yaml").write_text(
        "id: fast\nversion: 2\neffective: 2026-01-01\nvalues: {close_unpaid_after: soon}\n"
    )
    with pytest.raises(
        ProfilesWrong,
        match=r"fast\.yaml, fast@2: values\.close_unpaid_after: expected a duration .*, got soon",
    ):
        load_profiles(tmp_path)
