"""Rule `erasure`: aftersales forgets what buyer and agents wrote; cases and their money stay."""

import pytest

from services.aftersales.commands import Negotiate, OpenDispute
from shared.contracts.events.orders import OrderErased
from tests.aftersales.plays import CasePlay
from tests.kit.rules import START, after

pytestmark = pytest.mark.promise("forgotten")


def written_about() -> CasePlay:
    play = CasePlay().paid(START).dispatched(after(hours=1)).delivered(after(days=1))
    play.reviews(after(days=2), 5, "Anna Roth is happy").asks(after(days=3))
    play.agent(after(days=4), "decide_case", "refuse", reason="worn")
    play.do(Negotiate(at=after(days=5), case_id="c-1", note="Anna says it came so"))
    return play


def test_the_texts_of_reviews_and_talks_are_gone_and_the_case_stays() -> None:
    play = written_about()
    case, said = play.state.case_of("c-1"), len(play.said)
    play.hear(OrderErased(), after(days=30))
    assert "Anna" not in play.state.model_dump_json() + play.view.model_dump_json()
    blank = play.state.case_of("c-1")
    assert (blank.stage, blank.about, len(blank.negotiations)) == (case.stage, case.about, 1)
    assert [review.stars for review in play.state.reviews] == [5]
    assert len(play.said) == said


def test_a_case_that_was_open_goes_on_without_the_texts() -> None:
    play = written_about().hear(OrderErased(was_open=True), after(days=5, hours=1))
    play.do(OpenDispute(at=after(days=6), case_id="c-1"))
    assert play.stage() == "disputed"


def test_a_review_after_it_counts_without_its_text() -> None:
    play = CasePlay().paid(START).hear(OrderErased(was_open=True), after(days=1))
    play.reviews(after(days=2), 1, "Anna Roth is not happy")
    assert play.tasks() == ["call_about_review"]
    assert "Anna" not in play.state.model_dump_json()
