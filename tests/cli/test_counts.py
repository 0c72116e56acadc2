"""Events are counted under the names of DOMAIN.md section 1.6, each once."""

from datetime import UTC, datetime
from decimal import Decimal

from shared.cli.counts import Counts, count_names
from shared.contracts.event import Event, Payload
from shared.contracts.events import aftersales, common, logistics, notifications, orders
from tests.kit.rules import heard

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
CASE = {"case_id": "c1", "kind": "return_and_refund"}


def event(payload: Payload, subject: str = "A-1", n: int = 1) -> Event:
    return heard(payload, AT, subject, payload.service if payload.service != "any" else "orders", n)


def names(payload: Payload) -> tuple[str, ...]:
    return count_names(event(payload))


def refunded(by_rule: str) -> aftersales.CaseRefunded:
    return aftersales.CaseRefunded.model_validate(
        {
            **CASE,
            "refund_id": "r1",
            "lines": ("1",),
            "amount": "5.00",
            "currency": "EUR",
            "decided_by": "deadline",
            "by_rule": by_rule,
        }
    )


def test_stages_levels_reasons_and_deciders_are_part_of_the_name() -> None:
    reminder = orders.PaymentReminderDue(stage="first", total=Decimal("5"), currency="EUR", closes_at=AT)
    assert names(reminder) == ("payment_reminder_due.first",)
    assert names(orders.OrderClosed(reason="unpaid")) == ("order.closed.unpaid",)
    stalled = logistics.ParcelStalled(parcel_id="p", carrier="dhl", tracking_no="n", level=2, since=AT)
    assert names(stalled) == ("parcel.stalled.2",)
    approved = aftersales.CaseApproved.model_validate({**CASE, "decided_by": "deadline", "lines": ("1",)})
    assert names(approved) == ("case.approved.deadline",)
    sent = notifications.MessageSent(message_id="m", template="reply", channel="mail")
    assert names(sent) == ("message.sent.reply",)


def test_an_order_that_waited_for_a_case_counts_twice() -> None:
    assert names(orders.OrderCompleted(after_case=False)) == ("order.completed",)
    assert names(orders.OrderCompleted(after_case=True)) == ("order.completed", "order.completed.after_case")


def test_only_a_refund_by_the_inspection_deadline_counts_as_that() -> None:
    assert names(refunded("inspection_unanswered")) == ("case.refunded",)
    assert names(refunded("inspect_within")) == ("case.refunded", "case.refunded.by_deadline_inspection")


def test_facts_that_did_not_fit_count_by_fact() -> None:
    said = common.FactOutOfStage(fact="return.shipped", fact_id="f", slug="case-unknown")
    assert names(said) == ("out_of_stage.return.shipped",)


def test_what_services_say_on_the_way_to_a_message_does_not_count() -> None:
    assert names(common.MessageWanted(message_id="m", template="reply", order_id="A-1")) == ()


def test_an_event_that_is_seen_again_counts_once() -> None:
    counts = Counts()
    closed = orders.OrderClosed(reason="unpaid")
    for n in (1, 2, 1, 2):
        counts.add(event(closed, n=n))
    counts.add(event(closed, subject="A-2"))
    assert counts.all == {"order.closed.unpaid": 3}


def test_the_domains_names_are_counted_apart() -> None:
    counts = Counts()
    counts.add(event(orders.OrderClosed(reason="unpaid")))
    counts.add(event(orders.OrderClosed(reason="of_another_kind"), n=2))
    assert counts.domain == {"order.closed.unpaid": 1}
    assert counts.all == {"order.closed.of_another_kind": 1, "order.closed.unpaid": 1}
