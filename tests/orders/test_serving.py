"""A paid order on its way: parcels, refunds, cases and the completion."""

from datetime import timedelta
from decimal import Decimal

import pytest

from shared.contracts.events import aftersales, logistics, orders
from shared.kernel.decision import NOTHING
from tests.kit.rules import after
from tests.orders.play import (
    LINES,
    OrderPlay,
    Strayed,
    delivered_order,
    order_cancelled,
    paid_order,
    parcel_of,
)

DUE = after(days=13)
"""When a delivered order completes."""


def completed_at(play: OrderPlay) -> list[bool]:
    return [completed.after_case for completed in play.of("order.completed")]


def test_an_order_completes_ten_days_after_its_delivery() -> None:
    play = delivered_order()

    assert play.of("order.delivered") == [orders.OrderDelivered(delivered_at=after(days=3), completes_at=DUE)]
    assert (play.seen.deadline, play.seen.deadline_at) == ("completion", DUE)
    play.run_until(DUE - timedelta(microseconds=1))
    assert play.stage == "delivered"
    play.run_until(DUE)
    assert completed_at(play) == [False]
    assert play.stage == "completed"
    assert not play.timers


def test_the_time_counts_from_the_carriers_own_time() -> None:
    play = paid_order().left("p1", after(days=1)).arrived("p1", after(days=4), scanned_at=after(days=3))

    assert play.timers == {("complete", ""): DUE}


def test_a_delivery_that_was_told_very_late_completes_the_order_then_and_not_before() -> None:
    play = paid_order().left("p1", after(days=1)).arrived("p1", after(days=30), scanned_at=after(days=3))

    assert play.timers == {("complete", ""): after(days=30)}
    assert completed_at(play.run_until(after(days=30))) == [False]


def test_the_last_of_several_parcels_counts() -> None:
    play = paid_order().left("p1", after(days=1), ("1",)).left("p2", after(days=1), ("2",))
    play.arrived("p1", after(days=2), ("1",))
    assert not play.of("order.delivered")

    play.arrived("p2", after(days=3), ("2",))
    assert play.timers == {("complete", ""): DUE}


def test_the_last_parcel_is_the_one_that_arrived_last_and_not_the_one_told_last() -> None:
    play = paid_order().left("p1", after(days=1), ("1",)).left("p2", after(days=1), ("2",))
    play.arrived("p1", after(days=3), ("1",))
    play.arrived("p2", after(days=4), ("2",), scanned_at=after(days=2))

    assert play.timers == {("complete", ""): DUE}


def test_a_line_in_two_parcels_has_arrived_when_both_have() -> None:
    play = paid_order().left("p1", after(days=1)).left("p2", after(days=1)).arrived("p1", after(days=2))
    assert play.stage == "dispatched"

    assert play.arrived("p2", after(days=3)).stage == "delivered"


def test_an_order_that_does_not_arrive_does_not_complete() -> None:
    play = paid_order().left("p1", after(days=1)).run_until(after(days=400))

    assert play.stage == "dispatched"


@pytest.mark.parametrize("how", ["lost", "returned"])
def test_an_order_that_strayed_waits_for_its_replacement(how: Strayed) -> None:
    play = paid_order().left("p1", after(days=1))
    play.strayed("p1", after(days=2), how).run_until(after(days=20))
    assert play.stage == "dispatched"
    assert {line.stage for line in play.seen.lines} == {"missing"}

    play.left("p2", after(days=20)).arrived("p2", after(days=22)).run_until(after(days=32))
    assert play.stage == "completed"


@pytest.mark.parametrize("how", ["lost", "returned"])
def test_an_order_that_strayed_and_was_paid_back_ends_as_refunded(how: Strayed) -> None:
    play = paid_order().left("p1", after(days=1))
    play.strayed("p1", after(days=2), how)
    play.case_opened("c", after(days=2)).case_refunded("c", after(days=3)).run_until(after(days=60))

    assert play.of("order.refunded") == [orders.OrderRefunded(amount=Decimal("30.00"), currency="EUR")]
    assert not play.of("order.completed")


