"""An order's id is its platform's, whatever it looks like, but never the name of another file of ours."""

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from services.logistics.app import SERVICE as LOGISTICS
from services.logistics.state.incidents import incident_subject
from services.logistics.state.scorecards import scorecard_subject
from services.notifications.decide.days import buyer_day
from services.notifications.decide.reports import report_of, shifts_of
from services.orders.state.buyer import buyer_file
from shared.contracts.acts import parse_line
from shared.contracts.base import OWN_SUBJECTS
from shared.contracts.event import to_cloudevent
from shared.contracts.events.orders import FactPassedOn
from shared.contracts.facts import ReturnReceived, ReturnReceivedBody, fact_from, tracking_subject
from shared.runtime.fold.book import event_headers
from shared.runtime.listen import listen
from shared.runtime.ports import Record
from shared.runtime.work import Undigested
from tests.kit.rules import START, heard

OURS = [
    buyer_file("demo", "B-1"),
    buyer_day("demo", "B-1", date(2026, 3, 2)),
    incident_subject("demo", "ups", "FR"),
    report_of("sweep", "demo", date(2026, 3, 2)),
    scorecard_subject("demo", "ups", "FR", "2026-W10"),
    shifts_of("Mia"),
    tracking_subject("1Z 999"),
]
PLATFORMS = [
    "A-1",
    "#1001",
    "1001/2",
    "gid://shopify/Order/450789469",
    "order_01J8ZK3F2M",
    "5b1f0c9e-1d7a-4f36-9d0b-0a4f5cf0a001",
    "3705115058471208928",
    "2026/03/B2B-7",
    "订单-7",
    "Tracking/7",
    "buyer",
    "buyer-7",
    "shop/buyer/7",
    "#tracking/7",
    "day-1",
    "report",
    "shop 7~day~1",
]


def _paid(order_id: str) -> dict[str, Any]:
    body = {"amount": "5.00", "payment_id": "pay-1"}
    return {
        "id": "f-1",
        "at": "2026-03-02T12:00:00Z",
        "fact": "order.paid",
        "order_id": order_id,
        "data": body,
    }


def _placed(**told: str) -> dict[str, Any]:
    line = {"line_id": "1", "sku": "S-1", "name": "Kettle", "quantity": 1, "amount": "5.00"}
    body = {
        "shop_id": "demo",
        "buyer_id": "B-1",
        "currency": "EUR",
        "total": "5.00",
        "lines": [line],
        "receiver": {"name": "B"},
    }
    return {**_paid("A-1"), "fact": "order.placed", "data": {**body, **told}}


RETURNED = ReturnReceived(
    id="f-1", at=START, order_id="A-1", data=ReturnReceivedBody(case_id="C-1", condition="intact")
)


@pytest.mark.parametrize("order_id", PLATFORMS)
def test_whatever_a_platform_calls_its_order_is_taken(order_id: str) -> None:
    assert fact_from(_paid(order_id)).order_id == order_id


@pytest.mark.parametrize("subject", OURS)
def test_a_fact_that_names_a_file_of_ours_as_its_order_is_refused(subject: str) -> None:
    with pytest.raises(ValidationError, match="order_id") as refused:
        fact_from(_paid(subject))
    (error,) = refused.value.errors()
    assert "does not begin with 'buyer/', 'day~', 'incident~'" in error["msg"]
    assert error["input"] == subject


def test_every_beginning_that_is_refused_is_that_of_a_file_of_ours() -> None:
    assert all(any(subject.startswith(start) for subject in OURS) for start in OWN_SUBJECTS)


def test_an_order_that_adds_to_another_names_an_order() -> None:
    with pytest.raises(ValidationError, match="supplements"):
        fact_from(_placed(supplements="buyer/7"))
    assert fact_from(_placed(supplements="#1001")).order_id == "A-1"


def test_an_act_of_a_timeline_may_be_about_a_carriers_incident() -> None:
    act = {"id": "a-1", "at": "2026-03-02T12:00:00Z", "act": "task.claim", "kind": "work_incident"}
    told = {**act, "agent_id": "ann", "order_id": incident_subject("demo", "ups", "FR")}
    assert parse_line(json.dumps(told)).order_id == told["order_id"]


def test_on_a_topic_such_a_fact_is_parked_with_its_field_named() -> None:
    event = heard(FactPassedOn(fact=RETURNED), START)
    told = to_cloudevent(event)
    told["data"]["fact"]["order_id"] = "tracking/7"
    headers = {name: value.encode() for name, value in event_headers(event).items()}
    record = Record("orders.v1", 0, 1, b"A-1", json.dumps(told).encode(), headers)
    (work,) = listen(LOGISTICS, [record]).work
    assert isinstance(work, Undigested)
    assert "order_id" in work.reason
    assert "'tracking/'" in work.reason
