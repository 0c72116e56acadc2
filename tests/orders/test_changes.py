"""Changes of an order: what they do to lines and money, and what a platform or the payment forbids."""

from decimal import Decimal
from typing import Any

import pytest

from services.orders.decide.changes import MARK_CHARS, mark_of
from shared.contracts.events import handling as says
from shared.contracts.facts import Receiver
from shared.kernel.decision import Decision
from shared.kernel.profiles import Profile
from tests.kit.rules import after, default_profile
from tests.orders.handling import RECEIVER, change, confirm, done, drop, flag, paid_with, placed_with
from tests.orders.play import OrderPlay


def unpaid(profile: Profile | None = None) -> OrderPlay:
    return placed_with(OrderPlay(profile), freight="5.00", total="35.00")


def paid() -> OrderPlay:
    return paid_with(freight="5.00", total="35.00")


def forbidding(action: str) -> Profile:
    profile = default_profile()
    return profile.model_copy(update={"may": profile.may.model_copy(update={action: False})})


def test_a_new_address_goes_to_the_contacts_topic_alone() -> None:
    play = change(paid(), "address")

    assert isinstance(play.last, Decision)
    (contact,) = play.last.contacts
    assert contact.payload.receiver == Receiver.model_validate(RECEIVER)  # type: ignore[union-attr]
    told = "".join(payload.model_dump_json() for payload in play.said)
    kept = play.state.model_dump_json() + play.view.model_dump_json()
    assert "Side Street" not in told + kept


def test_a_lower_price_before_the_payment_is_what_the_buyer_pays() -> None:
    play = change(unpaid(), "price", hours=0.1)
    assert play.seen.total == Decimal("32.00")

    confirm(flag(play, "price-1", 0.2), "price-1", 0.3).paid(amount="32.00")
    assert not play.of("order.give_back_wanted")
    assert not play.tasks("look_into")
    assert play.seen.handling.release == "open"


@pytest.mark.parametrize(
    ("kind", "about", "amount", "lines"),
    [
        ("price", {}, "3.00", ("1",)),
        ("freight", {}, "4.00", ()),
        ("swap", {"amount": "11.50"}, "3.50", ("1",)),
    ],
)
def test_what_became_cheaper_after_the_payment_is_given_back_once_the_buyer_has_confirmed(
    kind: str, about: dict[str, Any], amount: str, lines: tuple[str, ...]
) -> None:
    play = flag(change(paid(), kind, **about), f"{kind}-1")
    assert not play.of("order.give_back_wanted")

    confirm(confirm(play, f"{kind}-1"), f"{kind}-1", hours=4)
    assert play.of("order.give_back_wanted") == [
        says.GiveBackWanted(wish_id=f"{kind}-1", amount=Decimal(amount), currency="EUR", lines=lines)
    ]


@pytest.mark.parametrize(
    ("kind", "about"),
    [("price", {"amount": "15.01"}), ("freight", {"amount": "6.00"}), ("swap", {"amount": "20"})],
)
def test_what_would_cost_more_after_the_payment_needs_an_order_that_supplements(
    kind: str, about: dict[str, Any]
) -> None:
    assert change(paid(), kind, **about).refused.slug == "needs-supplement"
    assert change(unpaid(), kind, hours=0.1, **about).yes.events


def test_a_declined_price_is_the_old_one_again() -> None:
    play = drop(flag(change(paid(), "price"), "price-1"), "price-1")

    assert (play.seen.total, play.seen.lines[0].amount) == (Decimal("35.00"), Decimal("15.00"))
    assert not play.of("order.give_back_wanted")


def test_a_freight_that_was_dropped_is_the_old_one_again() -> None:
    play = drop(change(paid(), "freight"), "freight-1")

    assert (play.seen.freight, play.seen.total) == (Decimal("5.00"), Decimal("35.00"))


def test_a_dearer_article_that_was_paid_and_is_taken_back_gives_its_price_back() -> None:
    play = flag(change(unpaid(), "swap", hours=0.1, amount="20.00"), "swap-1", 0.2).paid(amount="40.00")
    drop(play, "swap-1")

    assert play.seen.total == Decimal("35.00")
    assert play.of("order.give_back_wanted") == [
        says.GiveBackWanted(wish_id="swap-1", amount=Decimal("5.00"), currency="EUR", lines=("1",))
    ]


def test_nothing_is_given_back_of_a_dearer_price_that_was_not_paid() -> None:
    play = flag(change(unpaid(), "swap", hours=0.1, amount="20.00"), "swap-1", 0.2).paid(amount="35.00")
    drop(play, "swap-1")

    assert play.seen.total == Decimal("35.00")
    assert not play.of("order.give_back_wanted")


