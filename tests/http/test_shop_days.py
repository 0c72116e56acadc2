"""A shop's days over HTTP: what reminders brought, what lay open in the morning, the start of a shift."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from shared.adapters.profile_files import load_profiles
from shared.adapters.profiles import Profiles
from shared.kernel.reminders import ShopReminders, ShopReports
from tests.http.kit import AGENT, DEMO_SHOP, READER, problem
from tests.http.town import Town

DAYS = {"shop": "demo", "from": "2026-03-02", "to": "2026-03-04"}


async def opened(**shop: Any) -> Town:
    shipped = load_profiles()
    versions = [version for several in shipped.versions.values() for version in several]
    demo = shipped.shops["demo"].model_copy(update=shop)
    town = Town(profiles=Profiles(versions, {**shipped.shops, "demo": demo}))
    await town.start()
    return town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    reports = ShopReports(
        daily_sweep=True, reminders=True, message_price=Decimal("0.05"), message_currency="EUR"
    )
    overrides = {"payment_reminder_merge_within": "PT30M", "payment_reminder_after": "PT4H"}
    it = await opened(reports=reports, overrides=overrides)
    yield it
    await it.close()


async def report_comes(town: Town) -> None:
    """The parts of a day tell the day, and the day tells everybody: minutes that one jump would leave out."""
    for _ in range(2):
        await town.pass_time(minutes=6)


async def start_shift(town: Town, token: str = AGENT, key: str = "shift-1", **body: Any) -> Any:
    return await town.ask("notifications", "POST", "/shifts/start", token, key, json={"shop": "demo", **body})


async def test_reminders_of_one_buyer_go_together_and_the_day_reports_what_they_brought(town: Town) -> None:
    for order_id in ("A-1", "A-2", "A-3"):
        await town.place(order_id)
    await town.pass_time(hours=4.5)
    assert len(town.mail.mails) == 1
    await town.pay("A-2")
    await town.pass_time(hours=13)
    await report_comes(town)

    report = await town.see("notifications", "/reports/reminders", **DAYS)
    (day,) = report["days"]
    assert (day["day"], day["messages"], day["reminded"], day["paid"]) == ("2026-03-02", 1, 3, 1)
    assert (day["cost"], day["roi"]) == ("0.05", "600.00")
    assert day["amounts"] == [{"currency": "EUR", "amount": "30.00"}]
    outbox = await town.see("notifications", "/outbox", template="payment_reminder")
    told = sorted((it["message"]["status"], it["message"]["reason"]) for it in outbox["items"])
    assert told == [("sent", None), ("suppressed", "merged_into"), ("suppressed", "merged_into")]


async def test_the_morning_tells_what_lies_open_and_makes_tasks_for_what_nobody_has(town: Town) -> None:
    await town.place("A-1")
    await town.place("A-2")
    await town.pay("A-2")
    await town.dispatch("A-2")
    await town.tell("review.posted", "A-2", stars=4, text="Good, but late.")
    await town.pass_time(hours=23)
    await report_comes(town)

    report = await town.see("notifications", "/reports/sweeps", **DAYS)
    (day,) = report["days"]
    assert day["day"] == "2026-03-03"
    assert {one["kind"]: one["orders"] for one in day["found"]} == {
        "unpaid": ["A-1"],
        "review_unread": ["A-2"],
    }
    page = await town.see("notifications", "/tasks", status="open", kind="look_into")
    assert [it["task"]["details"]["finding"] for it in page["items"]] == ["review_unread"]
    assert "Good" not in str(day)


async def test_a_day_without_reminders_is_not_there_and_a_foreign_shop_is_told_of_nothing(town: Town) -> None:
    assert (await town.see("notifications", "/reports/reminders", **DAYS))["days"] == []
    await town.place()
    await town.pass_time(hours=23)
    await report_comes(town)
    seen = await town.ask(
        "notifications", "GET", "/reports/sweeps", DEMO_SHOP, params={**DAYS, "shop": "other"}
    )
    assert seen.json() == {"shop_id": "other", "days": []}
    own = await town.ask("notifications", "GET", "/reports/sweeps", DEMO_SHOP, params=DAYS)
    assert len(own.json()["days"]) == 1


@pytest.mark.parametrize("to", ["2026-03-01", "2026-06-02"])
async def test_days_that_make_no_report_are_refused(town: Town, to: str) -> None:
    response = await town.ask("notifications", "GET", "/reports/reminders", params={**DAYS, "to": to})
    assert problem(response, 422, "validation")["errors"][0]["field"] == "to"


async def test_a_shift_begins_with_what_is_unpaid_and_unshipped() -> None:
    town = await opened()
    for order_id in ("A-1", "A-2", "A-3", "A-4"):
        await town.place(order_id)
    for order_id in ("A-2", "A-3"):
        await town.pay(order_id)
    await town.dispatch("A-3")

    begun = (await start_shift(town)).json()
    assert [it["order_id"] for it in begun["unpaid"]] == ["A-1", "A-4"]
    assert [it["order_id"] for it in begun["unshipped"]] == ["A-2"]
    assert (begun["new_tasks"], begun["unpaid_more"]) == (0, False)
    page = (await start_shift(town, key="shift-2", limit=1)).json()
    assert ([it["order_id"] for it in page["unpaid"]], page["unpaid_more"]) == (["A-1"], True)
    rest = (await start_shift(town, key="shift-3", unpaid_after="A-1")).json()
    assert [it["order_id"] for it in rest["unpaid"]] == ["A-4"]
    await town.close()


async def test_a_shift_makes_no_task_for_a_late_order_that_is_urged_or_promised_anew() -> None:
    town = await opened()
    await town.place()
    await town.pay()
    await town.pass_time(days=2, minutes=1)
    page = await town.see("notifications", "/tasks", status="open", kind="urge_shipment")
    (urge,) = page["items"]
    assert (await start_shift(town)).json()["new_tasks"] == 0
    task_id = urge["task"]["task_id"]
    await town.ask("notifications", "POST", f"/tasks/{task_id}/claim", AGENT, "k-1")
    promise = {"outcome": "ships_on", "details": {"date": "2026-03-09T12:00:00Z"}}
    await town.ask("notifications", "POST", f"/tasks/{task_id}/complete", AGENT, "k-2", json=promise)
    await town.settle()

    begun = (await start_shift(town, key="shift-2")).json()
    assert (begun["new_tasks"], begun["unshipped"][0]["order_id"]) == (0, "A-1")
    assert (await start_shift(town, key="shift-2")).json()["new_tasks"] == 0
    assert (await start_shift(town, key="shift-3")).json()["new_tasks"] == 0
    await town.close()


@pytest.mark.parametrize("other", [{"limit": 1}, {"unpaid_after": "A-1"}, {"shop": "other"}])
async def test_a_shift_asked_anew_with_another_body_under_its_key_is_refused(other: dict[str, Any]) -> None:
    town = await opened()
    first = (await start_shift(town)).json()
    problem(await start_shift(town, **other), 422, "key-reused")
    assert (await start_shift(town)).json() == first
    assert (await start_shift(town, key="shift-2", **other)).status_code == 200
    await town.close()


async def test_who_may_not_work_tasks_or_not_for_this_shop_begins_no_shift(town: Town) -> None:
    problem(await start_shift(town, READER), 403, "forbidden")
    problem(await start_shift(town, DEMO_SHOP), 403, "forbidden")
    response = await town.ask("notifications", "POST", "/shifts/start", AGENT, "k", json={"shop": ""})
    problem(response, 422, "validation")


async def test_a_shop_that_switches_reminders_off_sends_none_and_its_orders_say_so() -> None:
    town = await opened(reminders=ShopReminders(enabled=False))
    await town.place()
    await town.pass_time(hours=25)
    assert not town.mail.mails
    timeline = await town.see("notifications", "/orders/A-1/timeline")
    assert any("switched off" in entry["summary"] for entry in timeline["entries"])
    await town.close()
