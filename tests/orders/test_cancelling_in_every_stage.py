"""Cancelling and supplementing, in every stage: what follows, or why not."""

from collections.abc import Callable

import pytest

from services.orders import commands
from services.orders.state import ORDER_CHART
from shared.kernel.decision import NOTHING, Refused
from tests.kit.rules import after
from tests.orders.handling import choose, paid_with, short
from tests.orders.play import OrderPlay, delivered_order, order_cancelled, paid_order

HOUR = after(days=30)


def unpaid() -> OrderPlay:
    return OrderPlay().placed()


STAGES: dict[str, Callable[[], OrderPlay]] = {
    "unknown": OrderPlay,
    "unpaid": unpaid,
    "paid": paid_order,
    "cancelling": lambda: paid_order().do(order_cancelled(after(hours=2))),
    "dispatched": lambda: paid_order().left("p1", after(hours=2)),
    "delivered": delivered_order,
    "closed": lambda: unpaid().run_until(after(hours=30)),
    "cancelled": lambda: unpaid().do(order_cancelled(after(hours=0.2))),
    "refunded": lambda: paid_order().case_refunded("c", after(hours=2)),
    "completed": lambda: delivered_order().run_until(after(days=20)),
}
ANSWERS = {
    "unknown": "order-unknown",
    "unpaid": "order.cancelled",
    "paid": "order.cancellation_requested",
    "cancelling": "order-cancelling",
    "dispatched": "out-of-stage",
    "delivered": "out-of-stage",
    "closed": "order-closed",
    "cancelled": "order-cancelled",
    "refunded": "order-refunded",
    "completed": "out-of-stage",
}


def test_the_table_has_every_stage() -> None:
    assert set(STAGES) == set(ANSWERS) == {stage.stage for stage in ORDER_CHART.stages}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_cancelling_has_its_answer_in_every_stage(stage: str) -> None:
    play = STAGES[stage]()
    assert play.state.stage == stage
    said = len(play.said)
    at = after(hours=3) if stage in {"unpaid", "paid"} else HOUR
    play.do(commands.CancelOrder(at=at, reason="changed_mind", by="buyer"))

    if isinstance(play.last, Refused):
        assert (play.last.slug, play.last.early) == (ANSWERS[stage], False)
        assert len(play.said) == said
    else:
        assert play.said[said].name == ANSWERS[stage]


def test_an_order_that_left_in_part_is_taken_off_line_by_line_only_when_it_is_short() -> None:
    play = paid_with().left("p1", after(hours=2), lines=("1",))
    play.do(commands.CancelOrder(at=after(hours=3), reason="changed_mind", by="buyer"))
    assert play.refused.slug == "out-of-stage"

    choose(short(play, "2", hours=4), "cancel_lines", hours=5)
    assert play.stage == "dispatched"


def test_an_order_learns_which_orders_add_to_it_once() -> None:
    play = paid_order()
    for _ in range(2):
        play.do(commands.LearnSupplement(at=after(hours=2), by_order="A-2", shop_id="demo", buyer_id="B-1"))

    assert play.last == NOTHING
    assert [said.by_order for said in play.of("order.supplemented")] == ["A-2"]
    assert play.seen.handling.supplemented_by == ("A-2",)
    assert (
        OrderPlay()
        .do(commands.LearnSupplement(at=after(hours=2), by_order="A-2", shop_id="demo", buyer_id="B-1"))
        .refused.missing
    )
