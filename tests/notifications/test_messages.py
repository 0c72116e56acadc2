"""Messages to buyers: sent once, when they are true, to whom is known, and dropped with a reason."""

from decimal import Decimal
from typing import Any

import pytest

from services.notifications.commands import WantMessage
from services.notifications.state.messages import Dropped, NeedsContact, Sending, Sent
from shared.contracts.event import Payload
from shared.contracts.events import aftersales, logistics, orders
from shared.contracts.facts import Receiver
from shared.kernel.decision import EffectDone, EffectFailed
from tests.kit.rules import START, after
from tests.notifications.world import BUYER, ORDER, RECEIVER, Shop, placed, task_wanted, wanted

PARCEL: dict[str, Any] = {"parcel_id": "P-1", "carrier": "DHL", "tracking_no": "T-1"}
SCAN: dict[str, Any] = {**PARCEL, "scanned_at": START}


def reasons(shop: Shop) -> list[str]:
    return [each.reason for each in shop.of("message.suppressed")]


def test_a_wanted_message_goes_to_the_receiver_by_mail_from_the_shop() -> None:
    shop = Shop().order()
    shop.hear(wanted("parcel_delivered", **PARCEL), after(minutes=1))
    ((sent_at, mail),) = shop.mails
    assert sent_at == after(minutes=1)
    assert mail["to"] == "ada@buyers.example"
    assert mail["from"] == shop.profile.mail_from
    assert mail["order_id"] == ORDER
    assert mail["subject"] == "A parcel of your order A-1 has arrived"
    assert "Dear Ada Example," in mail["text"]
    assert "DHL" in mail["text"]
    assert "T-1" in mail["text"]
    assert shop.names() == ["message.asked", "message.sent"]
    assert shop.of("message.sent")[0].channel == "mail"


def test_a_message_wanted_twice_under_one_id_is_told_once() -> None:
    shop = Shop().order()
    shop.hear(wanted())
    shop.hear(wanted(), after(minutes=1))
    assert len(shop.mails) == 1
    assert shop.names() == ["message.asked", "message.sent"]


def test_the_same_text_under_another_id_is_already_told_on_that_day() -> None:
    shop = Shop().order()
    shop.hear(logistics.ParcelStalled(**PARCEL, level=1, since=START))
    shop.hear(wanted("delay_notice", "m-1", **PARCEL), START)
    shop.hear(wanted("delay_notice", "m-2", **PARCEL), after(hours=1))
    assert len(shop.mails) == 1
    assert reasons(shop) == ["already_told"]


def test_the_same_text_on_another_day_is_told_again() -> None:
    shop = Shop().order()
    shop.hear(wanted("confirm_address", "m-1", total="10"), START)
    shop.hear(wanted("confirm_address", "m-2", total="10"), after(days=1))
    assert len(shop.mails) == 2


def test_a_message_that_is_stale_is_dropped() -> None:
    shop = Shop().order()
    shop.hear(wanted(stale_at=after(hours=12)), after(hours=5))
    shop.hear(wanted(message_id="m-2", stale_at=after(hours=5)), after(hours=5))
    assert len(shop.mails) == 1
    assert reasons(shop) == ["stale"]


def test_staleness_goes_by_the_clock_and_not_by_the_wanting_event() -> None:
    shop = Shop().order()
    command = WantMessage(at=START, order_id=ORDER, wanted=wanted(stale_at=after(hours=2)))
    shop.do(command, now=after(hours=2))
    assert reasons(shop) == ["stale"]
    assert shop.mails == []


@pytest.mark.parametrize(
    ("template", "before", "meanwhile"),
    [
        ("payment_reminder", (), orders.OrderPaid(amount=Decimal("10"), payment_id="p", ship_by=START)),
        ("payment_reminder", (), orders.OrderClosed(reason="unpaid")),
        ("payment_reminder", (), orders.OrderCancelled(reason="changed mind", by="buyer")),
        ("confirm_address", (), orders.OrderDispatched(parcels=("P-1",))),
        ("confirm_address", (), orders.OrderRefunded(amount=Decimal("10"), currency="EUR")),
        (
            "parcel_dispatched",
            (logistics.ParcelDispatched(**PARCEL, lines=("1",), dispatched_at=START),),
            logistics.ParcelOutForDelivery(**SCAN),
        ),
        (
            "parcel_out_for_delivery",
            (logistics.ParcelOutForDelivery(**SCAN),),
            logistics.ParcelDelivered(**SCAN, lines=("1",)),
        ),
        (
            "delay_notice",
            (logistics.ParcelStalled(**PARCEL, level=1, since=START),),
            logistics.ParcelMovingAgain(**PARCEL, level=1, stood_since=START, scanned_at=START),
        ),
        (
            "delay_notice",
            (logistics.ParcelStalled(**PARCEL, level=1, since=START),),
            logistics.ParcelDelivered(**SCAN, lines=("1",)),
        ),
        ("review_invitation", (), aftersales.ReviewReceived(stars=5, review_id="r")),
        ("review_invitation", (), task_wanted()),
    ],
)
def test_what_is_no_longer_true_in_the_morning_is_dropped(
    template: str, before: tuple[Payload, ...], meanwhile: Payload
) -> None:
    for changed in (True, False):
        shop = Shop().order(at=after(hours=10))
        for payload in before:
            shop.hear(payload, after(hours=10))
        shop.hear(wanted(template, **PARCEL), after(hours=11))
        assert shop.names() == ["message.postponed"]
        if changed:
            shop.hear(meanwhile, after(hours=12), source="logistics")
        shop.run_until(after(hours=21))
        assert reasons(shop) == (["no_longer_true"] if changed else [])
        assert len(shop.mails) == (0 if changed else 1)


