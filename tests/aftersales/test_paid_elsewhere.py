"""What a platform pays back itself counts: nobody pays it again, and never more than was paid."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.aftersales.commands import LearnPaidBack, RetryRefund
from services.aftersales.decide.money import account
from services.aftersales.state import Paid
from shared.contracts import facts
from shared.contracts.events.common import FactOutOfStage
from shared.contracts.events.orders import PAID_BACK_LATE, FactPassedOn, LatePaymentRefundWanted
from tests.aftersales.plays import TOTAL, CasePlay
from tests.kit.rules import after


def told(hours: float, amount: str, *lines: str, refund: str = "r-1", case: str | None = None) -> Any:
    body = facts.RefundPaidBody(refund_id=refund, amount=Decimal(amount), lines=lines, case_id=case)
    return facts.RefundPaid(id=f"f-{refund}-{hours}", at=after(hours=hours), order_id="A-1", data=body)


def left(play: CasePlay, *lines: str) -> Decimal:
    order = play.state.order
    assert isinstance(order, Paid)
    return account(play.state, order).worth(lines or ("1", "2"))


def test_a_part_that_the_platform_paid_back_is_no_longer_owed() -> None:
    play = CasePlay().paid().do(told(1, "12.00", "1"))
    (said,) = play.of("refund.paid_elsewhere")
    assert (said.lines, said.settled, said.left) == (("1",), (), Decimal("43.00"))
    play.asks(after(hours=2), amount="30.00").asks(after(hours=3), amount="18.00", case="c-2")
    assert [said.slug for said in play.of("case.refused")] == ["already-compensated"]
    assert play.of("case.refunded")[0].amount == Decimal("18.00")


def test_a_refund_that_names_its_case_alone_is_for_the_cases_lines() -> None:
    play = CasePlay().paid().dispatched(after(hours=0.5), "1").asks(after(hours=1))
    play.do(told(2, "30.00", case="c-1"))
    (said,) = play.of("refund.paid_elsewhere")
    assert (said.lines, said.settled, said.left) == (("1",), ("1",), Decimal("25.00"))
    assert play.of("case.closed")[0].reason == "paid_by_platform"


def taken_off(hours: float, slug: str = PAID_BACK_LATE) -> FactOutOfStage:
    return FactOutOfStage(fact="order.cancelled", fact_id=f"f-{hours}", slug=slug)


def test_an_order_taken_off_when_goods_had_left_is_paid_back_as_far_as_something_was_left() -> None:
    play = CasePlay().paid().dispatched(after(hours=1), "1").do(told(2, "12.00", "1"))
    play.hear(taken_off(3), after(hours=3))
    assert [said.amount for said in play.of("refund.paid_elsewhere")] == [Decimal("12.00"), Decimal("43.00")]
    assert left(play) == Decimal(0)
    play.asks(after(hours=4), lines=("1", "2"), amount="10.00").run_until(after(days=9))
    assert [said.slug for said in play.of("case.refused")] == ["already-compensated"]
    assert not play.effects


def test_an_order_taken_off_counts_once_with_its_own_refund_and_not_where_nobody_says_so() -> None:
    play = CasePlay().paid().dispatched(after(hours=1), "1").do(told(2, "55.00"))
    play.hear(taken_off(3), after(hours=3))
    assert len(play.of("refund.paid_elsewhere")) == 1
    other = CasePlay().paid().dispatched(after(hours=1), "1")
    assert not other.hear(taken_off(3, "out-of-stage"), after(hours=3)).of("refund.paid_elsewhere")
    assert not CasePlay().hear(taken_off(3), after(hours=3)).of("refund.paid_elsewhere")


def test_told_twice_it_counts_once() -> None:
    play = CasePlay().paid().do(told(1, "12.00", "1"), told(2, "12.00", "1"))
    assert len(play.of("refund.paid_elsewhere")) == 1
    assert left(play) == Decimal("43.00")


def test_a_line_that_is_wholly_paid_back_is_settled_and_asked_for_in_vain() -> None:
    play = CasePlay().paid().do(told(1, "30.00", "1")).asks(after(hours=2))
    assert play.of("refund.paid_elsewhere")[0].settled == ("1",)
    assert play.of("case.refused")[0].slug == "already-compensated"
    assert not play.effects


def test_a_refund_that_names_no_line_lessens_what_is_left_of_the_payment() -> None:
    play = CasePlay().paid().do(told(1, "40.00"))
    assert left(play) == Decimal("15.00")
    play.asks(after(hours=2), amount="50.00", lines=("1", "2"))
    play.asks(after(hours=3), amount="15.00", lines=("1", "2"), case="c-2")
    assert [said.slug for said in play.of("case.refused")] == ["amount-too-high"]
    assert play.of("case.refunded")[0].amount == Decimal("15.00")


def test_a_request_from_before_is_paid_as_far_as_something_is_left() -> None:
    play = CasePlay().paid().dispatched(after(hours=0.1), "1", "2")
    play.asks(after(hours=1), amount="30.00").do(told(2, "12.00", "1")).run_until(after(hours=60))
    assert play.of("case.refunded")[0].amount == Decimal("18.00")


def test_one_that_pays_all_of_it_back_settles_every_line() -> None:
    play = CasePlay().paid().do(told(1, "55.00")).asks(after(hours=2))
    assert play.of("refund.paid_elsewhere")[0].settled == ("1", "2")
    assert play.of("case.refused")[0].slug == "already-compensated"


def test_a_request_that_the_platform_answered_is_over_with_its_task() -> None:
    play = CasePlay().paid().dispatched(after(hours=0.1), "1", "2").asks(after(hours=1))
    play.do(told(2, "30.00", "1", case="c-1")).run_until(after(hours=100))
    assert play.stage() == "closed"
    assert play.of("case.closed")[0].reason == "paid_by_platform"
    assert [task.kind for task in play.of("task.withdrawn")] == ["decide_case"]
    assert not play.effects


def test_what_was_paid_here_too_is_looked_into() -> None:
    play = CasePlay().paid().asks(after(hours=1)).do(told(2, "30.00", "1"))
    (task,) = play.of("task.wanted")
    assert (task.kind, task.details["slug"], task.details["cases"]) == ("look_into", "paid-twice", ["c-1"])
    assert left(play) == Decimal("0")


def test_a_refund_of_ours_that_was_not_asked_for_yet_is_recalled_where_the_platform_paid_for_its_lines() -> (
    None
):
    play = CasePlay(provider="is not asked").paid().asks(after(hours=1)).do(told(2, "30.00", "1"))
    assert play.of("case.closed")[0].reason == "paid_by_platform"
    assert play.of("refund.paid_elsewhere")[0].settled == ("1",)
    assert not play.tasks()
    assert left(play) == Decimal("25.00")


def test_it_is_recalled_where_the_platform_paid_for_its_case() -> None:
    play = CasePlay(provider="is not asked").paid().asks(after(hours=1))
    play.do(told(2, "30.00", case="c-1"))
    assert play.of("case.closed")[0].reason == "paid_by_platform"
    assert not play.tasks()


def test_a_refund_of_ours_that_is_for_more_than_the_platform_paid_is_looked_into() -> None:
    play = CasePlay(provider="is not asked").paid().asks(after(hours=1)).do(told(2, "12.00", "1"))
    assert play.tasks() == ["look_into"]
    assert not play.of("case.closed")


def test_one_that_can_not_be_recalled_any_more_is_looked_into_once() -> None:
    play = CasePlay(provider="is silent").paid().asks(after(hours=1)).do(told(2, "30.00", "1"))
    (task,) = play.of("task.wanted")
    assert (task.kind, task.details["case_id"]) == ("look_into", "c-1")
    assert not play.of("case.closed")


def test_a_late_payment_goes_back_whatever_the_platform_paid() -> None:
    play = CasePlay(provider="is not asked").paid()
    play.hear(LatePaymentRefundWanted(payment_id="pay-2", amount=TOTAL, currency="EUR"), after(hours=1))
    play.do(told(2, "55.00", "1", "2"))
    assert not play.of("case.closed")


def test_more_than_was_paid_is_looked_into() -> None:
    play = CasePlay().paid().do(told(1, "56.00"))
    assert play.tasks() == ["look_into"]
    assert left(play) == Decimal("0")


def test_the_platforms_word_about_a_refund_of_ours_is_no_news() -> None:
    play = CasePlay().paid().asks(after(hours=1))
    ours = play.of("case.refunded")[0].refund_id
    play.do(told(2, "30.00", "1", refund=ours))
    assert not play.of("refund.paid_elsewhere")
    assert not play.tasks()


def test_one_that_comes_before_the_payment_waits_for_it() -> None:
    play = CasePlay().placed().do(told(1, "12.00", "1"))
    assert (play.refused.slug, play.refused.early) == ("order-unpaid", True)


def test_it_comes_through_orders_too() -> None:
    fact = told(1, "12.00", "1")
    play = CasePlay().paid().hear(FactPassedOn(fact=fact), after(hours=1))
    assert left(play) == Decimal("43.00")


parts = st.lists(
    st.tuples(
        st.sampled_from(["platform", "case"]),
        st.decimals("0.01", "40", places=2),
        st.sampled_from([(), ("1",), ("2",), ("1", "2")]),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(parts)
def test_with_the_platform_as_the_only_one_who_pays_too_much_we_never_give_more_than_is_left(
    story: list[tuple[str, Decimal, tuple[str, ...]]],
) -> None:
    play = CasePlay().paid()
    for number, (who, amount, lines) in enumerate(story, 1):
        if who == "platform":
            play.do(told(number, str(amount), *lines, refund=f"r-{number}"))
        else:
            before = TOTAL - _given(play)
            play.asks(after(hours=number), amount=str(amount), lines=lines or ("1",), case=f"c-{number}")
            assert TOTAL - _given(play) >= min(before, Decimal(0))


def _given(play: CasePlay) -> Decimal:
    ours = sum((said.amount for said in play.of("case.refunded")), start=Decimal(0))
    return ours + sum((said.amount for said in play.of("refund.paid_elsewhere")), start=Decimal(0))


def test_a_failed_refund_is_not_tried_again_once_the_platform_paid_for_its_lines() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1)).do(told(2, "30.00", "1"))
    play.provider = "pays"
    play.do(RetryRefund(at=after(hours=3), case_id="c-1"))

    assert play.refused.slug == "already-compensated"
    assert not play.of("case.refunded")


def test_a_failed_refund_is_not_tried_again_once_the_platform_paid_the_order_back() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1)).do(LearnPaidBack(at=after(hours=2)))
    play.provider = "pays"
    play.do(RetryRefund(at=after(hours=3), case_id="c-1"))

    assert play.refused.slug == "already-compensated"


def test_a_failed_refund_is_not_tried_again_for_more_than_is_left_of_the_payment() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1)).do(told(2, "40.00"))
    play.provider = "pays"
    play.do(RetryRefund(at=after(hours=3), case_id="c-1"))

    assert play.refused.slug == "already-compensated"


def test_a_failed_refund_is_tried_again_where_the_platform_paid_for_other_lines() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1)).do(told(2, "20.00", "2"))
    play.provider = "pays"
    play.do(RetryRefund(at=after(hours=3), case_id="c-1"))

    assert play.stage() == "refunded"


def test_what_the_platform_pays_while_our_refund_has_moved_nothing_settles_its_lines() -> None:
    for provider in ("refuses", "is slow"):
        play = CasePlay(provider=provider).paid().asks(after(hours=1)).do(told(2, "30.00", "1"))
        assert play.of("refund.paid_elsewhere")[0].settled == ("1",)


def test_after_a_refund_was_given_up_nothing_is_paid_for_what_the_platform_paid() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1)).do(told(2, "30.00", "1"))
    play.provider = "pays"
    play.agent(
        after(hours=3),
        "look_into",
        "ignored",
        reason="the platform paid",
        task=play.state.case_of("c-1").task_id,
    )
    play.asks(after(hours=4), case="c-2")

    assert play.stage("c-2") == "refused"
    assert left(play) == Decimal("25.00")


def test_goods_that_left_although_the_platform_had_paid_them_back_are_looked_into_once() -> None:
    play = CasePlay().paid().do(told(1, "30.00", "1"))
    play.dispatched(after(hours=2), "2", parcel="p-2")
    assert play.tasks() == []

    play.dispatched(after(hours=3), "1").dispatched(after(hours=4), "1", parcel="p-3")
    (task,) = play.of("task.wanted")
    assert (task.kind, task.details) == ("look_into", {"refund_id": "r-1", "parcel_id": "p-1"})


def test_goods_that_had_left_before_the_platform_paid_them_back_may_have() -> None:
    play = CasePlay().paid().dispatched(after(hours=1)).do(told(2, "30.00", "1"))
    play.dispatched(after(hours=3), "1", parcel="p-2")

    assert play.tasks() == []


def test_an_order_that_left_although_its_platform_took_it_off_and_paid_it_back_is_looked_into_once() -> None:
    play = CasePlay().paid().do(LearnPaidBack(at=after(hours=1)))
    play.dispatched(after(hours=2), "1").dispatched(after(hours=3), "2", parcel="p-2")

    assert [task.details for task in play.of("task.wanted")] == [{"parcel_id": "p-1"}]
