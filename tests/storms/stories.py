"""Stories: random but plausible lives of orders, as facts in order of time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shared.contracts.facts import AnyFact, fact_from
from tests.kit.rules import START


def stories(seed: int, orders: int) -> list[AnyFact]:
    """The facts of so many orders, sorted by time, some of them told twice."""
    random = Random(seed)
    facts = [fact for number in range(orders) for fact in _story(random, f"O-{number}")]
    facts += [random.choice(facts) for _ in range(orders // 5)]
    return sorted(facts, key=lambda fact: (fact.at, fact.id))


def _story(random: Random, order_id: str) -> list[AnyFact]:
    told: list[AnyFact] = []

    def tell(what: str, at: datetime, body: dict[str, Any]) -> None:
        raw = {"id": f"{order_id}-{len(told)}", "at": at, "fact": what, "order_id": order_id, "data": body}
        told.append(fact_from(raw))

    at = START + timedelta(minutes=random.randint(0, 3 * 24 * 60))
    lines = [str(number + 1) for number in range(random.randint(1, 3))]
    tell("order.placed", at, _order(order_id, lines))
    for moment, what, body in _course(random, at, order_id, lines):
        tell(what, moment, body)
    return told


def _order(order_id: str, lines: list[str]) -> dict[str, Any]:
    return {
        "shop_id": "demo",
        "buyer_id": f"b-{order_id}",
        "currency": "EUR",
        "total": f"{10 * len(lines)}.00",
        "lines": [
            {"line_id": line, "sku": f"s-{line}", "name": "Thing", "quantity": 1, "amount": "10.00"}
            for line in lines
        ],
        "receiver": {"name": "A Buyer", "email": f"{order_id.lower()}@example.com"},
    }


def _course(
    random: Random, at: datetime, order_id: str, lines: list[str]
) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """What happens after an order was placed: moments, facts and their bodies."""

    def later(hours: float) -> datetime:
        nonlocal at
        at += timedelta(minutes=1 + random.randint(0, int(hours * 60)))
        return at

    if random.random() < 0.2:
        if random.random() < 0.5:
            yield later(10), "order.cancelled", {"reason": "changed_mind"}
        return
    yield later(30), "order.paid", {"amount": f"{10 * len(lines)}.00", "payment_id": f"p-{order_id}"}
    case = {"case_id": f"c-{order_id}", "amount": "10.00", "lines": lines[:1]}
    if random.random() < 0.15:
        yield later(20), "refund.requested", {**case, "kind": "refund_only", "reason": "no_longer_wanted"}
        return
    parcel = {"carrier": "dhl", "tracking_no": f"T{order_id}"}
    yield later(70), "shipment.dispatched", {**parcel, "parcel_id": f"P-{order_id}", "lines": lines}
    for status in ("picked_up", "in_transit", "out_for_delivery", "delivered"):
        moment = later(random.choice((10, 30, 80)))
        yield moment, "shipment.scanned", {**parcel, "status": status, "scanned_at": moment}
        if random.random() < 0.05:
            return
    if random.random() < 0.3:
        yield later(200), "refund.requested", {**case, "kind": "return_and_refund", "reason": "no_reason"}
        back = {"case_id": case["case_id"]}
        yield later(100), "return.shipped", {**back, "carrier": "dhl", "tracking_no": f"R{order_id}"}
        if random.random() < 0.7:
            yield later(100), "return.received", {**back, "condition": random.choice(("intact", "damaged"))}
    elif random.random() < 0.3:
        yield later(50), "refund.requested", {**case, "kind": "refund_only", "reason": "missing_item"}
    if random.random() < 0.3:
        yield later(50), "review.posted", {"stars": random.randint(1, 5)}
    if random.random() < 0.2:
        yield later(5), "buyer.message", {"text": "Where is it?"}