def test_an_order_reopened_after_its_late_payment_is_told_of_its_address_again() -> None:
    shop = Shop().order()
    shop.hear(orders.OrderClosed(reason="unpaid"))
    shop.hear(orders.OrderReopened(amount=Decimal("10"), payment_id="p", ship_by=START))
    shop.hear(wanted("confirm_address"))
    assert len(shop.mails) == 1


def test_a_message_waits_for_a_contact_that_comes_later() -> None:
    shop = Shop()
    shop.hear(placed())
    shop.hear(wanted(), after(minutes=1))
    assert shop.names() == []
    assert isinstance(shop.state().message("m-1"), NeedsContact)
    contact = orders.ContactChanged(buyer_id=BUYER, receiver=RECEIVER)
    shop.hear(contact, after(minutes=2), source="orders-contacts")
    assert [at for at, _ in shop.mails] == [after(minutes=2)]
    shop.run_until(after(days=3))
    assert shop.names() == ["message.asked", "message.sent"]


def test_messages_that_say_the_same_and_waited_for_one_contact_go_once() -> None:
    shop = Shop()
    shop.hear(wanted("confirm_address", "m-1", total="10"))
    shop.hear(wanted("confirm_address", "m-2", total="10"))
    contact = orders.ContactChanged(buyer_id=BUYER, receiver=RECEIVER)
    shop.hear(contact, after(minutes=2), source="orders-contacts")
    assert len(shop.mails) == 1
    assert reasons(shop) == ["already_told"]


def test_without_a_contact_a_message_is_dropped_after_the_fact_wait() -> None:
    shop = Shop()
    shop.hear(placed())
    shop.hear(wanted(), START)
    shop.run_until(after(hours=23, minutes=59))
    assert reasons(shop) == []
    shop.run_until(after(hours=24))
    assert reasons(shop) == ["no_contact"]


def test_a_receiver_without_an_address_for_mail_gets_none() -> None:
    shop = Shop()
    shop.hear(placed())
    nameless = orders.ContactChanged(buyer_id=BUYER, receiver=Receiver(name="Ada"))
    shop.hear(nameless, source="orders-contacts")
    shop.hear(wanted())
    assert reasons(shop) == ["no_contact"]
    assert shop.mails == []


def test_the_newest_contact_is_the_one_that_is_written_to() -> None:
    shop = Shop().order()
    moved = RECEIVER.model_copy(update={"email": "ada@elsewhere.example"})
    shop.hear(
        orders.ContactChanged(buyer_id=BUYER, receiver=moved), after(hours=1), source="notifications-contacts"
    )
    shop.hear(wanted(), after(hours=2))
    assert shop.mails[0][1]["to"] == "ada@elsewhere.example"


def test_the_file_keeps_of_a_contact_only_what_a_letter_needs() -> None:
    shop = Shop().order()
    assert shop.state().contact.model_dump() == {
        "known": True,
        "name": "Ada Example",
        "email": "ada@buyers.example",
    }


def test_a_template_that_nobody_knows_fails_and_says_so() -> None:
    shop = Shop().order()
    shop.hear(wanted("horoscope"))
    assert [each.reason for each in shop.of("message.failed")] == ["unknown_template"]
    assert isinstance(shop.state().message("m-1"), Dropped)


@pytest.mark.parametrize(
    "reason", ["550 5.1.1 <ada@buyers.example>: no such user", "the mail server answered 550"]
)
def test_a_letter_that_the_channel_refuses_is_failed_without_naming_anybody(reason: str) -> None:
    shop = Shop().order()
    shop.refusals = [reason]
    shop.hear(wanted())
    (failed,) = shop.of("message.failed")
    assert failed.reason == "channel_refused_550"
    assert shop.mails == []
    shop.hear(wanted(), after(hours=1))
    assert shop.names() == ["message.asked", "message.failed"]


def test_an_answer_of_the_channel_counts_once() -> None:
    shop = Shop().order()
    shop.channel_up = False
    shop.hear(wanted())
    assert isinstance(shop.state().message("m-1"), Sending)
    ((subject, done),) = shop.held
    shop.do(done, subject)
    shop.do(done, subject)
    shop.do(EffectFailed(at=START, effect_id=done.effect_id, kind="mail", reason="late"), subject)
    shop.do(EffectDone(at=START, effect_id="mail-unknown", kind="mail"), subject)
    assert shop.names() == ["message.asked", "message.sent"]
    assert isinstance(shop.state().message("m-1"), Sent)


def test_what_has_ended_keeps_no_values() -> None:
    shop = Shop().order()
    shop.hear(wanted(tracking_no="T-9"))
    ended = shop.state().message("m-1")
    assert ended is not None
    assert "T-9" not in ended.model_dump_json()


def test_a_message_wanted_for_an_unknown_order_is_kept_until_its_contact_comes() -> None:
    shop = Shop()
    shop.hear(wanted())
    shop.order(at=after(hours=1))
    assert len(shop.mails) == 1


def test_every_effect_has_an_id_of_its_own_across_orders() -> None:
    shop = Shop()
    ids: set[str] = set()
    for order_id in ("A-1", "A-2"):
        shop.order(order_id)
        shop.channel_up = False
        shop.hear(wanted(order_id=order_id), subject=order_id)
    ids = {done.effect_id for _, done in shop.held}
    assert len(ids) == 2
