"""Answers to a request: the shop's, the buyer's to an offer, and the deadline's where nobody answers."""

from decimal import Decimal

import pytest

from services.aftersales.commands import BuyerAnswersOffer
from shared.contracts.events import incidents, notifications
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after


def waiting(kind: str = "refund_only", reason: str = "damaged") -> CasePlay:
    """A delivered order with one request that waits for an answer since hour 60."""
    play = CasePlay().paid().dispatched(after(hours=5)).delivered(after(hours=50))
    return play.asks(after(hours=60), kind, reason)


def offered(kind: str, amount: str = "0", reason: str = "damaged") -> CasePlay:
    """The same, with something else offered at hour 62."""
    return waiting(reason=reason).agent(after(hours=62), "decide_case", "offer", kind=kind, amount=amount)


def test_an_approved_refund_is_paid() -> None:
    play = waiting().agent(after(hours=61), "decide_case", "approve")

    assert play.of("case.approved")[0].decided_by == "agent"
    assert play.stage() == "refunded"
    assert play.of("task.withdrawn") == []
    assert not play.timers


def test_a_refused_request_says_that_the_shop_refused_and_leaves_why_to_the_tasks_history() -> None:
    play = waiting().agent(after(hours=61), "decide_case", "refuse", reason="opened and worn")

    refused = play.of("case.refused")[0]
    assert (refused.decided_by, refused.slug) == ("agent", "refused-by-shop")
    assert refused.dispute_until == after(hours=61, days=7)
    assert "worn" not in "".join(said.model_dump_json() for said in play.said)
    assert "worn" not in play.state.model_dump_json()
    assert not play.timers


@pytest.mark.parametrize("kind", ["exchange", "repair"])
def test_goods_are_sent_again_when_the_old_ones_came_back(kind: str) -> None:
    play = waiting(kind).run_until(after(hours=108))
    assert play.stage() == "awaiting_return"

    play.sends_back(after(hours=110)).gets_back(after(hours=150))

    assert play.of("case.reship_wanted")[0].lines == ("1",)
    assert play.of("case.closed")[0].reason == "reship_wanted"
    assert play.effects == []


def test_a_reshipment_is_wanted_as_soon_as_it_is_approved() -> None:
    play = waiting("reship").run_until(after(hours=108))

    assert play.names()[-4:] == ["case.approved", "case.reship_wanted", "case.closed", "task.withdrawn"]


def test_an_approved_return_waits_for_the_goods() -> None:
    play = waiting("return_and_refund", "wrong_size").agent(after(hours=61), "decide_case", "approve")

    assert play.stage() == "awaiting_return"
    assert play.of("case.approved")[0].deadline_at == after(hours=61, days=7)
    changed = play.of("case.deadline_changed")[0]
    assert (changed.was, changed.deadline_at) == (after(hours=108), after(hours=61, days=7))


def test_a_partial_refund_that_the_buyer_takes_is_paid() -> None:
    play = offered("partial_refund", "12.00")
    assert play.stage() == "offered"
    play.do(BuyerAnswersOffer(at=after(hours=63), case_id="c-1", accept=True))

    refunded = play.of("case.refunded")[0]
    assert (refunded.amount, refunded.decided_by, refunded.by_rule) == (Decimal("12.00"), "buyer", "offer")


def test_a_gift_that_the_buyer_takes_ends_the_case_without_money() -> None:
    play = offered("gift", "5.00").do(BuyerAnswersOffer(at=after(hours=63), case_id="c-1", accept=True))

    assert play.of("case.closed")[0].reason == "gift_accepted"
    assert play.effects == []


def test_a_reshipment_that_the_buyer_takes_is_wanted_at_once() -> None:
    play = offered("reship").do(BuyerAnswersOffer(at=after(hours=63), case_id="c-1", accept=True))

    assert play.of("case.reship_wanted")[0].lines == ("1",)


def test_an_exchange_that_the_buyer_takes_begins_with_sending_the_old_one_back() -> None:
    play = offered("exchange").do(BuyerAnswersOffer(at=after(hours=63), case_id="c-1", accept=True))
    assert play.stage() == "awaiting_return"

    play.gets_back(after(hours=99))
    assert play.of("case.reship_wanted")[0].lines == ("1",)


def test_what_is_missing_cannot_be_sent_back_before_an_exchange() -> None:
    play = waiting("exchange", "missing_item").run_until(after(hours=108))

    assert play.of("case.reship_wanted")[0].lines == ("1",)


def test_a_declined_offer_brings_the_case_back_to_the_shop_under_a_new_task() -> None:
    play = offered("gift", "5.00")
    first = play.task("decide_case")
    play.do(BuyerAnswersOffer(at=after(hours=63), case_id="c-1", accept=False))

    assert play.stage() == "deciding"
    assert play.task("decide_case") != first
    assert play.of("case.offer_declined")[0].deadline_at == after(hours=111)
    play.run_until(after(hours=111))
    assert play.of("case.refunded")[0].amount == Decimal("30.00")


