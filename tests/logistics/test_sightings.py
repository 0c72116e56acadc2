"""What carriers tell by tracking number: it finds its parcel, waits for it, or is said to be nobody's."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from services.logistics.app import SERVICE
from services.logistics.state import STATE, Tracked
from services.logistics.state.tracking import PARCELS_MAX, SIGHTINGS_KEPT, WAITING_MAX
from shared.contracts.event import Event
from shared.contracts.events import logistics as said
from shared.contracts.facts import ScanStatus, ShipmentScannedBody, Sighting, tracking_subject
from tests.kit.rules import START, Play, after, heard
from tests.logistics.story import dispatched, parcel_of, placed, scan, shipping

NUMBER = "SF1020304050607"
SUBJECT = tracking_subject(NUMBER)


def sighting(
    status: ScanStatus = "in_transit",
    at: datetime = START,
    carrier: str = "sf",
    *,
    told_at: datetime | None = None,
    number: str = NUMBER,
    shop: str | None = None,
    **more: Any,
) -> Sighting:
    reason = more.pop("reason", None)
    body = ShipmentScannedBody(carrier=carrier, tracking_no=number, status=status, scanned_at=at, **more)
    told = told_at or at
    return Sighting(id=f"{carrier}-{status}-{at}-{told}", at=told, data=body, shop_id=shop, reason=reason)


def left(
    at: datetime = START,
    carrier: str = "sf",
    order: str = "A-1",
    parcel: str = "P-1",
    shop: str = "demo",
    number: str = NUMBER,
) -> Event:
    """What logistics says to itself when a parcel leaves."""
    payload = said.ParcelDispatched(
        parcel_id=parcel, carrier=carrier, tracking_no=number, lines=("1",), dispatched_at=at
    )
    event = heard(payload, at, order)
    return event.model_copy(update={"shop_id": shop})


def number_file(*events: Event) -> Play:
    play = Play(SERVICE, SUBJECT)
    return learn(play, *events)


def learn(play: Play, *events: Event) -> Play:
    for event in events:
        for subject, command in SERVICE.react(event):
            assert subject == play.subject
            play.do(command)
    return play


def matched(play: Play) -> list[tuple[str, str]]:
    return [(one.order_id, one.status) for one in play.of("sighting.matched")]


def test_a_scan_of_a_known_number_is_matched_at_once() -> None:
    play = number_file(left()).do(sighting("picked_up", after(hours=1)))
    (event,) = play.of("sighting.matched")
    assert (event.order_id, event.parcel_id, event.status) == ("A-1", "P-1", "picked_up")
    assert not play.timers


def test_the_order_takes_a_matched_scan_as_its_parcels() -> None:
    number = Play(SERVICE, tracking_subject("T-P-1"))
    learn(number, left(carrier="dhl", number="T-P-1"))
    number.do(sighting("exception", after(hours=5), "dhl", number="TP1", reason="refused", text="x"))
    order = shipping()
    for payload in number.of("sighting.matched"):
        ((subject, command),) = SERVICE.react(heard(payload, after(hours=5), number.subject))
        assert subject == "A-1"
        order.do(command).do(command)
    (exception,) = order.of("parcel.exception")
    assert (exception.reason, exception.fault) == ("refused", "buyer")
    assert parcel_of(order).stage == "exception"


@pytest.mark.parametrize("number", [NUMBER, "sf 1020 3040 50607", "SF-102030-4050607"])
def test_a_number_is_the_same_however_it_is_written(number: str) -> None:
    assert tracking_subject(number) == SUBJECT


@pytest.mark.parametrize("carrier", ["sf-express", "shunfeng", "顺丰速运", "track17:100012", "SF Express"])
def test_a_carrier_is_found_under_all_its_names(carrier: str) -> None:
    play = number_file(left(), left(order="B-1", parcel="P-9", carrier="zto"))
    assert matched(play.do(sighting(at=after(hours=1), carrier=carrier))) == [("A-1", "in_transit")]


def test_another_carriers_scan_of_the_same_number_is_not_the_parcels() -> None:
    play = number_file(left()).do(sighting(at=after(hours=1), carrier="zto"))
    assert matched(play) == []
    assert [one.because for one in play.state.waiting] == ["no-parcel"]


def test_an_unknown_carriers_scan_is_matched_by_a_number_that_only_one_parcel_has() -> None:
    play = number_file(left()).do(sighting(at=after(hours=1), carrier="aftership:somebody"))
    assert matched(play) == [("A-1", "in_transit")]


def test_an_unknown_carriers_scan_is_not_guessed_onto_one_of_two_parcels() -> None:
    play = number_file(left(), left(order="B-1", carrier="zto"))
    play.do(sighting(at=after(hours=1), carrier="aftership:somebody")).run_until(after(days=3))
    assert [one.reason for one in play.of("sighting.unmatched")] == ["ambiguous"]


def test_two_companies_of_one_family_are_told_apart_by_the_number() -> None:
    play = number_file(left(carrier="dhl")).do(sighting(at=after(hours=1), carrier="dhl-paket"))
    assert matched(play) == [("A-1", "in_transit")]


def test_a_carrier_that_only_the_shop_knows_is_found_by_its_name() -> None:
    play = number_file(left(carrier="Hofbote"), left(order="B-1", carrier="sf"))
    assert matched(play.do(sighting(at=after(hours=1), carrier="scans:hofbote"))) == [("A-1", "in_transit")]


def test_a_scan_from_long_before_the_dispatch_belongs_to_an_earlier_parcel() -> None:
    play = number_file(left()).do(sighting(at=START - timedelta(hours=73), told_at=START))
    assert matched(play) == []
    assert [one.because for one in play.state.waiting] == ["out-of-time"]


def test_a_scan_from_shortly_before_we_heard_of_the_dispatch_belongs_to_the_parcel() -> None:
    play = number_file(left()).do(sighting("picked_up", START - timedelta(hours=72), told_at=START))
    assert matched(play) == [("A-1", "picked_up")]


def test_a_number_that_was_given_again_is_told_apart_by_time() -> None:
    play = number_file(left(), left(at=after(days=30), order="B-1", parcel="P-2"))
    play.do(sighting("delivered", after(days=4)), sighting("picked_up", after(days=31)))
    assert matched(play) == [("A-1", "delivered"), ("B-1", "picked_up")]


def test_orders_that_left_in_one_parcel_each_get_its_scans() -> None:
    play = number_file(left(), left(at=after(hours=1), order="B-1", parcel="P-B"))
    play.do(sighting("picked_up", after(hours=2)), sighting("delivered", after(hours=40)))
    assert Counter(matched(play)) == Counter(product(("A-1", "B-1"), ("picked_up", "delivered")))
    assert {one.parcel_id for one in play.of("sighting.matched")} == {"P-1", "P-B"}


def test_orders_of_two_shops_do_not_share_a_parcel() -> None:
    play = number_file(left(), left(at=after(hours=1), order="B-1", parcel="P-B", shop="other"))
    assert matched(play.do(sighting("picked_up", after(hours=2)))) == [("B-1", "picked_up")]


def test_a_scan_long_after_the_last_parcel_waits_for_the_next_one() -> None:
    play = number_file(left()).do(sighting("picked_up", after(days=200)))
    assert matched(play) == []
    learn(play, left(at=after(days=200, hours=2), order="B-1", parcel="P-2"))
    assert matched(play) == [("B-1", "picked_up")]
    assert not play.timers


def test_a_scan_that_comes_before_its_dispatch_is_handed_over_then() -> None:
    play = Play(SERVICE, SUBJECT).do(sighting("picked_up"), sighting("in_transit", after(hours=2)))
    assert play.names() == ["sighting.recorded"] * 2
    learn(play, left(at=after(hours=3)))
    assert matched(play) == [("A-1", "picked_up"), ("A-1", "in_transit")]
    assert not play.timers
    assert [one.outcome for one in play.view.sightings] == ["matched", "matched"]


def test_a_scan_that_nobody_dispatched_is_unmatched_after_its_wait() -> None:
    play = Play(SERVICE, SUBJECT).do(sighting()).run_until(after(hours=24) - timedelta(microseconds=1))
    assert play.of("sighting.unmatched") == []
    play.run_until(after(hours=24))
    assert [one.reason for one in play.of("sighting.unmatched")] == ["no-parcel"]
    assert play.view.outcomes == ("unmatched",)
    learn(play, left(at=after(hours=25)))
    assert matched(play) == []


def test_each_waits_its_own_time() -> None:
    play = Play(SERVICE, SUBJECT).do(sighting("picked_up"), sighting("in_transit", after(hours=5)))
    play.run_until(after(hours=24))
    assert [one.status for one in play.of("sighting.unmatched")] == ["picked_up"]
    play.run_until(after(hours=29))
    assert len(play.of("sighting.unmatched")) == 2
    assert not play.timers


def test_a_scan_told_again_says_nothing_new() -> None:
    play = number_file(left()).do(sighting(), sighting())
    assert len(play.of("sighting.matched")) == 1


def test_a_dispatch_heard_again_hands_nothing_over_twice() -> None:
    play = Play(SERVICE, SUBJECT).do(sighting("picked_up", after(hours=1)))
    learn(play, left(), left())
    assert matched(play) == [("A-1", "picked_up")]
    assert len(play.state.parcels) == 1


def test_a_shops_inlet_tells_of_that_shops_parcels_alone() -> None:
    play = number_file(left(), left(order="B-1", parcel="P-2", shop="other", at=after(hours=1)))
    play.do(sighting(at=after(hours=2), shop="demo"), sighting(at=after(hours=3), shop="third"))
    assert matched(play) == [("A-1", "in_transit")]
    assert len(play.state.waiting) == 1


def test_no_event_of_a_sighting_carries_the_carriers_words() -> None:
    words = "已签收,签收人张三 13800000000"
    play = Play(SERVICE, SUBJECT).do(sighting("delivered", after(hours=1), text=words))
    learn(play, left())
    play.do(sighting("delivered", after(days=300), text=words)).run_until(after(days=302))
    assert len(play.said) == 4
    assert not any("张三" in payload.model_dump_json() for payload in play.said)
    assert [one.scan.text for one in play.state.sightings] == ["", ""]


def test_over_the_limit_is_said_and_not_kept_waiting() -> None:
    play = Play(SERVICE, SUBJECT)
    for minute in range(WAITING_MAX + 3):
        play.do(sighting(at=after(minutes=minute)))
    assert len(play.state.waiting) == WAITING_MAX
    assert [one.reason for one in play.of("sighting.unmatched")] == ["too-many-waiting"] * 3


def test_what_is_kept_has_a_limit_and_the_rest_is_counted() -> None:
    play = number_file(*(left(order=f"O-{n}", parcel=f"P-{n}") for n in range(PARCELS_MAX + 5)))
    assert len(play.state.parcels) == PARCELS_MAX
    for minute in range(SIGHTINGS_KEPT + 20):
        play.do(sighting(at=after(minutes=minute)))
    assert (len(play.state.sightings), play.state.dropped) == (SIGHTINGS_KEPT, 20)
    assert len(play.view.sightings) == SIGHTINGS_KEPT


def test_an_order_and_a_number_refuse_each_others_business() -> None:
    order = shipping().do(sighting())
    assert order.refused.slug == "not-a-tracking-number"
    number = number_file(left()).hear(placed(), START)
    assert number.refused.slug == "not-an-order"
    number.do(dispatched(), scan("delivered", START))
    assert number.refused.slug == "not-an-order"
    known = Play(SERVICE).hear(placed(), START)
    assert not isinstance(known.state, Tracked)


def test_a_numbers_file_is_read_as_it_was_written() -> None:
    play = number_file(left()).do(sighting(), sighting(at=after(days=400)))
    assert STATE.validate_python(STATE.dump_python(play.state, mode="json")) == play.state
    view = SERVICE.view
    assert view.validate_python(view.dump_python(play.view, mode="json")) == play.view


def test_a_scan_may_name_the_parcel_by_its_own_id() -> None:
    play = shipping().do(scan("delivered", after(hours=4), carrier="parcel-id", tracking="P-1"))
    assert parcel_of(play).stage == "delivered"


def test_each_parcel_of_an_order_goes_its_own_way() -> None:
    order = shipping("P-1", "P-2")
    for parcel, status in (("P-1", "delivered"), ("P-2", "exception")):
        number = Play(SERVICE, tracking_subject(f"T-{parcel}"))
        learn(number, left(carrier="dhl", number=f"T-{parcel}", parcel=parcel))
        number.do(sighting(status, after(hours=5), "dhl", number=f"T-{parcel}"))  # type: ignore[arg-type]
        for payload in number.of("sighting.matched"):
            ((_, command),) = SERVICE.react(heard(payload, after(hours=5), number.subject))
            order.do(command)
    assert (parcel_of(order, "P-1").stage, parcel_of(order, "P-2").stage) == ("delivered", "exception")


def test_a_late_scan_takes_no_delivery_back_and_is_kept_in_the_trace() -> None:
    number = Play(SERVICE, tracking_subject("T-P-1"))
    learn(number, left(carrier="dhl", number="T-P-1"))
    number.do(
        sighting("delivered", after(hours=9), "dhl", number="T-P-1"),
        sighting("in_transit", after(hours=5), "dhl", number="T-P-1", told_at=after(hours=10)),
    )
    order = shipping()
    for payload in number.of("sighting.matched"):
        ((_, command),) = SERVICE.react(heard(payload, after(hours=10), number.subject))
        order.do(command)
    parcel = parcel_of(order)
    assert parcel.stage == "delivered"
    assert [(seen.status, seen.taken) for seen in parcel.trace] == [
        ("delivered", True),
        ("in_transit", False),
    ]
