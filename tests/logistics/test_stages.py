"""A parcel's stage only moves forward, whatever the carrier says and when."""

from datetime import timedelta

import pytest

from services.logistics import commands as ask
from services.logistics.app import SERVICE
from services.logistics.state import MAX_TRACE, Delivered, Moving, Returned, Returning, Troubled
from shared.contracts.facts import ScanStatus
from shared.kernel.decision import NOTHING, Decision
from tests.kit.rules import START, Play, after
from tests.logistics.story import (
    ORDER,
    dispatched,
    messages,
    parcel_of,
    placed,
    scan,
    shipping,
    wanted,
    withdrawn,
)


def test_a_parcel_goes_from_dispatch_to_delivery() -> None:
    play = shipping()
    play.do(
        scan("picked_up", after(hours=2), location="Leipzig", weight_grams=900),
        scan("in_transit", after(hours=20)),
        scan("out_for_delivery", after(hours=30)),
        scan("delivered", after(hours=34)),
    )
    assert [name for name in play.names() if name.startswith("parcel.")] == [
        "parcel.dispatched",
        "parcel.picked_up",
        "parcel.weighed",
        "parcel.in_transit",
        "parcel.out_for_delivery",
        "parcel.delivered",
    ]
    assert play.of("parcel.picked_up")[0].weight_grams == 900
    assert play.of("parcel.delivered")[0].lines == ("1", "2")
    assert isinstance(parcel_of(play), Delivered)
    assert not play.timers


def test_a_dispatch_before_the_order_is_known_is_early() -> None:
    play = Play(SERVICE).do(dispatched())
    assert (play.refused.slug, play.refused.early) == ("order-unknown", True)


def test_a_scan_before_its_dispatch_is_early() -> None:
    play = Play(SERVICE).do(scan("picked_up", after(hours=1)))
    assert (play.refused.slug, play.refused.early) == ("order-unknown", True)
    play.hear(placed(), START).do(scan("picked_up", after(hours=1)))
    assert (play.refused.slug, play.refused.early) == ("parcel-unknown", True)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=-1)])
def test_a_scan_that_is_not_newer_stays_in_the_trace_only(later: timedelta) -> None:
    play = shipping().do(scan("in_transit", after(hours=5)))
    said, timers = list(play.said), dict(play.timers)
    play.do(scan("out_for_delivery", after(hours=5) + later, after(hours=6)))
    assert (play.said, play.timers) == (said, timers)
    assert [(seen.status, seen.taken) for seen in parcel_of(play).trace] == [
        ("in_transit", True),
        ("out_for_delivery", False),
    ]


def test_a_scan_that_would_move_the_parcel_back_is_no_movement() -> None:
    play = shipping().do(scan("out_for_delivery", after(hours=5)))
    said, timers = list(play.said), dict(play.timers)
    play.do(scan("in_transit", after(hours=9)))
    assert (play.said, play.timers) == (said, timers)
    assert parcel_of(play).newest_scan_at == after(hours=5)


def test_a_newer_scan_of_the_same_stage_is_movement() -> None:
    play = shipping().do(scan("in_transit", after(hours=5)), scan("in_transit", after(hours=9)))
    assert len(play.of("parcel.in_transit")) == 2
    assert play.timers["standing", "P-1"] == after(hours=9 + 48)


@pytest.mark.parametrize("end", ["delivered", "returned"])
def test_a_scan_after_the_end_changes_nothing(end: ScanStatus) -> None:
    play = shipping().do(scan(end, after(hours=5)))
    said = list(play.said)
    play.do(scan("in_transit", after(hours=9)), scan("delivered", after(hours=10)))
    assert play.said == said
    assert not play.timers
    assert len(parcel_of(play).trace) == 3


def test_a_scan_told_again_under_another_id_is_not_kept_twice() -> None:
    play = shipping().do(
        scan("in_transit", after(hours=5)), scan("in_transit", after(hours=5), after(hours=8))
    )
    assert play.last == NOTHING
    assert len(parcel_of(play).trace) == 1


