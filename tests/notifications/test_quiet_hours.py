"""Rule `quiet_hours`: 22:00 to 09:00 of the shop's clock on the wall, also when that clock is changed."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.events.orders import OrderPaid
from shared.kernel.calendar import QuietHours
from shared.kernel.decision import Decision, EffectDue, TimerDue
from tests.kit.rules import default_profile
from tests.notifications.world import ORDER, Shop, wanted, wrote

NEW_YORK = "America/New_York"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "sent_at"),
    [
        ("2026-06-01T21:59:59-04:00", "2026-06-01T21:59:59-04:00"),
        ("2026-06-01T22:00:00-04:00", "2026-06-02T09:00:00-04:00"),
        ("2026-06-02T00:00:00-04:00", "2026-06-02T09:00:00-04:00"),
        ("2026-06-02T08:59:59-04:00", "2026-06-02T09:00:00-04:00"),
        ("2026-06-02T09:00:00-04:00", "2026-06-02T09:00:00-04:00"),
        # The night in which the clock goes forward has an hour less, the one back an hour more.
        ("2026-03-07T22:00:00-05:00", "2026-03-08T09:00:00-04:00"),
        ("2026-03-08T01:59:00-05:00", "2026-03-08T09:00:00-04:00"),
        ("2026-10-31T22:00:00-04:00", "2026-11-01T09:00:00-05:00"),
        ("2026-11-01T01:30:00-04:00", "2026-11-01T09:00:00-05:00"),
        ("2026-11-01T01:30:00-05:00", "2026-11-01T09:00:00-05:00"),
        # Through a leap day, a February without one, and the turn of the year.
        ("2028-02-28T23:00:00-05:00", "2028-02-29T09:00:00-05:00"),
        ("2028-02-29T22:00:00-05:00", "2028-03-01T09:00:00-05:00"),
        ("2027-02-28T22:00:00-05:00", "2027-03-01T09:00:00-05:00"),
        ("2026-12-31T22:00:00-05:00", "2027-01-01T09:00:00-05:00"),
    ],
)
def test_a_message_waits_for_the_end_of_the_night(at: str, sent_at: str) -> None:
    shop = Shop(NEW_YORK).order(at=moment(at) - timedelta(hours=1))
    shop.hear(wanted(), moment(at))
    shop.run_until(moment(at) + timedelta(days=2))
    assert [sent for sent, _ in shop.mails] == [moment(sent_at)]
    postponed = [each.until for each in shop.of("message.postponed")]
    assert postponed == ([] if at == sent_at else [moment(sent_at)])


def test_a_wall_time_that_is_skipped_in_spring_ends_the_night_an_hour_later() -> None:
    quiet = QuietHours(start=time(22), end=time(2, 30))
    shop = Shop(profile=default_profile(NEW_YORK, quiet_hours=quiet)).order()
    shop.hear(wanted(), moment("2026-03-08T01:59:00-05:00"))
    shop.run_until(moment("2026-03-09T12:00:00-04:00"))
    assert [sent for sent, _ in shop.mails] == [moment("2026-03-08T03:30:00-04:00")]


def test_a_wall_time_that_comes_twice_in_autumn_ends_the_night_the_first_time() -> None:
    quiet = QuietHours(start=time(22), end=time(1, 30))
    shop = Shop(profile=default_profile(NEW_YORK, quiet_hours=quiet)).order()
    shop.hear(wanted(), moment("2026-11-01T00:30:00-04:00"))
    shop.run_until(moment("2026-11-02T12:00:00-05:00"))
    assert [sent for sent, _ in shop.mails] == [moment("2026-11-01T01:30:00-04:00")]


def test_a_timer_that_fires_late_in_another_night_waits_again() -> None:
    shop = Shop(NEW_YORK).order()
    shop.hear(wanted(), moment("2026-06-01T23:00:00-04:00"))
    shop.run_until(moment("2026-06-02T23:30:00-04:00"), late=True)
    assert shop.mails == []
    shop.run_until(moment("2026-06-03T12:00:00-04:00"))
    assert [sent for sent, _ in shop.mails] == [moment("2026-06-03T09:00:00-04:00")]


def test_what_got_stale_in_the_night_is_dropped_in_the_morning() -> None:
    shop = Shop(NEW_YORK).order()
    stale_at = moment("2026-06-02T08:00:00-04:00")
    shop.hear(wanted(stale_at=stale_at), moment("2026-06-01T23:00:00-04:00"))
    shop.run_until(moment("2026-06-02T12:00:00-04:00"))
    assert shop.mails == []
    assert [each.reason for each in shop.of("message.suppressed")] == ["stale"]


def test_a_days_yes_that_comes_in_the_night_sends_nothing_before_morning() -> None:
    shop = Shop(NEW_YORK).order()
    shop.days_answer = False
    shop.hear(wanted(), moment("2026-06-01T21:59:00-04:00"))
    (asked,) = shop.of("message.asked")
    shop.days_answer = True
    shop.now = moment("2026-06-01T22:30:00-04:00")
    allowed = next(event for event in shop.events if event.name == "message.allowed")
    for about, command in shop.file().service.react(allowed):
        shop.do(command, about, now=shop.now)
    assert shop.mails == []
    shop.run_until(moment("2026-06-02T12:00:00-04:00"))
    assert [sent for sent, _ in shop.mails] == [moment("2026-06-02T09:00:00-04:00")]
    again = shop.of("message.asked")[1]
    assert again.buyer_day != asked.buyer_day


def test_two_messages_that_waited_go_out_in_the_order_in_which_they_were_wanted() -> None:
    shop = Shop(NEW_YORK).order()
    shop.hear(wanted(message_id="m-1"), moment("2026-06-01T23:00:00-04:00"))
    shop.hear(wanted(message_id="m-2"), moment("2026-06-02T01:00:00-04:00"))
    shop.run_until(moment("2026-06-02T12:00:00-04:00"))
    assert [each.message_id for each in shop.of("message.sent")] == ["m-1", "m-2"]


def test_both_reminders_of_a_night_are_told_since_they_say_different_things() -> None:
    shop = Shop(NEW_YORK).order()
    first = wanted("payment_reminder", "m-1", stage="first")
    last = wanted("payment_reminder", "m-2", stage="last_call")
    shop.hear(first, moment("2026-06-01T23:00:00-04:00"))
    shop.hear(last, moment("2026-06-02T08:00:00-04:00"))
    shop.run_until(moment("2026-06-02T12:00:00-04:00"))
    assert len(shop.mails) == 2


def test_an_answer_to_the_buyer_goes_out_at_night() -> None:
    shop = Shop(NEW_YORK).order()
    night = moment("2026-06-02T02:00:00-04:00")
    shop.do(wrote(at=night))
    shop.run_until(night + timedelta(minutes=1))
    task = shop.task("answer_buyer")
    shop.claim(task.task_id)
    shop.complete(task.task_id, "answered", {"text": "It arrives tomorrow."})
    assert [sent for sent, _ in shop.mails] == [night + timedelta(minutes=1)]


def test_a_timer_of_a_message_that_is_gone_does_nothing() -> None:
    shop = Shop().order()
    at = shop.now
    shop.do(TimerDue(name="send", key="m-unknown", due_at=at, at=at), ORDER)
    shop.do(TimerDue(name="of another time", key="x", due_at=at, at=at), ORDER)
    assert shop.names() == []


def tried_again(shop: Shop, at: str) -> Decision:
    """The channel did not answer, and the mail is about to be tried once more."""
    ((subject, done),) = shop.held
    outcome = shop.do(EffectDue(at=moment(at), effect_id=done.effect_id, kind="mail"), subject)
    assert isinstance(outcome, Decision)
    return outcome


def silent(template: str = "delay_notice", **params: Any) -> Shop:
    """A shop whose mail server is away since shortly before the night."""
    shop = Shop(NEW_YORK).order(at=moment("2026-06-01T12:00:00-04:00"))
    shop.channel_up = False
    shop.hear(wanted(template, "m-1", **params), moment("2026-06-01T21:59:00-04:00"))
    return shop


def test_a_mail_that_is_tried_again_in_the_night_waits_for_its_end() -> None:
    shop = silent("case_refunded")
    assert tried_again(shop, "2026-06-01T21:59:59-04:00") == Decision()
    assert tried_again(shop, "2026-06-01T22:00:00-04:00").recalls
    assert [each.until for each in shop.of("message.postponed")] == [moment("2026-06-02T09:00:00-04:00")]
    shop.channel_up = True
    shop.run_until(moment("2026-06-02T10:00:00-04:00"))
    assert [sent for sent, _ in shop.mails][1:] == [moment("2026-06-02T09:00:00-04:00")]
    assert len(shop.of("message.sent")) == 1


def test_a_reminder_that_is_tried_again_after_the_payment_is_dropped() -> None:
    shop = silent("payment_reminder", stage="first", total="10.00", currency="EUR")
    shop.hear(
        OrderPaid(amount=Decimal("10.00"), payment_id="p-1", ship_by=moment("2026-06-03T12:00:00-04:00")),
        shop.now,
    )
    assert tried_again(shop, "2026-06-01T21:59:30-04:00").recalls
    assert [each.reason for each in shop.of("message.suppressed")] == ["no_longer_true"]


def test_an_answer_to_the_buyer_is_tried_again_at_any_hour() -> None:
    shop = Shop(NEW_YORK).order(at=moment("2026-06-01T12:00:00-04:00"))
    shop.do(wrote("f-1", moment("2026-06-01T21:00:00-04:00"), "hello?"))
    shop.run_until(moment("2026-06-01T21:30:00-04:00"))
    shop.channel_up = False
    task_id = shop.task("answer_buyer").task_id
    shop.claim(task_id)
    shop.complete(task_id, "answered", {"text": "Good evening."})
    assert tried_again(shop, "2026-06-01T23:00:00-04:00") == Decision()
