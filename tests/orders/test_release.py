"""What keeps an order from leaving: checks by rule or by hand, and what they find."""

from decimal import Decimal
from typing import Any

import pytest

from services.orders import commands
from tests.kit.rules import after
from tests.orders.handling import (
    RECEIVER,
    acknowledge,
    change,
    checking,
    confirm,
    drop,
    flag,
    paid_with,
    placed_with,
    request,
    short,
    verify,
)
from tests.orders.play import OrderPlay


def test_by_default_nothing_is_checked_and_nothing_is_said_of_it() -> None:
    play = paid_with().left("p1", after(hours=9)).arrived("p1", after(days=2))

    assert not [name for name in play.names() if name.startswith(("order.release", "order.verified"))]
    assert not play.of("task.wanted")


def test_a_complete_order_is_released_by_rule_at_its_payment() -> None:
    play = paid_with(checking("automatic"), receiver=RECEIVER)

    assert play.names()[-3:] == ["order.verified", "order.released", "message.wanted"]
    assert play.of("order.verified")[0].good == ("items", "address", "contact")
    assert not play.tasks("verify_order")


@pytest.mark.parametrize(
    ("about", "wrong"),
    [
        ({"receiver": {**RECEIVER, "phone": None}}, "contact"),
        ({"receiver": {**RECEIVER, "address": None}}, "address"),
        ({"receiver": RECEIVER, "total": "31.00"}, "items"),
    ],
)
def test_what_looks_incomplete_is_a_task_and_blocks_the_release(about: dict[str, Any], wrong: str) -> None:
    play = paid_with(checking("automatic"), **about)

    (task,) = play.tasks("verify_order")
    assert (task.details["fields"], task.due_at) == ([wrong], after(hours=5))
    assert play.of("order.release_blocked")[0].waits_for == (wrong,)
    assert play.seen.handling_by == after(hours=5)
    play.answered(task, "checked", after(hours=2), items=True, address=True, contact=True)
    assert play.view.handling.release == "released"
    assert play.of("order.released")[0].by == "ann"


def test_freight_belongs_to_what_adds_up() -> None:
    play = paid_with(checking("automatic"), receiver=RECEIVER, freight="5.00", total="35.00")

    assert play.view.handling.release == "released"


def test_every_order_is_checked_by_hand_where_the_profile_says_so() -> None:
    play = paid_with(checking("task"), receiver=RECEIVER)

    assert play.of("order.release_blocked")[0].waits_for == ("items", "address", "contact")
    verify(play, items=True, address=False, contact=True)
    assert play.of("order.release_blocked")[-1].waits_for == ("address",)
    assert [task.details["fields"] for task in play.tasks("verify_order")][-1] == ["address"]
    assert len(play.of("task.withdrawn")) == 1
    verify(play, items=True, address=True, contact=True, hours=3)
    assert play.view.handling.release == "released"
    assert not play.state.order.handling.tasks


def test_a_wish_that_comes_after_the_release_blocks_it_again() -> None:
    play = paid_with(checking("automatic"), receiver=RECEIVER)
    change(play, "address")
    assert play.seen.handling.waits_for == ("address-1",)

    acknowledge(confirm(flag(play, "address-1"), "address-1"), "address-1")
    assert play.names().count("order.released") == 2


def test_an_order_without_checks_is_said_to_be_released_only_after_it_was_blocked() -> None:
    play = request(paid_with(), "courier")
    assert play.view.handling.release == "blocked"

    acknowledge(confirm(flag(play, "courier-1"), "courier-1"), "courier-1")
    assert play.view.handling.release == "released"


def test_checks_end_when_the_order_leaves_or_ends() -> None:
    left = paid_with(checking("task")).left("p1", after(hours=9))
    assert [gone.kind for gone in left.of("task.withdrawn")] == ["verify_order"]

    refunded = paid_with(checking("task")).case_refunded("c", after(hours=2))
    assert refunded.stage == "refunded"
    assert not refunded.state.order.handling.tasks


def test_only_an_order_that_has_still_to_leave_is_checked() -> None:
    assert verify(OrderPlay(), items=True, address=True, contact=True).refused.missing
    assert (
        verify(OrderPlay().placed(), items=True, address=True, contact=True).refused.slug == "nothing-to-ship"
    )


