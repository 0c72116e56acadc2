"""Money once: whatever mix of cases an order has, no line is paid for twice."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from services.aftersales.commands import BuyerAnswersOffer, RetryRefund
from services.aftersales.decide.money import divided
from shared.contracts.base import Amount
from shared.contracts.events.orders import LatePaymentRefundWanted, OrderRefunded
from shared.kernel.decision import EffectDone
from shared.kernel.money import writable
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after


def test_a_refunded_line_is_not_refunded_again() -> None:
    play = CasePlay().paid().asks(after(hours=1)).asks(after(hours=2), case="c-2")

    assert play.stage("c-2") == "refused"
    refused = play.of("case.refused")[0]
    assert (refused.decided_by, refused.slug) == ("automatic", "already-compensated")
    assert len(play.effects) == 1


def test_money_on_its_way_counts_as_paid() -> None:
    play = CasePlay(provider="is slow").paid().asks(after(hours=1)).asks(after(hours=2), case="c-2")

    assert play.stage("c-2") == "refused"


def test_what_is_left_of_a_line_can_be_asked_for_and_no_more() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="10.00")
    play.asks(after(hours=2), amount="20.01", case="c-2").asks(after(hours=3), amount="20.00", case="c-3")

    assert play.of("case.refused")[0].case_id == "c-2"
    assert play.of("case.refused")[0].slug == "already-compensated"
    assert [said.amount for said in play.of("case.refunded")] == [Decimal("10.00"), Decimal("20.00")]


def test_of_two_requests_for_one_line_that_wait_together_one_is_paid() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    play.asks(after(hours=6), case="c-1").asks(after(hours=7), case="c-2").run_until(after(days=4))

    assert play.stage("c-1") == "refunded"
    assert play.stage("c-2") == "refused"
    assert [said.decided_by for said in play.of("case.refused")] == ["automatic"]


def test_a_line_that_was_sent_again_is_not_paid_for() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    play.asks(after(hours=6), "reship", case="c-1").run_until(after(hours=54))
    play.asks(after(hours=60), "refund_only", case="c-2")

    assert play.of("case.refused")[0].slug == "already-compensated"


def test_a_line_that_was_paid_for_is_not_sent_again() -> None:
    play = CasePlay().paid().asks(after(hours=1)).asks(after(hours=2), "reship", case="c-2")

    assert play.of("case.refused")[0].slug == "already-compensated"
    assert play.of("case.reship_wanted") == []


def test_a_gift_counts_towards_its_line() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6))
    play.agent(after(hours=7), "decide_case", "offer", kind="gift", amount="8.00")
    play.do(BuyerAnswersOffer(at=after(hours=8), case_id="c-1", accept=True))
    play.asks(after(hours=9), amount="22.01", case="c-2").asks(after(hours=9), amount="22.00", case="c-3")

    assert play.stage("c-2") == "refused"
    assert play.stage("c-3") == "deciding"


def test_a_repaired_thing_can_be_repaired_again() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    for number in ("c-1", "c-2"):
        play.asks(after(days=1), "repair", case=number)
        play.run_until(after(days=3)).gets_back(after(days=4), case=number)

    assert [said.case_id for said in play.of("case.reship_wanted")] == ["c-1", "c-2"]


def test_a_return_pays_what_is_left_when_another_case_was_paid_meanwhile() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    play.asks(after(hours=60), "return_and_refund", "no_reason", case="c-1")
    play.asks(after(hours=61), amount="10.00", case="c-2").agent(after(hours=62), "decide_case", "approve")
    play.gets_back(after(hours=90), case="c-1")

    assert [said.amount for said in play.of("case.refunded")] == [Decimal("10.00"), Decimal("20.00")]


def test_freight_goes_back_with_the_last_line() -> None:
    play = CasePlay().paid().asks(after(hours=1), lines=("1",), amount="30.00", case="c-1")
    play.asks(after(hours=2), lines=("2",), amount="25.00", case="c-2")

    assert sum(said.amount for said in play.of("case.refunded")) == Decimal("55.00")


def test_a_failed_refund_is_looked_into_and_holds_its_money() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1))

    assert play.stage() == "refund_failed"
    assert play.tasks() == ["look_into"]
    assert play.of("case.refunded") == []
    play.asks(after(hours=2), case="c-2")
    assert play.stage("c-2") == "refused"


def test_a_failed_refund_that_was_paid_by_another_way_counts_as_paid() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1))
    play.agent(after(hours=2), "look_into", "fixed").asks(after(hours=3), case="c-2")

    closed = play.of("case.closed")[0]
    assert (closed.reason, closed.served_with, closed.lines) == (
        "paid_by_another_way",
        Decimal("30.00"),
        ("1",),
    )
    assert closed.settled == ("1",)
    assert play.stage("c-2") == "refused"


def test_a_failed_refund_that_was_given_up_leaves_the_line_open() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1))
    play.agent(after(hours=2), "look_into", "ignored", reason="buyer agrees")
    play.provider = "pays"
    play.asks(after(hours=3), case="c-2")

    assert play.of("case.closed")[0].reason == "refund_given_up"
    assert play.of("case.closed")[0].served_with is None
    assert play.stage("c-2") == "refunded"


def test_a_failed_refund_can_be_tried_again_under_a_new_id() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1))
    play.provider = "pays"
    play.do(RetryRefund(at=after(hours=2), case_id="c-1"))

    first, second = play.effects
    assert first.effect_id != second.effect_id
    assert first.request == second.request
    assert play.stage() == "refunded"
    assert play.of("task.withdrawn")[0].kind == "look_into"


def test_a_refund_is_never_in_smaller_parts_than_the_order_is_written_in() -> None:
    play = CasePlay().paid().asks(after(hours=1), lines=("1", "2"), amount="10.01")
    play.dispatched(after(hours=5)).lost(after(hours=300), "1").run_until(after(hours=400))

    lost = play.of("case.refunded")[-1]
    assert (lost.kind, lost.lines, str(lost.amount)) == ("lost_parcel", ("1",), "23.99")


def test_money_that_moved_after_all_is_refunded() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1))
    done = EffectDone(at=after(hours=2), effect_id=play.effects[0].effect_id, kind="refund")
    play.do(done).do(done)

    assert play.stage() == "refunded"
    assert len(play.of("case.refunded")) == 1


@pytest.mark.parametrize("case", ["c-1", "c-9"])
def test_only_a_failed_refund_is_tried_again(case: str) -> None:
    play = CasePlay().paid().asks(after(hours=1)).do(RetryRefund(at=after(hours=2), case_id=case))

    assert play.refused.slug == ("no-refund-failed" if case == "c-1" else "case-unknown")


amounts = st.decimals(min_value=0, max_value=10**11, places=4)


@given(amounts, st.lists(amounts, min_size=1, max_size=8))
def test_dividing_loses_nothing_and_gives_nobody_too_much(amount: Decimal, numbers: list[Decimal]) -> None:
    among = {str(index): number for index, number in enumerate(numbers)}
    parts = divided(amount, among)

    assert sum(parts.values()) == min(amount, sum(numbers))
    assert all(0 <= parts[name] <= among[name] for name in among)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**15 - 1, places=6))
def test_a_fitting_amount_is_never_more_and_can_be_written(amount: Decimal) -> None:
    fitted = writable(amount)

    assert 0 <= fitted <= max(amount, Decimal(0))
    assert TypeAdapter(Amount).validate_python(fitted) == fitted
    assert max(amount, Decimal(0)) - fitted < Decimal("1")


def _paid_back_by_the_platform(play: CasePlay) -> CasePlay:
    return play.hear(
        OrderRefunded(amount=Decimal("55.00"), currency="EUR", by_platform=True), after(minutes=30)
    )


def test_what_the_platform_paid_back_is_not_paid_again() -> None:
    play = _paid_back_by_the_platform(CasePlay().paid()).asks(after(hours=1))

    assert play.of("case.refused")[0].slug == "already-compensated"
    assert not play.effects


def test_a_case_that_waited_when_the_platform_paid_back_pays_nothing() -> None:
    play = CasePlay().paid().dispatched(after(minutes=5), "1", "2")
    play.asks(after(minutes=10), kind="refund_only", reason="damaged")
    _paid_back_by_the_platform(play).run_until(after(hours=60))

    assert play.of("case.closed")[0].reason == "paid_by_platform"
    assert [task.kind for task in play.of("task.withdrawn")] == ["decide_case"]
    assert not play.effects


def test_a_refund_that_the_provider_was_not_asked_for_yet_is_recalled_when_the_platform_paid_back() -> None:
    play = _paid_back_by_the_platform(CasePlay(provider="is not asked").paid().asks(after(minutes=10)))

    assert play.of("case.closed")[0].reason == "paid_by_platform"
    assert play.tasks() == []
    play.asks(after(hours=1), case="c-2")
    assert play.of("case.refused")[0].slug == "already-compensated"


def test_a_late_payment_goes_back_though_the_platform_paid_the_order_back() -> None:
    play = CasePlay(provider="is not asked").paid()
    wanted = LatePaymentRefundWanted(payment_id="pay-2", amount=Decimal("55.00"), currency="EUR")
    _paid_back_by_the_platform(play.hear(wanted, after(minutes=10)))

    assert play.of("case.closed") == []
    assert play.tasks() == []


def test_a_refund_under_way_when_the_platform_paid_back_is_looked_into() -> None:
    play = _paid_back_by_the_platform(CasePlay(provider="is slow").paid().asks(after(minutes=10)))

    assert [task.kind for task in play.of("task.wanted")] == ["look_into"]
    assert len(play.effects) == 1


def test_an_order_that_was_refunded_here_is_no_news() -> None:
    play = CasePlay().paid().asks(after(hours=1))
    play.hear(OrderRefunded(amount=Decimal("55.00"), currency="EUR"), after(hours=2))

    assert not play.state.order.paid_back_elsewhere
