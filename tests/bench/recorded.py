"""The log under the bench: what the four services say about some hundred orders, recorded in memory.

The orders' lives are drawn from a fixed seed and simulated to their end, so that the log holds what a
real one does, timers' events too, in the order in which it was said.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json

from shared.adapters.profile_files import load_profiles
from shared.cli.loading import load_services
from shared.cli.simulation import Simulation
from shared.cli.timeline import Line
from shared.contracts.catalog import CONTACTS_TOPIC, SERVICES, event_topic
from shared.contracts.event import Event, to_cloudevent
from shared.contracts.facts import AnyFact, fact_from
from shared.runtime.fold.book import event_headers
from shared.runtime.ports import Outgoing

SEED: Final = 7
START: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Said(BaseModel):
    """One record of the log."""

    topic: str
    key: str
    value: str
    headers: dict[str, str]

    def outgoing(self) -> Outgoing:
        """As the publisher takes it."""
        headers = {name: value.encode() for name, value in self.headers.items()}
        return Outgoing(self.topic, self.key.encode(), self.value.encode(), headers)


class Recording(BaseModel):
    """Facts as they were told, and records as they were said, each in order."""

    facts: list[dict[str, Any]]
    said: list[Said]

    def told(self) -> list[AnyFact]:
        """The facts, read."""
        return [fact_from(fact) for fact in self.facts]


@dataclass(slots=True)
class _Life:
    """One order's facts, told one after the other."""

    order_id: str
    at: datetime
    random: Random
    told: int = 0

    def tell(self, fact: str, hours: float, body: dict[str, Any]) -> AnyFact:
        self.at += timedelta(minutes=self.random.randint(1, round(hours * 60)))
        self.told += 1
        raw = {"id": f"{self.order_id}-{self.told}", "at": self.at, "fact": fact, "order_id": self.order_id}
        moment = {"scanned_at": self.at} if fact == "shipment.scanned" else {}
        return fact_from({**raw, "data": body | moment})


def facts_of(orders: int, seed: int = SEED) -> list[AnyFact]:
    """The facts of so many orders placed within three days, sorted by time."""
    random = Random(seed)
    lives = [
        _Life(f"O-{number:05}", START + timedelta(minutes=random.randint(0, 3 * 24 * 60)), random)
        for number in range(orders)
    ]
    return sorted((fact for life in lives for fact in _course(life)), key=lambda fact: (fact.at, fact.id))


def _course(life: _Life) -> Iterator[AnyFact]:
    order, random = life.order_id, life.random
    lines = [str(number + 1) for number in range(random.randint(1, 3))]
    total = f"{10 * len(lines)}.00"
    yield life.tell("order.placed", 1, _order(order, lines, total))
    if random.random() < 0.1:
        return
    yield life.tell("order.paid", 30, {"amount": total, "payment_id": f"p-{order}"})
    parcel = {"carrier": "dhl", "tracking_no": f"T{order}"}
    yield life.tell("shipment.dispatched", 60, {**parcel, "parcel_id": f"P-{order}", "lines": lines})
    for status in ("picked_up", "in_transit", "out_for_delivery", "delivered"):
        yield life.tell("shipment.scanned", random.choice((10, 30, 80)), {**parcel, "status": status})
    if random.random() < 0.2:
        case = {"case_id": f"c-{order}", "amount": "10.00", "lines": lines[:1]}
        asked = {**case, "kind": "return_and_refund", "reason": "no_reason"}
        yield life.tell("refund.requested", 100, asked)
        back = {"case_id": case["case_id"]}
        yield life.tell("return.shipped", 60, {**back, "carrier": "dhl", "tracking_no": f"R{order}"})
        yield life.tell("return.received", 90, {**back, "condition": "intact"})
    elif random.random() < 0.4:
        yield life.tell("review.posted", 60, {"stars": random.randint(1, 5)})


def _order(order_id: str, lines: list[str], total: str) -> dict[str, Any]:
    return {
        "shop_id": "demo",
        "buyer_id": f"b-{order_id}",
        "currency": "EUR",
        "total": total,
        "lines": [
            {"line_id": line, "sku": f"s-{line}", "name": "Thing", "quantity": 1, "amount": "10.00"}
            for line in lines
        ],
        "receiver": {"name": "A Buyer", "email": f"{order_id.lower()}@example.com"},
    }


def record(orders: int) -> Recording:
    """Simulate so many orders to their end and keep all that was said."""
    facts = facts_of(orders)
    said: list[Said] = []

    def keep(event: Event) -> None:
        is_contact = event.source.endswith("-contacts")
        topic = CONTACTS_TOPIC if is_contact else event_topic(event.source)
        value = to_json(to_cloudevent(event)).decode()
        said.append(Said(topic=topic, key=event.subject, value=value, headers=event_headers(event)))

    numbered = [Line(number, fact) for number, fact in enumerate(facts, start=1)]
    instants = ((at, list(group)) for at, group in groupby(numbered, key=lambda line: line.content.at))

    async def play() -> None:
        simulation = Simulation(load_services(), load_profiles().of, facts[0].at, keep)
        await simulation.play(instants)

    asyncio.run(play())
    return Recording(facts=[fact.model_dump(mode="json") for fact in facts], said=said)


def heard_by(recording: Recording, topics: tuple[str, ...]) -> list[Outgoing]:
    """What stands on these topics, in the order in which it was said."""
    return [each.outgoing() for each in recording.said if each.topic in topics]


def load(path: Path) -> Recording:
    """A recording that was kept."""
    return Recording.model_validate_json(path.read_bytes())


def others_topics(service: str) -> tuple[str, ...]:
    """The topics that a service hears and does not write itself."""
    return (*(event_topic(other) for other in SERVICES if other != service), CONTACTS_TOPIC)
