"""What the file learns of parcels, deadlines and contacts, and what that makes of messages and lists."""

from datetime import UTC, datetime
from typing import Any

from shared.contracts.events import logistics, orders
from tests.kit.rules import after
from tests.notifications.test_sweeping import LEFT, PAID, kinds, swept, told
from tests.notifications.world import Shop, task_wanted, wanted, wrote

P: dict[str, Any] = {"parcel_id": "P-1", "carrier": "dhl", "tracking_no": "T-1"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def reasons(shop: Shop) -> list[str]:
    return [each.reason for each in shop.of("message.suppressed")]


def test_a_parcel_that_failed_in_the_morning_is_not_said_to_arrive_soon() -> None:
    shop = Shop().order(at=moment("2026-03-02T12:00Z"))
    seven, later = moment("2026-03-03T07:00Z"), moment("2026-03-03T08:30Z")
    shop.hear(logistics.ParcelOutForDelivery(**P, scanned_at=seven), seven)
    shop.hear(wanted("parcel_out_for_delivery", "m-1", **P), seven, source="logistics")
    shop.hear(logistics.ParcelException(**P, scanned_at=later, reason="refused", fault="buyer"), later)
    shop.run_until(moment("2026-03-03T10:00Z"))
    assert not shop.mails
    assert reasons(shop) == ["no_longer_true"]


def test_a_parcel_that_is_brought_back_is_not_said_to_stand() -> None:
    shop = Shop().order()
    night = moment("2026-03-04T23:00Z")
    shop.hear(logistics.ParcelStalled(**P, level=1, since=after(hours=1)), night)
    shop.hear(wanted("delay_notice", "m-1", **P), night, source="logistics")
    shop.hear(logistics.ParcelReturnOrdered(**P), moment("2026-03-05T08:00Z"))
    shop.run_until(moment("2026-03-05T10:00Z"))
    assert reasons(shop) == ["no_longer_true"]


def test_trouble_on_the_way_back_leaves_a_parcel_on_its_way_back() -> None:
    shop = Shop().order()
    shop.hear(logistics.ParcelReturning(**P, scanned_at=after(hours=1)), after(hours=1))
    trouble = logistics.ParcelException(**P, scanned_at=after(hours=2), reason="damaged", fault="carrier")
    shop.hear(trouble, after(hours=2))
    assert [parcel.stage for parcel in shop.state().knows.parcels] == ["returning"]


def test_an_incident_is_told_of_a_parcel_that_waits_in_the_van() -> None:
    shop = Shop().order()
    shop.hear(logistics.ParcelOutForDelivery(**P, scanned_at=after(minutes=1)), after(minutes=1))
    shop.hear(wanted("incident_notice", "m-1", reason="snow", **P), after(hours=1), source="logistics")
    shop.hear(logistics.ParcelDelivered(**P, scanned_at=after(hours=2), lines=("1",)), after(hours=2))
    shop.hear(wanted("incident_notice", "m-2", reason="ice", **P), after(hours=3), source="logistics")
    assert len(shop.mails) == 1
    assert reasons(shop) == ["no_longer_true"]


def test_an_address_that_an_agent_puts_right_takes_nobodys_mail_away() -> None:
    shop = Shop().order()
    shop.hear(task_wanted("resolve_exception"), after(minutes=1), source="logistics")
    shop.claim("t-1", at=after(minutes=2))
    contact = {"name": "Ada Example", "city": "Newtown", "address": "New St 1"}
    shop.complete("t-1", "new_address", {"contact": contact}, at=after(minutes=3))
    assert [changed.receiver.email for changed in shop.contacts] == ["ada@buyers.example"]
    shop.hear(wanted("parcel_delivered", "m-1"), after(hours=2), source="logistics")
    assert [mail["to"] for _, mail in shop.mails] == ["ada@buyers.example"]


def test_an_order_of_the_small_hours_is_one_of_yesterdays_next_morning() -> None:
    shop, placed_at = swept(), moment("2026-03-02T01:00Z")
    shop.order(at=placed_at)
    shop.hear(PAID, moment("2026-03-02T02:00Z"))
    shop.hear(LEFT, moment("2026-03-02T06:00Z"))
    evening = moment("2026-03-02T20:00Z")
    shop.hear(logistics.ParcelReturning(**P, scanned_at=evening), evening)
    shop.run_until(moment("2026-03-04T12:00Z"))
    assert [kinds(shop, number) for number, _ in enumerate(told(shop))] == [{"abnormal": 1}]


def test_an_order_whose_pickup_was_cancelled_waits_for_its_dispatch_again() -> None:
    shop = swept().order()
    shop.hear(PAID, after(hours=1))
    shop.hear(LEFT, after(hours=2))
    assert shop.view().waits_for is None

    def ship_by(deadline_at: datetime | None) -> orders.OrderDeadlineChanged:
        return orders.OrderDeadlineChanged(
            deadline="ship", was=None, deadline_at=deadline_at, reason="pickup_cancelled"
        )

    shop.hear(ship_by(after(hours=50)), after(hours=30))
    assert shop.view().waits_for == "shipment"
    shop.run_until(after(hours=47))
    assert kinds(shop, len(told(shop)) - 1) == {"unshipped": 1}
    shop.hear(ship_by(None), after(hours=48))
    assert shop.view().waits_for is None
    before = len(told(shop))
    shop.run_until(after(days=5))
    assert len(told(shop)) == before


def test_what_an_agent_told_by_completing_a_task_is_in_the_outbox() -> None:
    shop = Shop().order()
    shop.hear(task_wanted("answer_enquiry"), after(minutes=1), source="logistics")
    shop.claim("t-1", at=after(minutes=2))
    shop.complete("t-1", "feedback", {"text": "It arrives tomorrow."}, at=after(minutes=3))
    assert [(each.template, each.status) for each in shop.view().outbox] == [("reply", "sent")]


def test_an_answer_in_a_conversation_is_in_the_outbox_once() -> None:
    shop = Shop().order()
    shop.do(wrote("f-2", after(minutes=5), "hello?"))
    shop.run_until(after(minutes=10))
    task_id = shop.task("answer_buyer").task_id
    shop.claim(task_id)
    shop.complete(task_id, "answered", {"text": "Hello."})
    assert [each.template for each in shop.view().outbox] == ["reply"]
