"""The demo's story meets every rule, and its board adds up what happens."""

from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from shared.adapters.profile_files import load_profiles
from shared.cli.board import Board
from shared.cli.counts import DOMAIN_NAMES
from shared.cli.demo import SHOP, STORY, WEEKS, WORTH_READING
from shared.cli.simulation import Played
from shared.cli.timeline import lines, measure
from shared.contracts.event import Event
from shared.contracts.events.incidents import IncidentClosed, IncidentOpened
from shared.contracts.events.logistics import CarrierClaimReconciled
from shared.contracts.events.notifications import MessageSent, TaskClosed
from shared.contracts.facts import OrderPlaced
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
    "carrier_claim.refused",
    "carrier_claim.appealed",
    "carrier_claim.overdue",
    "carrier_claim.closed",
    "carrier_claim.reconciled",
    "incident.opened",
    "incident.closed",
    "order.release_blocked",
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


WORKED_HERE = frozenset(("work_incident", "chase_claim"))
"""Tasks that only shops with agreements like the demo's bring."""
IN_BAVARIA = tuple(f"D-{number}" for number in range(1076, 1081))


@pytest.fixture(scope="module")
def run() -> tuple[Played, Board, list[Event]]:
    board = Board(load_profiles().of(SHOP).zone)
    said: list[Event] = []

    def see(event: Event) -> None:
        board.take(event)
        said.append(event)

    return play_into(Path(STORY), see), board, said


@pytest.fixture(scope="module")
def told(run: tuple[Played, Board, list[Event]]) -> tuple[Played, Board]:
    return run[0], run[1]


def test_the_story_is_of_about_eighty_orders_in_three_weeks() -> None:
    extent = measure(STORY)
    placed = [line.content for line in lines(STORY) if isinstance(line.content, OrderPlaced)]
    assert 60 <= len(placed) <= 80
    assert {order.data.shop_id for order in placed} == {SHOP}
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
    assert worked == set(OUTCOMES) - (ONLY_WHERE_SET - WORKED_HERE)


def test_parcels_that_stand_are_one_incident_with_one_message_for_each_buyer(
    run: tuple[Played, Board, list[Event]],
) -> None:
    said = run[2]
    (opened,) = [event for event in said if event.name == "incident.opened"]
    (closed,) = [event for event in said if event.name == "incident.closed"]
    assert isinstance(opened.data, IncidentOpened)
    assert isinstance(closed.data, IncidentClosed)
    assert (opened.data.carrier, opened.data.region, opened.data.standing) == ("gls", "DE/Bayern", 4)
    assert (closed.data.reason, closed.data.affected, closed.data.still_standing) == ("moving_again", 5, 1)
    mails = [event for event in said if isinstance(event.data, MessageSent) and event.subject in IN_BAVARIA]
    of_delay = {
        event.subject: event.data.template
        for event in mails
        if isinstance(event.data, MessageSent) and event.data.template.endswith("_notice")
    }
    alone = dict.fromkeys(IN_BAVARIA[:3], "delay_notice")
    assert of_delay == {**alone, "D-1079": "incident_notice"}  # D-1080 is of the same buyer.
    merged = {
        event.subject
        for event in said
        if isinstance(event.data, TaskClosed)
        and (event.data.kind, event.data.reason) == ("check_with_carrier", "incident")
    }
    assert merged == set(IN_BAVARIA)
    assert run[1].incidents == set()


def test_a_lost_parcel_is_paid_out_and_its_claim_is_reconciled(
    run: tuple[Played, Board, list[Event]],
) -> None:
    of_one = [event for event in run[2] if event.subject == "D-1004"]
    names = [event.name for event in of_one]
    chain = (
        "parcel.lost",
        "carrier_claim.opened",
        "carrier_claim.submitted",
        "carrier_claim.paid",
    )
    assert [names.index(name) for name in chain] == sorted(names.index(name) for name in chain)
    assert "case.refunded" in names
    (both,) = [event.data for event in of_one if isinstance(event.data, CarrierClaimReconciled)]
    assert (both.served_with, both.paid_by_carrier, both.shortfall) == tuple(map(Decimal, ("89", "80", "9")))


def test_the_orders_worth_reading_are_in_the_story() -> None:
    assert set(WORTH_READING) <= {line.content.order_id for line in lines(STORY)}
    assert {"D-1004", "D-1073", "D-1079"} <= set(WORTH_READING)


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
