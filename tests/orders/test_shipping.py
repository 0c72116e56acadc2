"""The ship promise: missed, moved, met."""

from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.events import orders
from tests.kit.rules import after
from tests.orders.play import OrderPlay, order_cancelled, paid_order

SHIP_BY = after(hours=1 + 168)


def overdue_order() -> OrderPlay:
    return paid_order().run_until(SHIP_BY)


def test_an_order_that_has_not_left_is_overdue_once_and_urged() -> None:
    play = paid_order().run_until(after(days=60))

    assert play.of("order.ship_overdue") == [orders.ShipOverdue(ship_by=SHIP_BY, lines=("1", "2"))]
    (task,) = play.tasks("urge_shipment")
    assert task.due_at == SHIP_BY + timedelta(hours=24)
    assert play.seen.ship_overdue
    assert play.seen.deadline is None


def test_lines_that_left_are_not_overdue() -> None:
    play = paid_order().left("p1", after(days=1), lines=("1",)).run_until(after(days=60))

    (overdue,) = play.of("order.ship_overdue")
    assert overdue.lines == ("2",)


def test_an_order_that_left_in_time_is_never_overdue() -> None:
    play = paid_order().left("p1", after(days=1), lines=("1",)).left("p2", SHIP_BY, lines=("2",))
    play.run_until(after(days=60))

    assert not play.of("order.ship_overdue")
    assert play.of("order.dispatched") == [orders.OrderDispatched(parcels=("p1", "p2"))]
    assert play.stage == "dispatched"


def test_a_refunded_line_counts_as_dispatched() -> None:
    play = paid_order().left("p1", after(days=1), lines=("1",)).case_opened("c", after(days=2), ("2",))
    play.case_refunded("c", after(days=2), ("2",)).run_until(after(days=60))

    assert not play.of("order.ship_overdue")
    assert play.stage == "dispatched"


def test_a_line_whose_shipment_was_stopped_is_not_urged_while_its_refund_is_on_its_way() -> None:
    play = paid_order().case_opened("c", after(days=2)).case_approved("c", after(days=2))
    play.run_until(after(days=60))

    assert not play.of("order.ship_overdue")
    (stopped,) = play.of("order.deadline_changed")
    assert (stopped.deadline, stopped.was, stopped.deadline_at) == ("ship", SHIP_BY, None)
    assert play.seen.deadline is None


def test_a_stopped_line_is_asked_for_again_when_its_case_ends_without_money() -> None:
    play = paid_order().case_opened("c", after(days=2)).case_approved("c", after(days=2))
    play.case_closed("c", after(days=3))

    assert play.timers == {("ship", ""): SHIP_BY}
    assert play.of("order.deadline_changed")[-1].deadline_at == SHIP_BY


def test_the_urge_ends_when_everything_has_left() -> None:
    play = overdue_order().left("p1", after(days=9))

    (withdrawn,) = play.of("task.withdrawn")
    assert withdrawn.task_id == play.tasks("urge_shipment")[0].task_id
    assert withdrawn.reason == "dispatched"


def test_the_urge_stays_while_a_line_is_still_there() -> None:
    play = overdue_order().left("p1", after(days=9), lines=("1",))

    assert not play.of("task.withdrawn")


def test_a_promised_day_moves_the_deadline() -> None:
    play = overdue_order()
    play.answered(play.tasks("urge_shipment")[0], "ships_on", after(days=8), date=after(days=10).isoformat())

    (moved,) = play.of("order.deadline_changed")
    assert (moved.deadline, moved.deadline_at, moved.reason) == ("ship", after(days=10), "ships_on")
    assert play.timers == {("ship", ""): after(days=10)}
    assert play.seen.deadline_at == after(days=10)


def test_a_promised_day_that_is_missed_is_urged_anew_but_not_said_to_be_overdue_again() -> None:
    play = overdue_order()
    play.answered(play.tasks("urge_shipment")[0], "ships_on", after(days=8), date=after(days=10).isoformat())
    play.run_until(after(days=60))

    assert len(play.of("order.ship_overdue")) == 1
    first, second = play.tasks("urge_shipment")
    assert first.task_id != second.task_id
    assert second.due_at == after(days=11)
    assert play.seen.deadline is None


