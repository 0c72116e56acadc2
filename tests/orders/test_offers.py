"""O21: who kept enough of an order that ended well is offered something for the next one."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from shared.contracts.events import orders
from shared.kernel.offers import Offer, offer_for
from tests.kit.rules import after, default_profile
from tests.orders.play import OrderPlay, delivered_order

DUE = after(days=13)
"""When a delivered order of 30.00 EUR completes."""
TABLE = tuple(
    Offer.model_validate(row)
    for row in (
        {"at_least": "30.00", "currency": "EUR", "kind": "voucher", "what": "THANKS-5", "valid_for": "P30D"},
        {"at_least": "20.00", "currency": "EUR", "kind": "gift", "what": "Tea sample"},
        {"at_least": "1.00", "currency": "USD", "kind": "voucher", "what": "US-ONLY"},
    )
)


def offering(play: OrderPlay, *table: Offer) -> OrderPlay:
    play.profile = default_profile(offers=table)
    return play.run_until(DUE)


def test_a_completed_order_earns_the_highest_step_that_its_amount_reaches() -> None:
    play = offering(delivered_order(), *TABLE)

    assert play.of("order.offer_made") == [
        orders.OrderOfferMade(
            kind="voucher",
            what="THANKS-5",
            kept=Decimal("30.00"),
            currency="EUR",
            valid_until=after(days=43),
        )
    ]
    (message,) = (one for one in play.of("message.wanted") if one.template == "offer")
    assert message.params["what"] == "THANKS-5"
    assert message.params["valid_until"] == "2026-04-14T12:00:00Z"
    assert play.stage == "completed"


def test_what_was_paid_back_does_not_count() -> None:
    play = delivered_order()
    play.case_opened("c1", after(days=4), lines=("1",))
    play.case_refunded("c1", after(days=5), lines=("1",), amount="10.00")
    offering(play, *TABLE)

    assert [(one.what, one.kept) for one in play.of("order.offer_made")] == [("Tea sample", Decimal("20.00"))]


@pytest.mark.parametrize("table", [(), TABLE[2:]], ids=["no table", "another currency"])
def test_without_a_step_that_fits_nothing_is_offered(table: tuple[Offer, ...]) -> None:
    play = offering(delivered_order(), *table)

    assert play.of("order.completed")
    assert not play.of("order.offer_made")
    assert not [one for one in play.of("message.wanted") if one.template == "offer"]


def test_an_order_that_was_not_completed_earns_nothing() -> None:
    play = delivered_order()
    play.case_opened("c1", after(days=4))
    offering(play, *TABLE)

    assert not play.of("order.offer_made")


@pytest.mark.parametrize(("kept", "what"), [("19.99", None), ("20.00", "Tea sample"), ("30.00", "THANKS-5")])
def test_a_step_begins_with_its_amount(kept: str, what: str | None) -> None:
    offer = offer_for(TABLE, Decimal(kept), "EUR")
    assert (None if offer is None else offer.what) == what


def test_cash_is_no_offer() -> None:
    with pytest.raises(ValidationError, match="voucher"):
        Offer.model_validate({"at_least": "1.00", "currency": "EUR", "kind": "cash", "what": "5.00"})
