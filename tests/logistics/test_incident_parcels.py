"""One parcel and the incident that it belongs to: what each owes the other."""

from typing import Any

from services.logistics import commands as ask
from services.logistics.app import SERVICE
from services.logistics.decide.care import named_parcel
from services.logistics.state.incidents import STANDING_MAX, Standing, Watching
from shared.contracts.facts import ScanStatus
from shared.kernel.decision import NOTHING, Refused
from tests.kit.rules import START, Play, after, default_profile
from tests.logistics import story
from tests.logistics.test_incidents import SUBJECT, Region


def scanned(region: Region, number: int, status: ScanStatus, hours: float, **more: Any) -> Play:
    play = region.orders[f"A-{number}"]
    seen = story.scan(status, after(hours=hours), parcel=f"P-{number}", **more)
    play.do(seen.model_copy(update={"order_id": play.subject}))
    region.settle(after(hours=hours))
    return play


def refuse(region: Region, number: int, hours: float) -> Play:
    play = region.orders[f"A-{number}"]
    play.do(ask.RefuseParcel(at=after(hours=hours), parcel_id=f"P-{number}", reason="crushed"))
    region.settle(after(hours=hours))
    return play


def test_trouble_that_is_the_buyers_has_its_own_task_although_the_parcel_was_in_an_incident() -> None:
    region = Region(4).stand(0, 1, 2, 3)
    play = scanned(region, 0, "exception", 50, fault="buyer", text="wrong address")
    assert len(story.wanted(play, "resolve_exception")) == 1
    assert play.view.parcels[0].incident_id is None
    carriers = scanned(region, 1, "exception", 51, fault="carrier", text="vehicle breakdown")
    assert not story.wanted(carriers, "resolve_exception")


def test_a_refused_parcel_has_its_own_task_whether_it_is_refused_before_or_in_an_incident() -> None:
    region = Region(4)
    early = refuse(region, 0, 40)
    late = refuse(region.stand(0, 1, 2, 3), 1, 50)
    assert early.view.parcels[0].incident_id is not None
    for play in (early, late):
        assert [task.kind for task in play.view.parcels[0].open_tasks] == ["resolve_exception"]


def _join(at_hours: float, *, held: bool, region: str = "Germany", carrier: str = "dhl") -> ask.JoinIncident:
    return ask.JoinIncident(
        at=after(hours=at_hours),
        parcel_id="P-0",
        incident_id="i~1",
        carrier=carrier,
        region=region,
        reason="storm",
        tell=True,
        held=held,
    )


def _watched(play: Play) -> list[tuple[str, str | None, str]]:
    return [(each.region, each.before, each.now) for each in play.of("parcel.watched")]


def test_a_parcel_that_moved_before_it_heard_of_the_incident_stays_out_of_it() -> None:
    region = Region(1).stand(0)
    play = region.orders["A-0"]
    moved = story.scan("in_transit", after(hours=48.5), after(hours=50), parcel="P-0")
    play.do(moved.model_copy(update={"order_id": "A-0"}))
    assert play.do(_join(49, held=False)).last == NOTHING
    play.do(_join(49, held=True))
    assert play.view.parcels[0].incident_id == "i~1"


def test_a_parcel_that_joins_in_another_region_is_counted_there_until_it_moves() -> None:
    play = Region(1).orders["A-0"].do(_join(5, held=True, region="Europe"))
    assert _watched(play)[-2:] == [("Germany", "under_way", "over"), ("Europe", "under_way", "standing")]
    moved = story.scan("in_transit", after(hours=9), parcel="P-0").model_copy(update={"order_id": "A-0"})
    play.do(moved)
    assert _watched(play)[-1] == ("Europe", "standing", "under_way")
    play.do(story.scan("in_transit", after(hours=10), parcel="P-0").model_copy(update={"order_id": "A-0"}))
    assert _watched(play)[-2:] == [("Europe", "under_way", "over"), ("Germany", None, "under_way")]


def test_the_same_region_in_other_capitals_is_no_other_region() -> None:
    play = Region(1).orders["A-0"].do(_join(5, held=True, region="GERMANY"))
    assert _watched(play)[-1] == ("GERMANY", "under_way", "standing")
    assert ("Germany", "under_way", "over") not in _watched(play)


def test_an_incident_does_not_wait_for_a_parcel_that_has_arrived_or_goes_with_another_carrier() -> None:
    region = Region(1)
    other = region.orders["A-0"].do(_join(4, held=True, carrier="ups"))
    assert (other.of("parcel.watched")[-1].carrier, other.of("parcel.watched")[-1].now) == ("ups", "over")
    watch = other.state.parcels[0].watch
    assert watch is not None
    assert watch.carrier == "dhl"
    play = scanned(region, 0, "delivered", 6)
    opened = opened_by_hand(region, 7, 0)
    assert opened.of("incident.closed")[0].reason == "moving_again"
    assert play.view.parcels[0].incident_id is None


def opening(hours: float, *named: ask.NamedParcel) -> ask.OpenIncident:
    return ask.OpenIncident(
        at=after(hours=hours), shop_id="demo", carrier="dhl", region="Germany", reason="storm", parcels=named
    )


def opened_by_hand(region: Region, hours: float, *numbers: int) -> Play:
    named = tuple(ask.NamedParcel(order_id=f"A-{n}", parcel_id=f"P-{n}", buyer_id=f"b-{n}") for n in numbers)
    region.watch.do(opening(hours, *named))
    region.settle(after(hours=hours))
    return region.watch


def test_a_parcel_that_is_named_twice_counts_once() -> None:
    opened = opened_by_hand(Region(2), 5, 0, 0)
    assert opened.of("incident.opened")[0].standing == 1


def test_who_opens_an_incident_has_the_parcels_that_he_names_and_is_told_what_did_not_fit() -> None:
    stands = tuple(Standing(order_id=f"A-{n}", parcel_id="P-1", since=START) for n in range(STANDING_MAX))
    play = Play(SERVICE, SUBJECT, default_profile())
    play.state = Watching(shop_id="demo", carrier="dhl", region="Germany", standing=stands)
    named = ask.NamedParcel(order_id="A-x", parcel_id="P-x")
    play.do(opening(1, named))
    incident = play.state.incident
    assert incident.has("A-x", "P-x")
    assert (len(incident.members), incident.not_joined, len(play.state.standing)) == (STANDING_MAX, 1, 1)


def test_only_a_parcel_on_its_way_with_the_carrier_is_named() -> None:
    play = story.shipping()
    assert isinstance(named_parcel(play.state, "P-1", "DHL"), ask.NamedParcel)
    other, unknown = named_parcel(play.state, "P-1", "ups"), named_parcel(play.state, "P-9", "dhl")
    play.do(story.scan("delivered", after(hours=3)))
    ended = named_parcel(play.state, "P-1", "dhl")
    slugs = [each.slug for each in (other, unknown, ended) if isinstance(each, Refused)]
    assert slugs == ["other-carrier", "parcel-unknown", "parcel-ended"]
