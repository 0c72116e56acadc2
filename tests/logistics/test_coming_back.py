"""Parcels that come back or never left, and what the buyer has got for their lines meanwhile."""

from decimal import Decimal

import pytest

from services.logistics.state import Delivered, Moving, PickupCancelled
from shared.contracts.events import aftersales, orders
from shared.contracts.facts import ScanStatus
from shared.kernel.decision import NOTHING
from tests.kit.rules import START, Play, after
from tests.logistics.story import complete, dispatched, messages, parcel_of, scan, shipping, wanted, withdrawn


def refunded(*lines: str, goods_wanted: bool = False) -> aftersales.CaseRefunded:
    return aftersales.CaseRefunded(
        case_id="c-1",
        kind="refund_only",
        refund_id="r-1",
        lines=lines,
        amount=Decimal("9.90"),
        currency="EUR",
        decided_by="agent",
        by_rule="answer_within",
        goods_wanted=goods_wanted,
    )


def test_a_parcel_that_comes_back_when_all_of_it_was_paid_back_needs_no_answer() -> None:
    play = shipping().hear(refunded("1", "2"), after(hours=3)).do(scan("returned", after(hours=5)))
    assert not wanted(play, "confirm_address_and_resend")
    assert len(play.of("parcel.returned")) == 1


def test_of_a_parcel_that_was_paid_back_in_part_the_rest_goes_out_again() -> None:
    play = shipping().hear(refunded("1"), after(hours=3)).do(scan("returned", after(hours=5)))
    (task,) = wanted(play, "confirm_address_and_resend")
    assert task.details["lines"] == ["2"]
    complete(play, "confirm_address_and_resend", "resend", after(hours=8), contact="contacts.v1")
    assert play.of("parcel.resend_wanted")[0].lines == ("2",)


def test_money_for_all_of_a_returned_parcel_ends_its_task() -> None:
    play = shipping().do(scan("returned", after(hours=5)))
    play.hear(refunded("1"), after(hours=6))
    assert withdrawn(play) == []
    play.hear(refunded("2"), after(hours=7))
    assert withdrawn(play) == [("confirm_address_and_resend", "refunded")]


def test_the_platforms_refund_ends_the_task_of_a_returned_parcel_too() -> None:
    play = shipping().do(scan("returned", after(hours=5)))
    play.hear(orders.OrderRefunded(amount=Decimal("19.80"), currency="EUR", by_platform=True), after(hours=6))
    assert withdrawn(play) == [("confirm_address_and_resend", "refunded")]


def test_money_that_leaves_the_goods_wanted_changes_nothing_about_a_returned_parcel() -> None:
    play = shipping().hear(refunded("1", "2", goods_wanted=True), after(hours=3))
    play.do(scan("returned", after(hours=5)))
    assert len(wanted(play, "confirm_address_and_resend")) == 1


def resent() -> Play:
    play = shipping().do(scan("returned", after(hours=5)))
    return complete(play, "confirm_address_and_resend", "resend", after(hours=8), contact="contacts.v1")


def test_goods_that_are_to_go_out_again_and_do_not_are_looked_into_once() -> None:
    play = resent().run_until(after(hours=55))
    assert not wanted(play, "look_into")
    play.run_until(after(days=60))
    (task,) = wanted(play, "look_into")
    assert (task.details["slug"], task.details["lines"]) == ("not-sent-again", ["1", "2"])
    play.do(dispatched(after(days=61), "P-2"))
    assert withdrawn(play)[-1] == ("look_into", "dispatched")


def test_goods_that_went_out_again_in_time_are_not_looked_into() -> None:
    play = resent().do(dispatched(after(hours=30), "P-2")).run_until(after(days=9))
    assert not [task for task in wanted(play, "look_into") if task.details["slug"] == "not-sent-again"]


def test_goods_whose_new_pickup_was_cancelled_are_looked_into() -> None:
    play = resent().do(dispatched(after(hours=30), "P-2"))
    complete(play, "check_pickup", "cancelled", after(hours=60), parcel="P-2").run_until(after(hours=107))
    assert not wanted(play, "look_into")
    play.run_until(after(hours=108))
    assert [task.details["slug"] for task in wanted(play, "look_into")] == ["not-sent-again"]


def test_goods_that_were_paid_back_after_all_are_not_waited_for() -> None:
    play = resent().hear(refunded("1", "2"), after(hours=20)).run_until(after(days=60))
    assert not wanted(play, "look_into")


def cancelled() -> Play:
    play = complete(shipping(), "check_pickup", "cancelled", after(hours=50))
    assert isinstance(parcel_of(play), PickupCancelled)
    return play


@pytest.mark.parametrize("status", ["picked_up", "in_transit", "out_for_delivery", "returning"])
def test_a_parcel_that_never_left_has_left_when_a_carrier_has_it(status: ScanStatus) -> None:
    play = cancelled().do(scan(status, after(hours=55)))
    again = play.of("parcel.dispatched")[-1]
    assert (again.parcel_id, again.lines, again.dispatched_at) == ("P-1", ("1", "2"), START)
    assert parcel_of(play).stage == status
    assert ("standing", "P-1") in play.timers


def test_a_parcel_that_never_left_and_arrives_is_delivered() -> None:
    play = cancelled().do(scan("delivered", after(hours=55)))
    assert isinstance(parcel_of(play), Delivered)
    assert (len(play.of("parcel.dispatched")), len(play.of("parcel.delivered"))) == (2, 1)
    assert messages(play).count("parcel_delivered") == 1


def test_trouble_with_a_parcel_that_never_left_is_no_proof_that_it_did() -> None:
    play = cancelled().do(scan("exception", after(hours=55)))
    assert isinstance(parcel_of(play), PickupCancelled)
    assert len(play.of("parcel.dispatched")) == 1


def test_a_parcel_that_never_left_is_dispatched_again_under_its_own_id() -> None:
    play = cancelled().do(dispatched(START, fact_id="the first one again"))
    assert play.last == NOTHING
    play.do(dispatched(after(hours=60)))
    parcel = parcel_of(play)
    assert isinstance(parcel, Moving)
    assert (parcel.stage, parcel.dispatched_at) == ("dispatched", after(hours=60))
    assert play.timers["pickup_overdue", "P-1"] == after(hours=84)


def test_no_buyer_hears_that_a_parcel_on_its_way_back_is_late() -> None:
    play = shipping().do(scan("returning", after(hours=5))).run_until(after(hours=60))
    assert wanted(play, "check_with_carrier")
    assert "delay_notice" not in messages(play)
