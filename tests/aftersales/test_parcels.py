"""Lost and returned parcels: the buyer is owed what they held, once."""

from decimal import Decimal

import pytest

from services.aftersales.commands import BuyerAnswersOffer, BuyerChooses
from shared.contracts.events import logistics
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after


def lost() -> CasePlay:
    """A paid order whose only parcel is lost on day 20."""
    return CasePlay().paid().dispatched(after(hours=5)).lost(after(days=20))


def refund_wanted(parcel: str = "p-1") -> logistics.ParcelRefundWanted:
    return logistics.ParcelRefundWanted(
        parcel_id=parcel, carrier="ups", tracking_no=f"T-{parcel}", lines=("1", "2")
    )


def test_the_buyer_of_a_lost_parcel_is_asked_what_he_wants() -> None:
    play = lost()

    opened = play.of("case.opened")[0]
    assert (opened.kind, opened.parcel_id, opened.holds_order) == ("lost_parcel", "p-1", True)
    assert (opened.lines, opened.amount) == (("1", "2"), Decimal("55.00"))
    assert play.stage(opened.case_id) == "choosing"
    assert play.tasks() == ["decide_case"]


def test_a_lost_parcel_is_paid_back_when_nobody_chooses() -> None:
    play = lost().run_until(after(days=22))

    assert play.of("case.approved")[0].decided_by == "deadline"
    assert play.of("case.refunded")[0].amount == Decimal("55.00")
    assert play.of("case.refunded")[0].parcel_id == "p-1"


@pytest.mark.parametrize("named", [True, False])
def test_the_buyer_chooses_a_new_parcel(named: bool) -> None:
    play = lost()
    case = play.of("case.opened")[0].case_id if named else None
    play.do(BuyerChooses(at=after(days=21), case_id=case, choice="reship"))

    assert play.of("case.approved")[0].decided_by == "buyer"
    assert play.of("case.reship_wanted")[0].parcel_id == "p-1"
    assert play.of("task.withdrawn")[0].kind == "decide_case"
    assert play.effects == []


def test_the_buyer_chooses_his_money() -> None:
    play = lost().do(BuyerChooses(at=after(days=21), choice="refund"))

    assert play.of("case.refunded")[0].decided_by == "buyer"


def test_a_choice_is_made_once() -> None:
    play = lost().do(BuyerChooses(at=after(days=21), choice="refund"))
    play.do(BuyerChooses(at=after(days=21), choice="reship"))

    assert play.refused.slug == "no-choice-open"


def test_a_lost_parcel_is_told_once() -> None:
    play = lost().lost(after(days=21))

    assert len(play.of("case.opened")) == 1


def test_an_agent_may_offer_a_new_parcel_and_the_buyer_decides() -> None:
    play = lost().agent(after(days=21), "decide_case", "offer", kind="reship", amount="0")
    case = play.of("case.opened")[0].case_id
    play.do(BuyerAnswersOffer(at=after(days=21), case_id=case, accept=False))
    assert play.stage(case) == "choosing"

    play.do(BuyerChooses(at=after(days=22), choice="reship"))
    assert play.of("case.reship_wanted")[0].lines == ("1", "2")


def test_a_lost_parcel_is_paid_back_although_an_offer_was_not_answered() -> None:
    play = lost().agent(after(days=21), "decide_case", "offer", kind="reship", amount="0")
    play.run_until(after(days=23))

    assert play.of("case.refunded")[0].amount == Decimal("55.00")


def test_what_was_refunded_before_is_not_owed_for_a_lost_parcel() -> None:
    play = CasePlay().paid().asks(after(hours=1), lines=("1",)).dispatched(after(hours=5), "2")
    play.lost(after(days=20), "1", "2").run_until(after(days=23))

    assert play.of("case.opened")[1].lines == ("2",)
    assert sum(said.amount for said in play.of("case.refunded")) == Decimal("55.00")


def test_a_loss_heard_of_before_the_payment_is_not_forgotten() -> None:
    play = CasePlay().dispatched(after(hours=5)).lost(after(days=20))
    assert play.of("case.opened") == []
    play.paid(after(days=20))

    assert [said.kind for said in play.of("case.opened")] == ["lost_parcel"]


def test_two_parcels_heard_of_before_the_payment_are_not_paid_twice_for_one_line() -> None:
    play = CasePlay().hear(refund_wanted("p-1"), after(days=5)).hear(refund_wanted("p-2"), after(days=6))
    play.paid(after(days=7))

    assert [said.amount for said in play.of("case.refund_started")] == [Decimal("55.00")]
    assert play.of("case.refused")[0].slug == "already-compensated"


def test_a_returned_parcel_that_shall_be_paid_back_is() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).hear(refund_wanted(), after(days=9))

    assert play.of("case.opened")[0].kind == "returned_parcel"
    refunded = play.of("case.refunded")[0]
    assert (refunded.by_rule, refunded.before_dispatch) == ("returned_to_sender", False)


def test_a_lost_parcel_of_which_a_part_was_paid_back_is_settled_in_money() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="10.00")
    play.dispatched(after(hours=5)).lost(after(hours=300), "1")
    case = play.state.cases[-1].case_id
    play.do(BuyerChooses(at=after(hours=301), case_id=case, choice="reship"))
    assert play.refused.slug == "partly-compensated"
    assert play.stage(case) == "choosing"
    play.do(BuyerChooses(at=after(hours=302), case_id=case, choice="refund"))
    assert play.of("case.refunded")[-1].amount == Decimal("20.00")


def test_goods_are_not_offered_for_a_line_of_which_a_part_was_paid_back() -> None:
    play = CasePlay().paid().asks(after(hours=1), amount="10.00").dispatched(after(hours=5))
    play.delivered(after(hours=50)).asks(after(hours=60), amount="20.00", case="c-2")
    play.agent(after(hours=61), "decide_case", "offer", kind="reship", amount="0")
    assert play.not_followed() == "partly-compensated"
    assert play.stage("c-2") == "deciding"
