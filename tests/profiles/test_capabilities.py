"""What platforms forbid: the price on Tmall, an invoice refused anywhere, money for reviews anywhere."""

import pytest

from shared.adapters.profile_files import read_all
from shared.kernel.capabilities import PLATFORM_FORBIDS, forbids
from shared.kernel.platforms import Action, May
from tests.kit.rules import default_profile

PROFILES = {ref: each.profile for ref, each in read_all().items()}


@pytest.mark.parametrize(
    ("ref", "action", "allowed"),
    [
        ("default@1", "change_price", True),
        ("taobao_2013@1", "change_price", True),
        ("taobao_2013@1", "change_freight", True),
        ("tmall@1", "change_price", False),
        ("tmall@1", "change_freight", True),
        ("tmall@1", "refuse_invoice", False),
        ("wechat_shop@2", "change_price", True),
    ],
)
def test_a_platform_allows_what_its_profile_says(ref: str, action: Action, allowed: bool) -> None:
    assert (forbids(PROFILES[ref], action) is None) is allowed


@pytest.mark.parametrize("ref", sorted(PROFILES))
@pytest.mark.parametrize("action", ["refuse_invoice", "reward_review"])
def test_the_red_lines_hold_on_every_platform(ref: str, action: Action) -> None:
    refused = forbids(PROFILES[ref], action)
    assert refused is not None
    assert refused.slug == PLATFORM_FORBIDS


def test_the_refusal_names_the_platform_the_source_and_how_well_it_is_founded() -> None:
    refused = forbids(PROFILES["tmall@1"], "change_price")
    assert refused is not None
    assert refused.detail == (
        "tmall@1 forbids changing the price of goods (customer-service training: a Tmall shop may not "
        "change the price of goods; trade practice)."
    )


def test_a_refusal_without_a_source_is_still_one() -> None:
    may = May(change_price=False, change_freight=True, refuse_invoice=False, reward_review=False)
    refused = forbids(default_profile().model_copy(update={"may": may, "sources": {}}), "change_price")
    assert refused is not None
    assert refused.detail == "default@1 forbids changing the price of goods."