def test_an_exception_is_resolved_by_a_later_normal_scan() -> None:
    play = shipping().do(
        scan("in_transit", after(hours=5)), scan("exception", after(hours=9), text="Address not found")
    )
    trouble = parcel_of(play)
    assert isinstance(trouble, Troubled)
    assert (trouble.before, trouble.reason, trouble.fault) == ("in_transit", "address_not_found", "buyer")
    (task,) = wanted(play, "resolve_exception")
    assert (task.details["fault"], task.details["since"]) == ("buyer", "2026-03-02T21:00:00Z")
    play.do(scan("in_transit", after(hours=12)))
    assert play.names()[-3:] == ["parcel.exception_resolved", "parcel.in_transit", "task.withdrawn"]
    assert withdrawn(play) == [("resolve_exception", "moving_again")]


def test_after_an_exception_the_stage_before_it_still_counts() -> None:
    play = shipping().do(
        scan("out_for_delivery", after(hours=5)),
        scan("exception", after(hours=9)),
        scan("in_transit", after(hours=12)),
    )
    assert isinstance(parcel_of(play), Troubled)
    assert not play.of("parcel.exception_resolved")
    play.do(scan("out_for_delivery", after(hours=29)))
    moving = parcel_of(play)
    assert isinstance(moving, Moving)
    assert moving.stage == "out_for_delivery"


def test_two_exceptions_in_a_row_are_said_twice_and_want_one_task() -> None:
    play = shipping().do(
        scan("exception", after(hours=5)), scan("exception", after(hours=9), fault="carrier")
    )
    assert [event.fault for event in play.of("parcel.exception")] == ["unknown", "carrier"]
    assert len(wanted(play, "resolve_exception")) == 1


def test_an_exception_after_a_resolved_one_wants_a_task_of_its_own() -> None:
    play = shipping().do(
        scan("exception", after(hours=5)),
        scan("in_transit", after(hours=6)),
        scan("exception", after(hours=9)),
    )
    first, second = wanted(play, "resolve_exception")
    assert first.task_id != second.task_id


def test_a_parcel_on_its_way_back_ends_returned_and_is_settled_by_an_agent() -> None:
    play = shipping().do(
        scan("in_transit", after(hours=5)),
        scan("exception", after(hours=9)),
        scan("returning", after(hours=20)),
        scan("in_transit", after(hours=22)),
        scan("exception", after(hours=23)),
        scan("returned", after(hours=40)),
    )
    assert not play.of("parcel.exception_resolved")
    assert withdrawn(play) == [("resolve_exception", "returning"), ("resolve_exception", "returned")]
    assert isinstance(parcel_of(play), Returned)
    assert len(play.of("parcel.returning")) == 2
    assert len(play.of("parcel.in_transit")) == len(play.of("parcel.returned")) == 1
    assert len(wanted(play, "confirm_address_and_resend")) == 1
    assert not play.timers


def test_a_parcel_on_its_way_back_may_still_be_delivered() -> None:
    play = shipping().do(scan("returning", after(hours=5)), scan("delivered", after(hours=9)))
    assert isinstance(parcel_of(play), Delivered)


def test_the_trace_is_bounded_and_counts_what_it_dropped() -> None:
    play = shipping()
    play.do(*(scan("in_transit", after(minutes=n), text="x" * 900) for n in range(1, MAX_TRACE + 8)))
    parcel = parcel_of(play)
    assert (len(parcel.trace), parcel.trace_dropped) == (MAX_TRACE, 7)
    assert len(parcel.trace[0].text) == 200
    assert parcel.trace[-1].scanned_at == after(minutes=MAX_TRACE + 7)


def test_parcels_of_one_order_go_their_own_ways() -> None:
    play = shipping("P-1", "P-2").do(
        scan("delivered", after(hours=9)), scan("in_transit", after(hours=9), parcel="P-2")
    )
    assert isinstance(parcel_of(play), Delivered)
    assert isinstance(parcel_of(play, "P-2"), Moving)
    assert list(play.timers) == [("standing", "P-2")]


