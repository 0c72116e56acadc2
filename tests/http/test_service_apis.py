"""The APIs of the four services: an order's way from click to refund, asked over HTTP alone."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.http.kit import AGENT, DEMO_SHOP, READER, TELLER, problem
from tests.http.town import Town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    it = Town()
    await it.start()
    yield it
    await it.close()


@pytest.mark.parametrize("service", ["orders", "logistics", "aftersales", "notifications"])
async def test_every_service_shows_its_charts_and_describes_itself(town: Town, service: str) -> None:
    charts = await town.see(service, "/charts")
    assert all(chart["stages"] for chart in charts)
    spec = await town.see(service, "/openapi.json")
    assert "/facts" in spec["paths"]
    examples = spec["paths"]["/facts"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        fact = {**example["value"], "at": town.clock.now().isoformat()}
        if "scanned_at" in fact["data"]:
            fact["data"] = {**fact["data"], "scanned_at": town.clock.now().isoformat()}
        assert (await town.ask(service, "POST", "/facts", json=fact)).status_code == 202


async def test_an_order_is_seen_as_it_goes(town: Town) -> None:
    await town.place()
    assert (await town.see("orders", "/orders/A-1"))["stage"] == "unpaid"
    await town.pay()
    await town.dispatch()
    await town.scan("delivered")
    order = await town.see("orders", "/orders/A-1")
    assert (order["stage"], order["deadline"]) == ("delivered", "completion")
    parcels = await town.see("logistics", "/orders/A-1/parcels")
    assert parcels["parcels"][0]["stage"] == "delivered"
    found = await town.see("logistics", "/parcels/dhl/t%2FA-1")
    assert [it["parcel"]["parcel_id"] for it in found] == ["p-A-1"]


async def test_orders_are_listed_by_stage_shop_and_buyer(town: Town) -> None:
    for order_id, shop_id in (("A-1", "demo"), ("A-2", "demo"), ("A-3", "other")):
        await town.place(order_id, shop_id)
    await town.pay("A-2")
    await town.tell("order.paid", "A-9", amount="1.00", payment_id="early")

    async def listed(**query: Any) -> list[str]:
        return [it["order_id"] for it in (await town.see("orders", "/orders", **query))["items"]]

    assert await listed() == ["A-1", "A-2", "A-3"]
    assert await listed(stage="unpaid") == ["A-1", "A-3"]
    assert await listed(shop="demo", stage="paid") == ["A-2"]
    assert await listed(buyer="nobody") == []
    told = problem(await town.ask("orders", "GET", "/orders?stage=lost"), 422, "validation")
    assert told["errors"][0]["field"] == "stage"


async def test_an_order_of_which_only_early_facts_came_is_not_there_yet(town: Town) -> None:
    await town.tell("order.paid", "A-9", amount="1.00", payment_id="early")
    problem(await town.ask("orders", "GET", "/orders/A-9"), 404, "not-found")
    assert (await town.see("orders", "/orders/A-9/why"))["waiting"] == ["f-1"]


async def test_parcels_are_listed_by_stage(town: Town) -> None:
    for order_id in ("A-1", "A-2"):
        await town.place(order_id)
        await town.pay(order_id)
        await town.dispatch(order_id)
    await town.scan("in_transit", "A-2")
    page = await town.see("logistics", "/parcels", stage="in_transit")
    assert [it["order_id"] for it in page["items"]] == ["A-2"]
    assert len((await town.see("logistics", "/parcels"))["items"]) == 2


async def test_the_timeline_tells_an_order_over_all_services(town: Town) -> None:
    await town.place()
    await town.pay()
    await town.dispatch()
    timeline = await town.see("notifications", "/orders/A-1/timeline")
    assert {"orders", "logistics", "notifications"} <= {entry["service"] for entry in timeline["entries"]}
    assert [entry["at"] for entry in timeline["entries"]] == sorted(
        entry["at"] for entry in timeline["entries"]
    )
    assert "Jane" not in str(timeline)


async def test_why_says_which_rule_of_which_profile_spoke(town: Town) -> None:
    await town.place()
    why = await town.see("orders", "/orders/A-1/why")
    assert why["history"][0]["because"] == "f-1"
    assert why["history"][0]["profile"] == "default@1"
    assert (why["profile"], why["overrides"]) == ("default@1", "{}")
    assert [timer["due_at"] for timer in why["timers"]] == sorted(timer["due_at"] for timer in why["timers"])


async def test_the_outbox_shows_what_the_buyer_was_told(town: Town) -> None:
    await town.place()
    await town.pay()
    page = await town.see("notifications", "/outbox", status="sent")
    assert [(it["order_id"], it["message"]["template"]) for it in page["items"]] == [
        ("A-1", "confirm_address")
    ]
    told = await town.see("notifications", "/orders/A-1/messages")
    assert told["to_buyer"][0]["status"] == "sent"
    assert len(town.mail.mails) == 1
    assert (await town.see("notifications", "/outbox", status="failed"))["items"] == []


async def _a_case(town: Town) -> str:
    await town.place()
    await town.pay()
    await town.dispatch()
    await town.tell(
        "refund.requested", case_id="c-1", kind="refund_only", reason="damaged", amount="10.00", lines=["1"]
    )
    page = await town.see("notifications", "/tasks", status="open", kind="decide_case")
    task_id: str = page["items"][0]["task"]["task_id"]
    return task_id


async def test_an_agent_claims_looks_and_completes(town: Town) -> None:
    task_id = await _a_case(town)
    seen = await town.ask("notifications", "GET", f"/tasks/{task_id}", AGENT)
    assert seen.json()["outcomes"] == ["approve", "refuse", "offer"]
    claim = await town.ask(
        "notifications",
        "POST",
        f"/tasks/{task_id}/claim",
        AGENT,
        "k-1",
        headers={"If-Match": seen.headers["etag"]},
    )
    assert claim.status_code == 200, claim.text
    assert claim.json()["task"]["agent_id"] == "agent-1"
    beat = await town.ask("notifications", "POST", f"/tasks/{task_id}/heartbeat", AGENT, "k-2", json={})
    assert beat.status_code == 200
    done = await town.ask(
        "notifications",
        "POST",
        f"/tasks/{task_id}/complete",
        AGENT,
        "k-3",
        json={"outcome": "approve", "details": {}},
    )
    assert done.json()["task"]["status"] == "completed"
    await town.settle()
    case = (await town.see("aftersales", "/orders/A-1/cases/c-1"))["case"]
    assert (case["stage"], case["decided_by"]) == ("refunded", "agent")
    assert len(town.payments.refunds) == 1


async def test_completing_again_under_the_same_key_is_no_second_completion(town: Town) -> None:
    task_id = await _a_case(town)
    await town.ask("notifications", "POST", f"/tasks/{task_id}/claim", AGENT, "k-1")
    body = {"outcome": "approve"}
    for _ in range(3):
        done = await town.ask("notifications", "POST", f"/tasks/{task_id}/complete", AGENT, "k-2", json=body)
        assert (done.status_code, done.json()["task"]["status"]) == (200, "completed")
        await town.settle()
    assert len(town.payments.refunds) == 1


async def test_a_wrong_outcome_or_its_details_are_named(town: Town) -> None:
    task_id = await _a_case(town)
    await town.ask("notifications", "POST", f"/tasks/{task_id}/claim", AGENT, "k-1")

    async def complete(**body: Any) -> dict[str, Any]:
        path = f"/tasks/{task_id}/complete"
        response = await town.ask("notifications", "POST", path, AGENT, "k-2", json=body)
        told: dict[str, Any] = problem(response, 422, "validation")["errors"][0]
        return told

    assert "one of approve, refuse, offer" in (await complete(outcome="perhaps"))["expected"]
    assert (await complete(outcome="refuse"))["field"] == "details.reason"
    assert (await complete(outcome="offer", details={"kind": "gift", "amount": 5}))[
        "field"
    ] == "details.amount"
    assert (await complete(outcome="approve", details={"x": 1}))["field"] == "details.x"


async def test_what_an_agent_may_not_do_is_refused_with_its_slug(town: Town) -> None:
    task_id = await _a_case(town)

    async def post(what: str, key: str, **body: Any) -> Any:
        return await town.ask("notifications", "POST", f"/tasks/{task_id}/{what}", AGENT, key, json=body)

    problem(await post("heartbeat", "k-1"), 409, "not-claimed-by-you")
    await post("claim", "k-2", agent_id="anna")
    problem(await post("claim", "k-3", agent_id="bert"), 409, "task-claimed")
    problem(await post("complete", "k-4", agent_id="bert", outcome="approve"), 409, "not-claimed-by-you")
    returned = await post("return", "k-5", agent_id="anna", reason="too hard")
    assert returned.json()["task"]["status"] == "open"
    problem(await town.ask("notifications", "GET", "/tasks/none", AGENT), 404, "not-found")
    problem(await town.ask("notifications", "POST", "/tasks/none/claim", AGENT, "k"), 404, "not-found")


async def test_tasks_are_listed_by_status_kind_and_agent(town: Town) -> None:
    task_id = await _a_case(town)

    async def listed(**query: Any) -> list[str]:
        page = await town.see("notifications", "/tasks", **query)
        return [it["task"]["kind"] for it in page["items"]]

    assert await listed(status="open") == ["decide_case"]
    assert await listed(kind="late_payment") == []
    await town.ask(
        "notifications", "POST", f"/tasks/{task_id}/claim", AGENT, "k-1", json={"agent_id": "anna"}
    )
    assert await listed(status="open") == []
    assert await listed(status="claimed", agent="anna") == ["decide_case"]
    assert await listed(status="claimed", agent="bert") == []
    assert await listed(shop="other") == []


async def test_agents_without_the_scope_see_no_tasks(town: Town) -> None:
    task_id = await _a_case(town)
    for path in ("/tasks", f"/tasks/{task_id}", "/orders/A-1/conversation"):
        problem(await town.ask("notifications", "GET", path, READER), 403, "forbidden")
    problem(await town.ask("notifications", "GET", "/orders/A-1/timeline", TELLER), 403, "forbidden")


async def test_an_agent_reads_what_the_buyer_wrote_and_answers(town: Town) -> None:
    await town.place()
    await town.tell("buyer.message", text="Where is my cup?")
    await town.pass_time(seconds=30)
    page = await town.see("notifications", "/tasks", kind="answer_buyer")
    assert len(page["items"]) == 1
    lines = (await town.see("notifications", "/orders/A-1/conversation"))["lines"]
    assert lines[0]["text"] == "Where is my cup?"
    replied = await town.ask(
        "notifications", "POST", "/orders/A-1/reply", AGENT, "k-1", json={"text": "On its way."}
    )
    assert (replied.status_code, replied.json()["unanswered"]) == (200, False)
    await town.settle()
    assert any("On its way." in str(mail["text"]) for mail in town.mail.mails.values())
    assert (await town.see("notifications", "/tasks", status="open"))["items"] == []


async def test_a_buyer_answers_an_offer(town: Town) -> None:
    task_id = await _a_case(town)
    await town.ask("notifications", "POST", f"/tasks/{task_id}/claim", AGENT, "k-1")
    offer = {"outcome": "offer", "details": {"kind": "partial_refund", "amount": "5.00"}}
    await town.ask("notifications", "POST", f"/tasks/{task_id}/complete", AGENT, "k-2", json=offer)
    await town.settle()
    path = "/orders/A-1/cases/c-1"
    assert (await town.see("aftersales", path))["case"]["stage"] == "offered"
    taken = await town.ask("aftersales", "POST", f"{path}/offer-answer", AGENT, "k-3", json={"accept": True})
    assert taken.status_code == 200, taken.text
    await town.settle()
    assert (await town.see("aftersales", path))["case"]["refunded"] == "5.00"


async def test_a_dispute_goes_its_way_over_http(town: Town) -> None:
    task_id = await _a_case(town)
    await town.ask("notifications", "POST", f"/tasks/{task_id}/claim", AGENT, "k-1")
    refuse = {"outcome": "refuse", "details": {"reason": "It was not damaged."}}
    await town.ask("notifications", "POST", f"/tasks/{task_id}/complete", AGENT, "k-2", json=refuse)
    await town.settle()
    path = "/orders/A-1/cases/c-1"

    async def post(what: str, key: str, **body: Any) -> Any:
        return await town.ask("aftersales", "POST", f"{path}/{what}", AGENT, key, json=body or None)

    early = await post("settlement", "k-3", winner="buyer")
    assert early.status_code == 409
    assert (await post("negotiation", "k-4", note="We talked.")).status_code == 200
    assert (await post("dispute", "k-5")).json()["case"]["stage"] == "disputed"
    assert (await post("evidence", "k-6", refs=["photo-1"])).json()["case"]["stage"] == "judging"
    settled = await post("settlement", "k-7", winner="buyer")
    assert settled.status_code == 200, settled.text
    await town.settle()
    assert (await town.see("aftersales", path))["case"]["stage"] == "refunded"
    problem(await post("evidence", "k-8", refs=[]), 422, "validation")
    problem(
        await town.ask("aftersales", "POST", "/orders/A-1/cases/none/dispute", AGENT, "k-9"),
        404,
        "case-unknown",
    )


async def test_cases_are_listed_by_stage_and_by_being_open(town: Town) -> None:
    await _a_case(town)

    async def listed(**query: Any) -> list[str]:
        page = await town.see("aftersales", "/cases", **query)
        return [it["case"]["case_id"] for it in page["items"]]

    assert await listed() == ["c-1"]
    assert await listed(open=True, stage="deciding") == ["c-1"]
    assert await listed(open=False) == []
    assert await listed(stage="refunded") == []
    assert await town.see("aftersales", "/orders/A-1/reviews") == []


async def test_a_shops_token_sees_nothing_of_another_shop(town: Town) -> None:
    await town.place("A-1", "other")
    await town.pay("A-1")
    await town.dispatch("A-1")
    for service, path in (
        ("orders", "/orders/A-1"),
        ("orders", "/orders/A-1/why"),
        ("logistics", "/orders/A-1/parcels"),
        ("logistics", "/parcels/dhl/t%2FA-1"),
        ("notifications", "/orders/A-1/timeline"),
        ("notifications", "/orders/A-1/messages"),
        ("aftersales", "/orders/A-1/cases"),
    ):
        problem(await town.ask(service, "GET", path, DEMO_SHOP), 404, "not-found")
    for service, path in (("orders", "/orders"), ("logistics", "/parcels"), ("notifications", "/outbox")):
        assert (await town.ask(service, "GET", path, DEMO_SHOP)).json()["items"] == []


async def test_whoever_works_a_list_of_tasks_off_page_by_page_misses_none(town: Town) -> None:
    await town.place()
    await town.pay()
    for _ in range(4):
        await town.tell("review.posted", stars=1)
    claimed: list[str] = []
    cursor: str | None = None
    while cursor is not None or not claimed:
        more = {"cursor": cursor} if cursor else {}
        page = await town.see("notifications", "/tasks", status="open", limit=1, **more)
        for it in page["items"]:
            task_id = it["task"]["task_id"]
            claim = await town.ask("notifications", "POST", f"/tasks/{task_id}/claim", AGENT, key=task_id)
            assert claim.status_code == 200
            claimed.append(task_id)
        cursor = page["next"]
    assert len(set(claimed)) == 4
    assert (await town.see("notifications", "/tasks", status="open"))["items"] == []


async def test_a_tracking_number_that_two_shops_had_leads_each_to_its_own_order(town: Town) -> None:
    for order_id, shop_id in (("A-1", "other"), ("A-2", "demo")):
        await town.place(order_id, shop_id)
        await town.pay(order_id)
        parcel = {"parcel_id": f"p-{order_id}", "carrier": "dhl", "tracking_no": "T1", "lines": ["1", "2"]}
        await town.tell("shipment.dispatched", order_id, **parcel)
    found = await town.ask("logistics", "GET", "/parcels/dhl/T1", DEMO_SHOP)
    assert [it["order_id"] for it in found.json()] == ["A-2"]
