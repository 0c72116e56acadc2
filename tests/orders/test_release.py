"""What keeps an order from leaving: checks by rule or by hand, and what they find."""

from typing import Any

import pytest

from tests.kit.rules import after
from tests.orders.handling import (
    RECEIVER,
    acknowledge,
    change,
    checking,
    confirm,
    flag,
    paid_with,
    request,
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
