"""Taking an order off."""

from decimal import Decimal

from shared.contracts.events import aftersales, orders
from shared.kernel.decision import NOTHING
from tests.kit.rules import after
from tests.orders.play import OrderPlay, delivered_order, order_cancelled, paid_order


def test_an_unpaid_order_is_cancelled_at_once_and_its_timers_end() -> None:
    play = OrderPlay().placed().do(order_cancelled(after(hours=1))).run_until(after(days=9))

    assert play.names() == ["order.placed", "order.cancelled"]
    assert play.stage == "cancelled"


def test_the_cancellation_of_an_order_that_was_not_placed_is_early() -> None:
    assert OrderPlay().do(order_cancelled(after(hours=1))).refused.early


def test_a_cancellation_younger_than_a_close_that_is_still_due_waits_for_it() -> None:
    play = OrderPlay().placed().do(order_cancelled(after(hours=25)))

    assert play.refused.early


def test_a_paid_order_of_which_nothing_has_left_is_paid_back_and_ends() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)))

    assert play.of("order.cancellation_requested") == [
        orders.CancellationRequested(
            reason="changed_mind",
            by="buyer",
            amount=Decimal("30.00"),
            currency="EUR",
            lines=("1", "2"),
        )
    ]
    assert play.stage == "cancelling"
    assert not play.timers

    play.case_opened("x", after(hours=3), kind="cancellation")
    play.case_refunded("x", after(hours=4), kind="cancellation")
    assert play.of("order.refunded") == [orders.OrderRefunded(amount=Decimal("30.00"), currency="EUR")]
    assert play.stage == "refunded"


def test_a_cancellation_is_asked_for_once() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)), order_cancelled(after(hours=4), fact_id="f9"))

    assert play.last == NOTHING
    assert len(play.of("order.cancellation_requested")) == 1


def test_an_order_that_has_left_in_part_can_not_be_cancelled() -> None:
    play = paid_order().left("p1", after(hours=2), lines=("1",)).do(order_cancelled(after(hours=3)))

    assert play.refused.slug == "out-of-stage"
    assert [task.kind for task in play.of("task.wanted")] == ["look_into"]


def test_an_order_that_has_arrived_can_not_be_cancelled() -> None:
    play = delivered_order().do(order_cancelled(after(days=4)))

    assert play.refused.slug == "out-of-stage"


def test_cancelling_what_is_off_already_changes_nothing() -> None:
    closed = OrderPlay().placed().run_until(after(hours=24)).do(order_cancelled(after(hours=30)))
    cancelled = OrderPlay().placed().do(order_cancelled(after(hours=1)), order_cancelled(after(hours=2)))
    refunded = paid_order().case_refunded("c", after(hours=2)).do(order_cancelled(after(hours=3)))

    assert closed.last == cancelled.last == refunded.last == NOTHING


def test_a_line_that_was_paid_back_before_is_not_asked_for_again() -> None:
    play = paid_order().case_refunded("c", after(hours=2), ("1",), amount="15.00")
    play.do(order_cancelled(after(hours=3)))

    (asked,) = play.of("order.cancellation_requested")
    assert (asked.lines, asked.amount) == (("2",), Decimal("15.00"))
    assert play.stage == "cancelling"


def test_a_cancellation_never_asks_for_more_than_is_left_of_the_payment() -> None:
    play = paid_order().case_refunded("c", after(hours=2), ("1",), amount="25.00")
    play.do(order_cancelled(after(hours=3)))

    assert play.of("order.cancellation_requested")[0].amount == Decimal("5.00")


def test_amounts_of_absurd_length_are_no_trouble() -> None:
    play = OrderPlay().placed(total="999999999999999").paid(amount="999999999999999")
    play.case_refunded("c", after(hours=2), (), amount="0.0001").do(order_cancelled(after(hours=3)))

    assert play.of("order.cancellation_requested")[0].amount == Decimal("999999999999998")


def test_an_order_whose_cancellation_was_refused_ships_after_all() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)))
    play.case_opened("x", after(hours=3), kind="cancellation")
    play.case_closed("x", after(hours=5), kind="cancellation")

    assert play.stage == "paid"
    assert play.timers == {("ship", ""): after(hours=169)}
    assert play.of("order.cancellation_undone") == [
        orders.CancellationUndone(lines=("1", "2"), reason="case_ended")
    ]


