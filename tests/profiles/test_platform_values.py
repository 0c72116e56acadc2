"""The shipped profiles say what their sources say, and nothing else."""

from datetime import date
from typing import Any, Final

import pytest

from shared.adapters.profile_files import load_profiles, read_all
from shared.kernel.profiles import Profile

WRITTEN = read_all()
EXPECTED: Final[dict[str, dict[str, Any]]] = {
    "wechat_shop@1": {
        "urge_shipment_due_after": "P1D",
        "answer_within": "P2D",
        "ship_back_within": "P7D",
        "inspect_within": "P10D",
        "dispute_within": "P7D",
        "facts.payment_valid_for": "PT2H",
        "facts.aftersales_close_after": "P7D",
        "facts.applications_per_item": 5,
        "facts.refund_calls_per_order_and_minute": 1,
        "facts.evidence_max_chars": 500,
        "facts.complaint_answer_within": "P3D",
        "facts.push_answer_within": "PT5S",
        "facts.push_attempts": 10,
    },
    "taobao_2013@1": {
        "payment_reminder_next_day": False,
        "payment_reminder_stale_after": "PT1H",
        "close_unpaid_after": "P3D",
        "quiet_hours": {"start": "22:00:00", "end": "09:00:00"},
        "auto_complete_after": "P10D",
        "auto_complete_from": "dispatch",
        "stall_levels": ["P2D", "P5D"],
        "stage_message_stale_after": "PT12H",
        "facts.flash_sale_unpaid_window": "PT30M",
        "facts.reminder_stale_after": "PT1H",
        "facts.receive_extension_days": [3, 5, 7, 10],
        "facts.ordinary_post_auto_complete_after": "P30D",
        "may.change_price": True,
        "may.change_freight": True,
    },
    "tmall@1": {"may.change_price": False, "may.change_freight": True, "may.refuse_invoice": False},
    "mall@1": {
        "close_unpaid_after": "PT2H",
        "auto_complete_after": "P15D",
        "auto_complete_from": "dispatch",
        "facts.flash_sale_unpaid_window": "PT1H",
        "facts.aftersales_close_after": "P7D",
        "facts.auto_review_after": "P7D",
    },
    "yudao@1": {
        "close_unpaid_after": "PT2H",
        "auto_complete_after": "P14D",
        "auto_complete_from": "dispatch",
        "facts.auto_review_after": "P7D",
    },
}
EXPECTED["wechat_shop@2"] = {**EXPECTED["wechat_shop@1"], "facts.complaint_answer_within": "P2D"}


def said(profile: Profile, name: str) -> Any:
    section, _, inner = name.rpartition(".")
    dumped = profile.model_dump(mode="json")
    return dumped[section or "values"][inner]


def test_there_are_these_profiles_and_versions() -> None:
    assert set(WRITTEN) == {"default@1", *EXPECTED}


@pytest.mark.parametrize("ref", sorted(EXPECTED))
def test_a_platforms_profile_gives_what_was_found_and_no_more(ref: str) -> None:
    each = WRITTEN[ref]
    assert {name: said(each.profile, name) for name in each.given} == EXPECTED[ref]


@pytest.mark.parametrize("ref", sorted(EXPECTED))
def test_what_a_platforms_profile_leaves_out_is_the_defaults(ref: str) -> None:
    each, default = WRITTEN[ref], WRITTEN["default@1"]
    for name in type(default.profile.values).model_fields:
        if name not in each.given:
            assert getattr(each.profile.values, name) == getattr(default.profile.values, name)
            assert each.profile.sources[name].source.startswith("default@1: ")


@pytest.mark.parametrize("ref", sorted(WRITTEN))
def test_every_value_has_a_source_and_no_source_is_for_nothing(ref: str) -> None:
    each = WRITTEN[ref]
    assert each.given <= set(each.profile.sources)
    inherited = {name for name, one in each.profile.sources.items() if one.source.startswith("default@1: ")}
    assert set(each.profile.sources) - inherited == each.given


def test_the_default_gives_every_value() -> None:
    default = WRITTEN["default@1"]
    values = type(default.profile.values).model_fields
    may = type(default.profile.may).model_fields
    facts = {"facts.receive_extension_days"}
    assert default.given == {*values, *(f"may.{name}" for name in may)} | facts


def test_wechats_complaints_have_two_days_since_march_2024() -> None:
    several = load_profiles().versions["wechat_shop"]
    assert [each.effective for each in several] == [None, date(2024, 3, 25)]