def test_an_order_refunded_before_dispatch_ends_and_never_completes() -> None:
    play = paid_order().case_opened("c", after(hours=2)).case_approved("c", after(hours=2))
    play.case_refunded("c", after(hours=2)).run_until(after(days=60))

    assert play.stage == "refunded"
    assert not play.of("order.ship_overdue")
    assert not play.of("order.completed")
    assert not play.timers


def test_an_order_refunded_in_part_completes_by_what_arrived() -> None:
    play = paid_order().case_opened("c", after(hours=2), ("2",)).case_refunded("c", after(hours=2), ("2",))
    assert play.stage == "paid"

    play.left("p1", after(days=1), ("1",)).arrived("p1", after(days=3), ("1",)).run_until(DUE)
    assert completed_at(play) == [False]


def test_a_refund_after_dispatch_does_not_keep_the_order_from_completing() -> None:
    play = paid_order().left("p1", after(days=1)).case_opened("c", after(days=1))
    play.case_refunded("c", after(days=2))
    assert play.stage == "dispatched"

    play.arrived("p1", after(days=3)).run_until(DUE)
    assert completed_at(play) == [False]


def test_a_goodwill_for_a_line_that_is_still_wanted_does_not_pay_it_back() -> None:
    play = paid_order().left("p1", after(days=1), ("1",)).case_opened("c", after(days=2), ("2",))
    play.case_refunded("c", after(days=3), ("2",), amount="3.00", by_rule="offer")
    assert play.stage == "paid"
    assert not any(line.refunded for line in play.seen.lines)
    assert [refund.amount for refund in play.seen.refunds] == [Decimal("3.00")]

    assert play.run_until(after(days=8)).of("order.ship_overdue")[0].lines == ("2",)


def test_a_lost_parcel_that_is_settled_by_a_part_of_its_money_ends_the_order() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=2), "lost")
    play.case_opened("c", after(days=2), kind="lost_parcel")
    said = aftersales.CaseRefunded(
        case_id="c",
        kind="lost_parcel",
        refund_id="R-c",
        lines=LINES,
        amount=Decimal("25.00"),
        currency="EUR",
        decided_by="buyer",
        by_rule="offer",
        parcel_id="p1",
    )
    play.hear(said, after(days=3))

    assert play.of("order.refunded") == [orders.OrderRefunded(amount=Decimal("25.00"), currency="EUR")]


def test_a_lost_parcel_that_is_settled_by_a_gift_ends_the_order_without_money() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=2), "lost")
    play.case_opened("c", after(days=2), kind="lost_parcel")
    said = aftersales.CaseClosed(
        case_id="c",
        kind="lost_parcel",
        reason="gift_accepted",
        lines=LINES,
        settled=LINES,
        served_with=Decimal("10.00"),
        currency="EUR",
    )
    play.hear(said, after(days=3))

    assert play.of("order.refunded") == [orders.OrderRefunded(amount=Decimal(0), currency="EUR")]


def paid_elsewhere(amount: str, *settled: str) -> aftersales.RefundPaidElsewhere:
    return aftersales.RefundPaidElsewhere(
        refund_id="shopify-1",
        lines=settled,
        settled=settled,
        amount=Decimal(amount),
        currency="EUR",
        left=Decimal(0),
    )


def test_an_order_that_its_platform_paid_back_before_dispatch_ends_as_refunded() -> None:
    play = paid_order().hear(paid_elsewhere("30.00", *LINES), after(hours=3))
    assert play.stage == "refunded"
    play.do(order_cancelled(after(hours=4), paid_back=True))
    assert not play.tasks("look_into")


def test_a_part_that_its_platform_paid_back_leaves_the_order_as_it_is() -> None:
    play = paid_order().hear(paid_elsewhere("2.00"), after(hours=3))
    assert play.stage == "paid"


