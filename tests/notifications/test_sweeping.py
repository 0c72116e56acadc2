"""The daily sweep: what lies open in the morning is told once, and what nobody has becomes one task."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.commands import ScanOrder
from services.notifications.decide.reports import GRACE
from services.notifications.decide.sweeping import TIMES_MAX
from services.notifications.state.reports import ORDERS_NAMED_MAX
from shared.contracts.event import Payload
from shared.contracts.events import aftersales, logistics, orders
from shared.contracts.events.notifications import TaskClosed, TaskCreated
from shared.contracts.events.reports import DaySwept, Finding, FindingsNoted
from shared.kernel.decision import Decision
from shared.kernel.reminders import ShopReports
from tests.kit.rules import START, after, default_profile
from tests.notifications.world import Shop, task_wanted, wrote

MORNING = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
CASE: dict[str, Any] = {"case_id": "C-1", "kind": "return_and_refund"}
OPENED = aftersales.CaseOpened(
    **CASE, reason="broken", lines=("1",), amount=Decimal("10"), currency="EUR", holds_order=True
)
DISPUTED = aftersales.CaseDisputed(**CASE)
CLOSED = aftersales.CaseClosed(**CASE, reason="withdrawn")
PAID = orders.OrderPaid(amount=Decimal("10"), payment_id="p", ship_by=MORNING)
LEFT = orders.OrderDispatched(parcels=("P-1",))
ENDED = orders.OrderClosed(reason="unpaid")
REVIEW = aftersales.ReviewReceived(stars=5, review_id="R-1")
PARCEL: dict[str, Any] = {"parcel_id": "P-1", "carrier": "dhl", "tracking_no": "T-1"}
STALLED = logistics.ParcelStalled(**PARCEL, level=1, since=START)


def swept(zone: str = "UTC", *, on: bool = True, **values: Any) -> Shop:
    reports = ShopReports(daily_sweep=on)
    return Shop(profile=default_profile(zone, **values).model_copy(update={"reports": reports}))


def told(shop: Shop) -> list[tuple[datetime, DaySwept]]:
    return [(event.time, event.data) for event in shop.events if isinstance(event.data, DaySwept)]


def kinds(shop: Shop, number: int = 0) -> dict[str, int]:
    return {found.kind: found.count for found in told(shop)[number][1].found}


def found(shop: Shop, order_id: str = "A-1") -> list[Finding]:
    noted: list[FindingsNoted] = shop.of("findings.noted", order_id)
    return [finding for each in noted for finding in each.findings]


def tasks(shop: Shop, order_id: str = "A-1") -> list[tuple[str, str]]:
    return [(task.kind, str(task.details.get("finding"))) for task in shop.of("task.created", order_id)]


def order_with(*said: Payload, on: bool = True) -> Shop:
    shop = swept(on=on).order()
    for number, payload in enumerate(said, 1):
        shop.hear(payload, after(minutes=number))
    return shop


def test_a_morning_tells_what_lies_open_in_one_event() -> None:
    shop = swept()
    for number in range(1, 5):
        shop.order(f"A-{number}", buyer=f"b-{number}")
    shop.hear(PAID, after(hours=1), "A-2")
    shop.hear(PAID, after(hours=1), "A-3")
    shop.hear(LEFT, after(hours=2), "A-3")
    shop.hear(OPENED, after(hours=3), "A-3")
    shop.hear(ENDED, after(hours=4), "A-4")
    shop.run_until(MORNING + timedelta(hours=1))

    ((at, report),) = told(shop)
    assert (at, report.day) == (MORNING + 2 * GRACE, date(2026, 3, 3))
    assert kinds(shop) == {"unpaid": 1, "unshipped": 1, "refund_open": 1, "abnormal": 1}
    named = {one.kind: one.orders for one in report.found}
    assert named["refund_open"] == named["abnormal"] == ("A-3",)
    assert "b-3" not in report.model_dump_json()


def test_a_refund_that_nobody_has_becomes_one_task_however_often_it_is_swept() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    shop.run_until(after(days=6))
    assert tasks(shop) == [("look_into", "refund_open")]
    assert len(told(shop)) == 6
    assert [report.new_tasks for _, report in told(shop)] == [1, 0, 0, 0, 0, 0]
    assert {finding.task_id for finding in found(shop) if finding.kind == "refund_open"} == {
        shop.task("look_into").task_id
    }


def test_a_refund_that_has_a_task_gets_no_second_one() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    decide = task_wanted("decide_case").model_copy(update={"details": {"case_id": "C-1"}})
    shop.hear(decide, after(minutes=5), source="aftersales")
    shop.run_until(after(days=2))
    assert tasks(shop) == [("decide_case", "None")]
    assert {finding.task_id for finding in found(shop)} == {"t-1"}


def test_a_task_of_the_sweep_closes_itself_when_its_cause_is_gone() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    shop.run_until(after(days=2))
    shop.hear(CLOSED, after(days=2))
    assert [closed.reason for closed in shop.of("task.closed")] == ["cause_gone"]
    shop.run_until(after(days=9))
    assert shop.file().timers == {}


def test_a_cause_that_comes_again_has_a_task_again() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    shop.run_until(after(days=1))
    shop.hear(CLOSED, after(days=1))
    shop.hear(OPENED, after(days=1, hours=1))
    shop.run_until(after(days=2))
    assert len(tasks(shop)) == 2
    assert len({task.task_id for task in shop.of("task.created")}) == 2


def test_a_task_that_an_agent_has_completed_is_not_made_again() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    shop.run_until(after(days=1))
    task = shop.task("look_into")
    shop.claim(task.task_id)
    shop.complete(task.task_id, "fixed")
    shop.run_until(after(days=5))
    assert len(tasks(shop)) == 1


def test_a_dispute_is_told_as_one_and_is_urgent() -> None:
    shop = order_with(PAID, LEFT, OPENED, DISPUTED)
    shop.run_until(after(days=1))
    assert "refund_open" not in kinds(shop)
    assert kinds(shop)["dispute_open"] == 1
    assert shop.task("look_into").priority == "high"


def test_an_unread_review_becomes_a_task_and_is_read_when_that_is_done() -> None:
    shop = order_with(PAID, LEFT, REVIEW)
    shop.run_until(after(days=1))
    assert tasks(shop) == [("look_into", "review_unread")]
    task = shop.task("look_into")
    shop.claim(task.task_id)
    shop.complete(task.task_id, "ignored", {"reason": "nothing to explain"})
    shop.run_until(after(days=4))
    assert len(told(shop)) == 1


def test_a_buyer_who_waits_for_an_answer_is_told_of_and_has_his_task_already() -> None:
    shop = order_with(PAID, LEFT)
    shop.do(wrote(at=after(hours=1)))
    shop.run_until(after(days=1))
    assert kinds(shop)["message_unanswered"] == 1
    assert [kind for kind, _ in tasks(shop)] == ["answer_buyer"]


def test_an_order_that_is_late_and_that_nobody_urges_becomes_a_task() -> None:
    shop = order_with(PAID)
    shop.run_until(MORNING - timedelta(seconds=1))
    assert tasks(shop) == []
    shop.run_until(MORNING + timedelta(hours=1))
    assert tasks(shop) == [("look_into", "unshipped")]
    shop.hear(LEFT, after(days=1))
    assert [closed.reason for closed in shop.of("task.closed")] == ["cause_gone"]


def test_an_order_that_is_late_and_urged_gets_no_second_task() -> None:
    shop = order_with(PAID)
    shop.hear(task_wanted("urge_shipment"), after(hours=1), source="orders")
    shop.run_until(after(days=2))
    assert [kind for kind, _ in tasks(shop)] == ["urge_shipment"]


def test_a_task_that_is_wanted_a_moment_after_the_sweep_takes_its_place() -> None:
    shop = order_with(PAID, OPENED)
    shop.run_until(MORNING)
    assert tasks(shop) == [("look_into", "unshipped"), ("look_into", "refund_open")]
    shop.hear(task_wanted("urge_shipment"), MORNING, source="orders")
    decide = task_wanted("decide_case", "t-2").model_copy(update={"details": {"case_id": "C-1"}})
    shop.hear(decide, MORNING, source="aftersales")
    assert [closed.reason for closed in shop.of("task.closed")] == ["has_a_task", "has_a_task"]
    assert sorted(task.kind for task in shop.state().live_tasks) == ["decide_case", "urge_shipment"]


def test_an_unpaid_order_is_told_of_and_needs_nobody() -> None:
    shop = order_with()
    shop.run_until(after(days=1))
    assert kinds(shop) == {"unpaid": 1}
    assert tasks(shop) == []


def test_an_abnormal_order_is_one_of_the_day_before_and_of_no_other() -> None:
    shop = order_with(PAID, LEFT, STALLED)
    shop.run_until(after(days=3))
    assert kinds(shop) == {"abnormal": 1}
    assert len(told(shop)) == 1
    assert tasks(shop) == [("look_into", "abnormal")]


def test_an_order_with_routine_tasks_alone_is_not_abnormal() -> None:
    shop = order_with(PAID)
    shop.hear(task_wanted("verify_order"), after(hours=1), source="orders")
    shop.hear(LEFT, after(hours=2))
    shop.run_until(after(days=1))
    assert told(shop) == []


def test_a_shop_that_wants_no_sweep_has_none() -> None:
    shop = order_with(PAID, LEFT, OPENED, REVIEW, on=False)
    shop.run_until(after(days=3))
    assert told(shop) == []
    assert tasks(shop) == []
    assert not shop.file().timers


def test_a_sweep_that_is_switched_off_ends() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    shop.run_until(after(days=1))
    off = shop.profile.model_copy(update={"reports": ShopReports()})
    for file in shop.files.values():
        file.profile = off
    shop.run_until(after(days=5))
    assert len(told(shop)) == 1
    assert not shop.file().timers


def test_an_order_on_which_nothing_moves_is_told_of_for_a_fortnight() -> None:
    shop = order_with(PAID, LEFT, OPENED)
    shop.run_until(after(days=60))
    assert len(told(shop)) == TIMES_MAX
    assert not shop.file().timers
    shop.hear(DISPUTED, after(days=60))
    shop.run_until(after(days=62))
    assert len(told(shop)) == TIMES_MAX + 2


@pytest.mark.parametrize(
    ("zone", "placed_at", "expected"),
    [
        ("Europe/Berlin", "2026-03-28T20:00:00+01:00", "2026-03-29T08:30:00+02:00"),
        ("Europe/Berlin", "2026-10-24T20:00:00+02:00", "2026-10-25T08:30:00+01:00"),
        ("America/New_York", "2026-03-07T20:00:00-05:00", "2026-03-08T08:30:00-04:00"),
        ("America/New_York", "2026-03-08T08:29:59-04:00", "2026-03-08T08:30:00-04:00"),
        ("America/New_York", "2026-03-08T08:30:00-04:00", "2026-03-09T08:30:00-04:00"),
    ],
)
def test_the_sweep_is_at_half_past_eight_on_the_shops_clocks(
    zone: str, placed_at: str, expected: str
) -> None:
    at = datetime.fromisoformat(placed_at).astimezone(UTC)
    shop = swept(zone).order(at=at)
    (moment,) = shop.file().timers.values()
    assert moment == datetime.fromisoformat(expected)


def test_a_report_counts_all_and_names_some() -> None:
    shop = swept()
    for number in range(ORDERS_NAMED_MAX + 20):
        shop.order(f"A-{number}", buyer=f"b-{number}")
    shop.run_until(MORNING + timedelta(hours=1))
    ((_, report),) = told(shop)
    (unpaid,) = report.found
    assert unpaid.count == ORDERS_NAMED_MAX + 20
    assert len(unpaid.orders) == ORDERS_NAMED_MAX


def test_the_start_of_a_shift_makes_the_tasks_that_nobody_has_and_no_others() -> None:
    shop = order_with(PAID, on=False)
    early = shop.do(ScanOrder(at=after(hours=2)))
    late = shop.do(ScanOrder(at=MORNING))
    again = shop.do(ScanOrder(at=MORNING + timedelta(hours=1)))
    outcomes = (early, late, again)
    assert [each.result["new_tasks"] for each in outcomes if isinstance(each, Decision)] == [0, 1, 0]
    assert tasks(shop) == [("look_into", "unshipped")]


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 60, 600, 1500]),
        st.sampled_from(
            [PAID, LEFT, ENDED, OPENED, DISPUTED, CLOSED, REVIEW, STALLED, task_wanted("urge_shipment")]
        ),
    ),
    max_size=15,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_whatever_happens_no_finding_has_two_tasks_and_the_sweeps_end(
    script: list[tuple[int, Payload]],
) -> None:
    shop, now = swept().order(), START
    for minutes, payload in script:
        now += timedelta(minutes=minutes)
        shop.run_until(now)
        shop.hear(payload, now, source="orders")
    shop.run_until(now + timedelta(days=60))

    open_now: set[tuple[str, str | None]] = set()
    for event in shop.events:
        match event.data:
            case TaskCreated(task_id=task_id, details={"finding": str(kind)}):
                assert kind not in {other for other, _ in open_now}
                open_now.add((kind, task_id))
            case TaskClosed(task_id=task_id):
                open_now = {each for each in open_now if each[1] != task_id}
            case _:
                pass
    assert len(open_now) == len({kind for kind, _ in open_now})
    assert len({report.day for _, report in told(shop)}) == len(told(shop))
    assert all(file.timers == {} for file in shop.files.values())
    for finding in found(shop):
        if finding.kind in ("refund_open", "dispute_open", "review_unread"):
            assert finding.task_id is not None
