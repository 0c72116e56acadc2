"""What an order became cheaper by goes back once, and nothing of its lines counts as compensated."""

from decimal import Decimal

import pytest

from shared.contracts.events import handling
from tests.aftersales.plays import LINES, CasePlay
from tests.kit.rules import after


def cheaper(amount: str, *lines: str, wish_id: str = "price-1") -> handling.GiveBackWanted:
    return handling.GiveBackWanted(wish_id=wish_id, amount=Decimal(amount), currency="EUR", lines=lines)


def test_the_difference_of_a_line_is_paid_once_and_holds_nothing() -> None:
    play = CasePlay().paid()
    for _ in range(2):
        play.hear(cheaper("3.00", "1"), after(hours=1))

    assert [(effect.request["amount"], effect.request["payment_id"]) for effect in play.effects] == [
        ("3.00", "pay-1")
    ]
    (opened,) = play.of("case.opened")
    assert (opened.kind, opened.holds_order) == ("difference", False)
    assert play.of("case.refunded")[0].amount == Decimal("3.00")


def test_a_line_that_became_cheaper_is_worth_what_is_left_and_can_be_sent_again() -> None:
    play = CasePlay().paid().hear(cheaper("3.00", "1"), after(hours=1)).dispatched(after(hours=5))
    play.asks(after(hours=6), amount="27.01", case="c-1")
    assert play.stage("c-1") == "refused"

    play.asks(after(hours=7), "reship", amount="0", case="c-2")
    play.agent(after(hours=8), "decide_case", "approve")
    assert [said.case_id for said in play.of("case.reship_wanted")] == ["c-2"]


@pytest.mark.parametrize(
    ("asked", "paid"), [("4.00", ["4.00"]), ("9.00", ["5.00"])], ids=["less", "more than it was"]
)
def test_the_freight_gives_back_at_most_itself(asked: str, paid: list[str]) -> None:
    play = CasePlay().paid().hear(cheaper(asked, wish_id="freight-1"), after(hours=1))

    assert [effect.request["amount"] for effect in play.effects] == paid
    play.asks(after(hours=2), amount="30.00").asks(after(hours=3), lines=("2",), amount="20.00", case="c-2")
    assert sum(Decimal(str(effect.request["amount"])) for effect in play.effects) <= Decimal("55.00")


def test_a_line_that_was_paid_back_before_has_no_difference() -> None:
    play = CasePlay().paid().asks(after(hours=1)).hear(cheaper("3.00", "1"), after(hours=2))

    assert len(play.effects) == 1
    assert play.of("case.closed")[0].reason == "nothing_to_pay"


def test_an_unpaid_order_has_nothing_to_give_back_and_learns_what_it_costs_now() -> None:
    play = CasePlay().placed().hear(cheaper("3.00", "1"), after(hours=1))
    assert not play.effects

    lines = (LINES[0].model_copy(update={"amount": Decimal("12.00")}), LINES[1])
    told = handling.OrderChanged(
        lines=lines, total=Decimal("37.00"), was_total=Decimal("55.00"), currency="EUR", wish_id="price-1"
    )
    play.hear(told, after(hours=2))
    assert (play.state.order.total, play.state.order.lines[0].amount) == (Decimal("37.00"), Decimal("12.00"))
