"""Timers at their boundary: to the microsecond, over changed clocks, leap days and the turn of the year."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.kernel.profiles import Profile
from tests.kit.rules import default_profile
from tests.orders.play import OrderPlay

MOMENT = timedelta(microseconds=1)
STARTS = {
    "an ordinary day": "2026-06-10T12:00:00+02:00",
    "clocks go forward": "2026-03-28T12:00:00+01:00",
    "clocks go back": "2026-10-24T12:00:00+02:00",
    "a leap day": "2028-02-28T12:00:00+01:00",
    "no leap day in 2100": "2100-02-28T12:00:00+01:00",
    "the turn of the year": "2026-12-31T12:00:00+01:00",
}
SPANS = {
    "23 h 59 min": timedelta(hours=23, minutes=59),
    "24 h": timedelta(hours=24),
    "72 h": timedelta(hours=72),
    "10 d": timedelta(days=10),
    "15 d": timedelta(days=15),
}
each_start = pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
each_span = pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@each_start
@each_span
def test_an_unpaid_order_closes_after_its_elapsed_time_and_no_microsecond_before(
    start: str, span: timedelta
) -> None:
    at = moment(start)
    play = OrderPlay(default_profile("Europe/Berlin", close_unpaid_after=span)).placed(at=at)
    play.run_until(at + span - MOMENT)
    assert play.of("order.closed") == []
    play.run_until(at + span)
    assert len(play.of("order.closed")) == 1


@each_start
@each_span
def test_a_payment_at_the_very_end_is_in_time(start: str, span: timedelta) -> None:
    at = moment(start)
    play = OrderPlay(default_profile("Europe/Berlin", close_unpaid_after=span)).placed(at=at)
    play.paid(at + span).run_until(at + span)
    assert (play.stage, play.of("order.closed")) == ("paid", [])


@each_start
@each_span
def test_a_delivered_order_completes_after_its_elapsed_time_and_no_microsecond_before(
    start: str, span: timedelta
) -> None:
    at = moment(start)
    arrived = at + timedelta(days=2)
    play = OrderPlay(default_profile("Europe/Berlin", auto_complete_after=span)).placed(at=at)
    play.paid(at).left("p1", at + timedelta(hours=1)).arrived("p1", arrived)
    play.run_until(arrived + span - MOMENT)
    assert play.of("order.completed") == []
    play.run_until(arrived + span)
    assert len(play.of("order.completed")) == 1


FROM_DISPATCH = default_profile(auto_complete_after=timedelta(days=15), auto_complete_from="dispatch")
AT = moment(STARTS["an ordinary day"])


def sent(profile: Profile, *days: int) -> OrderPlay:
    """An order whose lines left in parcels of their own, some days after it was placed."""
    play = OrderPlay(profile).placed(at=AT).paid(AT)
    for number, day in enumerate(days, 1):
        play.left(f"p{number}", AT + timedelta(days=day), (str(number),))
    return play


def test_a_platform_may_count_from_the_dispatch_of_the_last_parcel() -> None:
    play = sent(FROM_DISPATCH, 1, 3)
    play.arrived("p1", AT + timedelta(days=4), ("1",)).arrived("p2", AT + timedelta(days=6), ("2",))
    (delivered,) = play.of("order.delivered")
    assert delivered.completes_at == AT + timedelta(days=18)
    play.run_until(AT + timedelta(days=18) - MOMENT)
    assert play.of("order.completed") == []
    assert len(play.run_until(AT + timedelta(days=18)).of("order.completed")) == 1


def test_an_order_that_has_not_arrived_does_not_complete_by_its_dispatch() -> None:
    play = sent(FROM_DISPATCH, 1, 1).arrived("p1", AT + timedelta(days=4), ("1",))
    play.run_until(AT + timedelta(days=40))
    assert play.of("order.completed") == []
    play.arrived("p2", AT + timedelta(days=41), ("2",)).run_until(AT + timedelta(days=41))
    assert len(play.of("order.completed")) == 1


def test_a_parcel_whose_dispatch_was_not_heard_counts_from_its_arrival() -> None:
    play = OrderPlay(FROM_DISPATCH).placed(at=AT).paid(AT).arrived("p1", AT + timedelta(days=4))
    (delivered,) = play.of("order.delivered")
    assert delivered.completes_at == AT + timedelta(days=19)


def test_a_case_holds_the_completion_of_such_an_order_too() -> None:
    play = sent(FROM_DISPATCH, 1, 1)
    play.arrived("p1", AT + timedelta(days=4), ("1",)).arrived("p2", AT + timedelta(days=4), ("2",))
    play.case_opened("c1", AT + timedelta(days=15)).run_until(AT + timedelta(days=30))
    assert play.of("order.completed") == []
    play.case_closed("c1", AT + timedelta(days=31)).run_until(AT + timedelta(days=31))
    assert [each.after_case for each in play.of("order.completed")] == [True]
