"""One reminder for a buyer with several unpaid orders: gathered, checked again, and never lost."""

from collections import Counter
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.decide.days import MERGED_MAX
from services.notifications.state import BuyerDay
from shared.contracts.events import common, handling, orders
from shared.contracts.events.notifications import MessageFailed, MessageSent, MessageSuppressed
from shared.kernel.calendar import QuietHours, local_date, quiet_until
from tests.kit.rules import START, after, default_profile
from tests.notifications.world import Shop

WINDOW = timedelta(minutes=30)
NEVER_QUIET = QuietHours(start=time(3), end=time(3))
PAID = orders.OrderPaid(amount=Decimal("10.00"), payment_id="p", ship_by=START)


def merging(zone: str = "UTC", **values: Any) -> Shop:
    return Shop(zone, None, payment_reminder_merge_within=WINDOW, **values)


def reminder(order_id: str, stage: str = "first", total: str = "10.00") -> common.MessageWanted:
    return common.MessageWanted(
        message_id=f"{stage}-{order_id}",
        template="payment_reminder",
        order_id=order_id,
        params={"stage": stage, "total": total, "currency": "EUR", "closes_at": "2026-03-03T12:00:00Z"},
    )


def remind(shop: Shop, order_id: str, at: datetime = START, **about: Any) -> None:
    shop.hear(reminder(order_id, **about), at, order_id, "orders")


def dropped(shop: Shop, order_id: str) -> list[tuple[str, str | None]]:
    return [(each.reason, each.into_order) for each in shop.of("message.suppressed", order_id)]


def three_orders(**values: Any) -> Shop:
    shop = merging(**values)
    for number in (1, 2, 3):
        shop.order(f"A-{number}")
        remind(shop, f"A-{number}", after(minutes=number), total=f"{number}0.00")
    return shop


def test_one_message_reminds_of_all_the_orders_of_a_buyer() -> None:
    shop = three_orders()
    assert shop.mails == []
    shop.run_until(after(hours=2))
    ((at, mail),) = shop.mails
    assert at == after(minutes=1) + WINDOW
    assert mail["order_id"] == "A-1"
    for number in (1, 2, 3):
        assert f"A-{number}: {number}0.00 EUR, kept until 2026-03-03 at 12:00" in mail["text"]
    assert "A-1" not in mail["subject"]


def test_what_went_with_another_message_says_so_when_that_one_is_out() -> None:
    shop = three_orders()
    shop.channel_up = False
    shop.run_until(after(hours=2))
    assert dropped(shop, "A-2") == []
    ((subject, done),) = shop.held
    shop.do(done, subject)
    assert dropped(shop, "A-1") == []
    assert dropped(shop, "A-2") == dropped(shop, "A-3") == [("merged_into", "A-1")]
    assert [each.into for each in shop.of("message.suppressed", "A-2")] == ["first-A-1"]


def test_a_merged_message_counts_once_for_the_buyers_day() -> None:
    shop = three_orders(buyer_daily_cap=1)
    shop.run_until(after(hours=2))
    assert len(shop.mails) == 1
    remind(shop, "A-1", after(hours=3), stage="last_call")
    shop.run_until(after(hours=5))
    assert dropped(shop, "A-1") == [("daily_cap", None)]


def test_a_day_without_room_drops_all_that_it_gathered() -> None:
    shop = three_orders(buyer_daily_cap=0)
    shop.run_until(after(hours=2))
    assert shop.mails == []
    assert [dropped(shop, f"A-{number}") for number in (1, 2, 3)] == [[("daily_cap", None)]] * 3


def test_an_order_that_is_paid_while_its_reminder_waits_is_not_reminded_of() -> None:
    shop = three_orders()
    shop.hear(PAID, after(minutes=10), "A-2")
    shop.run_until(after(hours=2))
    ((_, mail),) = shop.mails
    assert "A-2" not in mail["text"]
    assert dropped(shop, "A-2") == [("no_longer_true", None)]
    assert dropped(shop, "A-3") == [("merged_into", "A-1")]


