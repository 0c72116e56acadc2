"""The authored timeline yields what was worked out by hand, order by order."""

import json
from collections import Counter
from pathlib import Path

import pytest

from shared.cli.simulation import Played
from shared.cli.timeline import lines
from shared.contracts.acts import TaskComplete
from shared.contracts.facts import TAKEN_BY
from shared.contracts.tasks import OUTCOMES
from tests.timelines.arithmetic import counts_by_order
from tests.timelines.playing import CARRIED, ONLY_WHERE_SET, Seen, play

FOLDER = Path(__file__).parent
TIMELINE = FOLDER / "authored.jsonl"
BY_HAND = counts_by_order()


@pytest.fixture(scope="module")
def run() -> tuple[Played, Seen]:
    return play(TIMELINE)


def test_the_expected_counts_are_the_sum_of_the_orders() -> None:
    expected = json.loads((FOLDER / "authored-expected.json").read_text())
    assert sum(BY_HAND.values(), Counter[str]()) == Counter(expected)


def test_every_order_of_the_timeline_is_worked_out() -> None:
    assert {line.content.order_id for line in lines(TIMELINE)} == set(BY_HAND)


def test_every_kind_of_fact_and_every_outcome_of_every_task_is_in_the_timeline() -> None:
    contents = [line.content for line in lines(TIMELINE)]
    facts = {getattr(content, "fact", None) for content in contents} - {None}
    outcomes = {(act.kind, act.outcome) for act in contents if isinstance(act, TaskComplete)}
    elsewhere = {getattr(line.content, "fact", None) for line in lines(CARRIED)}
    assert facts == set(TAKEN_BY) - {"refund.paid"}
    assert "refund.paid" in elsewhere
    assert outcomes == {
        (kind, outcome)
        for kind, allowed in OUTCOMES.items()
        for outcome in allowed
        if kind not in ONLY_WHERE_SET
    }


@pytest.mark.parametrize("order_id", sorted(BY_HAND))
def test_an_order_yields_what_was_worked_out_for_it(order_id: str, run: tuple[Played, Seen]) -> None:
    assert dict(run[1].orders[order_id]) == dict(BY_HAND[order_id])


def test_the_whole_run_yields_the_sum(run: tuple[Played, Seen]) -> None:
    assert run[0].counts.all == json.loads((FOLDER / "authored-expected.json").read_text())


def test_nothing_was_poison(run: tuple[Played, Seen]) -> None:
    assert run[0].dead_letters == 0


def test_only_the_answer_before_the_weights_was_refused(run: tuple[Played, Seen]) -> None:
    assert [slug for _, slug in run[0].refused] == ["blocked-by-task"]
