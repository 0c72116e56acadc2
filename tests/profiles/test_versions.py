"""Versions of profiles: read from files, in force by the day of placing, and kept by those who are pinned."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.adapters.profile_files import ProfilesWrong, load_profiles
from shared.adapters.profiles import Profiles
from shared.runtime.pins import BEFORE_PINS, Pin, ProfileUnknown, pin_of

SHOPS = """
- {shop_id: ny, name: NY, zone: America/New_York, profile: fast}
- {shop_id: tokyo, name: Tokyo, zone: Asia/Tokyo, profile: fast, overrides: {buyer_daily_cap: 1}}
- {shop_id: plain, name: Plain, zone: UTC}
"""


def write(folder: Path, version: int, effective: str | None, text: str = "", name: str = "fast") -> None:
    """One version of a profile; what it leaves out is the default's."""
    since = "" if effective is None else f"effective: {effective}\n"
    (folder / f"{name}.{version}.yaml").write_text(f"id: {name}\nversion: {version}\n{since}{text}\n")


def loaded(folder: Path, shops: str = SHOPS) -> Profiles:
    (folder / "shops.list").write_text(shops)
    return load_profiles(folder, folder / "shops.list")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    write(tmp_path, 1, None, "values: {close_unpaid_after: PT1H, buyer_daily_cap: 2}")
    write(tmp_path, 2, "2026-10-01", "values: {close_unpaid_after: PT2H}")
    return tmp_path


@pytest.mark.parametrize(
    ("shop", "moment", "ref"),
    [
        ("ny", "2010-01-01T00:00:00Z", "fast@1"),
        ("ny", "2026-09-30T23:59:59.999999-04:00", "fast@1"),
        ("ny", "2026-10-01T00:00:00-04:00", "fast@2"),
        ("tokyo", "2026-09-30T23:59:59+09:00", "fast@1"),
        ("tokyo", "2026-10-01T00:00:00+09:00", "fast@2"),
        ("ny", "2026-10-01T00:00:00+09:00", "fast@1"),
        ("plain", "2026-10-01T00:00:00Z", "default@1"),
        (None, "2026-10-01T00:00:00Z", "default@1"),
    ],
)
def test_a_version_is_in_force_from_its_day_in_the_shops_zone(
    two: Path, shop: str | None, moment: str, ref: str
) -> None:
    assert loaded(two).of(shop, None, at(moment)).ref == ref


def test_a_pin_holds_whatever_the_day_is(two: Path) -> None:
    profiles = loaded(two)
    pin = pin_of(profiles.of("ny", None, at("2026-09-01T00:00:00Z")))
    pinned = profiles.of("ny", pin, at("2030-01-01T00:00:00Z"))
    assert (pinned.ref, pinned.values.close_unpaid_after, pinned.zone) == (
        "fast@1",
        timedelta(hours=1),
        "America/New_York",
    )


def test_what_a_later_version_leaves_out_is_the_defaults_and_not_the_earlier_versions(two: Path) -> None:
    values = loaded(two).of("ny").values
    assert (values.close_unpaid_after, values.buyer_daily_cap) == (timedelta(hours=2), 3)


def test_a_version_falls_back_to_the_default_that_was_in_force_on_its_day(tmp_path: Path) -> None:
    write(tmp_path, 2, "2026-06-01", "values: {buyer_daily_cap: 9}", name="default")
    write(tmp_path, 1, "2026-05-31")
    write(tmp_path, 2, "'2026-06-01'")
    profiles = loaded(tmp_path)
    by_ref = {each.ref: each.values.buyer_daily_cap for each in profiles.versions["fast"]}
    assert by_ref == {"fast@1": 3, "fast@2": 9}
    default = profiles.versions["default"][1]
    assert default.values.close_unpaid_after == timedelta(hours=24)
    assert default.sources["close_unpaid_after"].source.startswith("default@1: ")


def test_overrides_belong_to_the_pin_and_a_change_of_them_to_later_orders(two: Path) -> None:
    pin = pin_of(loaded(two).of("tokyo"))
    assert pin == Pin("fast@2", '{"buyer_daily_cap":1}')
    changed = loaded(two, SHOPS.replace("buyer_daily_cap: 1", "claim_lease: PT5M"))
    assert changed.of("tokyo", pin).values.buyer_daily_cap == 1
    assert changed.of("tokyo", pin).values.claim_lease == timedelta(minutes=10)
    assert changed.of("tokyo").values.buyer_daily_cap == 3


def test_an_order_keeps_its_profile_when_its_shop_changes_to_another_or_is_gone(two: Path) -> None:
    pin = pin_of(loaded(two).of("ny"))
    assert loaded(two, SHOPS.replace("profile: fast}", "profile: mall}")).of("ny", pin).ref == "fast@2"
    gone = loaded(two, "- {shop_id: plain, name: Plain, zone: UTC}\n").of("ny", pin)
    assert (gone.ref, gone.zone) == ("fast@2", "UTC")


