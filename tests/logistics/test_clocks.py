"""Missed pickups, stalls, suspected losses: clocks run from the carrier's own time."""

from datetime import timedelta

from services.logistics.state import Delivered
from tests.kit.rules import START, after, default_profile
from tests.logistics.story import dispatched, messages, parcel_of, scan, shipping, wanted, withdrawn

MOMENT = timedelta(microseconds=1)


def test_a_parcel_that_nobody_scans_is_overdue_for_pickup_after_its_time() -> None:
    play = shipping().run_until(after(hours=24) - MOMENT)
    assert not play.of("parcel.pickup_overdue")
    play.run_until(after(hours=24))
    (overdue,) = play.of("parcel.pickup_overdue")
    assert overdue.dispatched_at == START
    (task,) = wanted(play, "check_pickup")
    assert task.details["parcel_id"] == "P-1"


def test_any_first_scan_settles_the_pickup() -> None:
    play = shipping().do(scan("exception", after(hours=23))).run_until(after(hours=30))
    assert not play.of("parcel.pickup_overdue")


def test_a_scan_at_the_very_moment_of_the_deadline_comes_first() -> None:
    play = shipping().do(scan("picked_up", after(hours=24))).run_until(after(hours=24))
    assert not play.of("parcel.pickup_overdue")


def test_the_first_scan_closes_the_pickup_task() -> None:
    play = shipping().run_until(after(hours=25)).do(scan("picked_up", after(hours=26)))
    assert withdrawn(play) == [("check_pickup", "scanned")]


def test_a_parcel_stalls_twice_and_is_then_thought_lost() -> None:
    play = shipping().do(scan("in_transit", after(hours=10), after(hours=12)))
    play.run_until(after(hours=58) - MOMENT)
    assert not play.of("parcel.stalled")
    play.run_until(after(hours=58))
    (first,) = play.of("parcel.stalled")
    assert (first.level, first.since) == (1, after(hours=10))
    assert (first.deadline, first.deadline_at) == ("stalled_2", after(hours=130))
    assert messages(play)[-1] == "delay_notice"
    (task,) = wanted(play, "check_with_carrier")
    assert task.priority == "normal"
    play.run_until(after(hours=130))
    assert [event.level for event in play.of("parcel.stalled")] == [1, 2]
    assert len(wanted(play, "check_with_carrier")) == 1
    (raised,) = play.of("task.raised")
    assert (raised.task_id, raised.priority) == (task.task_id, "high")
    play.run_until(after(hours=250) - MOMENT)
    assert not play.of("parcel.lost_suspected")
    play.run_until(after(hours=250))
    assert len(play.of("parcel.lost_suspected")) == len(wanted(play, "confirm_loss")) == 1
    assert not play.timers
    assert messages(play).count("delay_notice") == 1


def test_without_a_scan_the_clock_runs_from_the_dispatch() -> None:
    play = shipping().run_until(after(hours=48))
    assert [(event.level, event.since) for event in play.of("parcel.stalled")] == [(1, START)]


def test_a_newer_scan_ends_the_stall_and_levels_start_again() -> None:
    play = shipping().do(scan("in_transit", after(hours=1))).run_until(after(hours=125))
    play.do(scan("in_transit", after(hours=126)))
    (again,) = play.of("parcel.moving_again")
    assert (again.level, again.stood_since, again.scanned_at) == (2, after(hours=1), after(hours=126))
    assert withdrawn(play) == [("check_with_carrier", "moving_again")]
    play.run_until(after(hours=126 + 48))
    first, second = wanted(play, "check_with_carrier")
    assert first.task_id != second.task_id
    assert [event.level for event in play.of("parcel.stalled")] == [1, 2, 1]


def test_a_delivery_ends_a_stall_too() -> None:
    play = shipping().do(scan("in_transit", after(hours=1))).run_until(after(hours=60))
    play.do(scan("delivered", after(hours=61)))
    assert len(play.of("parcel.moving_again")) == 1
    assert withdrawn(play) == [("check_with_carrier", "delivered")]
    assert isinstance(parcel_of(play), Delivered)


def test_a_parcel_that_never_stalled_does_not_move_again() -> None:
    play = shipping().do(scan("in_transit", after(hours=1)), scan("in_transit", after(hours=40)))
    assert not play.of("parcel.moving_again")


def test_a_scan_closes_every_task_about_the_silence() -> None:
    play = shipping().run_until(after(hours=241)).do(scan("in_transit", after(hours=242)))
    assert sorted(withdrawn(play)) == [
        ("check_pickup", "scanned"),
        ("check_with_carrier", "moving_again"),
        ("confirm_loss", "moving_again"),
    ]
    assert parcel_of(play).tasks == ()


def test_a_scan_heard_late_brings_what_was_due_meanwhile_at_its_own_time() -> None:
    play = shipping().do(
        scan("picked_up", after(hours=1)), scan("in_transit", after(hours=5), after(hours=55))
    )
    assert play.timers["standing", "P-1"] == after(hours=53)
    play.run_until(after(hours=55))
    assert [(event.level, event.since) for event in play.of("parcel.stalled")] == [(1, after(hours=5))]
    assert play.timers["standing", "P-1"] == after(hours=125)


def test_a_parcel_on_its_way_back_may_stall() -> None:
    play = shipping().do(scan("returning", after(hours=5))).run_until(after(hours=53))
    assert len(play.of("parcel.stalled")) == 1


def test_every_event_says_which_clock_comes_next() -> None:
    play = shipping().do(scan("picked_up", after(hours=2)))
    left, picked_up = play.of("parcel.dispatched")[0], play.of("parcel.picked_up")[0]
    assert (left.deadline, left.deadline_at) == ("pickup_overdue", after(hours=24))
    assert (picked_up.deadline, picked_up.deadline_at) == ("stalled_1", after(hours=50))
    play.do(scan("delivered", after(hours=3)))
    assert play.of("parcel.delivered")[0].deadline is None


def test_a_loss_suspected_before_the_second_level_ends_the_levels() -> None:
    profile = default_profile(lost_suspected_after=timedelta(hours=60))
    play = shipping(profile=profile).do(scan("in_transit", START + MOMENT)).run_until(after(days=20))
    assert [event.level for event in play.of("parcel.stalled")] == [1]
    assert len(play.of("parcel.lost_suspected")) == 1


def test_each_parcel_has_clocks_of_its_own() -> None:
    play = shipping("P-1").do(dispatched(after(hours=10), "P-2", "2")).run_until(after(hours=58))
    assert [(e.parcel_id, e.level) for e in play.of("parcel.stalled")] == [("P-1", 1), ("P-2", 1)]
    assert len({task.task_id for task in wanted(play, "check_with_carrier")}) == 2
