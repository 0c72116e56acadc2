"""Stories: random but plausible lives of orders, as facts in order of time.

Moments lie on a grid of half days, so that orders meet: many files in one batch, facts and timers
at the same moment. Between two facts of one order lies a day at least, so that what one of them
leads to has reached every service before the next is told.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from shared.contracts.facts import AnyFact, fact_from
from tests.kit.rules import START

GRID = timedelta(hours=24)
AT_NIGHT = 0.2
"""How often an order lives twelve hours off the others, in the quiet hours."""


def story(seed: int, orders: int) -> list[AnyFact]:
    """The facts of so many orders, sorted by time; about three for each order, a few told twice."""
    random = Random(seed)
    facts = [fact for number in range(orders) for fact in _life(random, f"O-{number}")]
    facts += [random.choice(facts) for _ in range(orders // 10)]
    return sorted(facts, key=lambda fact: (fact.at, fact.id))


def _life(random: Random, order_id: str) -> list[AnyFact]:
    told: list[AnyFact] = []

    def tell(what: str, at: datetime, body: dict[str, Any]) -> None:
        raw = {"id": f"{order_id}-{len(told)}", "at": at, "fact": what, "order_id": order_id, "data": body}
        told.append(fact_from(raw))

    at = START + (GRID / 2 if random.random() < AT_NIGHT else timedelta())
    lines = [str(number + 1) for number in range(random.randint(1, 2))]
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

    def later(most: int) -> datetime:
        nonlocal at
        at += random.randint(1, most) * GRID
        return at

    lot = random.random()
    if lot < 0.15:
        if lot < 0.1:
            yield later(2), "order.cancelled", {"reason": "changed_mind"}
        return
    yield later(2), "order.paid", {"amount": f"{10 * len(lines)}.00", "payment_id": f"p-{order_id}"}
    case = {"case_id": f"c-{order_id}", "amount": "10.00", "lines": lines[:1]}
    if lot < 0.3:
        yield later(2), "refund.requested", {**case, "kind": "refund_only", "reason": "no_longer_wanted"}
        return
    if lot < 0.36:
        yield later(2), "order.cancelled", {"reason": "changed_mind"}
        return
    if lot < 0.5:
        if lot < 0.42:
            yield later(2), "buyer.message", {"text": "Where is it?"}
        return
    parcel = {"carrier": "dhl", "tracking_no": f"T{order_id}"}
    yield later(2), "shipment.dispatched", {**parcel, "parcel_id": f"P-{order_id}", "lines": lines}
    if lot < 0.6:
        return
    status = random.choice(("picked_up", "in_transit", "exception", "returned"))
    if lot > 0.7:
        status = "delivered"
    moment = later(2)
    yield moment, "shipment.scanned", {**parcel, "status": status, "scanned_at": moment}
    if status != "delivered":
        return
    yield from _afterwards(random, lot, later, order_id, case)


def _afterwards(
    random: Random, lot: float, later: Callable[[int], datetime], order_id: str, case: dict[str, Any]
) -> Iterator[tuple[datetime, str, dict[str, Any]]]:
    """What happens after the parcel came."""
    if lot < 0.8:
        yield later(2), "refund.requested", {**case, "kind": "return_and_refund", "reason": "no_reason"}
        if lot < 0.77:
            back = {"case_id": case["case_id"], "carrier": "dhl", "tracking_no": f"R{order_id}"}
            yield later(2), "return.shipped", back
            if lot < 0.74:
                found = {"case_id": case["case_id"], "condition": random.choice(("intact", "damaged"))}
                yield later(2), "return.received", found
    elif lot < 0.87:
        yield later(2), "refund.requested", {**case, "kind": "refund_only", "reason": "missing_item"}
    elif lot < 0.93:
        yield later(2), "review.posted", {"stars": random.randint(1, 5)}
    elif lot < 0.96:
        yield later(2), "buyer.message", {"text": "Where is it?"}
