"""Local days and quiet hours, on ordinary days and on those on which the clocks change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.calendar import QuietHours, at_local, local_date, local_days_after, quiet_until, utc_text

NIGHT = QuietHours(start=time(22), end=time(9))
NOON = QuietHours(start=time(12), end=time(13))
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-07-01T19:59:59", None),
        ("2026-07-01T20:00:00", "2026-07-02T07:00:00"),
        ("2026-07-01T23:30:00", "2026-07-02T07:00:00"),
        ("2026-07-02T06:59:59", "2026-07-02T07:00:00"),
        ("2026-07-02T07:00:00", None),
    ],
)
def test_the_night_is_quiet_from_ten_until_nine_and_nine_itself_is_not(
    moment: str, until: str | None
) -> None:
    expected = None if until is None else utc(until)
    assert quiet_until(utc(moment), NIGHT, BERLIN) == expected


def test_a_quiet_span_within_one_day_ends_the_same_day() -> None:
    assert quiet_until(utc("2026-07-01T10:30:00"), NOON, BERLIN) == utc("2026-07-01T11:00:00")
    assert quiet_until(utc("2026-07-01T11:00:00"), NOON, BERLIN) is None


def test_an_empty_span_is_never_quiet() -> None:
    assert quiet_until(utc("2026-07-01T11:00:00"), QuietHours(start=time(9), end=time(9)), BERLIN) is None


def test_the_night_in_which_the_clocks_go_forward_is_an_hour_shorter() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00; 22:00 to 09:00 lasts ten hours.
    start = utc("2026-03-28T21:00:00")
    until = quiet_until(start, NIGHT, BERLIN)
    assert until == utc("2026-03-29T07:00:00")
    assert until - start == timedelta(hours=10)


def test_quiet_hours_that_end_in_the_hour_that_comes_twice_end_once() -> None:
    # Berlin, 25 October 2026: 02:00 to 03:00 comes twice. They end at the first 02:45, for good.
    early = QuietHours(start=time(22), end=time(2, 45))
    assert quiet_until(utc("2026-10-25T00:30:00"), early, BERLIN) == utc("2026-10-25T00:45:00")
    assert quiet_until(utc("2026-10-25T01:30:00"), early, BERLIN) is None


def test_the_night_in_which_the_clocks_go_back_is_an_hour_longer() -> None:
    start = utc("2026-10-24T20:00:00")
    until = quiet_until(start, NIGHT, BERLIN)
    assert until == utc("2026-10-25T08:00:00")
    assert until - start == timedelta(hours=12)


def test_a_wall_time_that_is_skipped_is_an_hour_later_on_the_wall() -> None:
    assert at_local(date(2026, 3, 29), time(2, 30), BERLIN) == utc("2026-03-29T01:30:00")


def test_a_wall_time_that_comes_twice_is_the_first() -> None:
    assert at_local(date(2026, 10, 25), time(2, 30), BERLIN) == utc("2026-10-25T00:30:00")


def test_local_days_count_midnights_not_hours() -> None:
    delivered = utc("2026-03-01T04:59:00")  # 23:59 in New York
    assert local_days_after(delivered, delivered + timedelta(minutes=1), NEW_YORK) == 1
    assert local_days_after(delivered, delivered + timedelta(days=7, minutes=1), NEW_YORK) == 8
    assert local_date(delivered, NEW_YORK) == date(2026, 2, 28)


@given(st.integers(0, 10 * 365 * 24 * 3600))
def test_the_end_of_the_quiet_hours_is_later_and_not_quiet_itself(seconds: int) -> None:
    moment = utc("2020-01-01T00:00:00") + timedelta(seconds=seconds)
    for zone in (BERLIN, NEW_YORK, "Asia/Shanghai", "Australia/Lord_Howe"):
        until = quiet_until(moment, NIGHT, zone)
        if until is not None:
            assert moment < until <= moment + timedelta(hours=13)
            assert quiet_until(until, NIGHT, zone) is None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-03-02T12:00:00+00:00", "2026-03-02T12:00:00Z"),
        ("2026-03-02T12:00:00+08:00", "2026-03-02T04:00:00Z"),
        ("2026-03-02T12:00:00.250-05:00", "2026-03-02T17:00:00.250000Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_a_z(moment: str, text: str) -> None:
    assert utc_text(datetime.fromisoformat(moment)) == text
