"""From placing to payment: reminders, the close, and what a payment sets going."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.events import orders
from shared.kernel.decision import NOTHING
from tests.kit.rules import START, after, default_profile
from tests.orders.play import OrderPlay, order_paid, order_placed, paid_order


def test_an_unpaid_order_is_reminded_of_twice_and_closes_after_its_time() -> None:
    play = OrderPlay().placed().run_until(after(days=30))

    assert play.names() == [
        "order.placed",
        "order.payment_reminder_due",
        "message.wanted",
        "order.payment_reminder_due",
        "message.wanted",
        "order.closed",
    ]
    assert [due.stage for due in play.of("order.payment_reminder_due")] == ["first", "last_call"]
    assert play.of("order.closed") == [orders.OrderClosed(reason="unpaid")]
    assert play.stage == "closed"
    assert not play.timers


def test_reminders_and_the_close_come_at_their_moments() -> None:
    play = OrderPlay().placed()

    assert sorted(play.timers.values()) == [after(hours=12), after(hours=22), after(hours=24)]
    assert play.seen.deadline == "payment"
    assert play.seen.deadline_at == after(hours=24)


@pytest.mark.parametrize(
    ("moment", "reminders"),
    [
        (after(hours=12) - timedelta(microseconds=1), 0),
        (after(hours=12), 1),
        (after(hours=22) - timedelta(microseconds=1), 1),
        (after(hours=22), 2),
        (after(hours=24) - timedelta(microseconds=1), 2),
    ],
)
def test_a_reminder_is_due_at_its_moment_and_not_before(moment: Any, reminders: int) -> None:
    play = OrderPlay().placed().run_until(moment)

    assert len(play.of("order.payment_reminder_due")) == reminders
    assert play.stage == "unpaid"


def test_who_receives_the_order_is_on_the_contacts_topic_only() -> None:
    play = OrderPlay().placed()

    (contact,) = play.yes.contacts
    assert isinstance(contact.payload, orders.ContactChanged)
    assert contact.payload.receiver.name == "Ada Example"
    for payload in play.said:
        assert "Ada" not in payload.model_dump_json()
    assert "Ada" not in play.state.model_dump_json()
    assert "Ada" not in play.seen.model_dump_json()


def test_a_reminder_message_tells_what_is_owed_and_is_stale_at_the_close() -> None:
    (message,) = OrderPlay().placed().run_until(after(hours=12)).of("message.wanted")

    assert message.template == "payment_reminder"
    assert message.params == {
        "stage": "first",
        "total": "30.00",
        "currency": "EUR",
        "closes_at": "2026-03-03T12:00:00Z",
    }
    assert message.stale_at == after(hours=24)


def test_each_message_of_an_order_has_its_own_id() -> None:
    messages = OrderPlay().placed().run_until(after(hours=23)).paid(after(hours=23)).of("message.wanted")

    assert len({message.message_id for message in messages}) == 3


def test_a_paid_order_is_reminded_no_more_and_does_not_close() -> None:
    play = OrderPlay().placed().paid(after(hours=13)).run_until(after(hours=100))

    assert len(play.of("order.payment_reminder_due")) == 1
    assert not play.of("order.closed")
    assert play.stage == "paid"


def test_a_payment_at_the_very_moment_of_the_close_comes_first() -> None:
    play = OrderPlay().placed().paid(after(hours=24))

    assert play.stage == "paid"


def test_a_payment_starts_the_ship_deadline_of_its_service_and_asks_to_confirm_the_address() -> None:
    play = OrderPlay().placed(ship_service="First Class").paid(after(hours=2))

    (paid,) = play.of("order.paid")
    assert paid.ship_by == after(hours=2 + 72)
    assert play.timers == {("ship", ""): after(hours=74)}
    (message,) = play.of("message.wanted")
    assert message.template == "confirm_address"
    assert (play.seen.deadline, play.seen.deadline_at) == ("ship", after(hours=74))


@pytest.mark.parametrize(
    ("service", "hours"),
    [("Same Day", 24), ("First Class", 72), ("Second Class", 96), ("Standard Class", 168), ("Pigeon", 48)],
)
def test_how_long_shipping_may_take_goes_by_the_ship_service(service: str, hours: int) -> None:
    (paid,) = OrderPlay().placed(ship_service=service).paid(after(hours=1)).of("order.paid")

    assert paid.ship_by == after(hours=1 + hours)


def test_facts_about_an_order_that_was_not_placed_are_early() -> None:
    play = OrderPlay().do(order_paid(after(hours=1)))

    assert play.refused.slug == "order-unknown"
    assert play.refused.early
    assert play.refused.missing


def test_a_payment_that_was_told_before_the_order_counts_from_its_own_time() -> None:
    play = OrderPlay().placed(at=after(hours=5)).do(order_paid(after(hours=1)))

    (paid,) = play.of("order.paid")
    assert paid.ship_by == after(hours=1 + 168)


def test_the_same_order_told_under_another_id_changes_nothing() -> None:
    play = OrderPlay().placed().placed(at=after(hours=1), fact_id="f9")

    assert play.last == NOTHING


def test_another_order_under_the_same_id_does_not_fit() -> None:
    play = OrderPlay().placed().placed(fact_id="f9", total="99.00")

    assert play.refused.slug == "already-placed"
    assert play.seen.total == order_placed().data.total


def test_the_same_payment_told_under_another_id_changes_nothing() -> None:
    play = paid_order().paid(after(hours=2), fact_id="f9")

    assert play.last == NOTHING
    assert len(play.of("order.paid")) == 1


def test_a_second_payment_does_not_fit() -> None:
    play = paid_order().paid(after(hours=2), payment_id="P-2", fact_id="f9")

    assert play.refused.slug == "already-paid"
    assert [task.kind for task in play.of("task.wanted")] == ["look_into"]


@pytest.mark.parametrize("amount", ["29.99", "31.00"])
def test_an_order_paid_with_another_amount_is_served_and_looked_into(amount: str) -> None:
    play = OrderPlay().placed().paid(amount=amount)

    assert play.stage == "paid"
    (task,) = play.tasks("look_into")
    assert task.details["paid"] == amount


def test_no_reminder_is_set_for_the_close_or_after_it() -> None:
    profile = default_profile(
        payment_reminder_after=timedelta(hours=24), payment_last_call_before_close=timedelta(hours=30)
    )
    play = OrderPlay(profile).placed().run_until(after(days=3))

    assert play.names() == ["order.placed", "order.closed"]


def test_timers_of_one_moment_fire_in_the_order_in_which_they_were_set() -> None:
    profile = default_profile(payment_reminder_after=timedelta(hours=22))
    play = OrderPlay(profile).placed().run_until(after(hours=22))

    assert [due.stage for due in play.of("order.payment_reminder_due")] == ["first", "last_call"]


def test_a_payment_younger_than_a_close_that_is_still_due_waits_for_it() -> None:
    play = OrderPlay().placed().do(order_paid(after(hours=25)))

    assert play.refused.early
    assert play.stage == "unpaid"


def test_the_payment_that_waited_for_the_close_came_too_late() -> None:
    late = order_paid(after(hours=25))
    play = OrderPlay().placed().do(late).run_until(after(hours=25)).do(late)

    assert play.refused.slug == "order-closed"
    assert not play.refused.early
    assert play.tasks("late_payment")


def test_the_last_moments_of_the_calendar_are_no_trouble() -> None:
    end_of_time = START.replace(year=9999, month=12, day=31)
    play = OrderPlay().placed(at=end_of_time).do(order_paid(end_of_time))

    assert play.stage == "paid"
