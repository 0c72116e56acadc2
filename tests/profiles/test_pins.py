"""The profile in force when an order was placed stays with it, in every service's file of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.profile_files import load_profiles
from shared.adapters.profiles import Profiles
from shared.cli.loading import load_services
from shared.cli.simulation import Simulation
from shared.cli.timeline import Line
from shared.contracts.event import Event, from_cloudevent, to_cloudevent
from shared.contracts.facts import ShipmentDispatched, fact_from
from shared.kernel.profiles import Profile
from shared.runtime.file import from_document, new_file, to_document
from shared.runtime.pins import BEFORE_PINS, Pin, pin_of
from shared.runtime.ports import Unavailable
from shared.runtime.work import Hear, Tell
from tests.kit.rules import START, after
from tests.kit.toy import Poke
from tests.kit.world import World, fact, read

SHOP = "- {shop_id: demo, name: Demo, zone: Europe/Berlin, profile: fast%s}\n"


def profiles(folder: Path, overrides: str = "", second_from: str = "2026-03-10") -> Profiles:
    """A shop whose profile gets a second version some days after the start."""
    (folder / "one.yaml").write_text("id: fast\nversion: 1\nvalues: {close_unpaid_after: PT50H}\n")
    (folder / "two.yaml").write_text(
        f"id: fast\nversion: 2\neffective: {second_from}\nvalues: {{close_unpaid_after: PT5H}}\n"
    )
    (folder / "shops.list").write_text(SHOP % overrides)
    return load_profiles(folder, folder / "shops.list")


class Told(World):
    """The toy with real profiles, which may be exchanged under it."""

    def __init__(self, known: Profiles) -> None:
        self.known = known
        super().__init__()
        for engine in (self.engine, self.worker.engine):
            engine.profile_of = self._profile_of

    def _profile_of(self, shop_id: str | None, pin: Pin | None, at: datetime) -> Profile:
        return self.known.of(shop_id, pin, at)

    async def tell(self, *facts: Any) -> None:
        """Facts, as the API tells them."""
        for told in facts:
            await self.engine.run([Tell(told.order_id, told, told.id)])

    async def said(self) -> list[Event]:
        """The toy's events, in order."""
        await self.engine.publish([])
        return [read(record) for record in self.log.records("toy.v1")]


async def test_an_orders_events_go_by_the_version_of_the_day_it_was_placed(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path))
    await world.tell(fact("order.placed", "f1"))
    world.clock.advance(timedelta(days=30))
    await world.tell(fact("order.paid", "f2", at=after(days=30)))
    await world.tell(fact("order.placed", "f3", at=after(days=30), order_id="A-2"))
    refs = [(event.subject, event.profile, event.overrides) for event in await world.said()]
    assert refs == [("A-1", "fast@1", "{}"), ("A-1", "fast@1", "{}"), ("A-2", "fast@2", "{}")]
    file = await world.engine.load("A-1")
    assert file is not None
    assert [line["profile"] for line in file.history] == ["fast@1", "fast@1"]


async def test_a_change_of_the_list_of_shops_is_for_orders_placed_after_it(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path, ", overrides: {buyer_daily_cap: 1}"))
    await world.tell(fact("order.placed", "f1"))
    world.known = profiles(tmp_path, ", overrides: {buyer_daily_cap: 7}")
    await world.tell(fact("order.paid", "f2"), fact("order.placed", "f3", order_id="A-2"))
    assert [event.overrides for event in await world.said()] == [
        '{"buyer_daily_cap":1}',
        '{"buyer_daily_cap":1}',
        '{"buyer_daily_cap":7}',
    ]


async def test_a_fact_that_comes_before_the_order_does_not_choose_its_profile(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path))
    await world.tell(fact("order.paid", "f2", at=after(days=9)))
    file = await world.engine.load("A-1")
    assert file is not None
    assert (file.shop_id, file.pin) == (None, None)
    world.clock.advance(timedelta(days=9))
    await world.tell(fact("order.placed", "f1"))
    assert {event.profile for event in await world.said()} == {"fast@1"}


def poked(world: World, subject: str, about: str | None = None, **envelope: Any) -> Hear:
    """A poke by another service's file of the order, as the toy hears it."""
    world.poke(subject, "hello", about)
    *_, record = world.log.records("other.v1")
    raw = to_cloudevent(read(record))
    event = from_cloudevent({**raw, "shopid": "demo", **envelope})
    command = Poke(at=event.time, word="hello")
    return Hear(about or subject, event, record, (command,))


async def test_another_service_takes_the_pin_from_the_events_it_hears(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path))
    overrides = '{"buyer_daily_cap":1}'
    await world.engine.run([poked(world, "A-1", profile="fast@2", overrides=overrides)])
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.pin == Pin("fast@2", overrides)
    (event,) = await world.said()
    assert (event.profile, event.overrides) == ("fast@2", overrides)


async def test_a_file_that_is_no_orders_goes_by_what_is_in_force_now(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path))
    await world.engine.run([poked(world, "A-1", about="day-1", profile="fast@1", overrides="{}")])
    world.clock.advance(timedelta(days=30))
    await world.engine.run([poked(world, "A-1", about="day-1", profile="fast@1", overrides="{}")])
    assert [(event.profile, event.overrides) for event in await world.said()] == [
        ("fast@1", None),
        ("fast@2", None),
    ]


async def test_an_event_of_a_release_without_pins_pins_the_shops_first_version(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path, ", overrides: {buyer_daily_cap: 1}", second_from="2026-01-01"))
    await world.engine.run([poked(world, "A-1", profile="fast@1")])
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.pin == BEFORE_PINS
    (event,) = await world.said()
    assert (event.profile, event.overrides) == ("fast@1", None)