def test_under_a_shared_tracking_number_the_newer_dispatch_gets_the_scans() -> None:
    play = shipping().do(dispatched(after(hours=1), "P-2", "2", tracking="T-P-1"))
    play.do(scan("picked_up", after(hours=2)))
    assert parcel_of(play).newest_scan_at is None
    assert parcel_of(play, "P-2").newest_scan_at == after(hours=2)


def test_a_dispatch_told_again_changes_nothing_and_another_content_is_refused() -> None:
    play = shipping().do(dispatched(after(hours=3), fact_id="again"))
    assert play.last == NOTHING
    assert play.do(dispatched(after(hours=3), "P-1", "1")).refused.slug == "parcel-known"
    play.do(scan("picked_up", after(hours=4)))
    assert play.do(dispatched(after(hours=5), tracking="T-9")).refused.slug == "parcel-known"
    assert len(play.of("parcel.dispatched")) == 1


def test_a_mistyped_number_is_put_right_by_another_dispatch_before_the_first_scan() -> None:
    wrong, right = "1Z9999999999999999", "1Z9999999999999998"
    play = Play(SERVICE, ORDER).hear(placed(), START).do(dispatched(START, carrier="ups", tracking=wrong))
    (doubt,) = wanted(play, "look_into")
    assert play.do(scan("picked_up", after(hours=1), carrier="ups", tracking=right)).refused.early
    play.run_until(after(hours=25))
    play.do(dispatched(after(hours=26), carrier="ups", tracking=right, fact_id="put-right"))
    assert [task.task_id for task in play.of("task.withdrawn")][-1] == doubt.task_id
    assert withdrawn(play) == [("check_pickup", "dispatched"), ("look_into", "dispatched")]
    play.do(scan("picked_up", after(hours=27), carrier="ups", tracking=right))
    assert parcel_of(play).stage == "picked_up"
    assert [message.params["tracking_no"] for message in play.of("message.wanted")] == [wrong, right]


def test_an_older_dispatch_does_not_bring_back_the_number_that_was_put_right() -> None:
    play = shipping().do(dispatched(after(hours=2), tracking="T-9"))
    assert play.do(dispatched(after(hours=1), tracking="T-8")).refused.slug == "parcel-known"
    assert parcel_of(play).tracking_no == "T-9"


def test_a_new_number_leaves_the_buyers_enquiry_open() -> None:
    play = shipping()
    where = ask.RegisterEnquiry(
        at=after(hours=1), parcel_id="P-1", about="lookup", channel="chat", text="where is it?"
    )
    play.do(where)
    play.do(dispatched(after(hours=3), tracking="T-9"))
    assert [task.kind for task in parcel_of(play).tasks] == ["answer_enquiry"]
    assert not withdrawn(play)


def test_a_scan_from_the_future_hides_no_scan_after_it() -> None:
    play = shipping().do(scan("in_transit", after(days=365), after(hours=2)))
    assert parcel_of(play).clock.since == after(hours=2)
    play.do(scan("in_transit", after(days=365), after(hours=3)))
    assert len(parcel_of(play).trace) == 1, "the carrier tells its whole trace again"
    play.do(scan("out_for_delivery", after(hours=40)), scan("delivered", after(hours=44)))
    assert parcel_of(play).stage == "delivered"


def test_scans_of_a_clock_that_runs_ahead_are_taken_in_the_carriers_order() -> None:
    """Local time told as UTC: two scans that are heard of together are both hours ahead."""
    play = shipping().do(
        scan("picked_up", after(hours=10), after(hours=2)),
        scan("in_transit", after(hours=11), after(hours=2)),
        scan("picked_up", after(hours=9), after(hours=2)),
        scan("delivered", after(hours=20), after(hours=12)),
    )
    assert play.names().count("parcel.picked_up") == play.names().count("parcel.in_transit") == 1
    assert parcel_of(play).stage == "delivered"
    assert play.of("parcel.delivered")[0].scanned_at == after(hours=12)


