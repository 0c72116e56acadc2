"""Out of stock and payments that fail: what the buyer hears, who helps, and how it ends."""

from decimal import Decimal

from shared.contracts.events import handling as says
from shared.kernel.decision import NOTHING
from tests.kit.rules import after
from tests.orders.handling import acknowledge, choose, failed, paid_with, placed_with, replacement, short
from tests.orders.play import OrderPlay


def test_a_shortage_blocks_the_release_and_asks_the_buyer() -> None:
    play = short(paid_with(), "2", "9", back_at=after(days=5))

    assert play.of("order.stock_short") == [
        says.StockShort(shortage_id="stock-1", lines=("2",), skus=("SKU-2",), back_at=after(days=5))
    ]
    assert play.seen.handling.waits_for == ("stock-1",)
    assert play.tasks("offer_choice")[0].due_at == after(hours=26)
    assert play.of("message.wanted")[-1].template == "out_of_stock"
    assert short(play, "2", hours=3).last == NOTHING


def test_a_shortage_of_an_unpaid_order_waits_for_the_payment_and_one_of_what_left_does_not_fit() -> None:
    assert short(placed_with(OrderPlay()), "1", hours=0.1).refused.early
    assert short(paid_with().left("p1", after(hours=2)), "1", hours=3).refused.slug == "left-already"


def test_a_buyer_who_waits_gets_another_ship_deadline() -> None:
    play = choose(short(paid_with(), "2"), "wait", until=after(days=9))

    assert play.seen.handling.release == "released"
    assert (play.seen.deadline, play.seen.deadline_at) == ("ship", after(days=9))
    assert play.timers[("ship", "")] == after(days=9)


def test_a_buyer_who_waits_takes_no_time_away_from_the_promise() -> None:
    play = choose(short(paid_with(), "2"), "wait", until=after(hours=20))

    assert play.state.promise.ship_by > after(hours=20)
    assert not play.run_until(after(hours=30)).of("order.ship_overdue")


def test_a_buyer_who_waits_answers_an_open_urge_too() -> None:
    play = paid_with().run_until(after(days=30))
    (urge,) = play.tasks("urge_shipment")
    choose(short(play, "2"), "wait", until=after(days=40))

    assert urge.task_id in {gone.task_id for gone in play.of("task.withdrawn")}


def test_a_buyer_who_takes_something_else_gets_it_and_the_difference() -> None:
    play = choose(short(paid_with(), "2"), "replace", replacement=replacement("12.00"))

    assert play.seen.lines[1].sku == "SKU-9"
    assert play.of("order.give_back_wanted")[0].amount == Decimal("3.00")
    assert play.seen.handling.waits_for == ("swap-1",)
    assert not play.tasks("confirm_wish")
    acknowledge(play, "swap-1")
    assert play.seen.handling.release == "released"


def test_what_else_is_short_is_asked_about_again_when_one_line_is_replaced() -> None:
    play = choose(short(paid_with(), "1", "2", back_at=after(days=5)), "replace", replacement=replacement())

    assert [(one.shortage_id, one.lines) for one in play.of("order.stock_short")][1:] == [("stock-2", ("1",))]
    assert play.tasks("offer_choice")[-1].details["lines"] == ["1"]
    assert play.seen.handling.waits_for == ("swap-1", "stock-2")


def test_an_answer_that_cannot_be_followed_is_looked_into_and_its_task_is_over() -> None:
    play = short(paid_with(), "2")
    (task,) = play.tasks("offer_choice")
    play.answered(task, "replace", after(hours=3), **replacement("15.01").model_dump(mode="json"))

    assert play.tasks("look_into")[0].details == {"task_id": task.task_id, "slug": "needs-supplement"}
    assert not play.state.order.handling.tasks
    assert play.seen.handling.waits_for == ("stock-1",)


def test_a_buyer_who_gives_lines_up_is_paid_back_and_the_rest_leaves() -> None:
    play = choose(short(paid_with(), "2"), "cancel_lines")

    (asked,) = play.of("order.cancellation_requested")
    assert (asked.lines, asked.amount, asked.reason) == (("2",), Decimal("15.00"), "out_of_stock")
    assert play.seen.handling.release == "released"
    play.left("p1", after(hours=9), lines=("1",))
    assert play.stage == "dispatched"


def test_a_buyer_who_gives_all_lines_up_ends_the_order() -> None:
    play = choose(short(paid_with(), "1", "2"), "cancel_lines")
    assert play.stage == "cancelling"

    play.case_refunded("x", after(hours=9), kind="cancellation")
    assert play.stage == "refunded"
    assert not play.timers


def test_an_agents_answer_is_the_same_choice() -> None:
    play = short(paid_with(), "2")
    (task,) = play.tasks("offer_choice")
    play.answered(task, "replace", after(hours=3), **replacement().model_dump(mode="json"))

    assert play.of("order.choice_made")[0].by == "ann"
    assert play.state.order.handling.wish("swap-1").stage == "instructed"


def test_a_choice_needs_its_detail_its_shortage_and_is_made_once() -> None:
    play = short(paid_with(), "2")

    assert choose(play, "wait").refused.slug == "detail-missing"
    assert choose(play, "replace").refused.slug == "detail-missing"
    assert choose(play, "replace", replacement=replacement(line_id="1")).refused.slug == "detail-missing"
    assert choose(play, "replace", replacement=replacement("15.01")).refused.slug == "needs-supplement"
    assert choose(paid_with(), "wait", until=after(days=9)).refused.slug == "shortage-unknown"
    choose(play, "cancel_lines")
    assert choose(play, "cancel_lines", hours=4).refused.slug == "already-decided"


def test_a_shortage_of_what_leaves_after_all_is_over() -> None:
    play = short(paid_with(), "2").left("p1", after(hours=9))

    assert play.of("order.choice_made")[0].choice == "not_needed"
    assert [gone.kind for gone in play.of("task.withdrawn")] == ["offer_choice"]


def test_the_first_failed_payment_is_a_message_and_the_second_a_task() -> None:
    play = failed(placed_with(OrderPlay()), 1, 0.1)
    assert [message.template for message in play.of("message.wanted")] == ["payment_help"]
    assert not play.of("task.wanted")

    failed(failed(play, 2, 0.2), 3, 0.3)
    (task,) = play.tasks("help_with_payment")
    assert task.details["times"] == 2
    assert play.seen.handling.payment_failures == 3
    assert len(play.of("message.wanted")) == 1


def test_help_with_the_payment_is_not_needed_when_it_came_or_the_order_closed() -> None:
    paid = failed(failed(placed_with(OrderPlay()), 1, 0.1), 2, 0.2).paid()
    assert [gone.kind for gone in paid.of("task.withdrawn")] == ["help_with_payment"]

    closed = failed(failed(placed_with(OrderPlay()), 1, 0.1), 2, 0.2).run_until(after(hours=30))
    assert [gone.kind for gone in closed.of("task.withdrawn")] == ["help_with_payment"]
    assert failed(closed, 4, 31).refused.slug == "order-closed"
    assert failed(paid, 4, 31).last == NOTHING
    assert failed(OrderPlay(), 1, 1).refused.early


def test_when_the_help_did_not_help_the_next_failure_asks_for_it_again() -> None:
    play = failed(failed(placed_with(OrderPlay()), 1, 0.1), 2, 0.2)
    play.answered(play.tasks("help_with_payment")[0], "not_reached", after(hours=0.3))

    failed(play, 3, 0.4)
    assert len(play.tasks("help_with_payment")) == 2