def test_the_order_that_waits_alone_is_reminded_of_by_its_own_text() -> None:
    shop = three_orders()
    for number in (1, 3):
        shop.hear(PAID, after(minutes=10), f"A-{number}")
    shop.run_until(after(hours=2))
    ((_, mail),) = shop.mails
    assert mail["subject"] == "Your order A-2 is waiting for its payment"


def test_when_all_are_paid_nothing_goes_and_nothing_waits() -> None:
    shop = three_orders()
    for number in (1, 2, 3):
        shop.hear(PAID, after(minutes=10), f"A-{number}")
    assert all(file.timers == {} for file in shop.files.values())
    shop.run_until(after(hours=2))
    assert shop.mails == []


def test_a_letter_that_the_channel_refuses_leaves_the_others_to_the_next_order() -> None:
    shop = three_orders()
    shop.refusals = ["550 no"]
    shop.run_until(after(hours=2))
    ((_, mail),) = shop.mails
    assert mail["order_id"] == "A-2"
    assert "A-3: 30.00 EUR" in mail["text"]
    assert "A-1: " not in mail["text"]
    assert len(shop.of("message.failed", "A-1")) == 1
    assert dropped(shop, "A-3") == [("merged_into", "A-2")]


def test_reminders_that_the_quiet_hours_stop_are_gathered_again_in_the_morning() -> None:
    shop = merging()
    for number, minute in ((1, 50), (2, 55)):
        shop.order(f"A-{number}")
        remind(shop, f"A-{number}", START.replace(hour=21, minute=minute))
    shop.run_until(after(days=1))
    ((at, mail),) = shop.mails
    assert at == (START + timedelta(days=1)).replace(hour=9, minute=30)
    assert "A-1: " in mail["text"]
    assert "A-2: " in mail["text"]


def test_a_reminder_that_waited_for_the_night_names_what_the_order_costs_by_then() -> None:
    for within in (WINDOW, timedelta(0)):
        shop = Shop("UTC", None, payment_reminder_merge_within=within).order("A-1")
        remind(shop, "A-1", START.replace(hour=23))
        cheaper = handling.OrderChanged(
            lines=(), total=Decimal("8.00"), was_total=Decimal("10.00"), currency="EUR", wish_id="freight-1"
        )
        shop.hear(cheaper, START.replace(hour=23, minute=30), "A-1", "orders")
        shop.run_until(after(days=1))
        ((_, mail),) = shop.mails
        assert "8.00 EUR" in mail["text"]


def test_other_buyers_reminders_and_other_messages_do_not_wait_together() -> None:
    shop = merging()
    shop.order("A-1").order("B-1", buyer="buyer-2")
    remind(shop, "A-1")
    remind(shop, "B-1")
    assert shop.mails == []
    shop.hear(common.MessageWanted(message_id="m", template="confirm_address", order_id="A-1"), START, "A-1")
    assert len(shop.mails) == 1
    shop.run_until(after(hours=1))
    assert sorted(mail["order_id"] for _, mail in shop.mails) == ["A-1", "A-1", "B-1"]


def test_two_stages_of_one_order_that_wait_together_are_one_reminder_of_it() -> None:
    shop = merging()
    shop.order("A-1")
    remind(shop, "A-1")
    remind(shop, "A-1", after(minutes=5), stage="last_call")
    shop.run_until(after(hours=2))
    ((_, mail),) = shop.mails
    assert mail["subject"] == "Your order A-1 is waiting for its payment"
    assert dropped(shop, "A-1") == [("merged_into", "A-1")]


def test_a_buyer_with_very_many_unpaid_orders_gets_them_in_several_messages() -> None:
    shop = merging()
    for number in range(MERGED_MAX + 2):
        shop.order(f"A-{number}")
        remind(shop, f"A-{number}")
    assert len(shop.mails) == 1, "so many do not wait for more"
    waiting = [file.state.gathering for file in shop.files.values() if isinstance(file.state, BuyerDay)]
    assert [len(gathered) for gathered in waiting] == [2]
    shop.run_until(after(hours=3))
    assert len(shop.mails) == 2
    reasons = Counter(
        reason for number in range(MERGED_MAX + 2) for reason, _ in dropped(shop, f"A-{number}")
    )
    assert reasons == {"merged_into": MERGED_MAX}


