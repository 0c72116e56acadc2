"""What was stopped for a refund leaves after all where the refund came to nothing."""

from decimal import Decimal
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from services.logistics.app import SERVICE
from shared.contracts import facts
from shared.contracts.event import Payload
from shared.contracts.events import aftersales, orders
from shared.kernel.decision import NOTHING
from shared.kernel.money import ZERO
from tests.aftersales.plays import CasePlay
from tests.kit.rules import START, Play, after
from tests.logistics.story import complete, dispatched, placed, wanted
from tests.orders.play import OrderPlay, order_cancelled, paid_order


def approved(case: str, *lines: str) -> aftersales.CaseApproved:
    return aftersales.CaseApproved(
        case_id=case, kind="refund_only", decided_by="automatic", lines=lines, before_dispatch=True
    )


def closed(case: str, *lines: str, reason: str = "refund_given_up") -> aftersales.CaseClosed:
    return aftersales.CaseClosed(case_id=case, kind="refund_only", reason=reason, lines=lines)


def called_off(*lines: str) -> orders.CancellationRequested:
    return orders.CancellationRequested(reason="twice", by="buyer", amount=ZERO, currency="EUR", lines=lines)


def undone(*lines: str) -> orders.CancellationUndone:
    return orders.CancellationUndone(lines=lines, reason="case_ended")


def paid_elsewhere(*lines: str) -> aftersales.RefundPaidElsewhere:
    return aftersales.RefundPaidElsewhere(
        refund_id="r-9", lines=lines, settled=lines, amount=ZERO, currency="EUR", left=ZERO
    )


def told(*said: Payload) -> Play:
    play = Play(SERVICE).hear(placed(), START)
    for hours, payload in enumerate(said, 1):
        play.hear(payload, after(hours=hours))
    return play


def resumed(play: Play) -> list[tuple[str, ...]]:
    return [said.lines for said in play.of("shipment.resumed")]


def test_lines_whose_refund_was_given_up_are_sent_after_all_once() -> None:
    play = told(approved("c-1", "1"), closed("c-1", "1"))

    (said,) = play.of("shipment.resumed")
    assert (said.lines, said.reason) == (("1",), "refund_given_up")
    assert play.view.stopped == ()
    play.hear(closed("c-1", "1"), after(hours=9))
    assert play.last == NOTHING


def test_lines_that_were_paid_back_by_another_way_stay_where_they_are() -> None:
    play = told(approved("c-1", "1"), closed("c-1", "1", reason="paid_by_another_way"))

    assert resumed(play) == []
    assert play.view.stopped == ("1",)


def test_a_line_that_something_else_stops_too_waits_for_that() -> None:
    play = told(approved("c-1", "1"), called_off("1"), closed("c-1", "1"))
    assert resumed(play) == []

    assert resumed(play.hear(undone("1"), after(hours=9))) == [("1",)]


def test_a_cancellation_that_came_to_nothing_is_taken_back_first_or_last() -> None:
    play = told(called_off("1", "2"), approved("c-1", "1"), undone("1", "2"))
    assert resumed(play) == [("2",)]

    assert resumed(play.hear(closed("c-1", "1"), after(hours=9))) == [("2",), ("1",)]


def test_what_somebody_else_paid_back_never_leaves() -> None:
    play = told(approved("c-1", "1", "2"), paid_elsewhere("1"), closed("c-1", "1", "2"))

    assert resumed(play) == [("2",)]


def test_a_line_that_left_all_the_same_is_not_sent_again() -> None:
    play = told(approved("c-1", "1", "2"))
    play.do(dispatched(after(hours=2), "P-1", "1")).hear(closed("c-1", "1", "2"), after(hours=3))

    assert resumed(play) == [("2",)]


def test_a_line_that_turns_out_never_to_have_left_is_sent_where_it_is_wanted_again() -> None:
    play = told(approved("c-1", "1")).do(dispatched(after(hours=2), "P-1", "1"))
    play.hear(closed("c-1", "1"), after(hours=3)).run_until(after(hours=26))
    assert resumed(play) == []

    complete(play, "check_pickup", "cancelled", after(hours=30))
    assert resumed(play) == [("1",)]
    assert not wanted(play, "look_into")


def test_a_line_that_was_resumed_is_stopped_again_by_a_later_case() -> None:
    play = told(approved("c-1", "1"), closed("c-1", "1"), approved("c-2", "1"))

    assert [said.lines for said in play.of("shipment.stopped")] == [("1",), ("1",)]
    assert play.view.stopped == ("1",)


