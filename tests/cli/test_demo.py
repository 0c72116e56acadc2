"""The demo's story meets every rule, and its board adds up what happens."""

from pathlib import Path

import pytest
from rich.console import Console

from shared.adapters.profile_files import load_profiles
from shared.cli.board import Board
from shared.cli.counts import DOMAIN_NAMES
from shared.cli.demo import SHOP, STORY, WEEKS, WORTH_READING
from shared.cli.simulation import Played
from shared.cli.timeline import lines, measure
from shared.contracts.tasks import OUTCOMES
from tests.timelines.playing import ONLY_WHERE_SET, play_into

RULES_MET = (
    "message.postponed",
    "message.suppressed.daily_cap",
    "message.suppressed.no_contact",
    "message.suppressed.no_longer_true",
    "message.suppressed.stale",
    "order.cancellation_requested",
    "order.cancelled",
    "order.reopened",
    "order.late_payment_refund_wanted",
    "parcel.lost",
    "carrier_claim.opened",
    "case.reship_wanted",
    "case.offered",
    "case.refused.already-compensated",
    "task.overdue",
    "task.returned",
    "task.closed",
    "task.lease_renewed",
    "message.sent.review_invitation",
    "message.sent.reply",
)


@pytest.fixture(scope="module")
def told() -> tuple[Played, Board]:
    board = Board(load_profiles().of(SHOP).zone)
    return play_into(Path(STORY), board.take), board


def test_the_story_is_of_about_sixty_orders_in_three_weeks() -> None:
    extent = measure(STORY)
    assert 60 <= len({line.content.order_id for line in lines(STORY)}) <= 80
    assert extent.last - extent.first < WEEKS


def test_the_story_meets_every_rule(told: tuple[Played, Board]) -> None:
    counted = told[0].counts.all
    missing = {name for name in (*DOMAIN_NAMES, *RULES_MET) if not counted.get(name)}
    assert missing == set()


def test_every_kind_of_task_is_worked_in_the_story(told: tuple[Played, Board]) -> None:
    counted = told[0].counts.all
    worked = {
        kind for kind in OUTCOMES if any(name.startswith(f"task.completed.{kind}.") for name in counted)
    }
    assert worked == set(OUTCOMES) - ONLY_WHERE_SET


def test_the_orders_worth_reading_are_in_the_story() -> None:
    assert set(WORTH_READING) <= {line.content.order_id for line in lines(STORY)}


def test_the_board_ends_where_the_counts_do(told: tuple[Played, Board]) -> None:
    played, board = told
    counted = played.counts.all
    assert board.tally == counted
    stages = list(board.orders.values())
    assert stages.count("completed") == counted["order.completed"]
    assert stages.count("refunded") == counted["order.refunded"]
    assert board.waiting == set()
    created = sum(counted.get(f"task.{kind}", 0) for kind in OUTCOMES)
    ended = counted["task.closed"] + board.sum_of("task.completed.")
    assert len(board.tasks) == created - ended


def test_the_board_fits_an_ordinary_terminal(told: tuple[Played, Board]) -> None:
    console = Console(width=100, height=50, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(told[1].show(measure(STORY).last, 10, 20))
    console.file.close()
    shown = console.export_text().splitlines()
    assert len(shown) <= 45
    assert max(map(len, shown)) <= 100
    assert any("Open tasks" in line for line in shown)
