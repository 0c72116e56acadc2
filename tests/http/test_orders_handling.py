"""An order's handling over HTTP: the steps of a wish, and what is refused with which problem."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.http.kit import AGENT, READER, problem
from tests.http.town import Town


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    it = Town()
    await it.start()
    await it.place()
    await it.pay()
    yield it
    await it.close()


async def post(town: Town, path: str, key: str, **body: Any) -> httpx.Response:
    answer = await town.ask("orders", "POST", f"/orders/A-1/{path}", AGENT, key, json=body)
    await town.settle()
    return answer


async def test_a_request_goes_its_way_and_the_order_is_released(town: Town) -> None:
    card = {"kind": "card", "text": "Happy birthday, Jane"}
    made = await post(town, "requests", "k-1", request=card)
    assert made.status_code == 200, made.text
    assert made.json()["handling"]["waits_for"] == ["card-1"]
    again = await post(town, "requests", "k-1", request=card)
    assert len(again.json()["handling"]["wishes"]) == 1

    problem(await post(town, "wishes/card-1/confirmation", "k-2"), 409, "not-flagged")
    assert (await post(town, "wishes/card-1/flag", "k-3", colour="green")).status_code == 200
    problem(await post(town, "wishes/card-1/acknowledgement", "k-4"), 409, "not-confirmed")
    confirmed = await post(town, "wishes/card-1/confirmation", "k-5", agent_id="mia")
    assert confirmed.json()["handling_by"] is not None
    assert (await post(town, "wishes/card-1/instruction", "k-6")).status_code == 200
    assert (await town.see("notifications", "/tasks", kind="call_warehouse", status="open"))["items"]
    await town.tell("instruction.acknowledged", wish_id="card-1")

    seen = await town.see("orders", "/orders/A-1")
    assert seen["handling"]["release"] == "released"
    assert seen["handling"]["flag"]["colour"] == "green"
    assert not (await town.see("notifications", "/tasks", kind="call_warehouse", status="open"))["items"]
    assert "birthday" not in str(seen)


async def test_texts_are_read_by_who_works_on_the_order_alone(town: Town) -> None:
    await post(town, "requests", "k-1", request={"kind": "invoice", "title": "Example Ltd"})
    await post(town, "remarks", "k-2", text="called twice", colour="blue")

    texts = (await town.ask("orders", "GET", "/orders/A-1/texts", AGENT)).json()
    assert [text["text"] for text in texts] == ["Example Ltd", "called twice"]
    problem(await town.ask("orders", "GET", "/orders/A-1/texts", READER), 403, "forbidden")


async def test_a_cheaper_line_of_a_paid_order_is_refunded_once(town: Town) -> None:
    line = (await town.see("orders", "/orders/A-1"))["lines"][0]
    less = {"kind": "price", "line_id": line["line_id"], "amount": "1.00"}
    assert (await post(town, "changes", "k-1", change=less)).status_code == 200
    await post(town, "wishes/price-1/flag", "k-2")
    assert not town.payments.refunds
    for key in ("k-3", "k-4"):
        await post(town, "wishes/price-1/confirmation", key)

    assert len(town.payments.refunds) == 1
    dearer = {**less, "amount": "999.00"}
    problem(await post(town, "changes", "k-5", change=dearer), 409, "needs-supplement")


async def test_a_stale_version_a_missing_wish_and_a_bad_body_change_nothing(town: Town) -> None:
    before = await town.see("orders", "/orders/A-1")
    stale = {"If-Match": '"1"'}
    answer = await town.ask(
        "orders", "POST", "/orders/A-1/remarks", AGENT, "k-1", json={"text": "x"}, headers=stale
    )
    problem(answer, 412, "version-mismatch")
    problem(await post(town, "wishes/card-9/flag", "k-2"), 404, "wish-unknown")
    told = problem(await post(town, "requests", "k-3", request={"kind": "slot"}), 422, "validation")
    assert told["errors"][0]["field"].endswith("slot")
    problem(await post(town, "shortages/stock-1/choice", "k-4", choice="wait"), 404, "shortage-unknown")
    problem(
        await town.ask("orders", "POST", "/orders/A-9/cancellation", AGENT, "k-5", json={"reason": "x"}),
        404,
        "not-found",
    )
    assert await town.see("orders", "/orders/A-1") == before


async def test_a_check_and_a_cancellation_are_asked_for_over_http(town: Town) -> None:
    checked = await post(town, "verification", "k-1", items=True, address=False, contact=True)
    assert checked.json()["handling"]["waits_for"] == ["address"]
    off = await post(town, "cancellation", "k-2", reason="changed_mind")
    assert off.json()["stage"] in {"cancelling", "refunded"}
    problem(await post(town, "cancellation", "k-3", reason="changed_mind"), 409, "order-refunded")


async def test_three_orders_of_one_buyer_and_address_pay_for_one_carriage() -> None:
    town = Town()
    await town.start()
    home = {"name": "Jane Roe", "address": "1 Mill Lane", "city": "Sampleton", "postal_code": "10115"}
    for number in (1, 2, 3):
        order_id = f"A-{number}"
        await town.place(order_id, total="35.00", freight="5.00", receiver=home)
        await town.pay(order_id, "35.00")
    found = (await town.see("notifications", "/tasks", kind="merge_freight", status="open"))["items"]
    assert sorted(item["order_id"] for item in found) == ["A-2", "A-3"]

    for item in found:
        order_id, task = item["order_id"], f"/tasks/{item['task']['task_id']}"
        done = {"agent_id": "mia", "outcome": "give_back", "details": {}}
        for verb, body in (("claim", {"agent_id": "mia"}), ("complete", done)):
            answer = await town.ask(
                "notifications", "POST", f"{task}/{verb}", AGENT, f"{verb}-{order_id}", json=body
            )
            assert answer.status_code == 200, answer.text
        await town.settle()
        path = f"/orders/{order_id}/wishes/freight-1/confirmation"
        yes = await town.ask("orders", "POST", path, AGENT, f"yes-{order_id}", json={"agent_id": "mia"})
        assert yes.status_code == 200, yes.text
        await town.settle()
    freights = [(await town.see("orders", f"/orders/A-{number}"))["freight"] for number in (1, 2, 3)]
    assert freights == ["5.00", "0.00", "0.00"]
    assert len(town.payments.refunds) == 2
    await town.close()
