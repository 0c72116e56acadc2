"""What shop platforms tell orders of parcels and refunds: said again for the service that takes it."""

from typing import Any

import pytest

from services.aftersales.react import react as aftersales
from services.logistics.react import react as logistics
from services.orders.app import SERVICE
from shared.contracts.events.orders import FactPassedOn
from shared.contracts.facts import AnyFact, fact_from
from tests.kit.rules import Play, after, heard
from tests.orders.play import order_cancelled, order_paid, order_placed

BODIES: dict[str, dict[str, Any]] = {
    "shipment.dispatched": {"parcel_id": "P-1", "carrier": "ups", "tracking_no": "T-1", "lines": ["1"]},
    "shipment.scanned": {
        "carrier": "ups",
        "tracking_no": "T-1",
        "status": "exception",
        "text": "Signed for by the neighbour, Buyer One",
        "scanned_at": after(hours=5).isoformat(),
    },
    "refund.requested": {
        "case_id": "C-1",
        "kind": "refund_only",
        "reason": "no_reason",
        "amount": "5.00",
        "lines": ["1"],
    },
    "return.shipped": {"case_id": "C-1", "carrier": "ups", "tracking_no": "T-2"},
    "return.received": {"case_id": "C-1", "condition": "intact"},
    "refund.paid": {"refund_id": "R-1", "amount": "5.00", "lines": ["1"]},
}


def told(kind: str) -> AnyFact:
    """A fact that another service takes."""
    raw = {"id": f"f-{kind}", "at": after(hours=6).isoformat(), "fact": kind, "order_id": "A-1"}
    return fact_from({**raw, "data": BODIES[kind]})


@pytest.mark.parametrize("kind", BODIES)
def test_a_fact_of_another_service_is_said_again_and_that_service_takes_it(kind: str) -> None:
    play = Play(SERVICE).do(order_placed(), order_paid(after(hours=1)), told(kind))
    (passed,) = play.of("fact.passed_on")
    event = heard(passed, after(hours=6))
    taken = [*logistics(event), *aftersales(event)]
    assert [(subject, told, told.OUTSIDE) for subject, told in taken] == [("A-1", passed.fact, True)]
    assert passed.fact.fact == kind
    assert play.view.stage == "paid"


@pytest.mark.parametrize("kind", BODIES)
def test_before_its_order_is_placed_a_fact_of_another_service_waits(kind: str) -> None:
    refused = Play(SERVICE).do(told(kind)).refused
    assert (refused.slug, refused.early) == ("order-unknown", True)


@pytest.mark.parametrize("kind", BODIES)
def test_an_order_that_has_ended_still_passes_facts_on(kind: str) -> None:
    play = Play(SERVICE).do(order_placed(), order_cancelled(after(hours=1)), told(kind))
    assert len(play.of("fact.passed_on")) == 1


def test_a_carriers_free_text_stays_out_of_the_event() -> None:
    play = Play(SERVICE).do(order_placed(), told("shipment.scanned"))
    (passed,) = play.of("fact.passed_on")
    assert isinstance(passed, FactPassedOn)
    assert "Buyer One" not in passed.model_dump_json()
