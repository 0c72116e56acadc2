"""Goods sent again: what becomes of a replacement that strays, and of one that does not leave."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.aftersales.commands import BuyerChooses
from shared.contracts.events import logistics
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after

LEAVES_BY = after(days=21, hours=48)
"""The order's ship service has no term of its own, so that the goods have two days."""


def sent_again() -> CasePlay:
    """The only parcel is lost on day 20, and a day later the buyer wants a new one."""
    play = CasePlay().paid().dispatched(after(hours=5)).lost(after(days=20))
    return play.do(BuyerChooses(at=after(days=21), choice="reship"))


def replaced() -> CasePlay:
    """The same; the new parcel left on day 22."""
    return sent_again().dispatched(after(days=22), parcel="p-2")


def comes_back(play: CasePlay, parcel: str, days: int) -> CasePlay:
    wanted = logistics.ParcelRefundWanted(
        parcel_id=parcel, carrier="ups", tracking_no=f"T-{parcel}", lines=("1", "2")
    )
    return play.hear(wanted, after(days=days))


def paid_back(play: CasePlay) -> list[Decimal]:
    return [said.amount for said in play.of("case.refunded")]


def looked_into(play: CasePlay) -> list[str]:
    return [kind for kind in play.tasks() if kind == "look_into"]


def test_the_buyer_of_a_replacement_that_is_lost_too_chooses_again() -> None:
    play = replaced().lost(after(days=40), parcel="p-2")

    opened = play.of("case.opened")[-1]
    assert (opened.parcel_id, opened.lines, opened.amount) == ("p-2", ("1", "2"), Decimal("55.00"))
    assert play.stage(opened.case_id) == "choosing"
    play.do(BuyerChooses(at=after(days=41), choice="reship"))
    assert [said.parcel_id for said in play.of("case.reship_wanted")] == ["p-1", "p-2"]
    assert paid_back(play) == []


def test_a_lost_replacement_is_paid_back_once_when_nobody_chooses() -> None:
    play = replaced().lost(after(days=40), parcel="p-2").lost(after(days=41), parcel="p-2")
    play.run_until(after(days=60))

    assert paid_back(play) == [Decimal("55.00")]
    comes_back(play, "p-2", 61)
    assert play.of("case.refused")[-1].slug == "already-compensated"


def test_a_replacement_that_comes_back_is_paid_back() -> None:
    assert paid_back(comes_back(replaced(), "p-2", 30)) == [Decimal("55.00")]


def test_the_first_parcel_is_not_paid_back_beside_its_replacement() -> None:
    play = comes_back(replaced(), "p-1", 30)

    assert play.of("case.refused")[-1].slug == "already-compensated"
    assert paid_back(play) == []


def test_after_the_money_no_further_parcel_is_paid_back() -> None:
    play = replaced().lost(after(days=40), parcel="p-2").run_until(after(days=43))
    play.dispatched(after(days=44), parcel="p-3").lost(after(days=60), parcel="p-3")

    assert play.of("case.refused")[-1].slug == "already-compensated"
    assert paid_back(play) == [Decimal("55.00")]


def test_a_replacement_that_was_sent_on_and_is_lost_then_is_owed_too() -> None:
    play = replaced().dispatched(after(days=30), parcel="p-3").lost(after(days=50), parcel="p-3")

    assert play.of("case.opened")[-1].parcel_id == "p-3"
    assert play.tasks()[-1] == "decide_case"


def test_of_a_replacement_only_what_strayed_is_owed_again() -> None:
    play = sent_again().dispatched(after(days=22), "1", parcel="p-2")
    play.dispatched(after(days=22), "2", parcel="p-3").lost(after(days=40), "2", parcel="p-3")
    play.run_until(after(days=60))

    assert paid_back(play) == [Decimal("20.00")]


def test_goods_that_were_exchanged_and_are_lost_on_the_way_are_owed() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    play.asks(after(hours=60), "exchange", lines=("1",)).agent(after(hours=61), "decide_case", "approve")
    play.gets_back(after(days=5)).dispatched(after(days=6), "1", parcel="p-2")
    play.lost(after(days=20), "1", parcel="p-2").run_until(after(days=30))

    assert paid_back(play) == [Decimal("30.00")]


def test_a_replacement_that_does_not_leave_in_time_is_looked_into_once() -> None:
    play = sent_again().run_until(LEAVES_BY - timedelta(microseconds=1))
    assert looked_into(play) == []

    play.run_until(after(days=60))
    assert looked_into(play) == ["look_into"]
    task = play.of("task.wanted")[-1]
    assert task.details["lines"] == ["1", "2"]
    assert not play.timers


def test_a_replacement_that_leaves_in_time_needs_nobody() -> None:
    play = replaced()

    assert not play.timers
    assert looked_into(play) == []


def test_a_replacement_that_leaves_in_part_is_watched_until_all_of_it_has_left() -> None:
    play = sent_again().dispatched(after(days=22), "1", parcel="p-2").run_until(LEAVES_BY)

    assert play.of("task.wanted")[-1].details["lines"] == ["2"]


def test_the_task_closes_itself_when_the_goods_leave() -> None:
    play = sent_again().run_until(LEAVES_BY).dispatched(after(days=25), parcel="p-2")

    withdrawn = play.of("task.withdrawn")[-1]
    assert (withdrawn.task_id, withdrawn.reason) == (play.task("look_into"), "dispatched")


@pytest.mark.parametrize(("outcome", "details"), [("fixed", {}), ("ignored", {"reason": "served"})])
def test_what_an_agent_saw_to_is_not_watched_any_more(outcome: str, details: dict[str, str]) -> None:
    play = sent_again().run_until(LEAVES_BY).agent(after(days=24), "look_into", outcome, **details)
    play.dispatched(after(days=25), parcel="p-2").run_until(after(days=60))

    assert [said.kind for said in play.of("task.withdrawn")] == ["decide_case"]
    assert len(looked_into(play)) == 1


def test_a_replacement_whose_pickup_was_cancelled_is_watched_again() -> None:
    play = replaced()
    never = logistics.ParcelPickupCancelled(parcel_id="p-2", carrier="ups", tracking_no="T", lines=("1", "2"))
    play.hear(never, after(days=23)).run_until(after(days=25))

    assert looked_into(play) == ["look_into"]


def test_goods_that_are_not_sent_again_after_all_can_be_paid_back_once() -> None:
    play = sent_again().asks(after(days=22), case="c-1").run_until(LEAVES_BY)
    assert play.stage("c-1") == "refused"

    play.agent(after(days=24), "look_into", "ignored", reason="out of stock")
    play.asks(after(days=25), case="c-2", amount="55.00", lines=("1", "2")).run_until(after(days=30))
    assert paid_back(play) == [Decimal("55.00")]
    play.asks(after(days=31), case="c-3")
    assert play.stage("c-3") == "refused"


def test_what_an_agent_saw_leave_is_not_paid_back() -> None:
    play = sent_again().run_until(LEAVES_BY).agent(after(days=24), "look_into", "fixed")

    assert play.asks(after(days=25)).stage() == "refused"


def test_a_parcel_that_is_paid_back_and_never_left_is_not_awaited() -> None:
    play = comes_back(replaced(), "p-2", 30)
    never = logistics.ParcelPickupCancelled(parcel_id="p-2", carrier="ups", tracking_no="T", lines=("1", "2"))

    assert not play.hear(never, after(days=31)).timers


def test_a_repaired_thing_has_to_leave_too() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(days=1), "repair")
    play.run_until(after(days=3)).gets_back(after(days=4)).run_until(after(days=6))

    assert looked_into(play) == ["look_into"]