def test_a_parcel_on_its_way_back_moves_with_every_scan_and_does_not_stall() -> None:
    play = shipping().do(scan("in_transit", after(hours=5)), scan("returning", after(hours=9)))
    for hours in range(30, 300, 30):
        play.run_until(after(hours=hours)).do(scan("in_transit", after(hours=hours)))
    assert isinstance(parcel_of(play), Returning)
    assert play.view.parcels[0].stage == "returning"
    assert not play.of("parcel.stalled")
    play.do(scan("exception", after(hours=301), text="damaged"))
    assert isinstance(parcel_of(play), Returning)
    assert play.view.parcels[0].stage == "returning"
    assert len(wanted(play, "resolve_exception")) == 1


def test_that_a_buyer_refuses_a_parcel_is_not_over_with_its_next_scan() -> None:
    play = shipping().do(scan("picked_up", after(hours=2)))
    play.do(ask.RefuseParcel(at=after(hours=5), parcel_id="P-1", reason="crushed"))
    play.do(scan("in_transit", after(hours=6)))
    assert not withdrawn(play)
    play.do(scan("returning", after(hours=9)), scan("in_transit", after(hours=20)))
    assert not withdrawn(play), "the buyer is still to be served"
    play.do(scan("returned", after(hours=30)))
    assert withdrawn(play) == [("resolve_exception", "returned")]


def test_trouble_of_the_way_there_is_over_when_the_parcel_comes_back() -> None:
    play = shipping().do(scan("exception", after(hours=5)), scan("returning", after(hours=9)))
    assert withdrawn(play) == [("resolve_exception", "returning")]


def test_trouble_on_the_way_back_is_over_when_the_parcel_moves_back_again() -> None:
    play = shipping().do(scan("returning", after(hours=5)), scan("exception", after(hours=9)))
    play.do(scan("out_for_delivery", after(hours=12)))
    assert withdrawn(play) == [("resolve_exception", "returning")]
    assert parcel_of(play).stage == play.view.parcels[0].stage == "returning"
    assert not [told for told in play.of("message.wanted") if told.template == "parcel_out_for_delivery"]


def test_a_dispatch_of_a_line_that_the_order_does_not_have_does_not_fit() -> None:
    play = shipping().do(dispatched(after(hours=1), "P-2", "9"))
    assert (play.refused.slug, play.refused.early) == ("line-unknown", False)


def test_an_order_has_a_limited_number_of_parcels() -> None:
    play = shipping(*(f"P-{n}" for n in range(100))).do(dispatched(after(hours=1), "one-more"))
    assert play.refused.slug == "too-many-parcels"


def test_stage_messages_are_stale_some_hours_after_the_scan() -> None:
    play = shipping().do(
        scan("picked_up", after(hours=2)),
        scan("out_for_delivery", after(hours=20), after(hours=26)),
        scan("out_for_delivery", after(hours=21), after(hours=26)),
        scan("delivered", after(hours=30)),
    )
    assert messages(play) == ["parcel_dispatched", "parcel_out_for_delivery", "parcel_delivered"]
    stale = [message.stale_at for message in play.of("message.wanted")]
    assert stale == [after(hours=12), after(hours=32), after(hours=42)]


def test_a_second_attempt_at_delivery_is_told_again() -> None:
    play = shipping().do(
        scan("out_for_delivery", after(hours=20)),
        scan("exception", after(hours=24), text="Nobody home"),
        scan("out_for_delivery", after(hours=44)),
    )
    told = [m.message_id for m in play.of("message.wanted") if m.template == "parcel_out_for_delivery"]
    assert len(set(told)) == len(told) == 2


def test_no_event_says_the_carriers_words() -> None:
    play = shipping().do(scan("exception", after(hours=5), text="Left with Mrs Miller, 5 Elm Street"))
    assert not [payload for payload in play.said if "Miller" in payload.model_dump_json()]
    assert parcel_of(play).trace[0].text.endswith("Elm Street")


def test_a_carriers_clock_at_the_end_of_time_breaks_nothing() -> None:
    play = shipping().do(scan("in_transit", START.replace(year=9999, month=12, day=31)))
    assert isinstance(play.last, Decision)