@pytest.mark.parametrize(("kind", "total"), [("price", "32.00"), ("freight", "31.00")])
def test_a_lower_price_that_was_paid_stays_when_its_wish_is_dropped_and_is_looked_into(
    kind: str, total: str
) -> None:
    play = flag(change(unpaid(), kind, hours=0.1), f"{kind}-1", 0.2).paid(amount=total)
    drop(play, f"{kind}-1")

    assert play.seen.total == Decimal(total)
    assert not play.of("order.give_back_wanted")
    (task,) = play.tasks("look_into")
    assert task.details["wish_id"] == f"{kind}-1"


@pytest.mark.parametrize("amount", ["12.00", "18.00"])
def test_what_was_paid_stays_when_the_order_leaves_before_the_wish_is_done(amount: str) -> None:
    play = flag(change(unpaid(), "swap", hours=0.1, amount=amount), "swap-1", 0.2)
    play.paid(amount=str(play.seen.total)).left("p1", after(hours=9))

    assert play.seen.lines[0].amount == Decimal(amount)
    assert not play.of("order.give_back_wanted")
    assert play.tasks("look_into")[0].details["wishes"] == ["swap-1"]


def test_several_changes_that_end_at_once_are_all_put_back() -> None:
    play = change(change(change(paid(), "price"), "price", line_id="2"), "freight")
    assert play.seen.total == Decimal("25.00")

    play.left("p1", after(hours=9))
    assert [line.amount for line in play.seen.lines] == [Decimal("15.00"), Decimal("15.00")]
    assert (play.seen.freight, play.seen.total) == (Decimal("5.00"), Decimal("35.00"))


@pytest.mark.parametrize(
    ("action", "kind", "about"),
    [
        ("change_price", "price", {}),
        ("change_price", "swap", {"amount": "9.00"}),
        ("change_freight", "freight", {}),
    ],
)
def test_a_platform_forbids_what_it_forbids_and_nothing_else(
    action: str, kind: str, about: dict[str, Any]
) -> None:
    play = unpaid(forbidding(action))

    assert change(play, kind, hours=0.1, **about).refused.slug == "platform-forbids"
    assert change(play, "attribute", hours=0.1).yes.events
    if kind == "freight":
        assert change(play, "price", hours=0.1, line_id="2").yes.events
    else:
        assert change(play, "freight", hours=0.1).yes.events


def test_a_swap_takes_the_lines_place_and_leaves_under_its_id() -> None:
    play = done(change(paid(), "swap"), "swap-1")

    assert (play.seen.lines[0].sku, play.seen.lines[0].name) == ("SKU-9", "Other thing")
    play.left("p1", after(hours=9))
    assert play.stage == "dispatched"


def test_one_change_of_a_line_at_a_time() -> None:
    play = change(paid(), "price")
    assert change(play, "attribute").refused.slug == "wish-open"
    assert change(change(paid(), "freight"), "freight", amount="0.50").refused.slug == "wish-open"

    assert change(play, "attribute", line_id="2").yes.events
    done(play, "price-1")
    assert change(play, "swap", hours=9, amount="2.00").yes.events


@pytest.mark.parametrize(
    ("kind", "about", "slug"),
    [
        ("attribute", {"line_id": "9"}, "line-unknown"),
        ("attribute", {"name": "Thing"}, "nothing-changed"),
        ("price", {"amount": "15.00"}, "nothing-changed"),
        ("freight", {"amount": "5.00"}, "nothing-changed"),
    ],
)
def test_a_change_that_is_none_is_refused(kind: str, about: dict[str, Any], slug: str) -> None:
    assert change(paid(), kind, **about).refused.slug == slug


def test_a_line_that_has_left_is_not_changed_any_more() -> None:
    play = paid().left("p1", after(hours=2), lines=("1",))

    assert change(play, "swap", hours=3).refused.slug == "left-already"
    assert change(play, "swap", hours=3, line_id="2").yes.events


def test_freight_that_nobody_told_is_not_changed() -> None:
    assert change(paid_with(), "freight").refused.slug == "freight-unknown"


def test_a_total_of_absurd_length_is_refused() -> None:
    assert change(unpaid(), "price", hours=0.1, amount="999999999999999").refused.slug == "amount-too-large"


def test_the_mark_of_an_address_tells_one_buyers_addresses_apart_and_leads_back_to_none() -> None:
    here = Receiver.model_validate(RECEIVER)
    there = here.model_copy(update={"address": "9 Other Street"})
    written_otherwise = here.model_copy(update={"address": " 2 side street "})

    assert mark_of("B-1", here) == mark_of("B-1", written_otherwise) != mark_of("B-1", there)
    assert mark_of("B-2", here) != mark_of("B-1", here)
    assert len(mark_of("B-1", here)) == MARK_CHARS == 4
