"""Orders for a load: what happens to each on which day, as facts. Every rule that moves money is met.

All facts of a day have that day's moment. Moments are apart by other spans than any rule's, so that
no timer comes due while a day's facts are told, however long that takes; the answer to a buyer's
message is the exception, hence a message ends its order's day.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shared.contracts.facts import AnyFact, fact_from

FIRST_DAY = datetime(2026, 5, 4, tzinfo=UTC)
DAY_BEGINS = timedelta(hours=9, minutes=10)
SHIFT = timedelta(minutes=97)
SHIFTS = 6
"""A day begins between 9:10 and 17:15 UTC, each one at another time than the day before."""
_ORDER = re.compile(r"C\d{6}")

Step = tuple[str, dict[str, Any]]
Days = Sequence[Sequence[Step]]


def day_begins(day: int) -> datetime:
    """The moment of all facts of a day."""
    return FIRST_DAY + timedelta(days=day) + DAY_BEGINS + SHIFT * (day % SHIFTS)


def order_of(subject: str) -> str | None:
    """The order that a subject belongs to: each order has a buyer of its own, so his days are its too."""
    found = _ORDER.search(subject)
    return found.group() if found else None


@dataclass(frozen=True, slots=True)
class Order:
    """One order: for each day after it was placed, the facts in their order."""

    order_id: str
    course: str
    days: tuple[tuple[AnyFact, ...], ...]


def order(number: int, day: int, random: Random) -> Order:
    """The order of that number, placed on that day, with a course by lot."""
    order_id = f"C{number:06d}"
    name = random.choices(list(COURSES), [weight for weight, _ in COURSES.values()])[0]
    course = COURSES[name][1]
    count = 0
    days: list[tuple[AnyFact, ...]] = []
    for after, steps in enumerate(course(order_id)):
        at = day_begins(day + after)
        facts: list[AnyFact] = []
        for what, body in steps:
            count += 1
            # A parcel's second scan of the same second would be told to be no news.
            seen = at + timedelta(seconds=len(facts))
            timed = {**body, "scanned_at": seen} if what == "shipment.scanned" else body
            raw = {"id": f"{order_id}-{count}", "at": at, "fact": what, "order_id": order_id, "data": timed}
            facts.append(fact_from(raw))
        days.append(tuple(facts))
    return Order(order_id, name, tuple(days))


# What is told


def _placed(order_id: str, lines: int = 1, mailbox: str = "buyer") -> Step:
    return "order.placed", {
        "shop_id": "demo",
        "buyer_id": f"b-{order_id}",
        "currency": "EUR",
        "total": f"{10 * lines}.00",
        "lines": [
            {"line_id": str(n + 1), "sku": f"s-{n}", "name": "Thing", "quantity": 1, "amount": "10.00"}
            for n in range(lines)
        ],
        "receiver": {"name": "A Buyer", "email": f"{mailbox}-{order_id.lower()}@example.com"},
    }


def _paid(order_id: str, lines: int = 1, payment: str = "p") -> Step:
    return "order.paid", {"amount": f"{10 * lines}.00", "payment_id": f"{payment}-{order_id}"}


def _left(order_id: str, lines: Sequence[str] = ("1",), parcel: str = "") -> list[Step]:
    sent = {"carrier": "dhl", "tracking_no": f"T{order_id}{parcel}"}
    return [
        ("shipment.dispatched", {**sent, "parcel_id": f"P{order_id}{parcel}", "lines": list(lines)}),
        *_scans(order_id, "picked_up", parcel=parcel),
    ]


def _scans(order_id: str, *statuses: str, parcel: str = "") -> list[Step]:
    sent = {"carrier": "dhl", "tracking_no": f"T{order_id}{parcel}"}
    return [("shipment.scanned", {**sent, "status": status}) for status in statuses]


def _arrives(order_id: str, parcel: str = "") -> list[Step]:
    return _scans(order_id, "in_transit", "out_for_delivery", "delivered", parcel=parcel)


def _asks(order_id: str, kind: str, reason: str) -> Step:
    case = {"case_id": f"K{order_id}", "kind": kind, "reason": reason, "amount": "10.00", "lines": ["1"]}
    return "refund.requested", case


def _wrote() -> Step:
    return "buyer.message", {"text": "Where is it?"}


# Courses, each with how often it is to come


def _served(o: str) -> Days:
    return [_placed(o), _paid(o), *_left(o)], _arrives(o), [("review.posted", {"stars": 5})]


def _unpaid(o: str) -> Days:
    return ([_placed(o)],)


def _cancelled(o: str) -> Days:
    return ([_placed(o), ("order.cancelled", {"reason": "changed_mind"})],)


def _paid_first(o: str) -> Days:
    return [_paid(o), _placed(o), *_left(o)], [*_arrives(o), _wrote()]


def _two_parcels(o: str) -> Days:
    return (
        [_placed(o, 2), _paid(o, 2), *_left(o, ["1"], "a"), *_left(o, ["2"], "b")],
        [*_arrives(o, "a"), *_arrives(o, "b")],
    )


def _unsent(o: str) -> Days:
    return ([_placed(o), _paid(o), _asks(o, "refund_only", "no_longer_wanted")],)


def _unsent_flaky(o: str) -> Days:
    return ([_placed(o), _paid(o, payment="flaky"), _asks(o, "refund_only", "no_longer_wanted")],)


def _unsent_fails(o: str) -> Days:
    return ([_placed(o), _paid(o, payment="fail"), _asks(o, "refund_only", "no_longer_wanted")],)


def _sent_back(o: str) -> Days:
    back = ("return.shipped", {"case_id": f"K{o}", "carrier": "dhl", "tracking_no": f"R{o}"})
    return (
        [_placed(o), _paid(o), *_left(o)],
        _arrives(o),
        [_asks(o, "return_and_refund", "no_reason"), back],
        [("return.received", {"case_id": f"K{o}", "condition": "intact"})],
    )


def _damaged(o: str) -> Days:
    return [_placed(o), _paid(o), *_left(o)], _arrives(o), [_asks(o, "refund_only", "damaged")]


def _stalls(o: str) -> Days:
    return [_placed(o), _paid(o), *_left(o)], [*_scans(o, "in_transit"), _wrote()]


def _held_up(o: str) -> Days:
    return [_placed(o), _paid(o), *_left(o)], _scans(o, "exception", "in_transit", "delivered")


def _complains(o: str) -> Days:
    return [_placed(o), _paid(o), *_left(o)], _arrives(o), [("review.posted", {"stars": 1})]


def _bounces(o: str) -> Days:
    return [_placed(o, mailbox="bounce"), _paid(o), *_left(o)], _arrives(o)


def _greylisted(o: str) -> Days:
    return [_placed(o, mailbox="greylist"), _paid(o), _wrote()], _left(o)


COURSES: dict[str, tuple[int, Callable[[str], Days]]] = {
    "served": (8, _served),
    "unpaid": (2, _unpaid),
    "cancelled": (1, _cancelled),
    "paid first": (2, _paid_first),
    "two parcels": (3, _two_parcels),
    "unsent": (3, _unsent),
    "unsent, flaky provider": (2, _unsent_flaky),
    "unsent, provider refuses": (1, _unsent_fails),
    "sent back": (4, _sent_back),
    "damaged": (3, _damaged),
    "stalls": (1, _stalls),
    "held up": (2, _held_up),
    "complains": (2, _complains),
    "bounces": (1, _bounces),
    "greylisted": (1, _greylisted),
}
DAYS_MAX = 4
"""The longest course."""
