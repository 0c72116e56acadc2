"""What chaos judges by can see: the ledger, the oracle's comparison, the books, the plan, the standstills."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from shared.adapters.sandbox_books import MailBook, RefundBook
from shared.contracts.catalog import SERVICES
from shared.contracts.event import Event, event_id, to_cloudevent
from shared.contracts.events.orders import OrderCompleted
from tests.chaos.faults import KINDS, Fault, Felt
from tests.chaos.ledger import Ledger, differences
from tests.chaos.onlooker import Look
from tests.chaos.oracle import Expected, books_wrong, files_wrong, read_books, simulate
from tests.chaos.orders import COURSES, day_begins, order
from tests.chaos.plans import LONG_DAYS, long_plan, plan, short_plan
from tests.chaos.report import altogether
from tests.chaos.run import MAILS_AT_ONCE, Result, Stroke, mails_wrong
from tests.chaos.standstill import StandStill
from tests.kit.rules import START

pytestmark = pytest.mark.promise("kept", "once", "ordered")
ORDER = "C000001"


def said(sequence: int, correlation: str = "f-1") -> bytes:
    event = Event(
        id=event_id("orders", ORDER, sequence),
        source="orders",
        name="order.completed",
        subject=ORDER,
        time=START,
        sequence=sequence,
        correlation_id=correlation,
        causation_id="f-1",
        data=OrderCompleted(after_case=False),
    )
    return json.dumps(to_cloudevent(event)).encode()


def read(*records: tuple[int, int, bytes]) -> Ledger:
    ledger = Ledger()
    for partition, offset, value in records:
        ledger.take("orders.v1", partition, offset, value)
    return ledger


def test_a_log_in_order_with_repetitions_is_right_and_each_event_counts_once() -> None:
    ledger = read((0, 0, said(1)), (0, 1, said(2)), (0, 2, said(1)), (0, 3, said(2)), (0, 4, said(3)))
    assert ledger.wrong == []
    assert (ledger.read, ledger.repeated) == (5, 2)
    assert ledger.said[ORDER]["orders/order.completed"] == 3
    assert ledger.ends_of[ORDER] == {("orders.v1", 0): 5}


@pytest.mark.parametrize(
    ("records", "finding"),
    [
        pytest.param([(0, 0, said(1)), (0, 1, said(3))], "comes before 2", id="a gap"),
        pytest.param([(0, 0, said(2)), (0, 1, said(1))], "comes before 1", id="a swap"),
        pytest.param([(0, 0, said(1)), (1, 0, said(2))], "on another partition", id="a partition"),
        pytest.param([(0, 0, said(1)), (0, 1, said(1, "f-2"))], "something else", id="other words"),
    ],
)
def test_a_log_that_breaks_the_order_is_seen(records: list[tuple[int, int, bytes]], finding: str) -> None:
    assert any(finding in wrong for wrong in read(*records).wrong)


def test_a_dead_letter_is_seen() -> None:
    ledger = Ledger()
    ledger.take("orders.dead-letters.v1", 0, 0, b"{}")
    assert len(ledger.wrong) == 1


def test_what_is_missing_and_what_is_too_much_is_named() -> None:
    expected = {"a": Counter({"said": 2}), "b": Counter({"said": 1})}
    found = {"a": Counter({"said": 1}), "b": Counter({"said": 1, "paid": 1})}
    assert list(differences(expected, found)) == ["a: said missing ×1", "b: paid too much ×1"]
    assert list(differences(expected, expected)) == []


async def test_every_course_is_played_by_day_without_a_timer_in_the_way_and_moves_money() -> None:
    random, told, seen = Random(1), [], set[str]()
    for number in range(400):
        made = order(number, number % 3, random)
        if made.course in seen:
            continue
        seen.add(made.course)
        told += [
            (number % 3 + after, rank, fact)
            for after, facts in enumerate(made.days)
            for rank, fact in enumerate(facts)
        ]
    assert seen == set(COURSES)
    expected = await simulate(told)
    assert expected.in_the_way == []
    assert expected.dead_letters == 0
    assert expected.refunds
    assert expected.mails


def test_a_report_sums_up_how_often_what_was_struck() -> None:
    struck = [
        Stroke(Fault("kill -9", "orders worker")),
        Stroke(Fault("kill -9 while publishing", "orders API sent")),
        Stroke(Fault("kill -9 while the database is silent", "logistics worker")),
        Stroke(Fault("kill -9 of the server", "database")),
        Stroke(Fault("stop", "database", 5)),
        Stroke(Fault("black hole", "broker", 5)),
        Stroke(Fault("cut connections", "broker")),
        Stroke(Fault("cut connections", "database")),
        Stroke(Fault("slow connections", "database", 8)),
        Stroke(Fault("restart one by one"), Felt([0.5, 0.5, 0.7])),
        Stroke(Fault("freeze and wake a worker", "orders", 14), Felt([0.4])),
    ]
    assert {stroke.fault.kind for stroke in struck} < set(KINDS)
    assert altogether(Result(strokes=struck, night_kills=4)) == (
        "7 processes killed with -9, 4 ended by SIGTERM, 1 frozen and woken, 2 times all connections to a "
        "server cut, 1 outages of the broker and 2 of the database"
    )


def test_days_begin_later_each_day_and_never_by_a_span_of_the_rules() -> None:
    moments = [day_begins(day) for day in range(40)]
    assert moments == sorted(moments)
    spans = {(later - earlier).total_seconds() for earlier in moments for later in moments if later > earlier}
    assert not spans & {hours * 3600.0 for hours in (12, 22, 30, 36, 60)}


def _paid_twice(mails: MailBook, refunds: RefundBook, log: Path) -> str:
    refunds.pay("k-1", {"order_id": ORDER, "amount": "1.00", "currency": "EUR"})
    log.write_text(log.read_text() * 2)
    return "refund k-1 was paid twice"


def _never_paid(mails: MailBook, refunds: RefundBook, log: Path) -> str:
    return "refund k-1 was never made"


def _other_amount(mails: MailBook, refunds: RefundBook, log: Path) -> str:
    refunds.pay("k-1", {"order_id": ORDER, "amount": "2.00", "currency": "EUR"})
    return "refund k-1: 2.00 EUR instead of 1.00 EUR"


def _mail_without_reason(mails: MailBook, refunds: RefundBook, log: Path) -> str:
    refunds.pay("k-1", {"order_id": ORDER, "amount": "1.00", "currency": "EUR"})
    mails.add("a@example.com", ["b@example.com"], b"Message-ID: <other@orderlink>\r\n\r\nHello")
    return "mail <other@orderlink> was made without reason"


@pytest.mark.parametrize("wrong", [_paid_twice, _never_paid, _other_amount, _mail_without_reason])
def test_what_went_out_twice_never_or_wrongly_is_seen(
    tmp_path: Path, wrong: Callable[[MailBook, RefundBook, Path], str]
) -> None:
    finding = wrong(MailBook(tmp_path), RefundBook(tmp_path), tmp_path / "refunds.jsonl")
    expected = Expected(refunds={"k-1": "1.00 EUR"})
    assert books_wrong(expected, read_books(tmp_path)) == [finding]


@pytest.mark.parametrize(
    ("fault", "explained"),
    [
        (Fault("kill -9", "notifications worker"), MAILS_AT_ONCE),
        (Fault("kill -9 while publishing", "orders worker lost"), MAILS_AT_ONCE),
        (Fault("kill -9 while the database is silent", "orders"), MAILS_AT_ONCE),
        (Fault("stop", "database", 15), MAILS_AT_ONCE),
        (Fault("kill -9 of the server", "database"), MAILS_AT_ONCE),
        (Fault("black hole", "database", 8), MAILS_AT_ONCE),
        (Fault("kill -9", "notifications API"), 0),
        (Fault("kill -9 while publishing", "orders API sent"), 0),
        (Fault("kill -9 of the server", "broker"), 0),
        (Fault("stop", "broker", 15), 0),
        (Fault("black hole", "broker", 8), 0),
        (Fault("slow connections", "database", 8), 0),
        (Fault("freeze and wake a worker", "notifications", 14), 0),
        (Fault("restart one by one"), 0),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_a_mail_may_go_out_again_only_where_a_commit_could_be_lost(fault: Fault, explained: int) -> None:
    assert mails_wrong(Result(strokes=[Stroke(fault)], mails_repeated=explained)) == []
    (wrong,) = mails_wrong(Result(strokes=[Stroke(fault)], mails_repeated=explained + 1))
    assert f"{explained + 1} mails were sent again" in wrong


def _file(**changed: Any) -> dict[str, Any]:
    state = {"stage": "paid", "at": "2026-05-04T09:10:00+00:00", "lines": [{"paid": "1.00"}]}
    return {"_id": ORDER, "state": state, "pending": [], "parked": [], **changed}


@pytest.mark.parametrize(
    ("found", "finding"),
    [
        pytest.param([_file(state={"stage": "placed"})], "state", id="another state"),
        pytest.param([_file(pending=[{"seq": 1}])], "pending is not empty", id="something pending"),
        pytest.param([_file(parked=[["orders/x", 1]])], "parked is not empty", id="something parked"),
        pytest.param([], "the file is missing", id="no file"),
        pytest.param([_file(), _file(_id="C9")], "the file is one too many", id="one too many"),
    ],
)
def test_a_file_that_ended_elsewhere_is_seen(found: list[dict[str, Any]], finding: str) -> None:
    (wrong,) = files_wrong({ORDER: _file()}, "orders", found)
    assert finding in wrong


def test_files_that_differ_in_their_times_only_are_equal() -> None:
    later = _file(state={**_file()["state"], "at": "2026-05-04T09:12:00+00:00"})
    assert files_wrong({ORDER: _file()}, "orders", [later]) == []


def test_three_rounds_strike_with_every_kind_three_times_and_kill_every_process() -> None:
    rounds = [
        plan(Random(number), number, long_outage="", apache=True, disks=("broker", "database"))
        for number in range(3)
    ]
    struck = Counter(fault.kind for faults in rounds for fault in faults)
    assert set(struck) == set(KINDS) - {"workers", "let run", "roll", "drain"}
    assert min(struck.values()) >= 3
    killed = {fault.target for faults in rounds for fault in faults if fault.kind == "kill -9"}
    assert len(killed) == 8


def test_the_long_plan_strikes_as_often_as_the_goals_ask() -> None:
    faults = [fault for day in range(LONG_DAYS) for fault in long_plan(Random(day), day, apache=True)]
    struck = Counter(fault.kind for fault in faults)
    assert sum(struck[kind] for kind in struck if kind.startswith("kill -9") and "server" not in kind) == 200
    assert struck["freeze and wake a worker"] == struck["cut connections"] == 50
    assert len(SERVICES) * 2 * struck["restart one by one"] >= 50
    assert sum(1 for fault in faults if (fault.kind, fault.target) == ("stop", "database")) == 20
    killed = Counter(fault.target for fault in faults if fault.kind == "kill -9")
    assert len(killed) == 8
    assert min(killed.values()) >= 10


def test_the_embedded_broker_is_never_killed() -> None:
    faults = plan(Random(1), 0, long_outage="broker", apache=False, disks=())
    faults += short_plan(Random(1), apache=False) + long_plan(Random(1), 0, apache=False)
    assert not [
        fault for fault in faults if (fault.kind, fault.target) == ("kill -9 of the server", "broker")
    ]


def test_a_partition_stands_still_from_its_last_move_while_it_has_records() -> None:
    still = StandStill("orders", phase="one")
    place = ("orders", "logistics.v1", 0)
    for at, position, end in ((0.0, 0, 0), (1.0, 0, 5), (4.0, 0, 5), (5.0, 5, 5), (9.0, 5, 5)):
        still(Look(at, {place: position}, {place[1:]: end}, 0))
    assert still.longest_seconds["one"] == {0: 5.0}
    assert still.moved["one"] == 5
