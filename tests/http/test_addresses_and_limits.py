"""Addresses, methods, ids of requests, the limit of requests in flight, probes and OpenAPI."""

import asyncio
import json
from pathlib import Path

import pytest

from shared.adapters.http.probes import Health
from shared.adapters.http.problems import TITLES
from shared.runtime.ports import Unavailable
from tests.http.kit import ADMIN, READER, Door, placed, problem


async def test_an_unknown_address_is_a_problem(door: Door) -> None:
    problem(await door.ask("GET", "/nowhere"), 404, "not-found")


@pytest.mark.parametrize("path", ["/facts/", "//facts", "/orders/", "/FACTS"])
async def test_an_address_that_nearly_fits_is_not_redirected(door: Door, path: str) -> None:
    response = await door.ask("POST", path, json=placed())
    assert response.status_code in (404, 405)
    problem(response, response.status_code, response.json()["slug"])


async def test_a_wrong_method_is_told_the_right_one(door: Door) -> None:
    response = await door.ask("DELETE", "/facts")
    assert "POST" in problem(response, 405, "method-not-allowed")["detail"]
    assert "POST" in response.headers["allow"]


async def test_a_requests_own_id_is_kept_and_an_odd_one_replaced(door: Door) -> None:
    kept = await door.ask("GET", "/orders/A-1", headers={"X-Request-ID": "abc-1"})
    assert kept.headers["x-request-id"] == "abc-1"
    odd = await door.ask("GET", "/orders/A-1", headers={"X-Request-ID": "jane@example.com"})
    assert "@" not in odd.headers["x-request-id"]


async def test_more_requests_than_the_limit_are_told_to_come_again() -> None:
    door = Door(requests_in_flight_max=1)
    gate = asyncio.Event()
    door.world.store.before_commit.append(gate.wait)
    first = asyncio.create_task(door.tell(placed()))
    await asyncio.sleep(0.01)
    second = await door.ask("GET", "/orders/A-1")
    assert problem(second, 503, "too-many-requests-in-flight")
    assert second.headers["retry-after"] == "1"
    assert (await door.ask("GET", "/healthz", None)).status_code == 200
    gate.set()
    assert (await first).status_code == 202
    assert door.app.requests.in_flight == 0


async def test_a_wrong_query_is_named(door: Door) -> None:
    for query, field in (
        ("limit=abc", "limit"),
        ("limit=0", "limit"),
        ("limit=999", "limit"),
        ("colour=1", "colour"),
    ):
        told = problem(await door.ask("GET", f"/orders?{query}"), 422, "validation")
        assert told["errors"][0]["field"] == field


async def test_a_made_up_cursor_is_a_problem(door: Door) -> None:
    for cursor in ("abc", "W10", "*", "bnVsbA", "WzEsMl0", "W251bGwsLTFd", "WyJcdWQ4MDAiLDBd"):
        told = problem(await door.ask("GET", f"/orders?cursor={cursor}"), 422, "validation")
        assert told["errors"][0]["field"] == "cursor"


async def test_a_list_is_read_page_by_page(door: Door) -> None:
    for number in range(7):
        await door.tell(placed(id=f"f-{number}", order_id=f"A-{number}"))
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page = (
            await door.ask(
                "GET", "/orders", READER, params={"limit": 3, **({"cursor": cursor} if cursor else {})}
            )
        ).json()
        seen += [item["id"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert seen == [f"A-{number}" for number in range(7)]


async def test_a_list_shows_a_shops_own_orders_only(door: Door) -> None:
    from tests.http.kit import DEMO_SHOP

    other = placed(id="f-9", order_id="A-9")
    other["data"]["shop_id"] = "other"
    await door.tell(other)
    await door.tell(placed())
    for path in ("/orders", "/orders?shop=demo"):
        assert [item["id"] for item in (await door.ask("GET", path, DEMO_SHOP)).json()["items"]] == ["A-1"]
    assert (await door.ask("GET", "/orders?shop=other", DEMO_SHOP)).json() == {"items": [], "next": None}
    assert (await door.ask("GET", "/orders?shop=other", READER)).json()["items"] == [{"id": "A-9"}]


async def test_probes_need_no_token(door: Door) -> None:
    for path in ("/healthz", "/livez", "/readyz", "/metrics", "/version", "/charts", "/openapi.json"):
        assert (await door.ask("GET", path, None)).status_code == 200, path


async def test_metrics_count_requests_by_route(door: Door) -> None:
    await door.ask("GET", "/orders/A-1")
    text = (await door.ask("GET", "/metrics", None)).text
    labels = 'method="GET",route="/orders/{order_id}",service="toy",status="404"'
    assert f"orderlink_http_requests_total{{{labels}}} 1.0" in text
    assert 'orderlink_http_rejected_total{service="toy",slug="not-found"} 1.0' in text


async def test_readiness_says_what_is_away() -> None:
    async def away() -> None:
        raise Unavailable("no answer")

    health = Health(checks={"database": away})
    assert await health.unready() == {"database": "unavailable"}
    health.draining = True
    assert set(await health.unready()) == {"database", "process"}
    assert set(await Health(alive=lambda: False).unready()) == {"worker"}


async def test_openapi_describes_every_route_and_the_problem(door: Door) -> None:
    spec = (await door.ask("GET", "/openapi.json", None)).json()
    assert {"/facts", "/orders", "/orders/{order_id}", "/charts", "/healthz"} <= set(spec["paths"])
    assert "errors" in spec["components"]["schemas"]["Problem"]["properties"]
    assert spec["paths"]["/facts"]["post"]["security"] == [{"HTTPBearer": ["facts:write"]}]
    assert "/testing/status" not in json.dumps(spec)


async def test_the_testing_status_is_not_there_outside_of_test_mode(door: Door) -> None:
    problem(await door.ask("GET", "/testing/status", ADMIN), 404, "not-found")


def test_the_page_about_http_knows_every_problem() -> None:
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text("utf-8")
    assert [slug for slug in TITLES if f"`{slug}`" not in page] == []
