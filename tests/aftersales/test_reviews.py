"""Reviews: said again for the others, and a bad one is a case and a call."""

import pytest

from shared.contracts.facts import ReviewPosted
from shared.kernel.decision import NOTHING
from tests.aftersales.plays import CasePlay
from tests.kit.rules import after

LAST_WEEK = {"id": "f-7", "at": after(days=9), "order_id": "A-1", "data": {"stars": 1}}


@pytest.mark.parametrize(("stars", "called"), [(1, True), (2, True), (3, False), (5, False)])
def test_a_bad_review_is_called_about(stars: int, called: bool) -> None:
    play = CasePlay().paid().reviews(after(days=9), stars)

    assert play.of("review.received")[0].stars == stars
    assert play.tasks() == (["call_about_review"] if called else [])
    assert [said.holds_order for said in play.of("case.opened")] == ([False] if called else [])


def test_a_reviews_text_stays_in_the_file() -> None:
    play = CasePlay().paid().reviews(after(days=9), 1, "Anna from Elm Street is cross")

    assert play.state.reviews[0].text == "Anna from Elm Street is cross"
    assert "Anna" not in "".join(said.model_dump_json() for said in play.said)
    assert "Anna" not in play.view.model_dump_json()


@pytest.mark.parametrize(("outcome", "details"), [("reached", {"result": "calmed"}), ("not_reached", {})])
def test_a_call_ends_the_review_case(outcome: str, details: dict[str, str]) -> None:
    play = CasePlay().paid().reviews(after(days=9), 1)
    play.agent(after(days=10), "call_about_review", outcome, **details)

    assert play.of("case.closed")[0].reason == outcome
    assert play.view.open is False


def test_each_bad_review_has_its_own_call() -> None:
    play = CasePlay().paid().reviews(after(days=9), 1).reviews(after(days=12), 2)

    assert len({said.task_id for said in play.of("task.wanted")}) == 2


def test_the_same_review_again_changes_nothing() -> None:
    play = CasePlay().paid()
    play.do(ReviewPosted.model_validate(LAST_WEEK)).do(ReviewPosted.model_validate(LAST_WEEK))

    assert play.last == NOTHING


def test_a_review_of_an_unknown_or_unpaid_order_waits() -> None:
    play = CasePlay().reviews(after(days=9), 1)
    assert (play.refused.slug, play.refused.early) == ("order-unknown", True)
    play.placed().reviews(after(days=9), 1)
    assert (play.refused.slug, play.refused.early) == ("order-not-paid", True)