def test_where_the_profile_does_not_say_so_each_order_is_reminded_of_at_once() -> None:
    shop = Shop()
    for order_id in ("A-1", "A-2"):
        shop.order(order_id)
        remind(shop, order_id)
    assert [mail["order_id"] for _, mail in shop.mails] == ["A-1", "A-2"]
    assert not shop.of("message.withdrawn", "A-1")


def test_a_reminder_kept_by_the_night_is_sent_in_the_morning_where_the_profile_says_next_day() -> None:
    shop = Shop().order()
    remind(shop, "A-1", START.replace(hour=22, minute=30))
    shop.run_until(after(days=1))
    assert len(shop.mails) == 1


def test_a_reminder_of_an_earlier_day_that_is_an_hour_late_is_never_sent_where_it_does_not() -> None:
    shop = Shop(payment_reminder_next_day=False).order()
    remind(shop, "A-1", START.replace(hour=22, minute=30))
    shop.run_until(after(days=1))
    assert shop.mails == []
    assert dropped(shop, "A-1") == [("stale", None)]


def test_a_reminder_of_the_same_day_is_sent_at_the_end_of_the_quiet_hours() -> None:
    shop = Shop(payment_reminder_next_day=False).order()
    remind(shop, "A-1", (START + timedelta(days=1)).replace(hour=3))
    shop.run_until(after(days=2))
    assert len(shop.mails) == 1


def test_a_reminder_within_its_hour_is_sent_though_midnight_lies_between() -> None:
    quiet = QuietHours(start=time(23, 30), end=time(0, 15))
    shop = Shop(payment_reminder_next_day=False, quiet_hours=quiet).order()
    remind(shop, "A-1", START.replace(hour=23, minute=45))
    shop.run_until(after(days=1))
    assert len(shop.mails) == 1


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 10, 29, 30, 31, 60, 600]),
        st.sampled_from(["A-1", "A-2", "A-3", "A-4"]),
        st.sampled_from(["first", "last_call", "h6", "pay", "close", "refuse"]),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(1, 3))
def test_whatever_is_paid_when_a_buyer_gets_one_reminder_a_window_and_each_says_what_became_of_it(
    script: list[tuple[int, str, str]], cap: int
) -> None:
    shop = Shop(
        profile=default_profile("Europe/Berlin", payment_reminder_merge_within=WINDOW, buyer_daily_cap=cap)
    )
    now, asked = START, set[tuple[str, str]]()
    for order_id in ("A-1", "A-2", "A-3", "A-4"):
        shop.order(order_id)
    for minutes, order_id, what in script:
        now += timedelta(minutes=minutes)
        shop.run_until(now)
        match what:
            case "pay":
                shop.hear(PAID, now, order_id)
            case "close":
                shop.hear(orders.OrderClosed(reason="unpaid"), now, order_id)
            case "refuse":
                shop.refusals = ["550 no"]
            case stage:
                remind(shop, order_id, now, stage=stage)
                asked.add((order_id, f"{stage}-{order_id}"))
    shop.run_until(now + timedelta(days=3))

    sent_at = [at for at, _ in shop.mails]
    zone, quiet = "Europe/Berlin", shop.profile.values.quiet_hours
    assert all(quiet_until(at, quiet, zone) is None for at in sent_at)
    days = Counter(local_date(at, zone) for at in sent_at)
    assert max(days.values(), default=0) <= cap
    refused = sum(event.name == "message.failed" for event in shop.events)
    if not refused:
        assert all(later - at >= WINDOW for at, later in pairwise(sent_at))
    ended = Counter[tuple[str, str]]()
    for event in shop.events:
        if isinstance(event.data, MessageSent | MessageSuppressed | MessageFailed):
            ended[(event.subject, event.data.message_id)] += 1
    assert set(ended) == asked
    assert set(ended.values()) <= {1}
    assert all(file.timers == {} for file in shop.files.values())
    for file in shop.files.values():
        assert not isinstance(file.state, BuyerDay) or file.state.gathering == ()
