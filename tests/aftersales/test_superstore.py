"""The superstore timeline through aftersales alone: the counts are those worked out by other means.

What the other services would say is worked out here from the facts: an order is paid if it was paid
before it closed, a parcel is delivered by its first newer scan that says so.
"""

import gzip
import json
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.aftersales.app import SERVICE
from shared.contracts import facts
from shared.contracts.events import logistics, orders
from shared.kernel.decision import Decision, EffectDone, Refused
from shared.kernel.profiles import Profile
from tests.kit.rules import Play, default_profile

DATA = Path(__file__).parents[2].parent / "shared" / "data"
AFTER_EVERYTHING = timedelta(days=365)
STAGES = ("picked_up", "in_transit", "out_for_delivery", "delivered")
OURS = (
    "case.approved.automatic",
    "case.approved.deadline",
    "case.refused.return-window-closed",
    "case.closed.not_sent_back",
    "case.refunded",
    "case.refunded.by_deadline_inspection",
    "task.decide_case",
    "task.decide_inspection",
    "task.verify_weight",
    "task.call_about_review",
    "out_of_stage.refund.requested",
    "out_of_stage.return.shipped",
    "out_of_stage.return.received",
    "out_of_stage.review.posted",
)


@pytest.mark.parametrize("name", ["superstore-sample", "superstore"])
def test_the_superstore_yields_what_was_worked_out_order_by_order(name: str) -> None:
    expected_file = DATA / f"{name}-expected.json"
    lines_file = DATA / (f"{name}.jsonl.gz" if name.endswith("sample") else f"{name}-timeline.jsonl.gz")
    if not expected_file.exists() or not lines_file.exists():
        pytest.skip("the superstore timeline is not here")
    expected = json.loads(expected_file.read_text())
    by_order: dict[str, list[facts.AnyFact]] = defaultdict(list)
    with gzip.open(lines_file, "rb") as lines:
        for line in lines:
            fact = facts.parse_fact(line)
            by_order[fact.order_id].append(fact)
    profile = default_profile("America/New_York")
    counts: Counter[str] = Counter()
    for order_id, told in by_order.items():
        counts.update(_play(order_id, told, profile))
    assert {key: counts[key] for key in OURS} == {key: expected.get(key, 0) for key in OURS}


class _OrderPlay(Play):
    """A play of one order, with the parcels' newest scans and a provider that pays at once."""

    def __init__(self, order_id: str, profile: Profile) -> None:
        super().__init__(SERVICE, order_id, profile)
        self.closes_at: Any = None
        self.over = False
        self.parcels: dict[str, Any] = {}
        self.newest: dict[str, Any] = {}

    def do(self, *commands: Any, now: Any = None) -> "_OrderPlay":
        for command in commands:
            super().do(command, now=now)
            answer = self.last
            if isinstance(answer, Decision):
                for effect in answer.effects:
                    super().do(EffectDone(at=command.at, effect_id=effect.effect_id, kind=effect.kind))
                    self.outcomes.append(answer)
        return self


def _play(order_id: str, told: list[facts.AnyFact], profile: Profile) -> Counter[str]:
    play = _OrderPlay(order_id, profile)
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    for fact in told:
        play.run_until(fact.at - timedelta(microseconds=1))
        if fact.id in seen:
            continue
        seen.add(fact.id)
        match fact:
            case (
                facts.RefundRequested()
                | facts.ReturnShipped()
                | facts.ReturnReceived()
                | facts.ReviewPosted()
            ):
                play.do(fact)
                if isinstance(play.last, Refused):
                    counts[f"out_of_stage.{fact.fact}"] += 1
            case _:
                _others_say(play, fact)
    play.run_until(told[-1].at + AFTER_EVERYTHING)
    assert not play.timers
    for said in play.said:
        for name in _counted(said):
            counts[name] += 1
    return counts


def _others_say(play: _OrderPlay, fact: facts.AnyFact) -> None:
    match fact:
        case facts.OrderPlaced(data=data) if play.closes_at is None:
            play.closes_at = fact.at + play.profile.values.close_unpaid_after
            said: dict[str, Any] = {**data.model_dump(exclude={"receiver", "lines"}), "lines": data.lines}
            play.hear(orders.OrderPlaced(**said, closes_at=play.closes_at), fact.at)
        case facts.OrderCancelled():
            play.over = True
        case facts.OrderPaid(data=data) if not play.over and fact.at <= play.closes_at:
            play.hear(orders.OrderPaid(**data.model_dump(), ship_by=fact.at), fact.at)
        case facts.ShipmentDispatched(data=data) if data.parcel_id not in play.parcels:
            play.parcels[data.parcel_id] = data
            play.hear(logistics.ParcelDispatched(**data.model_dump(), dispatched_at=fact.at), fact.at)
        case facts.ShipmentScanned(data=data):
            _scanned(play, fact, data)
        case _:
            pass


def _scanned(play: _OrderPlay, fact: facts.AnyFact, scan: facts.ShipmentScannedBody) -> None:
    parcel = next((each for each in play.parcels.values() if each.tracking_no == scan.tracking_no), None)
    newest, stage = play.newest.get(scan.tracking_no, (None, -1))
    if parcel is None or (newest is not None and scan.scanned_at <= newest) or stage == len(STAGES) - 1:
        return
    reached = STAGES.index(scan.status) if scan.status in STAGES else stage
    if reached < stage:
        return
    play.newest[scan.tracking_no] = (scan.scanned_at, reached)
    common = {"parcel_id": parcel.parcel_id, "carrier": parcel.carrier, "tracking_no": parcel.tracking_no}
    if scan.status == "delivered":
        arrived = logistics.ParcelDelivered(**common, lines=parcel.lines, scanned_at=scan.scanned_at)
        play.hear(arrived, fact.at)


def _counted(said: Any) -> list[str]:
    match said.name:
        case "case.approved":
            return [f"case.approved.{said.decided_by}"]
        case "case.refused":
            return [f"case.refused.{said.slug}"]
        case "case.closed":
            return [f"case.closed.{said.reason}"]
        case "case.refunded":
            late = said.by_rule == "inspect_within"
            return ["case.refunded", *(["case.refunded.by_deadline_inspection"] if late else [])]
        case "task.wanted":
            return [f"task.{said.kind}"]
        case _:
            return []
