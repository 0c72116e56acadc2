"""What carriers do and platforms pay, in a shop that agreed on it: as it was worked out, order by order."""

from collections import Counter
from pathlib import Path

import pytest

from shared.cli.simulation import Played
from shared.cli.timeline import lines
from shared.contracts.acts import ClaimStep, TaskComplete
from tests.timelines.arithmetic import counts_by_order
from tests.timelines.playing import CARRIED, Seen, play

FOLDER = Path(__file__).parent
BY_HAND = counts_by_order(FOLDER / "carried.md")


@pytest.fixture(scope="module")
def run() -> tuple[Played, Seen]:
    return play(CARRIED, FOLDER / "carried-shops.yaml")


def test_every_order_of_the_timeline_is_worked_out() -> None:
    assert {line.content.order_id for line in lines(CARRIED)} == set(BY_HAND)


def test_the_tasks_of_incidents_and_claims_and_their_steps_are_in_the_timeline() -> None:
    contents = [line.content for line in lines(CARRIED)]
    outcomes = {(act.kind, act.outcome) for act in contents if isinstance(act, TaskComplete)}
    assert {("chase_claim", "promised"), ("chase_claim", "given_up")} <= outcomes
    assert ("work_incident", "goes_on_until") in outcomes
    steps = {act.step for act in contents if isinstance(act, ClaimStep)}
    assert steps == {"evidence", "submission", "approval", "refusal", "payment", "write-off"}


@pytest.mark.parametrize("order_id", sorted(BY_HAND))
def test_an_order_yields_what_was_worked_out_for_it(order_id: str, run: tuple[Played, Seen]) -> None:
    assert dict(run[1].orders[order_id]) == dict(BY_HAND[order_id])


def test_the_whole_run_yields_the_sum_and_nothing_else(run: tuple[Played, Seen]) -> None:
    assert Counter(run[0].counts.all) == sum(BY_HAND.values(), Counter[str]())


def test_nothing_was_poison_and_no_act_was_refused(run: tuple[Played, Seen]) -> None:
    assert (run[0].dead_letters, run[0].refused) == (0, [])
