"""A buyer is erased by a request: who may, what is refused, and what nobody can read afterwards."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.http.kit import ADMIN, AGENT, problem
from tests.http.town import Town

pytestmark = pytest.mark.promise("forgotten")


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    it = Town()
    await it.start()
    await it.place(requests=[{"kind": "invoice", "title": "Jane Roe Ltd"}])
    await it.tell("buyer.message", text="Jane here, where is it?")
    yield it
    await it.close()


async def erase(town: Town, order: str = "A-1", token: str = ADMIN, **body: Any) -> httpx.Response:
    answer = await town.ask("orders", "POST", f"/orders/{order}/erasure", token, "k-erase", json=body)
    await town.settle()
    return answer


async def test_an_order_that_is_open_is_erased_by_who_insists_and_in_all_services(town: Town) -> None:
    refused = problem(await erase(town), 409, "order-open")
    assert "the order is unpaid" in refused["detail"]
    answer = await erase(town, even_though_open=True)
    assert (answer.status_code, answer.json()) == (200, {"order_id": "A-1", "erased": True})
    for name, house in town.houses.items():
        documents = await house.store.page({}, None, 100)
        assert not any("Jane" in str(document) for document in documents), name
    assert (await town.ask("orders", "GET", "/orders/A-1/texts", AGENT)).json() == []
    assert (await town.see("orders", "/orders/A-1"))["stage"] == "unpaid"


async def test_only_an_admin_erases(town: Town) -> None:
    problem(await erase(town, token=AGENT, even_though_open=True), 403, "forbidden")


async def test_an_order_that_nobody_placed_is_not_known(town: Town) -> None:
    problem(await erase(town, "B-1"), 404, "order-unknown")
    assert (await erase(town, "B-2", even_though_open=True)).status_code == 200


async def test_a_command_that_brings_the_buyer_back_is_refused(town: Town) -> None:
    await erase(town, even_though_open=True)
    remark = {"text": "Jane called"}
    answer = await town.ask("orders", "POST", "/orders/A-1/remarks", AGENT, "k-9", json=remark)
    problem(answer, 409, "order-erased")