async def test_a_version_that_is_not_loaded_parks_the_order_and_no_other_until_it_is_back(
    tmp_path: Path,
) -> None:
    world = Told(profiles(tmp_path))
    lost = poked(world, "A-1", profile="fast@3", overrides="{}")
    fine = poked(world, "A-2", profile="fast@2", overrides="{}")
    await world.engine.run([lost, fine])
    (letter,) = world.letters()
    assert "ProfileUnknown: the order goes by profile fast@3, which is not loaded" in letter.reason
    assert [event.subject for event in await world.said()] == ["A-2"]
    (tmp_path / "three.yaml").write_text("id: fast\nversion: 3\neffective: 2026-09-01\n")
    world.known = profiles(tmp_path)
    again = Hear(lost.subject, lost.event, lost.record, lost.commands, redriven=True)
    await world.engine.run([again])
    assert [(event.subject, event.profile) for event in await world.said()] == [
        ("A-2", "fast@2"),
        ("A-1", "fast@3"),
    ]


async def test_who_asks_for_an_order_of_such_a_version_is_told_to_come_again(tmp_path: Path) -> None:
    world = Told(profiles(tmp_path))
    await world.tell(fact("order.placed", "f1", at=after(days=9)))
    (tmp_path / "two.yaml").unlink()
    (tmp_path / "shops.list").write_text(SHOP % "")
    world.known = load_profiles(tmp_path, tmp_path / "shops.list")
    with pytest.raises(Unavailable, match="fast@2, which is not loaded"):
        await world.desk.take(fact("order.paid", "f2", at=after(days=9)), "f2")
    world.known = profiles(tmp_path)
    assert (await world.desk.take(fact("order.paid", "f2", at=after(days=9)), "f2")).fits


def test_a_document_of_the_last_release_is_read_and_goes_by_its_shops_first_version() -> None:
    service = World().service
    file = new_file(service, "A-1")
    file.shop_id, file.pin = "demo", Pin("default@1", "{}")
    document = to_document(service, file, 1)
    assert from_document(service, document).pin == file.pin
    del document["profile"], document["overrides"]
    assert from_document(service, document).pin == BEFORE_PINS
    assert from_document(service, {**document, "shop_id": None}).pin is None


def test_a_pin_is_kept_by_a_copy_and_by_what_is_stored() -> None:
    service = World().service
    file = new_file(service, "A-1")
    assert to_document(service, file, 1)["profile"] is None
    assert from_document(service, to_document(service, file, 1)).pin is None
    file.shop_id, file.pin = "demo", BEFORE_PINS
    assert file.copy().pin == from_document(service, to_document(service, file, 1)).pin == BEFORE_PINS


def dispatch(order_id: str, at: datetime) -> ShipmentDispatched:
    body = {"parcel_id": f"P-{order_id}", "carrier": "dhl", "tracking_no": f"T-{order_id}", "lines": ["1"]}
    raw = {"id": f"d-{order_id}", "at": at, "fact": "shipment.dispatched", "order_id": order_id, "data": body}
    told = fact_from(raw)
    assert isinstance(told, ShipmentDispatched)
    return told


@pytest.mark.parametrize("changes", ["version", "shop"])
async def test_all_four_services_go_by_the_same_profile_to_an_orders_end(
    tmp_path: Path, changes: str
) -> None:
    """The profile changes under an order that is unpaid, and under one whose parcel stands still."""
    folders = tmp_path / "before", tmp_path / "after"
    for folder in folders:
        folder.mkdir()
    before = profiles(folders[0], second_from="2026-03-03" if changes == "version" else "2030-01-01")
    after_it = profiles(folders[1], ", overrides: {answer_within: PT1H}", second_from="2026-03-03")
    known = [before]
    heard: list[Event] = []

    def hear(event: Event) -> None:
        heard.append(event)
        if changes == "shop" and event.time > after(hours=30):
            known[0] = after_it

    def of(shop_id: str | None, pin: Pin | None, at: datetime) -> Profile:
        return known[0].of(shop_id, pin, at)

    told: Sequence[Any] = [
        fact("order.placed", "f1", order_id="A-1"),
        fact("order.placed", "f2", order_id="A-2"),
        fact("order.paid", "f3", order_id="A-1", at=after(hours=1)),
        dispatch("A-1", after(hours=2)),
        fact("order.placed", "f4", order_id="A-3", at=after(days=4)),
    ]
    simulation = Simulation(load_services(), of, START, hear)
    played = await simulation.play((one.at, [Line(n, one)]) for n, one in enumerate(told, 1))
    assert played.dead_letters == 0
    of_orders = [event for event in heard if event.subject.startswith("A-")]
    pins = {(event.subject, event.profile, event.overrides) for event in of_orders}
    later = "{}" if changes == "version" else '{"answer_within":"PT1H"}'
    assert pins == {("A-1", "fast@1", "{}"), ("A-2", "fast@1", "{}"), ("A-3", "fast@2", later)}
    assert {event.source for event in of_orders if event.subject == "A-1"} >= {
        "orders",
        "logistics",
        "notifications",
    }
    closed = {event.subject: event.time for event in of_orders if event.name == "order.closed"}
    assert closed == {"A-2": after(hours=50), "A-3": after(days=4, hours=5)}


def test_a_profiles_pin_is_its_name_and_what_the_shop_overrides(tmp_path: Path) -> None:
    found = profiles(
        tmp_path, ", overrides: {quiet_hours: {start: '21:00', end: '08:00'}, answer_within: P1D}"
    )
    pin = pin_of(found.of("demo", None, datetime(2026, 1, 1, tzinfo=UTC)))
    assert pin == Pin("fast@1", '{"answer_within":"P1D","quiet_hours":{"end":"08:00:00","start":"21:00:00"}}')