def test_what_was_stopped_and_taken_back_before_the_order_is_known_leaves() -> None:
    play = Play(SERVICE).hear(approved("c-1", "1"), START).hear(closed("c-1", "1"), after(hours=1))
    play.hear(placed(), after(hours=2))

    assert resumed(play) == [("1",)]
    assert play.view.stopped == ()


causes = st.sampled_from(["c-1", "c-2", "cancellation", "elsewhere"])
steps = st.lists(st.tuples(causes, st.booleans(), st.sampled_from([("1",), ("2",), ("1", "2")])), max_size=10)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_warehouse_keeps_exactly_what_something_still_stops(
    story: list[tuple[str, bool, tuple[str, ...]]],
) -> None:
    play = told()
    stops: dict[str, set[str]] = {"c-1": set(), "c-2": set(), "cancellation": set(), "elsewhere": set()}
    for hours, (cause, stop, lines) in enumerate(story, 1):
        said: Payload
        match cause:
            case "elsewhere":
                said = paid_elsewhere(*lines)
            case "cancellation":
                said = called_off(*lines) if stop else undone(*lines)
            case _:
                said = approved(cause, *lines) if stop else closed(cause, *lines)
        for_good = cause == "elsewhere"
        stops[cause] = stops[cause] | set(lines) if stop or for_good else stops[cause] - set(lines)
        play.hear(said, after(hours=hours))
        assert set(play.view.stopped) == set().union(*stops.values())


class _Three:
    """Orders, aftersales and logistics, each hearing what the others say, until none says more."""

    def __init__(self, orders_file: OrderPlay, cases: CasePlay) -> None:
        self.orders, self.cases, self.parcels = orders_file, cases, Play(SERVICE)
        self._heard: dict[int, int] = {}

    def spread(self, hours: float) -> "_Three":
        plays: Final[tuple[Play, ...]] = (self.orders, self.cases, self.parcels)
        news = True
        while news:
            news = False
            for teller in plays:
                said = teller.said[self._heard.get(id(teller), 0) :]
                self._heard[id(teller)] = len(teller.said)
                for payload in said:
                    news = True
                    for hearer in plays:
                        if hearer is not teller:
                            hearer.hear(payload, after(hours=hours))
        return self

    def failed(self) -> Any:
        (task,) = [said for said in self.cases.of("task.wanted") if said.kind == "look_into"]
        return task


def test_an_order_whose_cancellation_could_not_be_paid_back_is_shipped_once_the_refund_is_given_up() -> None:
    shop = _Three(paid_order(), CasePlay(provider="refuses")).spread(1)
    shop.orders.do(order_cancelled(after(hours=3)))
    shop.spread(3)
    assert shop.parcels.view.stopped == ("1", "2")
    assert "(ignored), then the goods are sent after all" in shop.failed().summary
    assert shop.failed().details["stopped_lines"] == ["1", "2"]

    shop.cases.agent(after(hours=5), "look_into", "ignored", reason="the account is closed")
    shop.spread(5)
    assert shop.orders.stage == "paid"
    assert shop.orders.timers == {("ship", ""): after(hours=169)}
    assert resumed(shop.parcels) == [("1", "2")]


def test_an_order_whose_cancellation_was_paid_back_by_hand_is_over_and_stays_where_it_is() -> None:
    shop = _Three(paid_order(), CasePlay(provider="refuses")).spread(1)
    shop.orders.do(order_cancelled(after(hours=3)))
    shop.spread(3).cases.agent(after(hours=5), "look_into", "fixed")
    shop.spread(5)

    assert shop.orders.stage == "refunded"
    assert resumed(shop.parcels) == []


def test_a_line_that_the_platform_paid_while_our_refund_failed_does_not_leave_when_that_is_given_up() -> None:
    shop = _Three(paid_order(), CasePlay(provider="refuses")).spread(1)
    shop.cases.asks(after(hours=2), amount="15.00")
    body = facts.RefundPaidBody(refund_id="theirs", amount=Decimal("15.00"), lines=("1",))
    told_by_platform = facts.RefundPaid(id="f-9", at=after(hours=3), order_id="A-1", data=body)
    shop.spread(2).cases.do(told_by_platform)
    shop.spread(3).cases.agent(after(hours=5), "look_into", "ignored", reason="the platform paid")
    shop.spread(5)

    assert resumed(shop.parcels) == []
    assert shop.orders.state.order.goods.owed() == ("2",)