def test_a_file_of_a_release_without_pins_goes_by_its_shops_first_version(two: Path) -> None:
    profiles = loaded(two)
    assert profiles.of("ny", BEFORE_PINS, at("2027-01-01T00:00:00Z")).ref == "fast@1"
    assert profiles.of("tokyo", BEFORE_PINS).values.buyer_daily_cap == 1
    assert profiles.of("nobody", BEFORE_PINS).ref == "default@1"


def test_a_pin_to_a_version_that_is_not_loaded_says_what_to_do(two: Path) -> None:
    with pytest.raises(ProfileUnknown, match=r"fast@3, which is not loaded; put its file into"):
        loaded(two).of("ny", Pin("fast@3", "{}"))


def test_versions_that_are_missing_are_told(two: Path) -> None:
    assert loaded(two).missing(["fast@1", "fast@9", "", "gone@1", "default@1"]) == ["fast@9", "gone@1"]


def test_the_same_question_has_the_same_answer_without_building_it_again(two: Path) -> None:
    profiles = loaded(two)
    pin = pin_of(profiles.of("tokyo"))
    assert profiles.of("tokyo", pin) is profiles.of("tokyo", pin)
    assert profiles.of("plain") is profiles.of("plain")


def test_a_profile_file_of_the_last_release_is_still_read(tmp_path: Path) -> None:
    head = "id: old\nversion: 3\neffective: 2026-01-01\n"
    text = "values: {claim_lease: PT5M}\nsources: {claim_lease: ours}\n"
    (tmp_path / "old.yaml").write_text(head + text)
    (profile,) = loaded(tmp_path, "[]").versions["old"]
    assert (profile.values.claim_lease, profile.may.change_price) == (timedelta(minutes=5), True)
    assert (profile.sources["claim_lease"].source, profile.sources["claim_lease"].confidence) == (
        "ours",
        "unverified",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "values: {close_unpaid_after: soon}",
            "values.close_unpaid_after: expected a duration such as PT24H",
        ),
        ("values: {close_unpaid_after: soon}", "got soon"),
        ("values: {buyer_daily_cap: many}", "values.buyer_daily_cap: expected a whole number, got many"),
        ("values: {close_unpayed: PT1H}", "values.close_unpayed: expected no entry of this name"),
        ("values: [1]", "values: expected names with values, got [1]"),
        ("facts: {nothing: 1}", "facts.nothing: expected no entry of this name"),
        ("may: {change_price: 7}", "may.change_price: "),
        ("sources: {nothing: x}", "sources: expected the name of a value, `facts.<name>` or"),
        ("sources: {claim_lease: {source: x, confidence: sure}}", "sources.claim_lease.confidence: "),
        ("sources: 1", "sources: expected names with sources, got 1"),
        ("effective: someday", "effective: expected a day such as 2026-10-01, got someday"),
        ("values: {thresholds: [{pickup_overdue_after: PT1H}]}", "values.thresholds.0: expected a `carrier`"),
        ("colour: red", "colour: expected no entry of this name"),
    ],
)
def test_a_mistake_is_told_with_file_version_field_and_both_sides(
    text: str, told: str, tmp_path: Path
) -> None:
    write(tmp_path, 4, None, text)
    with pytest.raises(ProfilesWrong) as caught:
        loaded(tmp_path, "[]")
    assert str(caught.value).startswith(f"{tmp_path / 'fast.4.yaml'}, fast@4: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (None, None, "expected a day, got nothing"),
        ("2026-10-01", "2026-10-01", "expected a day after 2026-10-01, that of fast@1, got 2026-10-01"),
        ("2026-10-01", "2026-09-01", "expected a day after 2026-10-01, that of fast@1, got 2026-09-01"),
    ],
)
def test_a_later_version_comes_into_force_on_a_later_day(
    tmp_path: Path, first: str | None, second: str | None, told: str
) -> None:
    write(tmp_path, 1, first)
    write(tmp_path, 2, second)
    with pytest.raises(ProfilesWrong, match=rf"fast\.2\.yaml, fast@2: effective: {told}"):
        loaded(tmp_path, "[]")


def test_something_that_is_no_profile_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ProfilesWrong, match=r"list\.yaml: expected a profile"):
        loaded(tmp_path, "[]")


def test_overrides_have_a_limit(tmp_path: Path) -> None:
    services = ", ".join(f"service-{number:04}: PT{number + 1}H" for number in range(400))
    shops = f"- {{shop_id: a, name: A, zone: UTC, overrides: {{ship_within: {{{services}}}}}}}\n"
    with pytest.raises(ProfilesWrong, match="overrides: expected at most 8000 characters"):
        loaded(tmp_path, shops)


def test_all_shops_may_be_put_under_one_profile_and_keep_their_overrides(two: Path) -> None:
    profiles = loaded(two)
    (mall,) = profiles.versions["mall"]
    of = profiles.all_under(mall)
    assert of("ny", Pin("fast@1", "{}"), at("2026-01-01T00:00:00Z")).ref == "mall@1"
    assert of("tokyo", None, at("2026-01-01T00:00:00Z")).values.buyer_daily_cap == 1
    assert of("nobody", None, at("2026-01-01T00:00:00Z")).ref == "mall@1"