def test_goods_that_the_buyer_keeps_for_a_part_of_the_money_are_not_stopped() -> None:
    play = CasePlay(provider="refuses").paid().dispatched(after(hours=1), "2").asks(after(hours=2))
    play.agent(after(hours=3), "decide_case", "offer", kind="partial_refund", amount="12.00")
    play.do(BuyerAnswersOffer(at=after(hours=4), case_id="c-1", accept=True))
    assert [said.before_dispatch for said in play.of("case.approved")] == [False]

    play.agent(after(hours=5), "look_into", "fixed")
    assert play.of("case.closed")[0].settled == ()


def test_an_offer_that_nobody_answers_closes_the_case() -> None:
    play = offered("gift", "5.00").run_until(after(hours=110))

    assert play.of("case.closed")[0].reason == "offer_not_answered"
    assert play.of("case.refunded") == []


def test_an_offer_cannot_be_answered_twice() -> None:
    answer = BuyerAnswersOffer(at=after(hours=63), case_id="c-1", accept=True)
    play = offered("gift", "5.00").do(answer, answer)

    assert play.refused.slug == "nothing-offered"


def test_an_answer_about_an_unknown_case_is_refused_as_missing() -> None:
    play = waiting().do(BuyerAnswersOffer(at=after(hours=63), case_id="c-9", accept=True))

    assert (play.refused.slug, play.refused.missing) == ("case-unknown", True)


@pytest.mark.parametrize(("amount", "slug"), [("30.01", "amount-too-high"), ("0", "amount-missing")])
def test_an_offer_of_money_is_neither_nothing_nor_more_than_the_line(amount: str, slug: str) -> None:
    play = offered("partial_refund", amount)

    assert play.not_followed() == slug
    assert play.stage() == "deciding"


def test_an_outcome_that_comes_after_the_deadline_changes_nothing() -> None:
    play = waiting()
    task = play.task("decide_case")
    play.run_until(after(hours=108)).agent(after(hours=109), "decide_case", "refuse", task, reason="late")

    assert play.refused.slug == "case-decided"
    assert play.stage() == "refunded"


def test_an_outcome_that_can_not_be_followed_is_looked_into_since_its_task_is_over() -> None:
    play = waiting()
    decide = play.task("decide_case")
    play.agent(after(hours=61), "decide_case", "refuse")

    (task,) = [task for task in play.of("task.wanted") if task.kind == "look_into"]
    assert task.details == {"slug": "outcome-malformed", "case_id": "c-1", "task_id": decide}
    assert "decides itself" in task.summary


def test_another_services_task_is_not_ours() -> None:
    play = waiting()
    before = len(play.outcomes)
    done = notifications.TaskCompleted(
        task_id=play.task("decide_case"),
        kind="decide_case",
        wanted_by="logistics",
        agent_id="agent-1",
        outcome="approve",
    )
    play.hear(done, after(hours=61))

    assert len(play.outcomes) == before


def test_what_was_compared_stands_in_the_task_before_what_was_told_at_first() -> None:
    play = CasePlay().paid().dispatched(after(hours=5))
    told = {"tolerance_grams": 20, "verdict": "short", "reason": "carrier_below_warehouse"}
    about = {"parcel_id": "p-1", "carrier": "ups", "tracking_no": "T"}
    grams = {"warehouse_grams": 950, "carrier_grams": 700}
    weighed = incidents.ParcelWeighed.model_validate({**about, **told, **grams})
    play.hear(weighed, after(hours=30)).asks(after(hours=60), reason="missing_item")
    (shown,) = play.of("task.wanted")[0].details["parcels"]
    assert (shown["warehouse_grams"], shown["carrier_grams"]) == (950, 700)


def test_missing_items_are_weighed_before_the_shop_decides() -> None:
    play = waiting(reason="missing_item")

    weigh, decide = play.of("task.wanted")
    assert (weigh.kind, decide.kind, decide.blocked_by) == ("verify_weight", "decide_case", weigh.task_id)
    assert weigh.details["parcels"][0]["warehouse_grams"] == 900
    play.agent(after(hours=61), "decide_case", "approve")
    assert play.refused.slug == "weight-not-verified"

    play.agent(after(hours=62), "verify_weight", "short", lines=["1"])
    assert play.of("case.weight_verified")[0].lines == ("1",)
    assert play.of("case.deadline_changed") == []
    play.agent(after(hours=63), "decide_case", "approve")
    assert play.stage() == "refunded"


def test_missing_items_are_paid_at_the_deadline_although_nobody_weighed() -> None:
    play = waiting(reason="missing_item")
    assert play.stage() == "weighing"
    play.run_until(after(hours=108))

    assert play.stage() == "refunded"
    assert sorted(said.kind for said in play.of("task.withdrawn")) == ["decide_case", "verify_weight"]


def test_weighing_ends_the_same_clock() -> None:
    play = waiting(reason="missing_item").agent(after(hours=62), "verify_weight", "unclear")

    assert play.stage() == "deciding"
    play.run_until(after(hours=108))
    assert play.of("case.approved")[0].decided_by == "deadline"
