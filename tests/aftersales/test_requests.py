"""Requests for money and goods: decided at once where a rule knows how, by the shop otherwise."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared.contracts.events import logistics, orders
from shared.contracts.facts import Line
from shared.kernel.decision import NOTHING, Decision, SetTimer
from tests.aftersales.plays import LINES, CasePlay
from tests.kit.rules import START, after, default_profile


def test_a_refund_before_anything_left_is_paid_at_once() -> None:
    play = CasePlay().paid().asks(after(hours=1), reason="no_longer_wanted", amount="55.00", lines=("1", "2"))

    assert play.names() == ["case.opened", "case.approved", "case.refund_started", "case.refunded"]
    approved, refunded = play.of("case.approved")[0], play.of("case.refunded")[0]
    assert (approved.decided_by, approved.before_dispatch) == ("automatic", True)
    assert (refunded.amount, refunded.before_dispatch) == (Decimal("55.00"), True)
    assert refunded.by_rule == "refund_before_dispatch"
    assert play.effects[0].request == {
        "order_id": "A-1",
        "amount": "55.00",
        "currency": "EUR",
        "payment_id": "pay-1",
        "reason": "refund_before_dispatch",
    }
    assert not play.timers


def test_one_line_can_be_refunded_before_anything_left() -> None:
    play = CasePlay().paid().asks(after(hours=1), reason="no_longer_wanted")

    assert play.of("case.refunded")[0].lines == ("1",)
    assert play.of("case.refunded")[0].amount == Decimal("30.00")


def test_refunded_is_said_only_when_the_money_moved() -> None:
    play = CasePlay(provider="is slow").paid().asks(after(hours=1))

    assert play.of("case.refunded") == []
    assert play.stage() == "refunding"


def test_a_request_about_an_unknown_or_unpaid_order_waits() -> None:
    play = CasePlay().asks(after(hours=1))
    assert (play.refused.slug, play.refused.early) == ("order-unknown", True)

    play.placed().asks(after(hours=1))
    assert (play.refused.slug, play.refused.early) == ("order-not-paid", True)


def test_a_request_after_dispatch_waits_for_the_shop() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6))

    assert play.of("case.opened")[0].deadline_at == after(hours=54)
    task = play.of("task.wanted")[0]
    assert (task.kind, task.due_at, task.blocked_by) == ("decide_case", after(hours=54), None)
    assert play.stage() == "deciding"


def test_unanswered_a_request_is_approved_at_its_deadline_and_not_before() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6))

    play.run_until(after(hours=54) - timedelta(microseconds=1))
    assert play.of("case.approved") == []
    play.run_until(after(hours=54))

    assert play.of("case.approved")[0].decided_by == "deadline"
    assert play.of("case.refunded")[0].by_rule == "answer_within"
    withdrawn = play.of("task.withdrawn")[0]
    assert (withdrawn.task_id, withdrawn.reason) == (play.task("decide_case"), "decided")


@pytest.mark.parametrize(
    ("asked_at", "answer"),
    [
        (datetime(2026, 3, 18, 3, 59, tzinfo=UTC), "case.approved"),
        (datetime(2026, 3, 18, 4, 1, tzinfo=UTC), "case.refused"),
    ],
)
def test_the_return_window_counts_days_of_the_shops_calendar(asked_at: datetime, answer: str) -> None:
    """Signed for late on the 10th in New York, which is the 11th in UTC; the 17th is the seventh day."""
    signed_for = datetime(2026, 3, 11, 2, 30, tzinfo=UTC)
    play = CasePlay(default_profile("America/New_York")).paid().dispatched(after(hours=5))
    play.delivered(signed_for).asks(asked_at, "return_and_refund", "no_reason")

    assert play.names() == ["case.opened", answer]
    assert play.of(answer)[0].decided_by == "automatic"
    if answer == "case.refused":
        assert play.of("case.refused")[0].slug == "return-window-closed"
        assert play.stage() == "refused"
    else:
        assert play.of("case.approved")[0].deadline_at == asked_at + timedelta(days=7)


def test_a_return_asked_for_before_delivery_waits_for_an_answer() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6), "return_and_refund", "no_reason")

    assert play.tasks() == ["decide_case"]


def test_the_return_window_runs_from_the_last_parcel_with_a_requested_line() -> None:
    play = CasePlay().paid()
    play.dispatched(after(hours=1), "1", parcel="p-1").dispatched(after(hours=1), "2", parcel="p-2")
    play.delivered(after(days=1), "1", parcel="p-1").delivered(after(days=4), "2", parcel="p-2")

    play.asks(after(days=10), "return_and_refund", "no_reason", "20.00", ("2",), "c-late")
    play.asks(after(days=10), "return_and_refund", "no_reason", "30.00", ("1",), "c-early")

    assert play.stage("c-late") == "awaiting_return"
    assert play.stage("c-early") == "refused"


def test_a_return_waits_while_one_parcel_with_its_line_is_on_the_way() -> None:
    play = CasePlay().paid()
    play.dispatched(after(hours=1), "1", parcel="p-1").dispatched(after(hours=1), "1", parcel="p-2")
    play.delivered(after(days=1), "1", parcel="p-1")

    play.asks(after(days=2), "return_and_refund", "no_reason")

    assert play.tasks() == ["decide_case"]


def test_the_same_request_again_changes_nothing() -> None:
    play = CasePlay().paid().asks(after(hours=1)).asks(after(hours=2))

    assert play.last == NOTHING
    assert len(play.of("case.refunded")) == 1


def test_another_request_under_a_known_case_id_is_refused() -> None:
    play = CasePlay().paid().asks(after(hours=1)).asks(after(hours=2), amount="29.00")

    assert (play.refused.slug, play.refused.early) == ("case-known", False)


@pytest.mark.parametrize(
    ("amount", "lines", "slug"),
    [
        ("55.01", ("1", "2"), "amount-too-high"),
        ("30.01", ("1",), "amount-too-high"),
        ("1.00", ("1", "7"), "lines-unknown"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_at_once(
    amount: str, lines: tuple[str, ...], slug: str
) -> None:
    play = CasePlay().paid().asks(after(hours=1), amount=amount, lines=lines)

    refused = play.of("case.refused")[0]
    assert play.names() == ["case.opened", "case.refused"]
    assert (refused.decided_by, refused.slug) == ("automatic", slug)
    assert play.effects == []


def test_a_line_named_twice_is_one_line() -> None:
    play = CasePlay().paid().asks(after(hours=1), lines=("1", "1"), amount="30.00")

    assert play.of("case.opened")[0].lines == ("1",)
    assert play.of("case.refunded")[0].amount == Decimal("30.00")


def test_a_refund_of_nothing_closes_without_asking_the_provider_or_stopping_the_shipment() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="0")

    assert not play.of("case.approved")[0].before_dispatch

    assert play.of("case.closed")[0].reason == "nothing_to_pay"
    assert play.effects == []


def test_a_complaint_about_quality_is_told_once_for_each_product() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    play.asks(after(hours=6), reason="defective", amount="50.00", lines=("1", "2"))
    play.asks(after(hours=6), reason="changed_mind", amount="1.00", lines=("1",), case="c-2")

    assert [(said.sku, said.reason) for said in play.of("quality.signal")] == [
        ("SKU-1", "defective"),
        ("SKU-2", "defective"),
    ]


def test_an_order_of_a_parcel_that_never_left_is_refunded_at_once() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    play.hear(_cancelled_pickup(), after(hours=6)).asks(after(hours=7))

    assert play.of("case.refunded")[0].before_dispatch


def test_a_parcel_that_left_although_it_was_refunded_is_looked_into_once() -> None:
    play = CasePlay().paid().asks(after(hours=1), lines=("1", "2"), amount="55.00")
    play.dispatched(after(minutes=50), "1", parcel="p-1").dispatched(after(hours=2), "2", parcel="p-2")

    assert play.tasks() == ["look_into"]


def test_a_parcel_with_other_lines_than_the_refunded_one_is_no_surprise() -> None:
    play = CasePlay().paid().asks(after(hours=1), lines=("1",)).dispatched(after(hours=2), "2")

    assert play.tasks() == []


def test_a_paid_order_that_is_cancelled_gets_all_of_its_money_back() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="12.00")
    play.hear(_cancellation(), after(hours=2))

    refunded = play.of("case.refunded")[-1]
    assert (refunded.kind, refunded.amount) == ("cancellation", Decimal("43.00"))
    assert refunded.before_dispatch


def test_a_second_cancellation_of_a_refunded_order_pays_nothing() -> None:
    play = CasePlay().paid().hear(_cancellation(), after(hours=2)).hear(_cancellation(), after(hours=3))

    assert [said.amount for said in play.of("case.refunded")] == [Decimal("55.00")]
    assert play.of("case.refused")[0].slug == "already-compensated"


def test_a_cancellation_waits_for_the_shop_when_a_parcel_has_left_meanwhile() -> None:
    play = CasePlay().paid().dispatched(after(hours=1)).hear(_cancellation(), after(hours=2))

    assert play.tasks() == ["decide_case"]
    assert play.effects == []


def test_lines_that_have_not_left_are_taken_off_although_others_have() -> None:
    play = CasePlay().paid().dispatched(after(hours=1), "1")
    play.hear(_cancellation("2"), after(hours=2)).hear(_cancellation("1"), after(hours=3))

    assert [said.lines for said in play.of("case.approved")] == [("2",)]
    assert play.of("case.approved")[0].before_dispatch
    assert play.of("case.refunded")[0].amount == Decimal("20.00")
    assert play.tasks() == ["decide_case"]


def test_a_late_payment_goes_back_once_whatever_became_of_the_order() -> None:
    play = CasePlay().placed()
    for _ in range(2):
        play.hear(_late_payment(), after(days=2))

    assert [effect.request["payment_id"] for effect in play.effects] == ["pay-late"]
    assert play.of("case.opened")[0].holds_order is False
    assert play.of("case.refunded")[0].amount == Decimal("54.00")


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai"])
def test_moments_at_the_ends_of_time_are_decided_too(moment: datetime, zone: str) -> None:
    play = CasePlay(default_profile(zone)).paid().dispatched(after(hours=5)).delivered(moment)
    play.asks(moment, "return_and_refund", "no_reason").asks(moment, case="c-2", lines=("2",), amount="1.00")

    assert play.stage() == "awaiting_return"
    assert play.stage("c-2") == "deciding"


def test_durations_run_from_the_facts_own_time() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    play.asks(after(hours=6))
    assert isinstance(play.last, Decision)

    assert play.last.timers == (
        SetTimer(name="answer_within", key="c-1", due_at=START + timedelta(hours=54)),
    )


def _cancelled_pickup() -> logistics.ParcelPickupCancelled:
    return logistics.ParcelPickupCancelled(
        parcel_id="p-1", carrier="ups", tracking_no="T-p-1", lines=("1", "2")
    )


def _cancellation(*lines: str) -> orders.CancellationRequested:
    return orders.CancellationRequested(
        reason="changed_mind", by="buyer", amount=Decimal("55.00"), currency="EUR", lines=lines
    )


def _late_payment() -> orders.LatePaymentRefundWanted:
    return orders.LatePaymentRefundWanted(amount=Decimal("54.00"), currency="EUR", payment_id="pay-late")


def test_what_is_called_off_and_cost_nothing_is_not_owed_any_more() -> None:
    free = Line(line_id="3", sku="SKU-3", name="Sticker", quantity=1, amount=Decimal(0))
    play = CasePlay().paid(lines=(*LINES, free))
    play.hear(_cancellation("3"), after(hours=2))

    (closed,) = play.of("case.closed")
    assert (closed.reason, closed.settled) == ("nothing_to_pay", ("3",))
    assert not play.effects


def test_a_late_payment_that_was_given_back_by_hand_takes_nothing_from_the_orders_own() -> None:
    play = CasePlay(provider="refuses").paid()
    play.hear(_late_payment(), after(hours=1))
    play.agent(after(hours=2), "look_into", "fixed")
    assert play.of("case.closed")[0].reason == "paid_by_another_way"

    play.asks(after(hours=3), case="c-2")
    started = play.of("case.refund_started")[-1]
    assert (started.case_id, started.amount) == ("c-2", Decimal("30.00"))
