"""Traps of the trade: ages, scans, returns and clocks. The docstrings name who met them first."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.state.tasks import ClosedTask
from shared.contracts.events import common
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after
from tests.logistics.story import parcel_of, scan, shipping
from tests.notifications.world import ORDER, Shop, task_wanted, wanted
from tests.orders.play import OrderPlay

MOMENT = timedelta(microseconds=1)
AT_NIGHT = datetime(2026, 6, 2, 2, 0, tzinfo=UTC)
"""Ten in the evening in New York, when its quiet hours begin."""
MORNING = datetime(2026, 6, 2, 13, 0, tzinfo=UTC)
"""Nine in the morning there."""

pytestmark = pytest.mark.promise("once", "timed")


def test_an_order_is_as_old_as_all_its_days_and_hours_together() -> None:
    """Saleor's `_expire_orders`: from 24 hours on, an order's age counted the hours of its last day only."""
    play = OrderPlay().placed()
    closes_at = play.seen.deadline_at
    assert closes_at is not None
    assert closes_at >= after(hours=24)
    assert play.run_until(closes_at - MOMENT).stage == "unpaid"
    assert play.run_until(closes_at).stage == "closed"
    late = OrderPlay().placed().run_until(after(days=3, hours=1))
    assert late.stage == "closed"


def test_a_late_scan_does_not_move_a_delivered_parcel_back() -> None:
    """nearmerch#214: a scan that came late moved a delivered parcel back."""
    play = shipping().do(scan("delivered", after(hours=30)))
    ended = type(parcel_of(play))
    said = list(play.said)
    play.do(scan("in_transit", after(hours=20), after(hours=31)))
    play.do(scan("out_for_delivery", after(hours=32)))
    assert type(parcel_of(play)) is ended
    assert play.said == said
    assert not play.timers


def test_goods_that_nobody_received_are_not_marked_as_received() -> None:
    """medusa#15851: returns were marked received though nothing came."""
    asked = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    asked.asks(after(hours=60), "return_and_refund", "no_reason", "30.00", ("1",))
    never_sent = asked.run_until(after(days=60))
    assert never_sent.of("case.return_received") == []
    assert never_sent.of("case.refunded") == []
    sent = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    sent.asks(after(hours=60), "return_and_refund", "no_reason", "30.00", ("1",)).sends_back(after(hours=70))
    sent.run_until(after(days=60))
    assert sent.of("case.return_received") == []
    (refunded,) = sent.of("case.refunded")
    assert refunded.decided_by == "deadline"


def test_the_clock_of_a_task_stops_with_the_task() -> None:
    """chatwoot#10178, zammad#4432: the clock of a service level went on after the end.

    That it ignored office hours too is no trap of ours: there are none, deadlines run by night as by day.
    What waits for the morning is what disturbs a buyer, and that is set up below.
    """
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=4)), source="logistics")
    gone = common.TaskWithdrawn(
        task_id="t-1", kind="check_with_carrier", order_id=ORDER, reason="moving_again"
    )
    shop.hear(gone, after(hours=4) - MOMENT, source="logistics")
    assert isinstance(shop.task("check_with_carrier"), ClosedTask)
    shop.run_until(after(days=30))
    assert "task.overdue" not in shop.names()
    assert not shop.file().timers


def test_what_comes_due_in_the_quiet_hours_waits_for_their_end() -> None:
    """chatwoot#10178, zammad#4432: the clock of a service level ignored office hours."""
    shop = Shop("America/New_York").order(at=AT_NIGHT - timedelta(hours=1))
    shop.hear(wanted(), AT_NIGHT)
    shop.run_until(MORNING - MOMENT)
    assert shop.mails == []
    shop.run_until(MORNING)
    assert [sent for sent, _ in shop.mails] == [MORNING]
