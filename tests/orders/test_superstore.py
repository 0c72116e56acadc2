"""Three weeks of a real shop's orders, counted by separate arithmetic."""

import gzip
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from shared.contracts.facts import TAKEN_BY, AnyFact, parse_fact
from tests.orders.play import OrderPlay

DATA = Path(__file__).parents[3] / "shared" / "data"
TIMELINE = DATA / "superstore-sample.jsonl.gz"
EXPECTED = DATA / "superstore-sample-expected.json"

pytestmark = pytest.mark.skipif(
    not (TIMELINE.exists() and EXPECTED.exists()), reason=f"the superstore sample is not in {DATA}"
)


def facts_by_order() -> dict[str, list[AnyFact]]:
    """The facts that orders takes, each once, by order."""
    seen: set[str] = set()
    facts: dict[str, list[AnyFact]] = {}
    with gzip.open(TIMELINE, "rt", encoding="utf-8") as lines:
        for line in lines:
            fact = parse_fact(line)
            if fact.id not in seen and TAKEN_BY[fact.fact] == "orders":
                facts.setdefault(fact.order_id, []).append(fact)
            seen.add(fact.id)
    return facts


def counted(play: OrderPlay) -> Counter[str]:
    return Counter(
        [
            *(name for name in play.names() if name == "order.placed"),
            *(f"payment_reminder_due.{due.stage}" for due in play.of("order.payment_reminder_due")),
            *(f"order.closed.{closed.reason}" for closed in play.of("order.closed")),
            *(f"out_of_stage.{unfit.fact}" for unfit in play.of("fact.out_of_stage")),
        ]
    )


def test_the_orders_of_three_weeks_are_reminded_and_closed_as_counted() -> None:
    counts: Counter[str] = Counter()
    for order_id, facts in facts_by_order().items():
        play = OrderPlay(subject=order_id)
        for fact in facts:
            play.run_until(fact.at - timedelta(microseconds=1)).do(fact)
        play.run_until(facts[-1].at + timedelta(days=400))
        counts += counted(play)

    expected = json.loads(EXPECTED.read_text("utf-8"))
    names = (
        "order.placed",
        "payment_reminder_due.first",
        "payment_reminder_due.last_call",
        "order.closed.unpaid",
    )
    assert counts == {name: expected[name] for name in names}
