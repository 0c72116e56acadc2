"""Rule `review_invitation_after`: 72 hours after the last delivery, where nothing is open, once."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.event import Payload
from shared.contracts.events import aftersales, orders
from tests.kit.rules import START, after
from tests.notifications.world import Shop, task_wanted, wrote

CASE: dict[str, Any] = {"case_id": "C-1", "kind": "refund_only"}
OPENED = aftersales.CaseOpened(
    **CASE, reason="damaged", lines=("1",), amount=Decimal("10"), currency="EUR", holds_order=True
)


def delivered(at: datetime = START) -> orders.OrderDelivered:
    return orders.OrderDelivered(delivered_at=at, completes_at=after(days=10))


def test_the_buyer_is_invited_72_hours_after_delivery() -> None:
    shop = Shop().order()
    shop.hear(delivered(), after(minutes=5))
    shop.run_until(after(hours=71, minutes=59))
    assert shop.mails == []
    shop.run_until(after(hours=72))
    assert [at for at, _ in shop.mails] == [after(hours=72)]
    assert "review" in shop.mails[0][1]["text"]
    shop.run_until(after(days=60))
    assert len(shop.mails) == 1


def test_the_clock_goes_by_the_last_delivery() -> None:
    shop = Shop().order()
    shop.hear(delivered(), START)
    shop.hear(delivered(after(hours=48)), after(hours=48))
    shop.run_until(after(days=30))
    assert [at for at, _ in shop.mails] == [after(hours=48 + 72)]


def test_a_delivery_after_the_invitation_invites_nobody_again() -> None:
    shop = Shop().order()
    shop.hear(delivered(), START)
    shop.run_until(after(days=5))
    shop.hear(delivered(after(days=5)), after(days=5))
    shop.run_until(after(days=60))
    assert len(shop.mails) == 1


def test_the_invitation_keeps_quiet_hours_and_is_looked_at_again_after_them() -> None:
    shop = Shop("America/New_York").order()
    at_night = datetime.fromisoformat("2026-03-03T23:00:00-05:00")
    shop.hear(delivered(at_night), at_night)
    shop.run_until(datetime.fromisoformat("2026-03-07T08:00:00-05:00"))
    assert shop.mails == []
    shop.hear(OPENED, datetime.fromisoformat("2026-03-07T08:30:00-05:00"))
    shop.run_until(datetime.fromisoformat("2026-03-07T09:30:00-05:00"))
    assert shop.mails == []
    assert [each.reason for each in shop.of("message.suppressed")] == ["no_longer_true"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        OPENED,
        task_wanted(),
        aftersales.ReviewReceived(stars=4, review_id="r-1"),
        orders.OrderRefunded(amount=Decimal("10"), currency="EUR"),
        orders.OrderCancelled(reason="changed mind", by="buyer"),
        orders.OrderClosed(reason="unpaid"),
    ],
)
def test_nobody_is_invited_while_something_is_open_or_has_ended_badly(meanwhile: Payload) -> None:
    shop = Shop().order()
    shop.hear(delivered())
    shop.hear(meanwhile, after(hours=71), source="aftersales")
    shop.run_until(after(days=60))
    assert shop.of("message.wanted") == []
    assert shop.mails == []


def test_a_claim_against_the_carrier_keeps_nobody_from_being_invited() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(kind="chase_claim"), source="logistics")
    shop.hear(delivered())
    shop.run_until(after(hours=72))
    assert len(shop.mails) == 1


def test_a_buyer_who_waits_for_an_answer_is_not_invited() -> None:
    shop = Shop().order()
    shop.hear(delivered())
    shop.do(wrote(at=after(hours=71)))
    shop.run_until(after(days=5))
    assert shop.mails == []


@pytest.mark.parametrize(
    "end",
    [
        aftersales.CaseClosed(**CASE, reason="withdrawn"),
        aftersales.CaseRefused(**CASE, decided_by="agent", slug="worn"),
        aftersales.CaseRefunded(
            **CASE,
            refund_id="r",
            lines=("1",),
            amount=Decimal("10"),
            currency="EUR",
            decided_by="agent",
            by_rule="decide_case",
        ),
    ],
)
def test_a_case_that_is_over_by_then_does_not_matter(end: Payload) -> None:
    shop = Shop().order()
    shop.hear(delivered())
    shop.hear(OPENED, after(hours=1))
    shop.hear(end, after(hours=2))
    shop.run_until(after(days=5))
    assert len(shop.mails) == 1


def test_a_refused_case_that_goes_to_the_platform_is_open_again_until_it_is_settled() -> None:
    shop = Shop().order()
    shop.hear(delivered())
    shop.hear(OPENED, after(hours=1))
    shop.hear(aftersales.CaseRefused(**CASE, decided_by="agent", slug="worn"), after(hours=2))
    shop.hear(aftersales.CaseDisputed(**CASE), after(hours=3))
    assert shop.state().knows.open_cases == ("C-1",)
    shop.hear(aftersales.CaseDisputeSettled(**CASE, winner="shop"), after(hours=4))
    assert shop.state().knows.open_cases == ()


def test_a_completed_order_may_still_be_invited() -> None:
    shop = Shop(review_invitation_after=after(days=11) - START).order()
    shop.hear(delivered())
    shop.hear(orders.OrderCompleted(after_case=False), after(days=10))
    shop.run_until(after(days=12))
    assert len(shop.mails) == 1
