"""Money for goods that have not left: what it stops, what leaves all the same, and what left anyway."""

from decimal import Decimal

import pytest

from services.aftersales.commands import BuyerAnswersOffer, Negotiate, OpenDispute, SettleDispute
from shared.contracts.events import handling
from shared.contracts.facts import Line
from tests.aftersales.plays import LINES, TOTAL, CasePlay
from tests.kit.rules import after


def swapped(play: CasePlay) -> CasePlay:
    """Line 1 is another article since hour 2."""
    other = Line(line_id="1", sku="SKU-9", name="Other kettle", quantity=3, amount=Decimal("30.00"))
    said = handling.OrderChanged(
        lines=(other, LINES[1]), total=TOTAL, freight=None, was_total=TOTAL, currency="EUR", wish_id="swap-1"
    )
    return play.hear(said, after(hours=2))


def test_a_part_of_a_line_goes_back_and_its_goods_leave_all_the_same() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="10.00", reason="no_longer_wanted")

    assert play.of("case.approved")[0].before_dispatch is False
    refunded = play.of("case.refunded")[0]
    assert (refunded.amount, refunded.goods_wanted) == (Decimal("10.00"), True)
    (task,) = play.of("task.wanted")
    assert (task.kind, task.priority) == ("look_into", "high")
    assert (task.details["lines"], task.details["amount"]) == (["1"], "10.00")
    play.dispatched(after(hours=5))
    assert play.tasks() == ["look_into"]


@pytest.mark.parametrize(
    ("amount", "lines"), [("30.00", ("1",)), ("50.00", ("1", "2")), ("55.00", ("1", "2"))]
)
def test_a_line_that_is_paid_back_as_a_whole_is_stopped(amount: str, lines: tuple[str, ...]) -> None:
    play = CasePlay().paid().asks(after(hours=1), amount=amount, lines=lines)

    assert play.of("case.approved")[0].before_dispatch is True
    assert play.of("case.refunded")[0].goods_wanted is False
    assert play.tasks() == []


def test_the_rest_of_a_line_that_goes_back_later_stops_it() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="10.00")
    play.asks(after(hours=2), amount="20.00", case="c-2")

    assert [said.before_dispatch for said in play.of("case.approved")] == [False, True]


def test_a_part_of_goods_that_have_left_leaves_the_rest_of_them_owed() -> None:
    play = CasePlay().paid().dispatched(after(hours=1), "1", "2")
    play.asks(after(hours=2), amount="10.00").run_until(after(days=3))

    (paid,) = play.of("case.refunded")
    assert (paid.amount, paid.goods_wanted) == (Decimal("10.00"), True)
    assert "look_into" not in play.tasks()
    play.asks(after(days=4), amount="20.00", case="c-2").run_until(after(days=7))
    assert [said.goods_wanted for said in play.of("case.refunded")] == [True, False]


def test_what_an_order_cost_less_than_its_lines_makes_no_part_of_a_line() -> None:
    lines = tuple(line.model_copy(update={"amount": line.amount * 2}) for line in LINES)
    play = CasePlay().paid(lines=lines).asks(after(hours=1), amount="33.00")

    assert play.of("case.approved")[0].before_dispatch is True


def test_a_part_that_an_agent_paid_by_hand_leaves_the_goods_owed() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1), amount="10.00")
    play.agent(after(hours=2), "look_into", "fixed")

    assert play.of("case.closed")[0].settled == ()


def won(play: CasePlay, amount: str = "30.00") -> CasePlay:
    """Line 2 has left; the shop refuses money for line 1, and the platform gives it to the buyer."""
    play.paid().dispatched(after(hours=5), "2").asks(after(hours=6), amount=amount)
    play.agent(after(hours=7), "decide_case", "refuse", reason="no")
    play.do(Negotiate(at=after(hours=8), case_id="c-1", note="No."))
    play.do(OpenDispute(at=after(hours=9), case_id="c-1"))
    return play.do(SettleDispute(at=after(hours=20), case_id="c-1", winner="buyer"))


def test_a_dispute_that_the_buyer_wins_stops_goods_that_have_not_left() -> None:
    play = won(CasePlay())

    approved = play.of("case.approved")[0]
    assert (approved.before_dispatch, approved.lines, approved.decided_by) == (True, ("1",), "agent")
    play.dispatched(after(hours=30), "1", parcel="p-9")
    assert play.of("task.wanted")[-1].details["parcel_id"] == "p-9"


def test_a_dispute_that_the_buyer_wins_in_part_stops_nothing() -> None:
    play = won(CasePlay(), amount="12.00")

    assert play.of("case.approved")[0].before_dispatch is False
    assert play.of("case.refunded")[0].goods_wanted is True


def test_goods_that_left_although_an_agent_paid_them_back_by_hand_are_looked_into() -> None:
    play = CasePlay(provider="refuses").paid().asks(after(hours=1), lines=("1", "2"), amount="55.00")
    play.agent(after(hours=2), "look_into", "fixed").dispatched(after(hours=3))

    task = play.of("task.wanted")[-1]
    assert (task.details["case_id"], task.details["parcel_id"]) == ("c-1", "p-1")
    play.dispatched(after(hours=4), parcel="p-2")
    assert play.tasks() == ["look_into", "look_into"]


@pytest.mark.parametrize(("outcome", "amount"), [("partial_refund", "25.00"), ("gift", "10.00")])
def test_a_lost_parcel_that_is_settled_by_less_is_not_owed_any_more(outcome: str, amount: str) -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).lost(after(days=20))
    play.agent(after(days=21), "decide_case", "offer", kind=outcome, amount=amount)
    play.do(BuyerAnswersOffer(at=after(days=21), case_id=play.state.cases[0].case_id, accept=True))

    if outcome == "gift":
        assert play.of("case.closed")[0].settled == ("1", "2")
    else:
        assert play.of("case.refunded")[0].goods_wanted is False


def test_a_gift_for_goods_that_the_buyer_has_settles_no_line() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6))
    play.agent(after(hours=7), "decide_case", "offer", kind="gift", amount="8.00")
    play.do(BuyerAnswersOffer(at=after(hours=8), case_id="c-1", accept=True))

    assert play.of("case.closed")[0].settled == ()


def test_a_complaint_names_the_article_that_was_sent() -> None:
    play = swapped(CasePlay().paid()).dispatched(after(hours=5)).delivered(after(hours=50))
    play.asks(after(hours=60), reason="missing_item")

    assert [signal.sku for signal in play.of("quality.signal")] == ["SKU-9"]
    verify = next(task for task in play.of("task.wanted") if task.kind == "verify_weight")
    assert verify.details["ordered"] == [{"line_id": "1", "sku": "SKU-9", "quantity": 3}]


def test_a_line_that_was_swapped_is_worth_what_was_paid_for_it() -> None:
    play = CasePlay().paid()
    cheaper = Line(line_id="1", sku="SKU-9", name="Cup", quantity=1, amount=Decimal("20.00"))
    said = handling.OrderChanged(
        lines=(cheaper, LINES[1]),
        total=Decimal("45.00"),
        freight=None,
        was_total=TOTAL,
        currency="EUR",
        wish_id="swap-1",
    )
    play.hear(said, after(hours=2)).asks(after(hours=3))

    assert play.of("case.refunded")[0].amount == Decimal("30.00")
