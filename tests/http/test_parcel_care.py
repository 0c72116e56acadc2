"""Over HTTP: enquiries, refusals, weights, claims, incidents, scorecards, more days and tickets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.logistics.api import carriers
from services.logistics.commands import MeasureParcel
from services.logistics.state.scorecards import scorecard_subject
from shared.contracts.events.incidents import ParcelMeasured
from shared.runtime.work import Ask
from tests.http.kit import AGENT, DEMO_SHOP, READER, problem
from tests.http.town import Town

PARCEL = "/orders/A-1/parcels/p-A-1"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    it = Town()
    await it.start()
    await it.place()
    await it.pay()
    await it.dispatch()
    yield it
    await it.close()


async def asked(
    town: Town, path: str, body: dict[str, Any] | None = None, service: str = "logistics", key: str = "k"
) -> Any:
    headers = {"Idempotency-Key": f"{key}-{path}"}
    return await town.ask(service, "POST", path, AGENT, json=body or {}, headers=headers)


async def test_the_buyer_asks_and_refuses(town: Town) -> None:
    told = await asked(town, PARCEL + "/enquiries", {"about": "urge", "channel": "phone", "text": "Now!"})
    assert told.status_code == 200
    assert told.json()["enquiry"]["stage"] == "registered"
    assert "Now!" not in told.text
    again = await asked(town, PARCEL + "/enquiries", {"about": "urge", "channel": "phone"}, key="again")
    problem(again, 409, "enquiry-open")
    refused = await asked(town, PARCEL + "/refusal", {"reason": "crushed"})
    assert refused.json()["refused_because"] == "crushed"
    linked = await asked(town, PARCEL + "/complaints", {"case_id": "c-1", "reason": "carrier_conduct"})
    assert linked.json()["complaints"] == ["c-1"]


async def test_a_claim_out_of_order_names_the_missing_step(town: Town) -> None:
    problem(await asked(town, PARCEL + "/claim/submission", {"amount": "1.00"}), 409, "loss-not-confirmed")
    for step, body in (
        ("evidence", {"kind": "proof_of_value", "ref": "d"}),
        ("approval", {"amount": "1.00"}),
        ("refusal", {"reason": "late"}),
        ("appeal", {}),
        ("payment", {"amount": "1.00"}),
        ("write-off", {}),
    ):
        problem(await asked(town, f"{PARCEL}/claim/{step}", body), 409, "loss-not-confirmed")
    strange = await asked(town, "/orders/A-1/parcels/p-9/claim/appeal")
    problem(strange, 404, "parcel-unknown")


async def test_weights_and_surcharges_are_looked_up(town: Town) -> None:
    (weights,) = await town.see("logistics", "/orders/A-1/weights")
    assert weights["parcel_id"] == "p-A-1"
    assert weights["weights"]["verdict"] == "unclear"
    quote = await town.see("logistics", "/orders/A-1/surcharge", carrier="sf")
    assert quote == {"carrier": "sf", "agreed": False, "amount": None, "currency": None}


async def test_an_incident_is_opened_seen_and_closed_by_hand(town: Town) -> None:
    body = {
        "shop_id": "demo",
        "carrier": "dhl",
        "region": "Germany",
        "reason": "storm",
        "parcels": [{"order_id": "A-1", "parcel_id": "p-A-1"}],
    }
    opened = (await asked(town, "/incidents", body)).json()
    incident_id = opened["incident"]["incident_id"]
    assert opened["standing"] == [{"order_id": "A-1", "parcel_id": "p-A-1", "tell": True, "held": True}]
    assert opened["incident"]["deadline_at"] is not None
    await town.settle()
    parcels = await town.see("logistics", "/orders/A-1/parcels")
    assert parcels["parcels"][0]["incident_id"] == incident_id
    assert (await town.see("logistics", f"/incidents/{incident_id}"))["incident"]["stage"] == "open"
    closed = (await asked(town, f"/incidents/{incident_id}/close")).json()
    assert closed["incident"]["closed_because"] == "by_hand"
    await town.settle()
    assert (await town.see("logistics", "/incidents", open=False))["items"]
    problem(await asked(town, f"/incidents/{incident_id}/close", key="again"), 404, "incident-not-open")
    problem(await asked(town, "/incidents", {**body, "parcels": []}, key="none"), 409, "nothing-stands")
    strange = {**body, "parcels": [{"order_id": "A-1", "parcel_id": "p-9"}]}
    problem(await asked(town, "/incidents", strange, key="strange"), 404, "parcel-unknown")
    other = {**body, "carrier": "ups"}
    problem(await asked(town, "/incidents", other, key="other"), 409, "other-carrier")
    seen = await town.ask("logistics", "POST", "/incidents", DEMO_SHOP, json=body)
    problem(seen, 403, "forbidden")


async def test_scorecards_are_empty_where_nobody_measures(town: Town) -> None:
    assert (await town.see("logistics", "/scorecards", carrier="dhl"))["items"] == []
    suggestion = await town.see("logistics", "/scorecards/suggestion", carrier="dhl")
    assert suggestion == {"parcels": 0, "stall_levels_hours": None, "why": "too_few"}
    wrong = await town.ask("logistics", "GET", "/scorecards?from=soon", READER)
    problem(wrong, 422, "validation")


async def measure(town: Town, *weeks: str) -> None:
    """A parcel of each week, on the week's scorecard; the town's clock shows 2026-W10."""
    for number, week in enumerate(weeks):
        told = ParcelMeasured(
            parcel_id=f"P-{number}",
            carrier="dhl",
            tracking_no="T",
            route="DE>DE",
            week=week,
            what="delivered",
            longest_gap_hours=20,
        )
        command = MeasureParcel(at=town.clock.now(), shop_id="demo", measured=told)
        subject = scorecard_subject("demo", "dhl", "DE>DE", week)
        await town.houses["logistics"].engine.run([Ask(subject, command, f"k-{number}", "d")])


async def suggestion(town: Town, **query: str) -> Any:
    return await town.ask("logistics", "GET", "/scorecards/suggestion", READER, params=query)


async def test_a_suggestion_looks_at_the_last_year_or_at_the_weeks_that_are_asked_for(town: Town) -> None:
    await measure(town, "2025-W09", "2025-W10", "2026-W09", "2026-W10")
    assert (await suggestion(town)).json()["parcels"] == 3
    assert (await suggestion(town, to="2026-W09")).json()["parcels"] == 3
    assert (await suggestion(town, **{"from": "2026-W10"})).json()["parcels"] == 1
    assert (await suggestion(town, **{"from": "2025-W09", "to": "2025-W09"})).json()["parcels"] == 1


@pytest.mark.parametrize("first", ["2025-W09", "2026-W11", "2025-W53", "0001-W01"])
async def test_a_suggestion_of_more_than_a_year_or_of_no_week_is_refused(town: Town, first: str) -> None:
    told = problem(await suggestion(town, **{"from": first}), 422, "validation")
    assert [error["field"] for error in told["errors"]] == ["from"]


async def test_a_suggestion_of_too_many_scorecards_asks_for_a_narrower_question(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "CARDS_MAX", 2)
    await measure(town, "2026-W08", "2026-W09", "2026-W10")
    told = problem(await suggestion(town), 422, "validation")
    assert "one `carrier`, one `route` or fewer weeks, of at most 2 scorecards" in told["detail"]
    assert (await suggestion(town, **{"from": "2026-W09"})).json()["parcels"] == 2


async def test_more_days_and_tickets_at_orders(town: Town) -> None:
    early = await asked(town, "/orders/A-1/receipt-extension", {"days": 5}, "orders")
    problem(early, 409, "nothing-to-extend")
    await town.scan("delivered")
    days = await asked(town, "/orders/A-1/receipt-extension", {"days": 4}, "orders", key="four")
    problem(days, 409, "days-not-allowed")
    longer = await asked(town, "/orders/A-1/receipt-extension", {"days": 5}, "orders", key="five")
    assert longer.json()["deadline"] == "completion"
    problem(await asked(town, "/orders/A-1/urge", {"ticket_id": "t"}, "orders"), 409, "nothing-to-ship")
