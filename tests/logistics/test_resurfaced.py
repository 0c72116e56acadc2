"""A parcel whose loss was confirmed is scanned after all: it is said, and somebody puts things in order."""

from decimal import Decimal

import pytest

from services.logistics import commands as ask
from services.logistics.state import Lost
from shared.contracts.events import aftersales
from shared.contracts.facts import ScanStatus
from tests.kit.rules import Play, after
from tests.logistics.story import complete, parcel_of, scan, shipping, wanted
from tests.logistics.test_claims import lost, served, step, submitted


def seen(play: Play, status: ScanStatus, hours: float) -> Play:
    return play.do(scan(status, after(hours=hours)))


def test_a_lost_parcel_that_is_scanned_stays_lost_and_is_looked_into() -> None:
    play = seen(lost(), "in_transit", 260)
    (said,) = play.of("parcel.resurfaced")
    assert (said.how, said.served, said.claim, said.lines) == ("seen", None, None, ("1", "2"))
    (task,) = wanted(play, "look_into")
    assert task.details["slug"] == "lost-parcel-seen"
    assert task.summary.endswith("settle with the buyer that he keeps it, before he is given anything else.")
    assert isinstance(parcel_of(play), Lost)
    assert (play.view.parcels[0].stage, play.view.parcels[0].resurfaced) == ("lost", "seen")
    assert parcel_of(play).trace[-1].status == "in_transit"


def test_each_news_of_it_is_told_once() -> None:
    play = seen(seen(seen(lost(), "in_transit", 260), "out_for_delivery", 270), "delivered", 272)
    seen(play, "delivered", 273)
    assert [said.how for said in play.of("parcel.resurfaced")] == ["seen", "delivered"]
    assert len({task.task_id for task in wanted(play, "look_into")}) == 2


def test_the_same_scan_told_again_is_no_news() -> None:
    play = seen(lost(), "in_transit", 260).do(scan("in_transit", after(hours=260), after(hours=261)))
    assert len(play.of("parcel.resurfaced")) == 1


def _known_scans() -> Play:
    """Lost although it was scanned once."""
    play = seen(shipping(), "in_transit", 5)
    return complete(play, "confirm_loss", "lost", after(hours=250))


def test_a_scan_older_than_what_was_known_before_the_loss_changes_nothing() -> None:
    play = _known_scans().do(scan("picked_up", after(hours=4), after(hours=260)))
    assert not play.of("parcel.resurfaced")
    assert not wanted(play, "look_into")


def test_the_task_says_what_the_buyer_and_the_carrier_have_paid() -> None:
    (refund,) = wanted(seen(submitted(), "delivered", 260), "look_into")
    assert (refund.details["served"], refund.details["served_with"]) == ("refund", "19.80")
    assert "does he keep it and pay, or does it come back; withdraw the claim" in refund.summary

    paid = step(submitted(), ask.ApproveClaim, 300, amount=Decimal("15.00"))
    (both,) = wanted(
        seen(step(paid, ask.SettleClaim, 320, amount=Decimal("15.00")), "returned", 330), "look_into"
    )
    assert (both.details["claim"], both.details["paid_by_carrier"]) == ("reconciled", "15.00")
    assert both.summary.endswith("what dhl paid for it goes back.")


@pytest.mark.parametrize("given_up", [True, False])
def test_a_parcel_that_was_sent_again_is_to_be_brought_back_once(given_up: bool) -> None:
    again = aftersales.CaseReshipWanted(
        case_id="lost-a", kind="lost_parcel", lines=("1", "2"), parcel_id="P-1", worth=Decimal("19.80")
    )
    play = lost().hear(again, after(hours=251))
    if given_up:
        step(play, ask.GiveUpClaim, 252)
    (task,) = wanted(seen(play, "delivered", 260), "look_into")
    assert "have one of the two brought back" in task.summary
    assert ("withdraw the claim" in task.summary) is not given_up


def test_the_claim_goes_on_by_its_own_steps() -> None:
    play = seen(served(), "delivered", 260)
    step(play, ask.GiveUpClaim, 261)
    assert play.of("carrier_claim.closed")[0].reason == "given_up"
