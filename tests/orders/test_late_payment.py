"""Money that comes when the order has ended unpaid."""

from decimal import Decimal

import pytest

from shared.contracts.events import orders
from shared.kernel.decision import NOTHING
from tests.kit.rules import after
from tests.orders.play import OrderPlay, order_cancelled, order_paid


def closed_order() -> OrderPlay:
    return OrderPlay().placed().run_until(after(hours=24))


def test_a_payment_for_a_closed_order_opens_a_task_and_no_other() -> None:
    play = closed_order().paid(after(hours=30))

    assert play.refused.slug == "order-closed"
    (task,) = play.of("task.wanted")
    assert task.kind == "late_payment"
    assert task.details["amount"] == "30.00"
    assert play.stage == "closed"
    assert [fact.slug for fact in play.of("fact.out_of_stage")] == ["order-closed"]
    assert play.seen.late_payments[0].payment_id == "P-1"


def test_a_payment_for_a_cancelled_order_opens_a_task_too() -> None:
    play = OrderPlay().placed().do(order_cancelled(after(hours=1))).paid(after(hours=2))

    assert play.refused.slug == "order-cancelled"
    assert play.tasks("late_payment")


def test_the_same_late_payment_opens_one_task() -> None:
    play = closed_order().paid(after(hours=30)).paid(after(hours=31), fact_id="f9")

    assert play.last == NOTHING
    assert len(play.tasks("late_payment")) == 1


def test_each_late_payment_opens_its_own_task() -> None:
    play = closed_order().paid(after(hours=30)).paid(after(hours=31), payment_id="P-2", fact_id="f9")

    assert len({task.task_id for task in play.tasks("late_payment")}) == 2


def test_a_late_payment_goes_back_when_the_agent_says_so() -> None:
    play = closed_order().paid(after(hours=30), amount="12.50")
    play.answered(play.tasks("late_payment")[0], "refund", after(hours=40))

    assert play.of("order.late_payment_refund_wanted") == [
        orders.LatePaymentRefundWanted(amount=Decimal("12.50"), currency="EUR", payment_id="P-1")
    ]
    assert play.stage == "closed"
    assert play.seen.late_payments[0].decided


def test_a_late_payment_is_given_back_once() -> None:
    play = closed_order().paid(after(hours=30))
    task = play.tasks("late_payment")[0]
    play.answered(task, "refund", after(hours=40)).answered(task, "reopen", after(hours=41))

    assert play.refused.slug == "already-decided"
    assert len(play.of("order.late_payment_refund_wanted")) == 1
    assert play.stage == "closed"


def test_a_reopened_order_is_paid_and_ships_from_the_decision() -> None:
    play = closed_order().paid(after(hours=30))
    play.answered(play.tasks("late_payment")[0], "reopen", after(hours=40))

    (reopened,) = play.of("order.reopened")
    assert reopened.ship_by == after(hours=40 + 168)
    assert play.stage == "paid"
    assert play.timers == {("ship", ""): after(hours=40 + 168)}
    assert play.seen.payment is not None
    assert play.of("message.wanted")[-1].template == "confirm_address"


def test_a_reopened_order_goes_on_to_its_end() -> None:
    play = closed_order().paid(after(hours=30))
    play.answered(play.tasks("late_payment")[0], "reopen", after(hours=40))
    play.left("p1", after(days=3)).arrived("p1", after(days=5)).run_until(after(days=40))

    assert play.stage == "completed"


def test_nobody_confirms_the_address_of_a_reopened_order_that_has_left_already() -> None:
    play = closed_order().paid(after(hours=30)).left("p1", after(hours=35))
    play.answered(play.tasks("late_payment")[0], "reopen", after(hours=40))

    assert "confirm_address" not in [wanted.template for wanted in play.of("message.wanted")]


def test_the_address_of_a_reopened_order_is_confirmed_while_a_part_of_it_is_here() -> None:
    play = closed_order().paid(after(hours=30)).left("p1", after(hours=35), lines=("1",))
    play.answered(play.tasks("late_payment")[0], "reopen", after(hours=40))

    assert play.of("message.wanted")[-1].template == "confirm_address"


def test_a_second_late_payment_goes_back_although_it_too_was_to_reopen_the_order() -> None:
    play = closed_order().paid(after(hours=30)).paid(after(hours=31), payment_id="P-2", fact_id="f9")
    first, second = play.tasks("late_payment")
    play.answered(first, "reopen", after(hours=40)).answered(second, "reopen", after(hours=41))

    assert len(play.of("order.reopened")) == 1
    assert [back.payment_id for back in play.of("order.late_payment_refund_wanted")] == ["P-2"]


def test_a_cancelled_order_can_be_reopened() -> None:
    play = OrderPlay().placed().do(order_cancelled(after(hours=1)), order_paid(after(hours=2)))
    play.answered(play.tasks("late_payment")[0], "reopen", after(hours=3))

    assert play.stage == "paid"


@pytest.mark.parametrize("stage", ["cancelled", "closed"])
def test_a_payment_that_was_told_after_its_money_had_gone_back_is_not_given_back_again(stage: str) -> None:
    play = closed_order() if stage == "closed" else OrderPlay().placed()
    play.do(order_cancelled(after(hours=30 if stage == "closed" else 2), paid_back=True))
    play.do(order_paid(after(hours=1)))

    assert play.refused.slug == f"order-{stage}"
    assert play.tasks("late_payment") == []
    assert len(play.tasks("look_into")) == 1


def test_a_payment_younger_than_the_money_that_went_back_is_decided_on() -> None:
    play = OrderPlay().placed().do(order_cancelled(after(hours=2), paid_back=True))
    play.do(order_paid(after(hours=2, seconds=1)))

    assert len(play.tasks("late_payment")) == 1


def test_a_late_payment_that_the_platform_gave_back_is_decided() -> None:
    play = closed_order().paid(after(hours=30))
    (task,) = play.tasks("late_payment")
    play.do(order_cancelled(after(hours=31), paid_back=True))

    assert [said.task_id for said in play.of("task.withdrawn")] == [task.task_id]
    assert play.seen.late_payments[0].decided
    play.answered(task, "refund", after(hours=32))
    assert play.refused.slug == "already-decided"
    assert play.of("order.late_payment_refund_wanted") == []


def test_that_the_platform_gave_back_a_late_payment_changes_nothing_when_told_again() -> None:
    play = closed_order().do(order_cancelled(after(hours=31), paid_back=True))
    play.do(order_cancelled(after(hours=31), fact_id="f9", paid_back=True))

    assert play.last == NOTHING


def test_an_answer_about_an_unknown_payment_is_refused() -> None:
    play = closed_order().paid(after(hours=30))
    task = play.tasks("late_payment")[0].model_copy(update={"task_id": "late_payment-other"})
    play.answered(task, "refund", after(hours=40))

    assert play.refused.slug == "payment-unknown"


def test_a_refund_of_a_late_payment_pays_no_line_back() -> None:
    play = closed_order().paid(after(hours=30)).paid(after(hours=31), payment_id="P-2", fact_id="f9")
    first, second = play.tasks("late_payment")
    play.answered(first, "reopen", after(hours=40)).answered(second, "refund", after(hours=41))
    play.case_refunded("late", after(hours=42), kind="late_payment")

    assert play.stage == "paid"
    assert not any(line.refunded for line in play.seen.lines)
