"""Reviews: each is said again for the others, a bad one is a case and a call."""

from decimal import Decimal
from typing import Final

from services.aftersales.decide.ends import closing
from services.aftersales.decide.opening import opened
from services.aftersales.decide.terms import SERVICE
from services.aftersales.state import (
    About,
    CaseIs,
    File,
    Paid,
    Placed,
    Review,
    Reviewing,
    ReviewKept,
    Unknown,
)
from shared.contracts.events import aftersales as says
from shared.contracts.events.common import TaskWanted
from shared.contracts.facts import ReviewPosted
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused, task_id
from shared.kernel.profiles import Profile

REVIEWS_MAX: Final = 100
"""Reviews of one order that are kept, each with its text."""


def review_posted(fact: ReviewPosted, state: File, profile: Profile) -> Outcome:
    """Rule `bad_review`: few stars open a case and the task to call the buyer."""
    match state.order:
        case Unknown():
            return Refused(slug="order-unknown", detail="the order is not known yet", early=True)
        case Placed():
            return Refused(slug="order-not-paid", detail="the order is not paid yet", early=True)
        case Paid() as order:
            return _of_paid(fact, state, order, profile)


def _of_paid(fact: ReviewPosted, state: File, order: Paid, profile: Profile) -> Outcome:
    if any(review.review_id == fact.id for review in state.reviews):
        return NOTHING
    if len(state.reviews) >= REVIEWS_MAX:
        return Refused(slug="too-many-reviews", detail=f"an order has at most {REVIEWS_MAX} reviews")
    stars = fact.data.stars
    review = Review(review_id=fact.id, stars=stars, text=fact.data.text, posted_at=fact.at)
    received = says.ReviewReceived(stars=stars, review_id=fact.id)
    decision = Decision(rule="reviews", notes=(ReviewKept(review=review),), events=(received,))
    if stars > profile.values.bad_review_at_most_stars:
        return decision
    about = About(
        case_id=task_id(SERVICE, order.order_id, "review", fact.id),
        kind="review",
        reason="bad_review",
        lines=(),
        amount=Decimal(0),
        currency=order.currency,
        opened_at=fact.at,
    )
    task = task_id(SERVICE, order.order_id, "call_about_review", fact.id)
    wanted = TaskWanted(
        task_id=task,
        kind="call_about_review",
        order_id=order.order_id,
        summary=f"The buyer gave {stars} of 5 stars: call, and see what can be done.",
        details={"case_id": about.case_id, "review_id": fact.id, "stars": stars},
    )
    note = CaseIs(case=Reviewing(about=about, review_id=fact.id, task_id=task))
    bad = opened(about) + Decision(notes=(note,), tasks=(wanted,))
    return Decision(rule="bad_review") + decision + bad


def called(case: Reviewing, outcome: str) -> Decision:
    """An agent called the buyer, or could not reach him: the review case is over."""
    return Decision(rule="bad_review") + closing(case.about, outcome)
