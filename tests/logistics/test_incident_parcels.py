"""One parcel and the incident that it belongs to: what each owes the other."""

from services.logistics import commands as ask
from shared.contracts.facts import ScanStatus
from tests.kit.rules import Play, after
from tests.logistics import story
from tests.logistics.test_incidents import Region


def scanned(region: Region, number: int, status: ScanStatus, hours: float, **more: str) -> Play:
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