def test_completion_stands_still_while_a_case_is_open() -> None:
    play = delivered_order().case_opened("c", after(days=5))

    (stands,) = play.of("order.deadline_changed")
    assert (stands.deadline, stands.was, stands.deadline_at) == ("completion", DUE, None)
    assert not play.timers
    assert play.run_until(after(days=200)).stage == "delivered"


def test_a_case_that_ends_in_time_leaves_the_moment_where_it_was() -> None:
    play = delivered_order().case_opened("c", after(days=5)).case_refunded("c", after(days=6))

    assert play.of("order.deadline_changed")[-1].deadline_at == DUE
    assert completed_at(play.run_until(after(days=60))) == [False]


@pytest.mark.parametrize("end", ["refunded", "closed", "refused"])
def test_a_case_that_ends_later_completes_the_order_at_its_end(end: str) -> None:
    play = delivered_order().case_opened("c", after(days=5))
    match end:
        case "refunded":
            play.case_refunded("c", after(days=20))
        case "closed":
            play.case_closed("c", after(days=20))
        case _:
            play.case_refused("c", after(days=20))

    assert play.timers == {("complete", ""): after(days=20)}
    assert completed_at(play.run_until(after(days=20))) == [True]


def test_a_refusal_that_the_buyer_brings_to_the_platform_holds_the_order_again() -> None:
    play = delivered_order().case_opened("c", after(days=4)).case_refused("c", after(days=5))
    play.hear(aftersales.CaseDisputed(case_id="c", kind="refund_only"), after(days=6))
    assert not play.timers
    assert play.run_until(after(days=30)).stage == "delivered"

    settled = aftersales.CaseDisputeSettled(case_id="c", kind="refund_only", winner="shop")
    play.hear(settled, after(days=31))
    assert completed_at(play.run_until(after(days=31))) == [True]


def test_completion_waits_for_every_open_case() -> None:
    play = delivered_order().case_opened("c", after(days=5)).case_opened("d", after(days=6))
    play.case_closed("c", after(days=7))
    assert not play.timers

    play.case_closed("d", after(days=20))
    assert completed_at(play.run_until(after(days=20))) == [True]


def test_a_case_open_since_before_the_delivery_holds_too() -> None:
    play = paid_order().left("p1", after(days=1)).case_opened("c", after(days=2)).arrived("p1", after(days=3))
    assert play.names()[-2:] == ["order.delivered", "order.deadline_changed"]
    assert not play.timers

    play.case_refused("c", after(days=4))
    assert play.timers == {("complete", ""): DUE}


def test_a_case_opened_at_the_very_moment_comes_first() -> None:
    assert delivered_order().case_opened("c", DUE).run_until(after(days=60)).stage == "delivered"


def test_a_case_opened_after_the_moment_does_not_stop_a_completion_that_is_due() -> None:
    play = delivered_order()
    timers, play.timers = play.timers, {}  # the worker was away when it was due
    play.case_opened("c", DUE + timedelta(seconds=1))
    play.timers = timers

    assert completed_at(play.run_until(DUE)) == [False]


def test_a_review_case_does_not_hold_the_order() -> None:
    play = delivered_order().case_opened("c", after(days=5), kind="review", holds=False).run_until(DUE)

    assert play.stage == "completed"


def test_a_case_after_completion_changes_nothing_of_it() -> None:
    play = delivered_order().run_until(DUE).case_opened("c", after(days=14))
    play.case_refunded("c", after(days=15)).run_until(after(days=60))

    assert play.stage == "completed"
    assert completed_at(play) == [False]
    assert {line.refunded for line in play.seen.lines} == {True}


def test_a_parcel_sent_again_makes_the_order_wait_for_it() -> None:
    play = delivered_order().left("p2", after(days=5), ("2",))
    assert play.stage == "dispatched"
    assert not play.timers

    play.arrived("p2", after(days=7), ("2",))
    assert play.timers == {("complete", ""): after(days=17)}
    assert len(play.of("order.delivered")) == 1
    assert play.of("order.deadline_changed")[-1].deadline_at == after(days=17)


