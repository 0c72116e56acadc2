"""Lines that shall not leave, and carriers that pay for what they lost."""

from decimal import Decimal

from services.logistics.app import SERVICE
from services.logistics.state import Lost
from shared.contracts.events import aftersales, orders
from shared.kernel.decision import NOTHING
from tests.kit.rules import START, Play, after
from tests.logistics.story import complete, dispatched, parcel_of, placed, shipping, wanted


def _approved(*lines: str, before_dispatch: bool = True) -> aftersales.CaseApproved:
    return aftersales.CaseApproved(
        case_id="c-1",
        kind="refund_only",
        decided_by="automatic",
        lines=lines,
        before_dispatch=before_dispatch,
    )


def _cancelled(*lines: str) -> orders.CancellationRequested:
    return orders.CancellationRequested(
        reason="ordered twice", by="buyer", amount=Decimal("19.80"), currency="EUR", lines=lines
    )


def _refunded(case_id: str, *lines: str, parcel: str | None = None) -> aftersales.CaseRefunded:
    return aftersales.CaseRefunded(
        case_id=case_id,
        kind="lost_parcel",
        refund_id=f"r-{case_id}",
        lines=lines,
        amount=Decimal("9.90"),
        currency="EUR",
        decided_by="buyer",
        by_rule="lost_parcel",
        parcel_id=parcel,
    )


def test_lines_refunded_before_dispatch_are_stopped_once() -> None:
    play = Play(SERVICE).hear(placed(), START)
    play.hear(_approved("1"), after(hours=1)).hear(_approved("1"), after(hours=2))
    play.hear(_cancelled(), after(hours=3))
    assert [event.lines for event in play.of("shipment.stopped")] == [("1",), ("2",)]
    assert not wanted(play, "look_into")


def test_a_refund_after_dispatch_stops_nothing() -> None:
    play = shipping().hear(_approved("1", before_dispatch=False), after(hours=1))
    assert play.names().count("shipment.stopped") == 0


def test_a_cancellation_stops_the_lines_that_it_names() -> None:
    play = Play(SERVICE).hear(placed(), START).hear(_cancelled("2"), after(hours=1))
    assert play.of("shipment.stopped")[0].lines == ("2",)


def test_a_stop_heard_before_the_order_holds_when_the_order_is_known() -> None:
    play = Play(SERVICE).hear(_approved("1"), after(hours=1)).hear(placed(), START)
    assert play.of("shipment.stopped")[0].lines == ("1",)
    play.hear(_approved("1"), after(hours=2))
    assert len(play.of("shipment.stopped")) == 1


def test_a_stopped_line_that_leaves_all_the_same_is_a_parcel_and_aftersales_looks_into_it() -> None:
    play = Play(SERVICE).hear(placed(), START).hear(_approved("1"), after(hours=1))
    play.do(dispatched(after(hours=3)))
    assert len(play.of("parcel.dispatched")) == 1
    assert not wanted(play, "look_into")


def test_a_line_that_had_left_before_is_not_stopped() -> None:
    play = shipping().hear(_approved("2"), after(hours=1))
    assert not play.of("shipment.stopped")
    assert not play.of("task.wanted")


def test_an_unwanted_line_whose_pickup_is_cancelled_is_stopped_then() -> None:
    play = shipping().hear(_approved("2"), after(hours=1)).run_until(after(hours=24))
    complete(play, "check_pickup", "cancelled", after(hours=30))
    assert play.of("shipment.stopped")[0].lines == ("2",)


def _lost(*parcels: str) -> Play:
    play = Play(SERVICE).hear(placed(), START)
    for parcel in parcels:
        play.do(dispatched(START, parcel, "1" if parcel == "P-1" else "2"))
    for parcel in parcels:
        complete(play, "confirm_loss", "lost", after(hours=250), parcel)
    return play


def test_the_carrier_is_asked_to_pay_after_the_buyer_was_served_and_once() -> None:
    play = _lost("P-1")
    assert not play.of("carrier_claim.opened")
    play.hear(_refunded("lost-a", "1"), after(hours=251)).hear(_refunded("lost-a", "1"), after(hours=252))
    assert play.last == NOTHING
    (claim,) = play.of("carrier_claim.opened")
    assert (claim.parcel_id, claim.case_id) == ("P-1", "lost-a")
    parcel = parcel_of(play)
    assert isinstance(parcel, Lost)
    assert parcel.claimed_for == "lost-a"


def test_each_lost_parcel_has_a_claim_of_its_own() -> None:
    play = _lost("P-1", "P-2")
    reship = aftersales.CaseReshipWanted(case_id="lost-b", kind="lost_parcel", lines=("2",))
    play.hear(reship, after(hours=251)).hear(_refunded("lost-a", "1", "2", parcel="P-1"), after(hours=252))
    claims = [(claim.parcel_id, claim.case_id) for claim in play.of("carrier_claim.opened")]
    assert claims == [("P-2", "lost-b"), ("P-1", "lost-a")]


def test_without_a_confirmed_loss_nobody_asks_the_carrier_to_pay() -> None:
    play = shipping().run_until(after(hours=240)).hear(_refunded("lost-a", "1", "2"), after(hours=241))
    assert play.refused.slug == "no-lost-parcel"
