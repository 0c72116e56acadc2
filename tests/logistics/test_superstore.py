"""Four years of real orders: what the rules say of their parcels is what separate arithmetic counted."""

import gzip
import json
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from services.logistics.app import SERVICE
from shared.contracts import facts
from shared.contracts.events import logistics as said
from shared.contracts.events import orders
from shared.kernel.decision import Refused
from tests.kit.rules import Play, default_profile

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
COUNTED: Final = (
    "parcel.delivered",
    "parcel.exception",
    "parcel.returned",
    "parcel.pickup_overdue",
    "parcel.moving_again",
    "parcel.lost_suspected",
    "parcel.stalled.1",
    "parcel.stalled.2",
)
MOMENT: Final = timedelta(microseconds=1)
LONG_AFTER: Final = timedelta(days=60)


def _placed(fact: facts.OrderPlaced) -> orders.OrderPlaced:
    body = fact.data
    return orders.OrderPlaced(
        shop_id=body.shop_id,
        platform=body.platform,
        buyer_id=body.buyer_id,
        currency=body.currency,
        total=body.total,
        lines=body.lines,
        ship_service=body.ship_service,
        closes_at=fact.at,
    )


def _orders(name: str) -> dict[str, dict[str, facts.AnyFact]]:
    """Every order's facts about its parcels, each once, in the order in which they were told."""
    told: dict[str, dict[str, facts.AnyFact]] = defaultdict(dict)
    with gzip.open(DATA / name, "rt") as lines:
        for line in lines:
            if '"order.placed"' in line or '"shipment.' in line:
                fact = facts.parse_fact(line)
                told[fact.order_id].setdefault(fact.id, fact)
    return told


def _counts(name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    profile = default_profile("America/New_York")
    for order_id, told in _orders(name).items():
        play = Play(SERVICE, order_id, profile)
        last = None
        for fact in told.values():
            play.run_until(fact.at - MOMENT)
            if isinstance(fact, facts.OrderPlaced):
                play.hear(_placed(fact), fact.at)
            else:
                play.do(fact)
            last = fact.at
        assert last is not None
        play.run_until(last + LONG_AFTER)
        assert not play.timers
        assert not [no for no in play.outcomes if isinstance(no, Refused)]
        for payload in play.said:
            counts[payload.name] += 1
            if isinstance(payload, said.ParcelStalled):
                counts[f"parcel.stalled.{payload.level}"] += 1
    return counts


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ("superstore-sample.jsonl.gz", "superstore-sample-expected.json"),
        ("superstore-timeline.jsonl.gz", "superstore-expected.json"),
    ],
)
def test_the_superstores_parcels_are_counted_as_expected(timeline: str, expected: str) -> None:
    if not (DATA / timeline).exists():
        pytest.skip("the superstore's timeline is not beside this checkout")
    wanted = json.loads((DATA / expected).read_text())
    counts = _counts(timeline)
    assert {name: counts[name] for name in COUNTED} == {name: wanted.get(name, 0) for name in COUNTED}