def test_a_parcel_that_is_found_is_on_its_way_again() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=2), "lost")
    play.arrived("p1", after(days=3))

    assert play.stage == "delivered"


def test_the_same_parcel_told_twice_changes_nothing() -> None:
    play = paid_order().left("p1", after(days=1)).left("p1", after(days=1))
    assert play.last == NOTHING

    play.arrived("p1", after(days=3)).arrived("p1", after(days=4))
    assert play.last == NOTHING
    assert play.timers == {("complete", ""): DUE}


def test_the_same_refund_told_twice_counts_once() -> None:
    play = paid_order().case_refunded("c", after(days=1), ("1",)).case_refunded("c", after(days=2), ("2",))

    assert play.last == NOTHING
    assert play.stage == "paid"


def test_lines_that_the_order_does_not_have_are_ignored() -> None:
    play = paid_order().left("p1", after(days=1), ("1", "77")).left("p2", after(days=1), ("88",))
    assert play.stage == "paid"

    play.left("p3", after(days=2), ("2",)).arrived("p3", after(days=3), ("2",))
    play.arrived("p1", after(days=3), ("1",)).arrived("p2", after(days=9), ("88",))
    assert play.timers == {("complete", ""): DUE}


def test_what_is_heard_before_the_order_is_known_is_dropped() -> None:
    play = OrderPlay().left("p1", after(days=1)).case_opened("c", after(days=1))

    assert play.last == NOTHING
    assert play.stage == "unknown"


def test_a_parcel_that_left_an_unpaid_order_is_looked_into_once() -> None:
    play = OrderPlay().placed().left("p1", after(hours=1), ("1",)).left("p2", after(hours=2), ("2",))

    (task,) = play.of("task.wanted")
    assert task.kind == "look_into"
    play.paid(after(hours=3))
    assert [(over.task_id, over.reason) for over in play.of("task.withdrawn")] == [(task.task_id, "paid")]


def test_a_lost_parcel_that_arrives_after_all_delivers_its_order() -> None:
    play = paid_order().left("p1", after(days=1)).strayed("p1", after(days=9), "lost")
    said = {**parcel_of("p1"), "lines": LINES, "scanned_at": after(days=10), "how": "seen"}
    play.hear(logistics.ParcelResurfaced.model_validate(said), after(days=10))
    assert play.stage == "dispatched"
    play.hear(logistics.ParcelResurfaced.model_validate({**said, "how": "delivered"}), after(days=11))
    assert play.stage == "delivered"
    play.run_until(after(days=20))
    assert completed_at(play) == [False]


def test_an_order_paid_after_its_parcels_left_catches_up_at_once() -> None:
    play = OrderPlay().placed().left("p1", after(hours=1)).arrived("p1", after(hours=2)).paid(after(hours=3))
    play.run_until(after(hours=3))

    assert play.names()[-2:] == ["order.dispatched", "order.delivered"]
    assert play.stage == "delivered"
    assert play.timers == {("complete", ""): after(hours=2 + 240)}


def test_the_view_shows_lines_parcels_cases_and_money() -> None:
    play = paid_order().left("p1", after(days=1), ("1",)).arrived("p1", after(days=2), ("1",))
    play.case_opened("c", after(days=3), ("2",)).case_refunded("c", after(days=3), ("2",), amount="15.00")
    seen = play.seen

    assert [(line.line_id, line.stage, line.refunded) for line in seen.lines] == [
        ("1", "arrived", False),
        ("2", "waiting", True),
    ]
    assert [(parcel.parcel_id, parcel.stage, parcel.tracking_no) for parcel in seen.parcels] == [
        ("p1", "arrived", "T-p1")
    ]
    assert [(case.case_id, case.open) for case in seen.cases] == [("c", False)]
    assert seen.payment is not None
    assert [refund.amount for refund in seen.refunds] == [Decimal("15.00")]
    assert seen.changed_at == after(days=3)
