"""Stories: random but plausible lives of orders, as what is told and asked in order of time.

Moments lie on a grid of half days, so that orders meet: many files in one batch, facts and timers
at the same moment. Between two tellings about one order lies a day at least, so that what one of them
leads to has reached every service before the next is told. Beside facts there are carriers' scans by
tracking number, agents' answers to whatever tasks lie open, and what buyers and shops ask.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from services.aftersales.commands import BuyerChooses, OpenDispute, SettleDispute
from services.logistics.commands import SubmitClaim
from shared.contracts.facts import Sighting, fact_from
from shared.kernel.decision import Command
from tests.kit.rules import START
from tests.storms.telling import AGENT_LOOKS, Telling, number_of, told

GRID = timedelta(hours=24)
AT_NIGHT = 0.2
"""How often an order lives twelve hours off the others, in the quiet hours."""
ANSWERED = 0.1
"""How often an agent looks at an order that was paid."""
BY_NUMBER = 0.5
"""How often a scan is told by tracking number, and not by order."""
EARLY = 0.2
"""How often such a scan is told before its parcel is."""
GRAMS = 200
"""What a line weighs."""
Turn = tuple[datetime, str, dict[str, Any] | Command]
"""When, and what: a fact's name and body, a command for the service of that name, or `sighted` or `agent`."""


