"""Platforms post to orders' own HTTP, and the four services hear what follows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.orders.inlets import wechat_cipher
from tests.http.kit import ADMIN, problem
from tests.http.town import MORNING, Town
from tests.orders.inlets.expected import SHOPIFY, TAOBAO, WECHAT
from tests.orders.inlets.posting import (
    ENTRIES,
    NAMES,
    NOW,
    SECRETS,
    TOKEN,
    Posted,
    encrypted,
    post_of,
    sample,
    sign,
    system_of,
    written,
)


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """The four services in the evening of the samples' day, open to all platforms."""
    it = Town(ENTRIES)
    it.clock.advance(NOW - MORNING)
    await it.start()
    yield it
    await it.close()


async def post(town: Town, posted: Posted, system: str) -> httpx.Response:
    """Post to orders without any token, and let everybody hear of it."""
    client = town.houses["orders"].client
    answer = await client.post(posted.address(system), content=posted.body, headers=posted.headers)
    await town.settle()
    return answer


async def post_sample(town: Town, *names: str) -> list[dict[str, Any]]:
    """Post samples as they are; what became of each."""
    answers = [await post(town, post_of(name), system_of(name)) for name in names]
    assert [answer.status_code for answer in answers] == [200] * len(answers), answers[-1].text
    return [answer.json() for answer in answers if answer.text != "success"]


async def order(town: Town, order_id: str) -> dict[str, Any]:
    """An order as it is shown."""
    seen: dict[str, Any] = await town.see("orders", f"/orders/{order_id}")
    return seen


async def test_a_shop_order_goes_from_its_placing_to_its_parcel(town: Town) -> None:
    await post_sample(town, "shopify-orders-create-2025-01", "shopify-orders-paid-2025-10")
    assert (await order(town, SHOPIFY))["stage"] == "paid"
    (left,) = await post_sample(town, "shopify-fulfillments-update-2025-10")
    assert [(fact["fact"], fact["fits"]) for fact in left["facts"]] == [("shipment.dispatched", True)]
    (parcel,) = (await town.see("logistics", f"/orders/{SHOPIFY}/parcels"))["parcels"]
    assert (parcel["carrier"], parcel["tracking_no"]) == ("ups", "1Z999AA10123456784")
    assert (await order(town, SHOPIFY))["stage"] == "dispatched"


async def test_every_payload_is_taken_and_changes_nothing_the_second_time(town: Town) -> None:
    stores = [house.store for house in town.houses.values()]
    for name in NAMES:
        posted, system = post_of(name), system_of(name)
        first = await post(town, posted, system)
        writes = [store.writes for store in stores]
        second = await post(town, posted, system)
        assert (first.status_code, second.status_code) == (200, 200), first.text
        assert [store.writes for store in stores] == writes, name
        if second.text != "success":
            assert all(fact["duplicate"] for fact in second.json()["facts"])


async def test_what_comes_before_the_placing_waits_for_it(town: Town) -> None:
    dispatched, paid = await post_sample(
        town, "shopify-fulfillments-update-2025-10", "taobao-trade-buyer-pay-bare"
    )
    assert dispatched["facts"][0]["waiting"]
    assert paid["facts"][0]["waiting"]
    await post_sample(town, "taobao-trade-create", "shopify-orders-paid-2025-10")
    assert (await order(town, TAOBAO))["stage"] == "paid"
    assert (await order(town, SHOPIFY))["stage"] == "dispatched"


async def test_an_update_that_comes_before_its_order_tells_the_order_too(town: Town) -> None:
    await post_sample(town, "woocommerce-order-updated-paid", "woocommerce-order-created")
    assert (await order(town, "demo-727"))["stage"] == "paid"
    assert (await order(town, "demo-727"))["out_of_stage"] == []


async def test_an_order_that_the_platform_has_paid_back_is_not_paid_back_here(town: Town) -> None:
    await post_sample(town, "shopify-orders-create-2025-01", "shopify-orders-cancelled-2025-10")
    assert (await order(town, SHOPIFY))["stage"] == "refunded"
    await town.pass_time(days=3)
    assert town.payments.refunds == {}


async def test_a_buyers_request_on_the_platform_becomes_a_case_and_his_parcel_back_is_heard_of(
    town: Town,
) -> None:
    await post_sample(town, "wechat_shop-order-deliver", "wechat_shop-aftersale-update")
    (case,) = await town.see("aftersales", f"/orders/{WECHAT}/cases")
    case = case["case"]
    assert (case["case_id"], case["kind"], case["stage"]) == ("1234567", "return_and_refund", "deciding")
    await town.pass_time(hours=48)
    await post_sample(town, "wechat_shop-aftersale-update-sent-back")
    (case,) = await town.see("aftersales", f"/orders/{WECHAT}/cases")
    assert case["case"]["stage"] == "returning"


