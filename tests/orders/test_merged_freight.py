"""Orders of one buyer and address that leave as one pay for one carriage."""

from datetime import datetime
from decimal import Decimal
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.orders import commands
from services.orders.app import SERVICE
from services.orders.commands import PlacedWithFreight
from services.orders.decide.freight import merged
from services.orders.react import react
from services.orders.state.buyer import ORDERS_MAX, buyer_file
from shared.contracts.events import handling as says
from shared.kernel.decision import NOTHING
from shared.kernel.money import total
from tests.kit.rules import START, Play, after, default_profile, heard
from tests.orders.handling import confirm, paid_with, placed_with
from tests.orders.play import OrderPlay


def order(number: int, freight: str, at: datetime = START, ships_to: str = "ab12") -> PlacedWithFreight:
    return PlacedWithFreight(
        order_id=f"A-{number}", ships_to=ships_to, currency="EUR", freight=Decimal(freight), placed_at=at
    )


def buyer(*orders: PlacedWithFreight, **values: Any) -> Play:
    play = Play(SERVICE, buyer_file("demo", "B-1"), default_profile(**values))
    for one in orders:
        play.do(commands.KnowOrder(at=one.placed_at, order=one))
    return play


def give_back(amount: str = "5.00", at: datetime | None = None) -> commands.MergeFreight:
    return commands.MergeFreight(
        at=at or after(hours=2), give_back=Decimal(amount), leaves_with=("A-1", "A-2")
    )


def test_of_three_orders_two_freights_go_back() -> None:
    shares = merged([order(1, "5.00"), order(2, "5.00"), order(3, "5.00")])

    assert [str(share.give_back) for share in shares] == ["0", "5.00", "5.00"]


def test_the_dearest_freight_is_the_one_that_is_paid() -> None:
    shares = merged([order(1, "5.00"), order(2, "8.00"), order(3, "6.00")])

    assert [str(share.give_back) for share in shares] == ["5.00", "0", "6.00"]


def test_an_order_that_is_heard_of_late_is_not_merged_with_one_of_days_later() -> None:
    far_apart = buyer(order(2, "5.00", at=after(days=5)), order(1, "5.00"))

    assert not far_apart.of("freight.merge_due")


@given(st.lists(st.decimals(0, 1000, places=2), max_size=8))
def test_what_stays_is_the_dearest_freight(freights: list[Decimal]) -> None:
    shares = merged([order(number, str(freight)) for number, freight in enumerate(freights)])

    stays = total(share.freight - share.give_back for share in shares)
    assert stays == max(freights, default=Decimal(0))
    assert all(Decimal(0) <= share.give_back <= share.freight for share in shares)


def test_a_buyers_file_says_what_is_too_much_as_his_orders_come() -> None:
    play = buyer(order(1, "5.00"), order(2, "5.00", after(hours=1)), order(3, "5.00", after(hours=2)))

    assert [str(said.give_back) for said in play.of("freight.merge_due")] == ["5.00", "10.00"]
    play.do(commands.KnowOrder(at=after(hours=3), order=order(3, "5.00")))
    assert play.last == NOTHING
    assert play.state == SERVICE.state.validate_python(SERVICE.state.dump_python(play.state, mode="json"))


def test_another_address_another_day_or_a_shop_that_does_not_want_it_merges_nothing() -> None:
    elsewhere = buyer(order(1, "5.00"), order(2, "5.00", ships_to="ffff"))
    later = buyer(order(1, "5.00"), order(2, "5.00", after(hours=24, seconds=1)))
    off = buyer(order(1, "5.00"), order(2, "5.00"), merge_freight="off")

    assert not [*elsewhere.said, *later.said, *off.said]
    assert buyer(order(1, "5.00"), order(2, "5.00", after(hours=24))).said


def test_a_buyers_file_keeps_his_last_orders_and_is_no_order() -> None:
    play = buyer(*(order(number, "0.01", after(days=3 * number)) for number in range(ORDERS_MAX + 5)))

    assert len(play.state.orders) == ORDERS_MAX
    assert play.do(give_back()).refused.slug == "not-an-order"
    assert (
        OrderPlay().placed().do(commands.KnowOrder(at=START, order=order(1, "1"))).refused.slug
        == "not-a-buyer"
    )


def test_orders_reach_their_buyers_file_and_it_reaches_them_by_events_alone() -> None:
    placed = placed_with(OrderPlay(), freight="5.00", total="35.00", supplements="A-0").said[0]
    asked = react(heard(placed, START, "A-1"))
    assert [subject for subject, _ in asked] == [buyer_file("demo", "B-1"), "A-0"]
    plain = placed_with(OrderPlay()).said[0]
    assert not react(heard(plain, START, "A-1"))

    due = buyer(order(1, "5.00"), order(2, "5.00")).said[0]
    ((subject, command),) = react(heard(due, START, "buyer/x"))
    assert (subject, command) == ("A-2", give_back(at=START))


def test_an_agent_gives_it_back_like_any_change_of_the_freight() -> None:
    play = paid_with(freight="5.00", total="35.00").do(give_back(), give_back())
    (task,) = play.tasks("merge_freight")
    play.answered(task, "give_back", after(hours=3))

    assert play.seen.freight == Decimal("0.00")
    assert not play.of("order.give_back_wanted")
    confirm(play, "freight-1", hours=4)
    assert play.of("order.give_back_wanted") == [
        says.GiveBackWanted(wish_id="freight-1", amount=Decimal("5.00"), currency="EUR")
    ]
    assert play.do(give_back(at=after(hours=5))).last == NOTHING


def test_an_agent_may_leave_it_and_is_not_asked_again() -> None:
    play = paid_with(freight="5.00", total="35.00").do(give_back())
    play.answered(play.tasks("merge_freight")[0], "leave", after(hours=3))

    assert play.seen.freight == Decimal("5.00")
    assert play.do(give_back(at=after(hours=4))).last == NOTHING


def test_what_has_left_is_not_merged_and_the_task_ends_with_the_leaving() -> None:
    play = paid_with(freight="5.00", total="35.00").do(give_back()).left("p1", after(hours=9))

    assert [gone.kind for gone in play.of("task.withdrawn")] == ["merge_freight"]
    assert play.do(give_back(at=after(hours=10))).refused.slug == "left-already"


def test_where_a_platform_forbids_to_change_freight_somebody_looks_into_it() -> None:
    profile = default_profile()
    profile = profile.model_copy(update={"may": profile.may.model_copy(update={"change_freight": False})})
    play = paid_with(profile, freight="5.00", total="35.00").do(give_back())

    assert not play.tasks("merge_freight")
    assert len(play.tasks("look_into")) == 1


def test_nobody_adds_to_another_buyers_order() -> None:
    for shop_id, buyer_id in product(("demo", "other"), ("B-1", "B-2")):
        play = OrderPlay().placed()
        play.do(commands.LearnSupplement(at=START, by_order="A-2", shop_id=shop_id, buyer_id=buyer_id))
        assert len(play.of("order.supplemented")) == ((shop_id, buyer_id) == ("demo", "B-1"))
