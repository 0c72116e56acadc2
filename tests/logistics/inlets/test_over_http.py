"""Carriers' deliveries through the real HTTP, in memory: taken once, matched, or kept for their parcel."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.http.kit import DEMO_SHOP, READER
from tests.http.town import Town
from tests.logistics.inlets.letters import INLETS, body_of, sample, secret_of, signature

NUMBER = {
    "aftership": "SF1020304050607",
    "easypost": "9400111201080805483016",
    "shippo": "1Z5R89390357567127",
    "track17": "SF1020304050607",
    "kuaidi100": "SF1020304050607",
    "scans": "HB-0042",
}
CARRIER = {"easypost": "usps", "shippo": "ups", "scans": "hofbote"}
ENDS = {
    "aftership": "exception",
    "easypost": "out_for_delivery",
    "shippo": "exception",
    "track17": "delivered",
    "kuaidi100": "delivered",
    "scans": "exception",
}


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    opened = [
        {
            "name": system.replace("_", "-"),
            "system": system,
            "shop_id": "demo" if inlet.one_shop else "*",
            "secrets": ["an-old-secret-1", secret_of(system)],
        }
        for system, inlet in INLETS.items()
    ]
    opened.append(
        {"name": "of-a-shop", "system": "track17", "shop_id": "demo", "secrets": ["secret-of-demo"]}
    )
    it = Town(opened)
    await it.start()
    it.clock.advance(timedelta(hours=9))
    yield it
    await it.close()


async def deliver(
    town: Town, system: str, payload: Any = None, to: str | None = None, secret: str | None = None
) -> httpx.Response:
    """Post a payload as its system does, and let everybody hear of it."""
    secret = secret or secret_of(system)
    body = body_of(system, sample(system) if payload is None else payload, secret)
    headers = signature(system, body, secret, town.clock.now())
    address = f"/inlets/{to or system.replace('_', '-')}"
    response = await town.houses["logistics"].client.post(address, content=body, headers=headers)
    await town.settle()
    return response


async def dispatch(town: Town, system: str, order_id: str = "A-1", parcel: str = "P-1") -> None:
    """The sample's parcel leaves."""
    await town.tell(
        "shipment.dispatched",
        order_id,
        parcel_id=parcel,
        carrier=CARRIER.get(system, "sf"),
        tracking_no=NUMBER[system],
        lines=["1", "2"],
    )


async def stage(town: Town, order_id: str = "A-1") -> str:
    (parcel,) = (await town.see("logistics", f"/orders/{order_id}/parcels"))["parcels"]
    return str(parcel["stage"])


async def outcomes(town: Town, **query: Any) -> list[tuple[str, str | None]]:
    page = await town.see("logistics", "/sightings", **query)
    return [(it["sighting"]["outcome"], it["sighting"]["order_id"]) for it in page["items"]]


@pytest.mark.parametrize("system", sorted(NUMBER))
async def test_a_parcel_goes_its_way_by_what_a_carriers_system_tells(town: Town, system: str) -> None:
    await town.place()
    await dispatch(town, system)
    response = await deliver(town, system)
    assert response.status_code == 200
    if system == "kuaidi100":
        assert response.json() == {"result": True, "returnCode": "200", "message": "成功"}
    else:
        assert all(fact["fits"] for fact in response.json()["facts"] if fact["order_id"])
        assert "A-1" in {fact["order_id"] for fact in response.json()["facts"]}
    assert await stage(town) == ENDS[system]
    again = await deliver(town, system)
    assert again.status_code == 200
    assert await stage(town) == ENDS[system]
    shown = (await town.see("logistics", "/orders/A-1/parcels"))["parcels"][0]["trace"]
    assert len({(line["what"], line["scanned_at"]) for line in shown}) == len(shown)


async def test_scans_that_come_before_the_dispatch_are_kept_and_handed_over(town: Town) -> None:
    response = await deliver(town, "track17")
    assert {(fact["waiting"], fact["slug"]) for fact in response.json()["facts"]} == {(True, "no-parcel")}
    assert await outcomes(town, outcome="waiting") == [("waiting", None)] * 3
    await town.place()
    await dispatch(town, "track17")
    assert await outcomes(town) == [("matched", "A-1")] * 3
    assert await stage(town) == "delivered"


async def test_scans_of_nobodys_parcel_are_unmatched_after_a_day_and_shown_with_their_words_until_then(
    town: Town,
) -> None:
    await deliver(town, "kuaidi100")
    waiting = await town.see("logistics", "/sightings", limit=1, outcome="waiting")
    assert "已收取快件" in waiting["items"][0]["text"]
    await town.pass_time(hours=24)
    assert await outcomes(town, outcome="unmatched") == [("unmatched", None)] * 5
    assert await outcomes(town, outcome="waiting") == []
    page = await town.see("logistics", "/sightings", limit=1, outcome="unmatched")
    assert page["next"] is not None
    assert page["items"][0]["text"] is None
    await town.place()
    await dispatch(town, "kuaidi100")
    assert await stage(town) == "dispatched"


async def test_a_shops_inlet_moves_no_parcel_of_another_shop(town: Town) -> None:
    await town.place("B-1", "superstore")
    await dispatch(town, "track17", "B-1")
    assert (await deliver(town, "track17", to="of-a-shop", secret="secret-of-demo")).status_code == 200
    assert await stage(town, "B-1") == "dispatched"


async def test_a_shops_token_sees_sightings_of_its_own_parcels_alone(town: Town) -> None:
    await town.place("B-1", "superstore")
    await dispatch(town, "track17", "B-1")
    await deliver(town, "track17")
    of_demo = await town.ask("logistics", "GET", "/sightings", DEMO_SHOP)
    assert of_demo.json()["items"] == []
    every = await town.ask("logistics", "GET", "/sightings", READER)
    assert len(every.json()["items"]) == 3


async def test_a_number_is_no_order_to_anybody(town: Town) -> None:
    await deliver(town, "track17")
    await town.place()
    await dispatch(town, "track17")
    for service in ("orders", "aftersales", "notifications"):
        files = await town.houses[service].store.page({}, None, 100)
        assert [file["_id"] for file in files if str(file["_id"]).startswith("tracking/")] == []
    parcels = await town.see("logistics", "/parcels")
    assert [it["order_id"] for it in parcels["items"]] == ["A-1"]


async def test_a_fulfillments_event_is_a_scan_of_the_parcel_that_goes_by_its_id(town: Town) -> None:
    await town.place("450789469")
    await town.tell(
        "shipment.dispatched",
        "450789469",
        parcel_id="255858046",
        carrier="canada-post",
        tracking_no="4007590008090",
        lines=["1", "2"],
    )
    response = await deliver(town, "shopify_fulfillments")
    assert [fact["fits"] for fact in response.json()["facts"]] == [True]
    (parcel,) = (await town.see("logistics", "/orders/450789469/parcels"))["parcels"]
    assert (parcel["stage"], parcel["exception"]) == ("exception", "delivery_attempted")


@pytest.mark.parametrize("system", sorted(INLETS))
async def test_a_wrong_signature_is_401(town: Town, system: str) -> None:
    wrong = secret_of("scans")[:-4] + "AAA=" if system == "scans" else "not-this-secret"
    assert (await deliver(town, system, secret=wrong)).status_code == 401
