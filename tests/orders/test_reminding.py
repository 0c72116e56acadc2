"""Payment reminders: the stages of a profile, what a shop keeps from its buyers, and the phone call."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.kernel.profiles import Profile, Values
from shared.kernel.reminders import ReminderStage, ShopReminders
from tests.kit.rules import START, after, default_profile
from tests.orders.play import OrderPlay

HOBBY = tuple(ReminderStage(name=f"h{hours}", after=timedelta(hours=hours)) for hours in (1, 6, 24))
"""A schedule found in an open project: 1, 6 and 24 hours."""
CALLS: dict[str, Any] = {"payment_call_after": timedelta(minutes=30)}


def with_stages(*stages: ReminderStage, zone: str = "UTC", **values: Any) -> Profile:
    return default_profile(zone, payment_reminder_stages=stages, **values)


def for_shop(**said: Any) -> Profile:
    return default_profile().model_copy(update={"reminders": ShopReminders.model_validate(said)})


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_profile_may_remind_after_one_six_and_twenty_four_hours() -> None:
    play = OrderPlay(with_stages(*HOBBY, close_unpaid_after=timedelta(hours=48))).placed()

    assert sorted(play.timers.values()) == [after(hours=hours) for hours in (1, 6, 24, 48)]
    play.run_until(after(days=3))
    assert [due.step for due in play.of("order.payment_reminder_due")] == ["h1", "h6", "h24"]
    assert [each.params["step"] for each in play.of("message.wanted")] == ["h1", "h6", "h24"]
    assert len({each.message_id for each in play.of("message.wanted")}) == 3
    assert not play.timers


def test_a_stage_that_would_come_at_the_close_or_later_does_not_come() -> None:
    play = OrderPlay(with_stages(*HOBBY)).placed()

    assert sorted(play.timers.values()) == [after(hours=hours) for hours in (1, 6, 24)]
    play.run_until(after(days=3))
    assert [due.step for due in play.of("order.payment_reminder_due")] == ["h1", "h6"]


def test_the_stages_of_a_profile_without_its_own_are_the_two_that_hold_everywhere() -> None:
    play = OrderPlay().placed().run_until(after(days=2))

    assert [(due.stage, due.step) for due in play.of("order.payment_reminder_due")] == [
        ("first", None),
        ("last_call", None),
    ]


def test_a_paid_order_leaves_no_stage_behind() -> None:
    play = OrderPlay(with_stages(*HOBBY, **CALLS)).placed().paid(after(minutes=90))

    assert [due.step for due in play.of("order.payment_reminder_due")] == ["h1"]
    assert list(play.timers) == [("ship", "")]


@pytest.mark.parametrize(
    ("zone", "placed_at", "expected"),
    [
        ("UTC", "2026-03-02T08:59:59Z", "2026-03-02T09:00:00Z"),
        ("UTC", "2026-03-02T09:00:00Z", "2026-03-02T12:00:00Z"),
        ("UTC", "2026-03-02T15:00:01Z", "2026-03-03T09:00:00Z"),
        # The clocks go forward at 02:00 on 29 March, and back at 03:00 on 25 October.
        ("Europe/Berlin", "2026-03-28T22:00:00+01:00", "2026-03-29T09:00:00+02:00"),
        ("Europe/Berlin", "2026-10-24T22:00:00+02:00", "2026-10-25T09:00:00+01:00"),
    ],
)
def test_fixed_hours_are_the_next_on_the_shops_clocks(zone: str, placed_at: str, expected: str) -> None:
    # The hours are those of CCMS's settings page; a second's grace makes one just reached the next.
    fixed = ReminderStage(name="fixed", after=timedelta(seconds=1), local_times=(time(12), time(9), time(15)))
    found = fixed.moment(moment(placed_at), moment(placed_at) + timedelta(days=3), zone)
    assert found == moment(expected)


@settings(max_examples=200, deadline=None)
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001  # the zone is added below
    st.lists(st.times(), min_size=1, max_size=4),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Pacific/Apia"]),
)
def test_a_fixed_hour_comes_within_a_day_and_never_before_the_placing(
    naive: datetime, walls: list[time], zone: str
) -> None:
    placed_at = naive.replace(tzinfo=START.tzinfo)
    stage = ReminderStage(name="fixed", local_times=tuple(walls))
    found = stage.moment(placed_at, placed_at + timedelta(days=3), zone)
    assert timedelta(0) <= found - placed_at <= timedelta(hours=25)


@pytest.mark.parametrize(
    "said",
    [
        {"name": "none"},
        {"name": "both", "after": "PT1H", "before_close": "PT1H"},
        {"name": "both", "local_times": ["09:00"], "before_close": "PT1H"},
    ],
)
def test_a_stage_has_one_mode(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="expected either before_close or one of after and local_times"):
        ReminderStage.model_validate(said)


def test_two_stages_of_one_name_are_refused() -> None:
    said = {**default_profile().values.model_dump(), "payment_reminder_stages": [HOBBY[0], HOBBY[0]]}
    with pytest.raises(ValidationError, match="got 'h1' twice"):
        Values.model_validate(said)


def test_fixed_hours_of_a_day_that_is_an_hour_short_are_not_passed_over() -> None:
    # Berlin, 29 March 2026, has 23 hours: a day after 23:30 on the 28th is the 30th already.
    stage = ReminderStage(name="fixed", local_times=(time(10),))
    placed_at = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)

    assert stage.moment(placed_at, placed_at, "Europe/Berlin") == datetime(2026, 3, 29, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ({"enabled": False}, "switched_off"),
        ({"exclude_buyers": ["B-1"]}, "buyer_excluded"),
        ({"amount_min": "30.01"}, "amount_too_small"),
        ({"amount_max": "29.99"}, "amount_too_large"),
        ({"exclude_skus": ["SKU-2"]}, "product_excluded"),
        ({"only_skus": ["SKU-9"]}, "product_excluded"),
    ],
)
def test_a_reminder_that_the_shop_keeps_from_its_buyer_says_why(said: dict[str, Any], slug: str) -> None:
    play = OrderPlay(for_shop(**said)).placed().run_until(after(hours=23))

    assert [due.withheld for due in play.of("order.payment_reminder_due")] == [slug, slug]
    assert not play.of("message.wanted")


@pytest.mark.parametrize(
    "said",
    [
        {"exclude_buyers": ["B-2"]},
        {"amount_min": "30.00", "amount_max": "30.00"},
        {"exclude_skus": ["SKU-9"]},
        {"only_skus": ["SKU-2", "SKU-9"]},
    ],
)
def test_what_the_settings_do_not_mean_is_reminded_of(said: dict[str, Any]) -> None:
    play = OrderPlay(for_shop(**said)).placed().run_until(after(hours=12))

    assert [due.withheld for due in play.of("order.payment_reminder_due")] == [None]
    assert len(play.of("message.wanted")) == 1


def test_a_setting_holds_at_once_for_orders_that_were_placed_before() -> None:
    play = OrderPlay().placed()
    play.profile = for_shop(enabled=False)

    assert not play.run_until(after(hours=12)).of("message.wanted")


def test_nobody_phones_unless_the_profile_or_the_shop_says_when() -> None:
    assert not OrderPlay().placed().run_until(after(days=2)).tasks("call_about_payment")


def test_after_the_last_stage_somebody_phones_while_there_is_time() -> None:
    play = OrderPlay(default_profile(**CALLS)).placed().run_until(after(hours=22, minutes=30))

    (task,) = play.tasks("call_about_payment")
    assert (task.due_at, task.details["total"]) == (after(hours=24), "30.00")
    assert "B-1" not in task.model_dump_json()


def test_nobody_phones_a_buyer_whom_the_shop_does_not_remind() -> None:
    play = OrderPlay(default_profile(**CALLS)).placed()
    play.profile = play.profile.model_copy(
        update={"reminders": ShopReminders.model_validate({"exclude_buyers": ["B-1"]})}
    )

    assert not play.run_until(after(days=2)).tasks("call_about_payment")


def test_a_call_that_would_come_after_the_close_is_not_wanted() -> None:
    profile = default_profile(payment_call_after=timedelta(hours=2))
    assert not OrderPlay(profile).placed().run_until(after(days=2)).tasks("call_about_payment")


def test_a_payment_and_the_close_end_the_call() -> None:
    profile = default_profile(**CALLS)
    paid = OrderPlay(profile).placed().paid(after(hours=23))
    closed = OrderPlay(profile).placed().run_until(after(days=2))

    assert [(gone.kind, gone.reason) for gone in paid.of("task.withdrawn")] == [
        ("call_about_payment", "paid")
    ]
    assert [gone.reason for gone in closed.of("task.withdrawn")] == ["closed"]


@pytest.mark.parametrize(
    ("outcome", "stage"), [("reached", "unpaid"), ("not_reached", "unpaid"), ("cancel", "cancelled")]
)
def test_what_was_said_on_the_phone(outcome: str, stage: str) -> None:
    play = OrderPlay(default_profile(**CALLS)).placed().run_until(after(hours=22, minutes=30))
    (task,) = play.tasks("call_about_payment")

    details = {"result": "pays tonight"} if outcome == "reached" else {}
    play.answered(task, outcome, after(hours=23), **details)

    assert play.stage == stage
    assert [off.reason for off in play.of("order.cancelled")] == ["said_on_the_phone"] * (
        stage == "cancelled"
    )
    assert (("close_unpaid", "") in play.timers) == (stage == "unpaid")


def test_an_order_that_was_paid_meanwhile_is_not_cancelled_by_a_call() -> None:
    play = OrderPlay(default_profile(**CALLS)).placed().run_until(after(hours=22, minutes=30))
    (task,) = play.tasks("call_about_payment")

    play.paid(after(hours=23)).answered(task, "cancel", after(hours=23))

    assert play.refused.slug == "not-unpaid"
    assert play.stage == "paid"
