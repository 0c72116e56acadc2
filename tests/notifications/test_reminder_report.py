"""What payment reminders brought: gathered in parts, reported once when the shop's day is over."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.notifications.commands import AddReminders, NoteReminder
from services.notifications.decide.reports import GRACE, PARTS, report_of
from services.notifications.state import ReportDay
from services.notifications.views import ReportView
from shared.contracts.base import ID_MAX_CHARS
from shared.contracts.events import orders
from shared.contracts.events.reports import Money, PaidWithin, ReminderRow, RemindersReported
from shared.kernel.decision import Decision, Refused
from shared.kernel.profiles import Profile
from shared.kernel.reminders import ShopReports
from tests.kit.rules import START, after, default_profile
from tests.notifications.test_merging import WINDOW, remind
from tests.notifications.world import Shop

DAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
PRICED = ShopReports(reminders=True, message_price=Decimal("0.05"), message_currency="EUR")


def reporting(zone: str = "UTC", reports: ShopReports = PRICED, **values: Any) -> Profile:
    return default_profile(zone, **values).model_copy(update={"reports": reports})


def pay(shop: Shop, order_id: str, at: datetime, amount: str = "10.00") -> None:
    shop.run_until(at)
    shop.hear(orders.OrderPaid(amount=Decimal(amount), payment_id=f"p-{order_id}", ship_by=at), at, order_id)


def reported(shop: Shop) -> list[tuple[datetime, RemindersReported]]:
    return [(event.time, event.data) for event in shop.events if isinstance(event.data, RemindersReported)]


def test_the_day_tells_what_its_reminders_brought_and_what_they_cost() -> None:
    shop = Shop(profile=reporting())
    for number, order_id in enumerate(("A-1", "A-2", "A-3")):
        shop.order(order_id)
        remind(shop, order_id, after(minutes=number))
    pay(shop, "A-1", after(minutes=50), "12.50")
    pay(shop, "A-2", after(hours=4), "7.50")
    shop.run_until(after(days=2))

    ((at, told),) = reported(shop)
    assert at == MIDNIGHT + 2 * GRACE
    assert (told.day, told.messages, told.reminded, told.paid) == (DAY, 3, 3, 2)
    assert told.amounts == (Money(currency="EUR", amount=Decimal("20.00")),)
    assert (told.cost, told.roi) == (Decimal("0.15"), Decimal("133.33"))
    assert told.rows == (
        ReminderRow(
            stage="first",
            messages=3,
            reminded=3,
            paid=2,
            paid_within=PaidWithin(one_hour=1, six_hours=1),
            amounts=told.amounts,
        ),
    )
    assert told.model_dump(mode="json")["cost"] == "0.15"


def test_a_payment_counts_on_its_own_day_for_the_last_reminder_before_it() -> None:
    shop = Shop(profile=reporting()).order()
    remind(shop, "A-1", START)
    remind(shop, "A-1", after(hours=9), stage="last_call")
    pay(shop, "A-1", after(hours=13))
    shop.run_until(after(days=3))

    first, second = (told for _, told in reported(shop))
    assert (first.day, first.reminded, first.paid) == (DAY, 2, 0)
    assert (second.day, second.reminded, second.paid) == (DAY + timedelta(days=1), 0, 1)
    assert [(row.stage, row.paid) for row in second.rows] == [("last_call", 1)]
    assert second.roi is None


def test_a_payment_without_a_reminder_before_it_is_no_effect_of_one() -> None:
    shop = Shop(profile=reporting()).order()
    pay(shop, "A-1", after(hours=1))
    shop.run_until(after(days=2))
    assert reported(shop) == []


def test_a_message_for_several_orders_costs_once_and_reminds_of_all() -> None:
    shop = Shop(profile=reporting(payment_reminder_merge_within=WINDOW))
    for order_id in ("A-1", "A-2", "A-3"):
        shop.order(order_id)
        remind(shop, order_id)
    pay(shop, "A-3", after(hours=2))
    shop.run_until(after(days=2))

    ((_, told),) = reported(shop)
    assert (told.messages, told.reminded, told.paid, told.cost) == (1, 3, 1, Decimal("0.05"))


def test_amounts_in_another_currency_than_the_costs_are_told_and_not_set_against_it() -> None:
    shop = Shop(profile=reporting(reports=PRICED.model_copy(update={"message_currency": "CNY"}))).order()
    remind(shop, "A-1")
    pay(shop, "A-1", after(hours=2))
    shop.run_until(after(days=2))

    ((_, told),) = reported(shop)
    assert [one.currency for one in told.amounts] == ["EUR"]
    assert told.roi == Decimal("0.00")


def test_a_shop_that_wants_no_report_has_none() -> None:
    shop = Shop().order()
    remind(shop, "A-1")
    pay(shop, "A-1", after(hours=2))
    shop.run_until(after(days=2))
    assert not any(event.name.startswith("remind") for event in shop.events)


@pytest.mark.parametrize(
    ("zone", "noon", "ends_at"),
    [
        # Days of 23 and of 25 hours.
        ("Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-30T00:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T12:00:00+01:00", "2026-10-26T00:00:00+01:00"),
        ("America/New_York", "2026-11-01T12:00:00-05:00", "2026-11-02T00:00:00-05:00"),
    ],
)
def test_a_day_ends_at_the_shops_own_midnight(zone: str, noon: str, ends_at: str) -> None:
    at, end = datetime.fromisoformat(noon).astimezone(UTC), datetime.fromisoformat(ends_at)
    shop = Shop(profile=reporting(zone)).order(at=at)
    remind(shop, "A-1", at)
    shop.run_until(at + timedelta(days=2))
    ((moment, told),) = reported(shop)
    assert moment == end + 2 * GRACE
    assert told.day == at.date()


def test_after_an_outage_parts_wait_for_each_other_and_the_day_is_told_once() -> None:
    shop = Shop(profile=reporting()).order("A-1").order("A-2")
    remind(shop, "A-1")
    remind(shop, "A-2")
    shop.run_until(after(days=5), late=True)
    shop.run_until(after(days=6))
    ((_, told),) = reported(shop)
    assert told.reminded == 2


def test_what_comes_after_the_report_counts_in_the_file_and_is_not_told_again() -> None:
    shop = Shop(profile=reporting()).order()
    remind(shop, "A-1")
    shop.run_until(after(days=2))
    whole = report_of("reminders", "demo", DAY)
    row = ReminderRow(stage="first", paid=1)
    shop.do(AddReminders(at=after(days=2), shop_id="demo", day=DAY, rows=(row,)), whole)
    shop.run_until(after(days=3))

    assert len(reported(shop)) == 1
    state = shop.file(whole).state
    assert isinstance(state, ReportDay)
    assert [(one.reminded, one.paid) for one in state.rows] == [(1, 1)]
    view = shop.file(whole).view
    assert isinstance(view, ReportView)
    assert view.reminders == reported(shop)[0][1]


def test_orders_of_one_part_meet_in_one_file_and_there_are_not_more_parts_than_there_should_be() -> None:
    shop = Shop(profile=reporting())
    for number in range(60):
        shop.order(f"A-{number}", buyer=f"b-{number}")
        remind(shop, f"A-{number}")
    shop.run_until(after(days=2))
    files = [subject for subject in shop.files if subject.startswith("report~")]
    assert 2 < len(files) <= PARTS + 1
    ((_, told),) = reported(shop)
    assert told.reminded == 60


def test_a_reports_name_is_an_id_however_long_the_shops_is() -> None:
    assert len(report_of("sweep", "s" * ID_MAX_CHARS, DAY, 15)) <= ID_MAX_CHARS
    assert report_of("sweep", "demo", DAY) != report_of("reminders", "demo", DAY)
    assert report_of("sweep", "demo", DAY, 1) != report_of("sweep", "demo", DAY, 11)


def test_an_order_is_no_report_and_a_report_no_order() -> None:
    shop = Shop(profile=reporting()).order()
    note = NoteReminder(at=START, shop_id="demo", day=DAY, part=1, row=ReminderRow(stage="first"))
    for command, subject, slug in ((note, "A-1", "not-a-report"),):
        refused = shop.do(command, subject)
        assert isinstance(refused, Refused)
        assert refused.slug == slug
    assert isinstance(shop.do(note, "report~1"), Decision)
    remind(shop, "report~1")
    assert isinstance(shop.file("report~1").last, Refused)
