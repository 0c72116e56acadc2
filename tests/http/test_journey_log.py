"""The log of a whole journey: all that four services say, and nothing of it says who the buyer is."""

import io
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
import structlog

from shared.adapters.logs import set_up_logs
from shared.runtime.ports import EffectResult
from tests.http.kit import TELLER
from tests.http.town import Town

BUYER = {
    "name": "Jane Roe",
    "phone": "+4915550100",
    "email": "jane.roe@example.com",
    "address": "Main Street 1",
    "city": "Springfield",
    "postal_code": "SW1A 1AA",
}
WROTE = "It is a present for my mother"
CAME = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Moody:
    """A mail server that raises with the whole mail in its words, then refuses, then takes all."""

    def __init__(self) -> None:
        self.sent = 0

    async def perform(self, effect_id: str, request: Mapping[str, Any]) -> EffectResult:
        self.sent += 1
        if self.sent == 1:
            raise RuntimeError(f"550 {json.dumps(dict(request))}")
        return EffectResult(done=self.sent > 2, retry=True, reason=f"421 {request}")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    set_up_logs("town", "all", "debug", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
async def town(log: io.StringIO) -> AsyncIterator[Town]:
    it = Town()
    for house in it.houses.values():
        house.worker.effects._outsides = {"mail": Moody(), "refund": it.payments}
    await it.start()
    yield it
    await it.close()


async def journey(town: Town) -> None:
    """From the order over the parcel and a question to the money back, with mistakes on the way."""
    await town.tell(
        "order.placed",
        shop_id="demo",
        buyer_id="b-1",
        currency="EUR",
        total="30.00",
        lines=[{"line_id": "1", "sku": "CUP", "name": "Cup", "quantity": 1, "amount": "30.00"}],
        receiver=BUYER,
    )
    await town.pay()
    await town.pass_time(minutes=5)
    await town.tell("buyer.message", text=WROTE)
    await town.tell("shipment.dispatched", parcel_id="p-1", carrier="dhl", tracking_no="t/A-1", lines=["1"])
    await town.tell(
        "refund.requested", case_id="c-1", kind="refund_only", reason="damaged", amount="30.00", lines=["1"]
    )
    house = town.houses["orders"]
    sender = {"Authorization": f"Bearer {TELLER}", "traceparent": CAME}
    for body in ({"receiver": BUYER}, {"id": "Jane Roe", "at": "Main Street 1", "fact": WROTE}):
        assert (await house.client.post("/facts", json=body, headers=sender)).status_code == 422
    assert (await house.client.get("/orders/Jane%20Roe?phone=%2B4915550100", headers=sender)).status_code in (
        403,
        404,
        422,
    )
    await town.pass_time(days=3)


async def test_the_log_of_a_journey_names_nobody(town: Town, log: io.StringIO) -> None:
    await journey(town)
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {"request", "an effect's adapter raised"} <= {line["event"] for line in told}
    for personal in (*BUYER.values(), "Jane", "Roe", WROTE, "mother"):
        assert personal not in log.getvalue(), personal


async def test_every_line_about_an_order_says_what_it_belongs_to(town: Town, log: io.StringIO) -> None:
    await journey(town)
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    accepted = [line for line in told if line["event"] == "request" and line["status"] == 202]
    raised = [line for line in told if line["event"] == "an effect's adapter raised"]
    assert accepted
    assert raised
    assert all(line["correlation_id"].startswith("f-") for line in [*accepted, *raised])
    refused = [line for line in told if line.get("status") == 422]
    assert refused
    assert {line["trace_id"] for line in refused} == {CAME.split("-")[1]}
