"""What a buyer hears of his case: each turn of it once, with what he needs to act."""

from collections.abc import Callable
from typing import Any

import pytest

from services.aftersales.commands import BuyerAnswersOffer
from services.notifications.templates.reading import TEMPLATES
from shared.kernel.calendar import utc_text
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after, default_profile

TELLING = default_profile(case_messages=True)


def told(play: CasePlay) -> list[tuple[str, dict[str, Any]]]:
    """The messages so far, each with its values but the ids."""
    return [
        (said.template, {name: value for name, value in said.params.items() if not name.endswith("_id")})
        for said in play.of("message.wanted")
    ]


def asked(kind: str = "refund_only", **of: Any) -> CasePlay:
    """A delivered order about which the buyer asks for something at hour 60."""
    play = CasePlay(TELLING).paid().dispatched(after(hours=5)).delivered(after(hours=50))
    return play.asks(after(hours=60), kind, **of)


def test_money_that_goes_back_at_once_is_told_once_and_when_it_has_moved() -> None:
    play = CasePlay(TELLING, "waits").paid().asks(after(hours=1))
    assert told(play) == []
    paid = CasePlay(TELLING).paid().asks(after(hours=1))
    assert told(paid) == [("case_refunded", {"amount": "30.00", "currency": "EUR"})]


def test_nothing_is_told_where_the_profile_does_not_want_it() -> None:
    assert told(CasePlay().paid().asks(after(hours=1))) == []


def test_a_return_is_told_with_the_day_until_which_the_goods_are_to_be_sent() -> None:
    play = asked("return_and_refund", reason="no_reason")
    until = after(hours=60, days=7)
    assert told(play) == [("case_approved", {"until": utc_text(until)})]
    assert play.of("message.wanted")[0].stale_at == until
    play.gets_back(after(hours=90))
    assert [template for template, _ in told(play)] == ["case_approved", "case_refunded"]


def test_goods_that_are_not_sent_back_are_the_last_that_is_told() -> None:
    play = asked("return_and_refund", reason="no_reason").run_until(after(days=30))
    assert told(play)[1:] == [("case_closed", {"reason": "not_sent_back"})]


def test_a_refusal_says_why_and_until_when_the_platform_may_be_brought_in() -> None:
    play = asked().agent(after(hours=61), "decide_case", "refuse", reason="worn")
    assert told(play) == [
        ("case_refused", {"reason": "refused-by-shop", "until": utc_text(after(hours=61, days=7))})
    ]


def test_each_offer_is_told_with_what_it_is_and_how_long_it_holds() -> None:
    play = asked().agent(after(hours=61), "decide_case", "offer", kind="partial_refund", amount="5.00")
    offered = {"offer": "partial_refund", "amount": "5.00", "currency": "EUR"}
    assert told(play) == [("case_offered", {**offered, "until": utc_text(after(hours=61, days=2))})]
    play.run_until(after(days=30))
    assert told(play)[1:] == [("case_closed", {"reason": "offer_not_answered"})]


def test_a_second_offer_is_a_message_of_its_own() -> None:
    play = asked().agent(after(hours=61), "decide_case", "offer", kind="partial_refund", amount="5.00")
    play.do(BuyerAnswersOffer(at=after(hours=62), case_id="c-1", accept=False))
    play.agent(after(hours=63), "decide_case", "offer", kind="partial_refund", amount="5.00")
    ids = [said.message_id for said in play.of("message.wanted") if said.template == "case_offered"]
    assert len(set(ids)) == len(ids) == 2


def test_goods_that_are_sent_again_are_told() -> None:
    play = asked("reship").agent(after(hours=61), "decide_case", "approve")
    assert told(play) == [("case_reship", {})]


def test_a_refund_that_an_agent_paid_by_another_way_is_told_like_any() -> None:
    play = CasePlay(TELLING, "refuses").paid().asks(after(hours=1))
    assert told(play) == []
    play.agent(after(hours=2), "look_into", "fixed")
    assert told(play) == [("case_refunded", {"amount": "30.00", "currency": "EUR"})]


def test_nobody_is_refused_what_he_did_not_ask_for() -> None:
    play = (
        CasePlay(TELLING).paid().dispatched(after(hours=5), "1", "2").asks(after(hours=10), lines=("1", "2"))
    )
    play.agent(after(hours=11), "decide_case", "approve").lost(after(days=12), "1", "2")
    assert "case_refused" not in [template for template, _ in told(play)]


@pytest.mark.parametrize(
    ("template", "play"),
    [
        ("case_approved", lambda: asked("return_and_refund", reason="no_reason")),
        ("case_closed", lambda: asked("return_and_refund", reason="no_reason").run_until(after(days=30))),
        (
            "case_offered",
            lambda: asked().agent(after(hours=61), "decide_case", "offer", kind="reship", amount="0"),
        ),
        ("case_refunded", lambda: CasePlay(TELLING).paid().asks(after(hours=1))),
        ("case_refused", lambda: asked().agent(after(hours=61), "decide_case", "refuse", reason="worn")),
    ],
)
def test_what_is_sent_along_is_enough_for_the_text(template: str, play: Callable[[], CasePlay]) -> None:
    wanted = next(said for said in play().of("message.wanted") if said.template == template)
    assert set(TEMPLATES[template].values) <= set(wanted.params)