def story(seed: int, orders: int) -> list[Telling]:
    """What is told of so many orders, sorted by time; about three for each order, a few told twice."""
    random = Random(seed)
    told_once = [telling for number in range(orders) for telling in _life(random, f"O-{number}")]
    told_once += [random.choice(told_once) for _ in range(orders // 10)]
    return sorted(told_once, key=lambda telling: (telling.at, telling.id))


def _life(random: Random, order_id: str) -> list[Telling]:
    at = START + (GRID / 2 if random.random() < AT_NIGHT else timedelta())
    lines = [str(number + 1) for number in range(random.randint(1, 2))]
    turns: list[Turn] = [(at, "order.placed", _order(order_id, lines, weighed=random.random() < 0.5))]
    turns += _course(random, at, order_id, lines)
    return [_telling(random, order_id, f"{order_id}-{number}", turn) for number, turn in enumerate(turns)]


def _telling(random: Random, order_id: str, named: str, turn: Turn) -> Telling:
    at, what, body = turn
    if isinstance(body, Command):
        return Telling(named, at, order_id, what, type(body).__name__, body)
    if what == "agent":
        draw = body.get("draw", random.getrandbits(8))
        return Telling(named, at, order_id, "notifications", AGENT_LOOKS, None, draw)
    if what == "sighted":
        sighting = Sighting.model_validate({"id": named, "at": at, "data": body})
        return Telling(named, at, order_id, "logistics", sighting.fact, sighting)
    return told(fact_from({"id": named, "at": at, "fact": what, "order_id": order_id, "data": body}))


def _order(order_id: str, lines: list[str], *, weighed: bool) -> dict[str, Any]:
    line = {"name": "Thing", "quantity": 1, "amount": "10.00", "weight_grams": GRAMS if weighed else None}
    return {
        "shop_id": "demo",
        "buyer_id": f"b-{order_id}",
        "currency": "EUR",
        "total": f"{10 * len(lines)}.00",
        "lines": [{"line_id": number, "sku": f"s-{number}", **line} for number in lines],
        "receiver": {"name": "A Buyer", "email": f"{order_id.lower()}@example.com"},
    }


def _course(random: Random, at: datetime, order_id: str, lines: list[str]) -> Iterator[Turn]:
    """What happens after an order was placed."""

    def later(most: int, least: int = 1) -> datetime:
        nonlocal at
        at += random.randint(least, most) * GRID
        return at

    lot = random.random()
    if lot < 0.34:
        if lot < 0.1:
            yield later(2), "order.cancelled", {"reason": "changed_mind"}
        elif lot < 0.16:
            yield later(1), "payment.failed", {"reason": "card_declined"}
        return
    yield later(2), "order.paid", {"amount": f"{10 * len(lines)}.00", "payment_id": f"p-{order_id}"}
    if random.random() < ANSWERED:
        # Where it was paid too late, it is reopened or paid back.
        yield later(1), "agent", {}
    case = {"case_id": f"c-{order_id}", "amount": "10.00", "lines": lines[:1]}
    if lot < 0.41:
        yield later(2), "refund.requested", {**case, "kind": "refund_only", "reason": "no_longer_wanted"}
        return
    if lot < 0.45:
        yield later(2), "order.cancelled", {"reason": "changed_mind"}
        return
    if lot < 0.57:
        if lot < 0.49:
            yield later(2), "buyer.message", {"text": "Where is it?"}
        elif lot < 0.53:
            yield later(1), "stock.short", {"lines": lines[:1]}
            yield later(1), "agent", {}
        return
    yield from _under_way(random, lot, later, order_id, lines)


def _under_way(
    random: Random, lot: float, later: Callable[..., datetime], order_id: str, lines: list[str]
) -> Iterator[Turn]:
    """What happens to the parcel."""
    by_number = {"carrier": "dhl", "tracking_no": number_of(order_id)}
    parcel = {**by_number, "parcel_id": f"P-{order_id}", "lines": lines}
    grams = random.choice((None, GRAMS * len(lines), GRAMS * len(lines) - 150))
    case = {"case_id": f"c-{order_id}", "amount": "10.00", "lines": lines[:1]}
    if lot > 0.64 and random.random() < EARLY:
        moment = later(1)
        yield moment, "sighted", {**by_number, "status": "picked_up", "scanned_at": moment}
    yield later(2), "shipment.dispatched", {**parcel, "weight_grams": grams}
    if lot < 0.61:
        yield from _lost(later, order_id)
        return
    if lot < 0.64:
        return
    status = random.choice(("picked_up", "in_transit", "exception", "returned"))
    if lot > 0.72:
        status = "delivered"
    moment = later(2)
    scan = {**by_number, "status": status, "scanned_at": moment, "weight_grams": grams}
    yield moment, "sighted" if random.random() < BY_NUMBER else "shipment.scanned", scan
    if status != "delivered":
        if lot < 0.68:
            yield later(3, 3), "agent", {}
        return
    yield from _afterwards(random, lot, later, order_id, case)


def _lost(later: Callable[..., datetime], order_id: str) -> Iterator[Turn]:
    """The carrier has it and can't find it: agents say so, the buyer chooses, the shop claims."""
    yield later(2, 2), "agent", {"draw": 0}
    yield later(3, 3), "agent", {"draw": 0}
    yield later(1), "agent", {"draw": 0}
    at = later(1)
    yield at, "aftersales", BuyerChooses(at=at, choice="refund")
    at = later(2)
    yield at, "logistics", SubmitClaim(at=at, parcel_id=f"P-{order_id}", amount=Decimal("10.00"))


def _afterwards(
    random: Random, lot: float, later: Callable[..., datetime], order_id: str, case: dict[str, Any]
) -> Iterator[Turn]:
    """What happens after the parcel came."""
    if lot < 0.81:
        yield later(2), "refund.requested", {**case, "kind": "return_and_refund", "reason": "no_reason"}
        if lot < 0.79:
            back = {"case_id": case["case_id"], "carrier": "dhl", "tracking_no": f"R{order_id}"}
            yield later(2), "return.shipped", back
            if lot < 0.77:
                found = {"case_id": case["case_id"], "condition": random.choice(("intact", "damaged"))}
                yield later(2), "return.received", found
    elif lot < 0.87:
        yield later(2), "refund.requested", {**case, "kind": "refund_only", "reason": "missing_item"}
        if lot < 0.85:
            yield later(1), "agent", {}
        if lot < 0.83:
            at = later(1)
            yield at, "aftersales", OpenDispute(at=at, case_id=case["case_id"])
            at = later(1)
            yield at, "aftersales", SettleDispute(at=at, case_id=case["case_id"], winner="buyer")
    elif lot < 0.93:
        yield later(2), "review.posted", {"stars": random.randint(1, 5)}
    elif lot < 0.96:
        yield later(2), "buyer.message", {"text": "Where is it?"}
        yield later(1), "agent", {}