async def test_wechat_itself_is_greeted_and_its_encrypted_event_is_answered_with_success(town: Town) -> None:
    query = {"timestamp": "1", "nonce": "2", "echostr": "437512"}
    query["signature"] = wechat_cipher.signature(TOKEN, "1", "2")
    client = town.houses["orders"].client
    greeted = await client.get("/inlets/wechat_shop", params=query)
    assert (greeted.status_code, greeted.text) == (200, "437512")
    await post_sample(town, "wechat_shop-order-new")
    _, payload = sample("wechat_shop-order-cancel-bare")
    answer = await post(town, encrypted(payload), "wechat_shop")
    assert (answer.status_code, answer.text) == (200, "success")
    assert (await order(town, WECHAT))["stage"] == "cancelled"


async def test_the_ping_of_woocommerce_is_answered_well(town: Town) -> None:
    client = town.houses["orders"].client
    answer = await client.post("/inlets/woocommerce", data={"webhook_id": "8"})
    assert answer.status_code == 200


async def test_a_wrong_signature_and_an_old_version_are_told_apart(town: Town) -> None:
    headers, payload = sample("shopify-orders-create-2025-01")
    wrong = sign("shopify", headers, written(payload), "another-secret")
    problem(await post(town, wrong, "shopify"), 401, "signature-wrong")
    old = sign("shopify", {**headers, "x-shopify-api-version": "2023-04"}, written(payload))
    body = problem(await post(town, old, "shopify"), 422, "validation")
    assert body["errors"][0]["field"] == "X-Shopify-Api-Version"


@pytest.mark.parametrize(
    ("name", "path", "value", "field"),
    [
        ("shopify-orders-create-2025-01", ("line_items", 0, "price"), "ten", "line_items.0.price"),
        ("shopify-orders-create-2025-01", ("currency",), "usd", "currency"),
        ("woocommerce-order-created", ("date_created_gmt",), "yesterday", "date_created_gmt"),
        ("wechat_shop-order-pay", ("order", "order_detail", "price_info"), None, "price_info"),
        ("taobao-trade-create", ("trade", "orders", "order", 0, "num"), -1, "trade.orders.order.0.num"),
        ("medusa-order-placed", ("order", "items"), "none", "order.items"),
    ],
)
async def test_a_payload_that_lacks_what_a_fact_needs_names_its_own_field(
    town: Town, name: str, path: tuple[str | int, ...], value: Any, field: str
) -> None:
    headers, payload = sample(name)
    at = payload
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    answer = await post(town, sign(system_of(name), headers, written(payload)), system_of(name))
    body = problem(answer, 422, "validation")
    assert field in body["errors"][0]["field"]


async def test_another_shops_order_is_refused_to_an_inlet_of_this_one(town: Town) -> None:
    await town.place("G-1", shop_id="other")
    _, payload = sample("generic-several")
    answer = await post(town, sign("generic", {}, written(payload)), "generic")
    problem(answer, 403, "shop-not-allowed")
    assert (await order(town, "G-1"))["stage"] == "unpaid"


async def test_generic_facts_are_taken_one_or_several_and_others_are_sent_elsewhere(town: Town) -> None:
    await post_sample(town, "generic-one", "generic-several")
    assert (await order(town, "G-1"))["stage"] == "dispatched"
    _, payload = sample("generic-one")
    review = {**payload, "id": "g-9", "fact": "review.posted", "data": {"stars": 1, "text": "Buyer Six"}}
    body = problem(await post(town, sign("generic", {}, written(review)), "generic"), 422, "validation")
    assert "'return.received'" in body["errors"][0]["expected"]


async def test_a_platform_needs_no_token_and_a_token_is_no_signature(town: Town) -> None:
    _, payload = sample("medusa-order-placed")
    client = town.houses["orders"].client
    answer = await client.post("/inlets/medusa", json=payload, headers={"Authorization": f"Bearer {ADMIN}"})
    problem(answer, 401, "signature-wrong")


async def test_what_nobody_would_act_on_any_more_is_left(town: Town) -> None:
    town.clock.advance(timedelta(days=500))
    (answer,) = await post_sample(town, "shopify-orders-paid-2025-10")
    assert answer["facts"] == []
    assert len(answer["left"]) == 2
    assert SECRETS["shopify"] not in str(answer)