def test_a_promised_day_that_is_over_gives_the_usual_time_to_act() -> None:
    play = overdue_order()
    play.answered(play.tasks("urge_shipment")[0], "ships_on", after(days=8), date=after(days=5).isoformat())

    assert play.timers == {("ship", ""): after(days=9)}


def test_a_promise_for_an_order_that_has_left_meanwhile_is_refused() -> None:
    play = overdue_order()
    task = play.tasks("urge_shipment")[0]
    play.left("p1", after(days=8)).answered(task, "ships_on", after(days=8), date=after(days=9).isoformat())

    assert play.refused.slug == "nothing-to-ship"
    assert not play.timers


@pytest.mark.parametrize("outcome", ["out_of_stock", "cancel"])
def test_what_cannot_be_sent_is_called_off_and_paid_back(outcome: str) -> None:
    play = overdue_order()
    play.answered(play.tasks("urge_shipment")[0], outcome, after(days=8))

    (asked,) = play.of("order.cancellation_requested")
    assert (asked.reason, asked.by, str(asked.amount)) == (outcome, "shop", "30.00")
    assert play.stage == "cancelling"

    play.case_opened("x", after(days=8), kind="cancellation")
    play.case_refunded("x", after(days=8), kind="cancellation").run_until(after(days=60))
    assert play.names()[-1] == "order.refunded"
    assert play.stage == "refunded"
    assert not play.timers


def test_only_what_has_not_left_is_called_off() -> None:
    play = paid_order().left("p1", after(days=1), lines=("1",)).run_until(SHIP_BY)
    play.answered(play.tasks("urge_shipment")[0], "out_of_stock", after(days=8))

    (asked,) = play.of("order.cancellation_requested")
    assert (asked.lines, str(asked.amount)) == (("2",), "15.00")
    assert play.names()[-1] == "order.dispatched"

    play.arrived("p1", after(days=9), lines=("1",))
    assert play.stage == "dispatched"
    play.case_opened("x", after(days=9), ("2",), kind="cancellation")
    play.case_refunded("x", after(days=9), ("2",), amount="15.00", kind="cancellation")
    assert play.stage == "delivered"
    play.run_until(after(days=60))
    assert play.stage == "completed"


def test_a_pickup_that_was_called_back_makes_the_promise_run_again() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=2), "pickup_cancelled")

    assert play.stage == "paid"
    assert play.timers == {("ship", ""): SHIP_BY}
    play.left("p2", after(days=3))
    assert play.stage == "dispatched"
    assert len(play.of("order.dispatched")) == 1


def test_a_pickup_called_back_after_the_promised_day_is_overdue_at_once() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=9), "pickup_cancelled")
    play.run_until(after(days=9))

    assert len(play.of("order.ship_overdue")) == 1
    assert play.tasks("urge_shipment")


def test_what_leaves_again_after_its_promise_has_run_out_is_said_to_owe_nothing_more() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=9), "pickup_cancelled")
    play.run_until(after(days=9)).left("p2", after(days=10))

    last = play.of("order.deadline_changed")[-1]
    assert (last.deadline, last.deadline_at, last.reason) == ("ship", None, "dispatched")
    assert len(play.of("order.dispatched")) == 1


def test_what_left_after_the_promised_day_was_overdue_even_if_its_timer_was_late() -> None:
    play = paid_order()
    del play.timers[("ship", "")]  # the worker was away when it was due
    play.left("p1", after(days=9))

    assert play.names()[-2:] == ["order.ship_overdue", "order.dispatched"]
    assert not play.tasks("urge_shipment")


def test_a_cancelled_order_is_never_overdue() -> None:
    play = paid_order().do(order_cancelled(after(days=2))).run_until(after(days=60))

    assert not play.of("order.ship_overdue")
    assert not play.of("task.wanted")


def test_an_urged_order_that_is_cancelled_is_urged_no_more() -> None:
    play = overdue_order().do(order_cancelled(after(days=8)))

    assert [gone.reason for gone in play.of("task.withdrawn")] == ["cancellation_requested"]


@pytest.mark.parametrize(
    "details", [{}, {"date": "soon"}, {"date": None}, {"date": "2026-03-20T00:00:00Z", "more": 1}]
)
def test_an_outcome_that_makes_no_sense_changes_nothing(details: dict[str, Any]) -> None:
    play = overdue_order()
    before = play.state
    play.answered(play.tasks("urge_shipment")[0], "ships_on", after(days=8), **details)

    assert play.state is before
