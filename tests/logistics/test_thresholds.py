"""Rule `thresholds`: a parcel's clocks go by its carrier and its route, as far as they are known."""

from datetime import timedelta
from typing import Any

from shared.contracts.events import orders
from shared.contracts.facts import Receiver
from shared.kernel.profiles import Profile
from shared.kernel.routes import Threshold
from tests.kit.rules import START, Play, after, default_profile
from tests.logistics.story import complete, dispatched, parcel_of, scan, shipping, wanted

MOMENT = timedelta(microseconds=1)
ABROAD = {"route": "international", "stall_levels": ["PT96H", "PT240H"], "lost_suspected_after": "P30D"}
SLOW = {"carrier": "slow", "pickup_overdue_after": "PT48H"}


def profile(*entries: dict[str, Any]) -> Profile:
    thresholds = tuple(Threshold.model_validate(entry) for entry in entries)
    return default_profile(thresholds=thresholds).model_copy(update={"ships_from": "DE/Hessen"})


def to(country: str | None) -> orders.ContactChanged:
    return orders.ContactChanged(buyer_id="b-1", receiver=Receiver(name="A Buyer", country=country))


def stalls(play: Play) -> list[int]:
    return [event.level for event in play.of("parcel.stalled")]


def test_a_parcel_abroad_stalls_later_than_one_at_home() -> None:
    home = shipping(profile=profile(ABROAD)).hear(to("DE"), START).do(scan("picked_up", after(hours=1)))
    abroad = shipping(profile=profile(ABROAD)).hear(to("US"), START).do(scan("picked_up", after(hours=1)))
    for play in (home, abroad):
        play.run_until(after(hours=97) - MOMENT)
    assert (stalls(home), stalls(abroad)) == ([1], [])
    abroad.run_until(after(hours=97))
    assert stalls(abroad) == [1]
    assert abroad.of("parcel.stalled")[0].deadline_at == after(hours=241)
    abroad.run_until(after(days=30, hours=1))
    assert stalls(abroad) == [1, 2]
    assert len(abroad.of("parcel.lost_suspected")) == 1


def test_the_receiver_that_becomes_known_after_the_dispatch_moves_the_clocks() -> None:
    play = shipping(profile=profile(ABROAD))
    play.hear(to("US"), after(hours=10))
    assert play.of("parcel.deadline_changed") == []
    play.do(scan("picked_up", after(hours=11))).hear(to("DE"), after(hours=12))
    (changed,) = play.of("parcel.deadline_changed")
    assert (changed.deadline, changed.was, changed.deadline_at) == (
        "stalled_1",
        after(hours=107),
        after(hours=59),
    )
    assert changed.reason == "receiver_changed"
    assert play.view.parcels[0].deadline_at == after(hours=59)
    play.run_until(after(hours=59))
    assert stalls(play) == [1]


def test_a_new_receiver_on_the_same_kind_of_route_changes_no_clock() -> None:
    play = shipping(profile=profile(ABROAD)).hear(to("US"), START)
    timers = dict(play.timers)
    play.hear(to("CN"), after(hours=1))
    assert (play.timers, play.of("parcel.deadline_changed")) == (timers, [])


def test_a_receiver_does_not_wake_the_clocks_of_a_parcel_that_has_ended() -> None:
    play = shipping(profile=profile(ABROAD)).hear(to("US"), START).do(scan("delivered", after(hours=20)))
    play.hear(to("DE"), after(hours=21))
    assert (play.timers, play.of("parcel.deadline_changed")) == ({}, [])


def test_without_thresholds_a_receiver_moves_nothing() -> None:
    play = shipping(profile=profile()).hear(to("US"), START)
    timers = dict(play.timers)
    assert play.hear(to("DE"), after(hours=1)).timers == timers


def test_a_carrier_has_its_own_pickup_deadline() -> None:
    play = shipping(profile=profile(SLOW)).do(dispatched(START, "P-2", carrier="slow"))
    play.run_until(after(hours=24))
    assert [event.parcel_id for event in play.of("parcel.pickup_overdue")] == ["P-1"]
    play.run_until(after(hours=48))
    assert [event.parcel_id for event in play.of("parcel.pickup_overdue")] == ["P-1", "P-2"]


def test_a_rebooked_parcel_goes_by_its_new_carrier() -> None:
    play = shipping(profile=profile(SLOW))
    complete(play, "check_pickup", "rebook", after(hours=25), carrier="slow")
    assert parcel_of(play).carrier == "slow"
    play.run_until(after(hours=25 + 48) - MOMENT)
    assert len(wanted(play, "check_pickup")) == 1
    play.run_until(after(hours=25 + 48))
    assert len(wanted(play, "check_pickup")) == 2


def test_an_agents_answer_starts_the_clocks_of_the_parcels_own_route() -> None:
    play = shipping(profile=profile(ABROAD)).hear(to("US"), START).do(scan("in_transit", after(hours=1)))
    complete(play, "check_with_carrier", "moving", after(hours=100))
    (confirmed,) = play.of("parcel.movement_confirmed")
    assert confirmed.deadline_at == after(hours=196)