def test_a_cancellation_that_was_paid_back_is_not_undone() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)))
    play.case_opened("x", after(hours=3), kind="cancellation")
    play.case_refunded("x", after(hours=4), kind="cancellation")

    assert play.of("order.cancellation_undone") == []


def test_of_a_cancellation_that_came_to_nothing_only_what_was_not_paid_back_is_wanted_again() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)))
    play.case_refunded("c", after(hours=4), ("1",), amount="15.00")
    play.case_opened("x", after(hours=4), kind="cancellation").case_closed(
        "x", after(hours=5), kind="cancellation"
    )

    assert [said.lines for said in play.of("order.cancellation_undone")] == [("2",)]


def test_lines_that_an_agent_paid_back_by_hand_are_not_owed_any_more() -> None:
    play = paid_order().case_approved("c", after(hours=3), ("1",))
    by_hand = aftersales.CaseClosed(
        case_id="c",
        kind="refund_only",
        reason="paid_by_another_way",
        lines=("1",),
        settled=("1",),
        served_with=Decimal("15.00"),
        currency="EUR",
    )
    play.hear(by_hand, after(hours=4)).left("p1", after(hours=5), ("2",))

    assert play.stage == "dispatched"
    assert play.state.order.goods.paid_back() == Decimal("15.00")


def test_an_order_that_left_although_it_was_called_off_is_on_its_way() -> None:
    play = paid_order().do(order_cancelled(after(hours=3))).left("p1", after(hours=4))

    assert play.stage == "dispatched"
    play.case_refunded("x", after(hours=5), kind="cancellation").arrived("p1", after(days=2))
    assert play.stage == "delivered"


def test_a_paid_order_that_the_platform_has_paid_back_ends_and_nobody_pays_it_again() -> None:
    play = paid_order().do(order_cancelled(after(hours=3), paid_back=True)).run_until(after(days=30))

    assert play.stage == "refunded"
    assert play.of("order.refunded") == [
        orders.OrderRefunded(amount=Decimal("30.00"), currency="EUR", by_platform=True)
    ]
    assert play.of("order.cancellation_requested") == []
    assert play.of("order.ship_overdue") == []


def test_an_order_that_is_being_cancelled_ends_when_the_platform_has_paid_it_back() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)))
    play.do(order_cancelled(after(hours=4), fact_id="f9", paid_back=True))

    assert play.stage == "refunded"
    assert play.of("order.refunded") == [
        orders.OrderRefunded(amount=Decimal("30.00"), currency="EUR", by_platform=True)
    ]
    play.case_opened("x", after(hours=4), kind="cancellation").case_closed(
        "x", after(hours=5), kind="cancellation"
    )
    assert play.stage == "refunded"
    assert play.of("order.cancellation_undone") == []


def test_the_echo_of_a_refund_of_ours_that_was_heard_of_is_no_news() -> None:
    play = paid_order().do(order_cancelled(after(hours=3)))
    play.case_refunded("x", after(hours=4), kind="cancellation")
    play.do(order_cancelled(after(hours=5), fact_id="f9", paid_back=True))

    assert play.last == NOTHING
    assert [said.by_platform for said in play.of("order.refunded")] == [False]


def test_an_overdue_order_that_the_platform_has_paid_back_is_not_urged_any_more() -> None:
    play = paid_order().run_until(after(days=9)).do(order_cancelled(after(days=9), paid_back=True))

    assert len(play.of("task.withdrawn")) == 1
    assert play.stage == "refunded"


def test_an_unpaid_order_is_just_cancelled_whoever_says_that_money_went_back() -> None:
    play = OrderPlay().placed().do(order_cancelled(after(hours=1), paid_back=True))

    assert play.names() == ["order.placed", "order.cancelled"]


def test_an_order_that_has_left_is_not_ended_by_the_platform_and_somebody_looks_into_it() -> None:
    play = delivered_order().do(order_cancelled(after(days=3), paid_back=True))

    assert play.refused.slug == orders.PAID_BACK_LATE


def test_an_order_of_which_a_part_has_left_says_that_the_money_went_back() -> None:
    play = paid_order().left("p1", after(hours=2), ("1",))
    play.do(order_cancelled(after(hours=3), paid_back=True))

    (refused,) = play.of("fact.out_of_stage")
    assert (refused.fact, refused.fact_id, refused.slug) == ("order.cancelled", "f3", orders.PAID_BACK_LATE)
