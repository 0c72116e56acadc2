"""Goods on their way back: sent, received, inspected, and what happens when nothing is heard."""

from datetime import timedelta
from decimal import Decimal

import pytest

from services.aftersales.state import keys
from shared.kernel.decision import NOTHING
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after


def approved(lines: tuple[str, ...] = ("1",), amount: str = "30.00") -> CasePlay:
    """A delivered order whose return was approved at hour 60."""
    play = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    return play.asks(after(hours=60), "return_and_refund", "no_reason", amount, lines)


def test_goods_that_are_not_sent_back_close_the_case() -> None:
    play = approved().run_until(after(hours=60, days=7) - timedelta(seconds=1))
    assert play.stage() == "awaiting_return"
    play.run_until(after(hours=60, days=7))

    assert play.of("case.closed")[0].reason == "not_sent_back"
    assert play.effects == []


def test_goods_on_their_way_that_nobody_reports_are_paid_for() -> None:
    play = approved().sends_back(after(hours=70)).run_until(after(hours=70, days=10))

    refunded = play.of("case.refunded")[0]
    assert (refunded.decided_by, refunded.by_rule) == ("deadline", "inspect_within")


@pytest.mark.parametrize("sent", [True, False])
def test_intact_goods_are_paid_for_whether_or_not_they_were_announced(sent: bool) -> None:
    play = approved()
    if sent:
        play.sends_back(after(hours=70))
    play.gets_back(after(hours=90))

    refunded = play.of("case.refunded")[0]
    assert (refunded.decided_by, refunded.by_rule) == ("automatic", "inspection")
    assert not play.timers


@pytest.mark.parametrize("condition", ["damaged", "incomplete", "wrong_item"])
def test_goods_that_are_not_intact_are_judged_and_paid_for_when_nobody_does(condition: str) -> None:
    play = approved().sends_back(after(hours=70)).gets_back(after(hours=90), condition)
    assert play.stage() == "inspecting"
    assert play.of("task.wanted")[0].due_at == after(hours=138)
    play.run_until(after(hours=138))

    refunded = play.of("case.refunded")[0]
    assert (refunded.decided_by, refunded.by_rule) == ("deadline", "inspection_unanswered")
    assert play.of("task.withdrawn")[0].reason == "decided"


def test_an_accepted_inspection_is_paid_in_full() -> None:
    play = (
        approved().gets_back(after(hours=90), "damaged").agent(after(hours=91), "decide_inspection", "accept")
    )

    assert play.of("case.inspected")[0].result == "accept"
    assert play.of("case.refunded")[0].amount == Decimal("30.00")


def test_a_part_that_is_accepted_is_paid_by_its_lines_share() -> None:
    play = approved(("1", "2"), "40.00").gets_back(after(hours=90), "incomplete")
    play.agent(after(hours=91), "decide_inspection", "accept_part", lines=["2"])

    refunded = play.of("case.refunded")[0]
    assert (refunded.lines, refunded.amount) == (("2",), Decimal("16.00"))


def test_a_part_of_other_lines_is_refused() -> None:
    play = approved().gets_back(after(hours=90), "incomplete")
    play.agent(after(hours=91), "decide_inspection", "accept_part", lines=["2"])

    assert play.not_followed() == "lines-unknown"


def test_a_refused_inspection_ends_the_case_without_money() -> None:
    play = approved().gets_back(after(hours=90), "damaged")
    play.agent(after(hours=91), "decide_inspection", "refuse", reason="washed", photos=["photo-1"])

    refused = play.of("case.refused")[0]
    assert (refused.decided_by, refused.slug) == ("agent", "refused-at-inspection")
    assert play.state.case_of("c-1").photos == ("photo-1",)
    assert play.effects == []


def test_a_return_for_an_unknown_case_waits() -> None:
    play = approved().sends_back(after(hours=70), "c-9")
    assert (play.refused.slug, play.refused.early) == ("case-unknown", True)
    play.gets_back(after(hours=70), case="c-9")
    assert (play.refused.slug, play.refused.early) == ("case-unknown", True)


def test_a_return_of_an_undecided_case_waits_for_the_decision() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6), "return_and_refund", "late")
    play.sends_back(after(hours=7))
    assert (play.refused.slug, play.refused.early) == ("case-undecided", True)


def test_nothing_is_sent_back_for_a_refund_alone() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).asks(after(hours=6)).sends_back(after(hours=7))

    assert (play.refused.slug, play.refused.early) == ("no-return-awaited", False)


def test_a_return_for_a_refused_case_does_not_fit() -> None:
    play = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    play.asks(after(days=30), "return_and_refund", "no_reason").sends_back(after(days=31))

    assert (play.refused.slug, play.refused.early) == ("case-refused", False)


def test_a_return_for_a_closed_or_paid_case_does_not_fit() -> None:
    closed = approved().run_until(after(days=20)).gets_back(after(days=21))
    assert (closed.refused.slug, closed.refused.early) == ("case-closed", False)

    paid = approved().sends_back(after(hours=70)).run_until(after(days=20)).gets_back(after(days=21))
    assert (paid.refused.slug, paid.refused.early) == ("case-refunded", False)


def test_the_same_return_told_again_changes_nothing() -> None:
    play = approved().sends_back(after(hours=70)).sends_back(after(hours=71))
    assert play.last == NOTHING
    play.gets_back(after(hours=90), "damaged").gets_back(after(hours=91), "damaged")
    assert play.last == NOTHING
    assert play.timers[("decide_inspection_within", "c-1")] == after(hours=138)


def test_another_return_of_the_same_case_does_not_fit() -> None:
    play = approved().sends_back(after(hours=70)).sends_back(after(hours=71), tracking_no="R2")
    assert play.refused.slug == "return-already-shipped"
    play.gets_back(after(hours=90), "damaged").gets_back(after(hours=91), "incomplete")
    assert play.refused.slug == "return-already-received"


def test_a_deadline_that_moves_is_said_with_the_old_and_the_new() -> None:
    play = approved().sends_back(after(hours=70)).gets_back(after(hours=90), "damaged")

    assert [(said.was, said.deadline_at) for said in play.of("case.deadline_changed")] == [
        (after(hours=60, days=7), after(hours=70, days=10)),
        (after(hours=70, days=10), after(hours=138)),
    ]
    assert play.view.cases[0].deadline_at == after(hours=138)


def test_a_parcel_of_a_buyer_is_found_by_its_number() -> None:
    play = approved().sends_back(after(hours=70), tracking_no="R7")

    assert keys(play.state) == ("c-1", "ups/R7")