def test_an_address_whose_change_was_dropped_is_checked_again_before_the_release() -> None:
    play = change(paid_with(checking("automatic"), receiver=RECEIVER), "address")
    drop(flag(play, "address-1"), "address-1")

    (task,) = play.tasks("verify_order")
    assert play.seen.handling.waits_for == ("address", "contact")
    play.answered(task, "checked", after(hours=5), items=True, address=True, contact=True)
    assert play.seen.handling.release == "released"


def test_an_address_that_was_dropped_before_the_payment_is_no_good_address_at_the_payment() -> None:
    play = change(placed_with(OrderPlay(checking("automatic")), receiver=RECEIVER), "address", hours=0.1)
    drop(flag(play, "address-1", 0.2), "address-1", 0.3).paid()

    assert {"address", "contact"} <= set(play.seen.handling.waits_for)
    assert len(play.tasks("verify_order")) == 1


def test_the_warehouse_is_not_told_of_wishes_of_an_order_that_is_being_taken_off() -> None:
    play = flag(request(paid_with(), "courier"), "courier-1")
    play.do(commands.CancelOrder(at=after(hours=3), reason="changed_mind", by="buyer"))
    assert (play.stage, confirm(play, "courier-1", 4).yes.rule) == ("cancelling", "special_requests")
    assert not play.of("order.instruction_given")

    (asked,) = play.of("order.cancellation_requested")
    assert asked.lines == ("1", "2")
    play.case_opened("c", after(hours=5), kind="cancellation").case_closed(
        "c", after(hours=6), "cancellation"
    )
    assert play.stage == "paid"
    assert play.of("order.instruction_given")[0].carrier == "sf"


def test_a_check_answered_while_the_order_is_taken_off_is_asked_for_again_when_it_is_served_after_all() -> (
    None
):
    play = paid_with(checking("task"))
    (task,) = play.tasks("verify_order")
    play.do(commands.CancelOrder(at=after(hours=3), reason="changed_mind", by="buyer"))
    play.answered(task, "checked", after(hours=4), items=True, address=True, contact=True)
    assert not play.tasks("look_into")

    play.case_opened("c", after(hours=5), kind="cancellation").case_closed(
        "c", after(hours=6), "cancellation"
    )
    assert [one.task_id for one in play.state.order.handling.tasks] == [play.tasks("verify_order")[1].task_id]


def test_a_wish_about_a_line_that_left_does_not_keep_the_others_back() -> None:
    play = flag(change(paid_with(), "attribute"), "attribute-1").left("p1", after(hours=5), lines=("1",))

    assert play.of("order.wish_dropped")[0].reason == "left"
    assert play.tasks("look_into")[0].details["wishes"] == ["attribute-1"]
    assert (play.stage, play.seen.handling.release) == ("paid", "released")


def test_a_wish_about_a_line_that_was_paid_back_is_over_with_it() -> None:
    play = flag(change(paid_with(), "price"), "price-1")
    play.case_refunded("c", after(hours=4), lines=("1",), amount="15.00")

    assert play.seen.total == Decimal("30.00")
    assert not play.of("order.give_back_wanted")
    assert play.seen.handling.release == "released"
    assert play.of("order.wish_dropped")[0].reason == "refunded"
    assert not play.tasks("look_into")


def test_a_shortage_of_a_line_that_left_after_all_does_not_keep_the_others_back() -> None:
    play = short(paid_with(), "2").left("p1", after(hours=5), lines=("2",))

    assert play.of("order.choice_made")[0].choice == "not_needed"
    assert (play.stage, play.seen.handling.release) == ("paid", "released")
    assert not play.state.order.handling.tasks


def test_what_left_before_the_payment_is_drawn_at_its_own_moment_and_not_by_the_end_of_a_wish() -> None:
    play = request(placed_with(OrderPlay()), "courier", hours=0.1).left("p1", after(hours=0.5)).paid()
    assert play.of("order.wish_dropped")[0].reason == "left"
    assert (str(play.stage), str(play.seen.stage)) == ("paid", "paid")

    play.run_until(after(hours=1))
    assert (str(play.stage), str(play.seen.stage)) == ("dispatched", "dispatched")
