"""Profiles and shops are checked when they are read, and a mistake is told with its file and field."""

from pathlib import Path

import pytest

from shared.adapters.profile_files import ProfilesWrong, load_profiles

OWN = Path(__file__).parents[2] / "shared" / "profiles" / "default.yaml"


def shops(folder: Path, text: str) -> Path:
    path = folder / "shops.yaml"
    path.write_text(text)
    return path


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ProfilesWrong) as caught:
        load_profiles(shops_file=shops(folder, text))
    return str(caught.value)


def test_a_shop_has_its_zone_and_its_overrides(tmp_path: Path) -> None:
    text = "- {shop_id: a, name: A, zone: Asia/Tokyo, overrides: {buyer_daily_cap: 1}}\n"
    profile = load_profiles(shops_file=shops(tmp_path, text)).of("a")
    assert (profile.zone, profile.values.buyer_daily_cap) == ("Asia/Tokyo", 1)


def test_a_shop_that_is_not_listed_has_the_default_profile() -> None:
    assert load_profiles().of("nobody").ref == load_profiles().of(None).ref == "default@1"


def test_a_shop_may_name_a_profile_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "strict.yaml").write_text(OWN.read_text().replace("id: default", "id: strict"))
    text = "- {shop_id: a, name: A, zone: UTC, profile: strict}\n"
    assert load_profiles(folder, shops(tmp_path, text)).of("a").id == "strict"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: b\n", "expected a list of shops"),
        ("- {shop_id: a, name: A, zone: Mars}\n", "shop 1: zone: "),
        (
            "- {shop_id: a, name: A, zone: UTC}\n- {shop_id: a, name: B, zone: UTC}\n",
            "shop 2: shop_id: a is listed",
        ),
        ("- {shop_id: a, name: A, zone: UTC, profile: x}\n", "shop 1: profile: there is no 'x'"),
        ("- {shop_id: a, name: A, zone: UTC, overrides: {nothing: 1}}\n", "shop 1: overrides: nothing"),
        ("- {shop_id: a, name: A\n", "shops.yaml: "),
    ],
)
def test_a_mistake_is_told_with_its_file_and_field(text: str, told: str, tmp_path: Path) -> None:
    assert told in complaint(tmp_path, text)


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfilesWrong, match="there is no such directory"):
        load_profiles(tmp_path / "nowhere")


def test_a_profile_that_is_there_twice_is_told(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(OWN.read_text().replace("id: default", "id: strict"))
    with pytest.raises(ProfilesWrong, match="was read from another file before"):
        load_profiles(tmp_path)
