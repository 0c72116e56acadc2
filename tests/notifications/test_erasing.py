"""Rule `erasure`: notifications forgets who receives an order, what he wrote and what was to be told him."""

from typing import Any

import pytest

from services.notifications.commands import CompleteTask, ReturnTask
from services.notifications.decide.erasing import erased
from services.notifications.state.knowledge import ContactErased
from shared.contracts.events import notifications as said
from shared.contracts.events import orders
from shared.contracts.tasks import TaskKind
from shared.kernel.decision import NOTHING, Decision, Refused
from tests.kit.rules import START, after
from tests.notifications.world import ORDER, RECEIVER, Shop, task_wanted, wanted, wrote

pytestmark = pytest.mark.promise("forgotten")


def erase(shop: Shop, hours: float = 2) -> Shop:
    shop.hear(orders.OrderErased(), after(hours=hours))
    return shop


def kept(shop: Shop) -> str:
    return shop.state().model_dump_json() + shop.view().model_dump_json()


def with_task(kind: TaskKind) -> Shop:
    shop = Shop().order()
    shop.hear(task_wanted(kind), START, source="aftersales")
    shop.claim("t-1")
    return shop


def test_the_contact_the_conversation_and_what_agents_wrote_are_gone() -> None:
    shop = with_task("check_with_carrier")
    shop.do(wrote(text="I am Ada, where is it?"))
    shop.do(ReturnTask(at=START, task_id="t-1", agent_id="mia", reason="Ada calls back"))
    assert "Ada" in kept(shop)
    erase(shop)
    assert shop.state().contact == ContactErased()
    assert "Ada" not in kept(shop)
    assert shop.file().contacts == [None]


def test_what_the_buyer_waits_for_is_over_and_nobody_is_asked_to_answer() -> None:
    shop = Shop().order()
    shop.do(wrote("f-1"))
    shop.run_until(after(minutes=1))
    shop.do(wrote("f-2", after(minutes=2)))
    erase(shop)
    assert [(one.message_ids, one.by) for one in shop.of("message.answered")] == [(("f-1", "f-2"), "erasure")]
    assert [(task.kind, task.reason) for task in shop.of("task.closed")] == [("answer_buyer", "erased")]
    shop.run_until(after(days=2))
    assert len(shop.of("message.unanswered")) == 1


def test_messages_on_their_way_are_dropped_and_no_later_one_is_sent() -> None:
    shop = Shop("Pacific/Auckland").order()
    shop.hear(wanted(message_id="m-1"), START)
    erase(shop)
    shop.hear(wanted(message_id="m-2"), after(hours=3))
    shop.run_until(after(days=3))
    dropped = [(one.message_id, one.reason) for one in shop.of("message.suppressed")]
    assert dropped == [("m-1", "erased"), ("m-2", "erased")]
    assert shop.mails == []


def test_a_letter_that_the_channel_has_already_changes_nothing_when_it_is_out() -> None:
    shop = Shop().order()
    shop.channel_up = False
    shop.hear(wanted(), START)
    erase(shop)
    (subject, done) = shop.held[0]
    shop.do(done.model_copy(update={"at": after(hours=3)}), subject)
    assert "message.sent" not in shop.names()
    assert [one.reason for one in shop.of("message.suppressed")] == ["erased"]


def test_a_contact_that_is_heard_after_it_is_not_kept_and_erased_from_the_topic_again() -> None:
    shop = erase(Shop().order())
    shop.hear(
        orders.ContactChanged(buyer_id="b", receiver=RECEIVER), after(hours=3), source="orders-contacts"
    )
    assert shop.state().contact == ContactErased()
    assert shop.file().contacts == [None, None]


def test_what_the_buyer_writes_after_it_does_not_fit() -> None:
    shop = erase(Shop().order())
    outcome = shop.do(wrote(at=after(hours=3)))
    assert isinstance(outcome, Refused)
    assert outcome.slug == "order-erased"
    assert shop.state().conversation == ()


@pytest.mark.parametrize(
    ("kind", "outcome", "details"),
    [
        ("resolve_exception", "new_address", {"contact": {"name": "Ada"}}),
        ("answer_enquiry", "feedback", {"text": "Dear Ada"}),
    ],
)
def test_agents_may_not_bring_the_buyer_back(kind: TaskKind, outcome: str, details: dict[str, Any]) -> None:
    shop = erase(with_task(kind), hours=0.1)
    answer = shop.complete("t-1", outcome, details)
    assert isinstance(answer, Refused)
    assert answer.slug == "order-erased"
    assert "Ada" not in kept(shop)


def test_a_case_can_be_refused_after_it_and_the_reason_is_not_kept() -> None:
    shop = erase(with_task("decide_case"), hours=0.1)
    assert isinstance(shop.complete("t-1", "refuse", {"reason": "Ada wore it"}), Decision)
    assert "Ada" not in kept(shop)


def test_an_agents_reason_is_in_the_tasks_history_and_in_no_event() -> None:
    shop = with_task("decide_inspection")
    photos: dict[str, Any] = {"reason": "Ada wore it", "photos": ["ph-1"]}
    shop.do(CompleteTask(at=START, task_id="t-1", agent_id="mia", outcome="refuse", details=photos))
    (completed,) = shop.of("task.completed")
    assert completed.details == {"reason": "in_the_file", "photos": ["ph-1"]}
    assert [step.note for step in shop.state().tasks[0].history if step.note] == ["Ada wore it"]


def test_heard_twice_it_changes_nothing() -> None:
    shop = erase(erase(Shop().order()), hours=3)
    assert erased(shop.state(ORDER)) is NOTHING
    assert not any(isinstance(one, said.MessageAnswered) for one in shop.file().said)
