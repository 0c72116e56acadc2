"""Rule `buyer_daily_cap`: so many messages for each buyer and local day, whatever orders they are about."""

from datetime import UTC, datetime, time

import pytest

from services.notifications.commands import ReserveMessage
from services.notifications.decide.days import buyer_day
from services.notifications.state import BuyerDay
from services.notifications.views import DayView
from shared.contracts.base import ID_MAX_CHARS
from shared.kernel.calendar import QuietHours, local_date
from shared.kernel.decision import Decision, Refused
from tests.kit.rules import START, after, default_profile
from tests.notifications.world import BUYER, ORDER, Shop, wanted, wrote

NEVER_QUIET = QuietHours(start=time(3), end=time(3))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_the_fourth_message_of_a_day_is_dropped_and_recorded() -> None:
    shop = Shop().order()
    for number in range(4):
        shop.hear(wanted(message_id=f"m-{number}"), after(minutes=number))
    assert len(shop.mails) == 3
    (dropped,) = shop.of("message.suppressed")
    assert (dropped.message_id, dropped.reason) == ("m-3", "daily_cap")


def test_the_cap_holds_over_all_orders_of_a_buyer_and_for_nobody_else() -> None:
    shop = Shop()
    for number in range(4):
        order_id = f"A-{number}"
        shop.order(order_id)
        shop.hear(wanted(order_id=order_id), subject=order_id)
    shop.order("B-1", buyer="buyer-2")
    shop.hear(wanted(order_id="B-1"), subject="B-1")
    assert [mail["order_id"] for _, mail in shop.mails] == ["A-0", "A-1", "A-2", "B-1"]


@pytest.mark.parametrize(
    ("before", "midnight"),
    [
        ("2026-06-01T23:59:59.999+02:00", "2026-06-02T00:00:00+02:00"),
        ("2026-03-28T23:59:59+01:00", "2026-03-29T00:00:00+01:00"),
        ("2026-10-25T23:59:59+01:00", "2026-10-26T00:00:00+01:00"),
    ],
)
def test_a_new_day_begins_at_local_midnight(before: str, midnight: str) -> None:
    shop = Shop(profile=default_profile("Europe/Berlin", quiet_hours=NEVER_QUIET)).order()
    for number in range(4):
        shop.hear(wanted(message_id=f"before-{number}"), moment(before))
    assert len(shop.mails) == 3
    for number in range(4):
        shop.hear(wanted(message_id=f"after-{number}"), moment(midnight))
    assert len(shop.mails) == 6


def test_the_day_that_counts_is_the_day_of_sending_and_not_of_wanting() -> None:
    shop = Shop("Europe/Berlin").order()
    for number in range(3):
        shop.hear(wanted(message_id=f"night-{number}"), moment("2026-06-01T23:00:00+02:00"))
    shop.run_until(moment("2026-06-02T09:00:00+02:00"))
    assert len(shop.mails) == 3
    shop.hear(wanted(message_id="day"), moment("2026-06-02T12:00:00+02:00"))
    assert len(shop.mails) == 3
    assert [each.reason for each in shop.of("message.suppressed")] == ["daily_cap"]


def test_a_shop_may_send_nothing_at_all() -> None:
    shop = Shop(buyer_daily_cap=0).order()
    shop.hear(wanted())
    assert shop.mails == []


def test_answers_to_the_buyer_are_neither_counted_nor_capped() -> None:
    shop = Shop(buyer_daily_cap=1).order()
    shop.hear(wanted())
    for number in range(3):
        at = after(hours=number + 1)
        shop.do(wrote(f"f-{number}", at))
        shop.run_until(at.replace(second=30))
        shop.claim(shop.task("answer_buyer").task_id)
        shop.complete(shop.task("answer_buyer").task_id, "answered", {"text": f"Answer {number}"})
    assert len(shop.mails) == 4


def test_asking_a_day_twice_for_one_message_reserves_room_once() -> None:
    shop = Shop(buyer_daily_cap=2)
    ask = ReserveMessage(at=START, order_id=ORDER, message_id="m-1", template="reply")
    for _ in range(3):
        shop.do(ask, "day~1")
    shop.do(ask.model_copy(update={"message_id": "m-2"}), "day~1")
    shop.do(ask.model_copy(update={"message_id": "m-3"}), "day~1")
    assert shop.names("day~1") == ["message.allowed"] * 4 + ["message.capped"]
    state = shop.file("day~1").state
    assert isinstance(state, BuyerDay)
    assert len(state.allowed) == 2


def test_an_order_file_is_no_day_and_a_day_is_no_order() -> None:
    shop = Shop().order()
    refused = shop.do(ReserveMessage(at=START, order_id=ORDER, message_id="m", template="reply"))
    assert isinstance(refused, Refused)
    assert refused.slug == "not-a-day"
    shop.hear(wanted())
    day = shop.of("message.asked")[0].buyer_day
    refused = shop.do(wrote(), day)
    assert isinstance(refused, Refused)
    assert refused.slug == "not-an-order"


def test_a_days_answer_to_a_message_that_does_not_wait_for_it_changes_nothing() -> None:
    shop = Shop().order()
    shop.hear(wanted())
    answer = next(event for event in shop.events if event.name == "message.allowed")
    for about, command in shop.file().service.react(answer):
        outcome = shop.do(command, about)
        assert isinstance(outcome, Decision)
        assert not outcome.effects
    assert len(shop.mails) == 1


def test_a_days_yes_that_is_heard_on_another_day_sends_nothing_before_that_day_has_room() -> None:
    shop = Shop(buyer_daily_cap=1).order()
    shop.days_answer = False
    shop.hear(wanted(message_id="m-1"), START)
    shop.days_answer = True
    shop.hear(wanted(message_id="m-2"), after(days=1))
    late = next(event for event in shop.events if event.name == "message.allowed")
    for about, command in shop.file().service.react(late):
        shop.do(command, about, now=after(days=1, minutes=1))
    assert [each.message_id for each in shop.of("message.asked")] == ["m-1", "m-2", "m-1"]
    assert len(shop.mails) == 1
    assert [(each.message_id, each.reason) for each in shop.of("message.suppressed")] == [
        ("m-1", "daily_cap")
    ]


def test_a_days_name_is_an_id_that_names_nobody() -> None:
    shop = Shop().order()
    shop.hear(wanted())
    (asked,) = shop.of("message.asked")
    assert asked.buyer_day == buyer_day("demo", BUYER, local_date(START, "UTC"))
    assert BUYER not in asked.buyer_day
    assert len(buyer_day("s" * 128, "b" * 128, local_date(START, "UTC"))) <= ID_MAX_CHARS
    assert buyer_day("a", "bc", local_date(START, "UTC")) != buyer_day("ab", "c", local_date(START, "UTC"))


def test_a_day_shows_how_many_it_took_and_refused() -> None:
    shop = Shop().order()
    for number in range(5):
        shop.hear(wanted(message_id=f"m-{number}"))
    day = shop.of("message.asked")[0].buyer_day
    assert shop.file(day).view == DayView(shop_id="demo", allowed=3, capped=2)
