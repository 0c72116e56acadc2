"""Rule `first_response_within`: what the buyer writes is answered, or becomes a task after 30 seconds."""

from datetime import datetime
from typing import Any

import pytest

from services.notifications.commands import ReplyToBuyer
from services.notifications.state.conversation import Answered, FromAgent, Unanswered, Waiting
from services.notifications.state.files import OPEN_LINES_MAX
from services.notifications.state.tasks import ClosedTask
from shared.kernel.decision import NOTHING, Decision, Outcome, Refused
from tests.kit.rules import START, after
from tests.notifications.world import ORDER, Shop, placed, wrote


def reply(at: datetime, text: str = "It arrives tomorrow.", agent: str = "mia") -> ReplyToBuyer:
    return ReplyToBuyer(at=at, order_id=ORDER, text=text, agent_id=agent)


def message_ids(shop: Shop) -> Any:
    return shop.task("answer_buyer").details["message_ids"]


def test_a_message_that_nobody_answers_in_time_becomes_a_task() -> None:
    shop = Shop().order()
    shop.do(wrote())
    assert shop.names() == ["message.received"]
    shop.run_until(after(seconds=29.9))
    assert shop.names() == ["message.received"]
    shop.run_until(after(seconds=30))
    assert shop.names() == ["message.received", "message.unanswered", "task.created"]
    (unanswered,) = shop.of("message.unanswered")
    assert (unanswered.message_id, unanswered.waiting_since) == ("f-1", START)
    task = shop.task("answer_buyer")
    assert unanswered.task_id == task.task_id
    assert task.wanted_by == "notifications"
    assert message_ids(shop) == ["f-1"]


def test_a_buyer_may_write_about_an_order_that_nobody_knows() -> None:
    shop = Shop()
    shop.do(wrote())
    shop.run_until(after(minutes=1))
    assert shop.names() == ["message.received", "message.unanswered", "task.created"]


def test_the_text_stays_in_the_file_and_in_no_event_and_no_view() -> None:
    shop = Shop().order()
    shop.do(wrote(text="My name is Miller"))
    shop.run_until(after(minutes=1))
    assert not any("Miller" in payload.model_dump_json() for payload in shop.file().said)
    assert "Miller" not in shop.view().model_dump_json()
    line = shop.state().conversation[0]
    assert isinstance(line, Unanswered)
    assert line.text == "My name is Miller"


def test_the_same_message_told_twice_is_one() -> None:
    shop = Shop().order()
    shop.do(wrote())
    assert shop.do(wrote()) == NOTHING
    assert shop.names() == ["message.received"]


def test_each_message_is_unanswered_by_itself_and_one_open_task_takes_them_all() -> None:
    shop = Shop().order()
    for number in range(3):
        shop.do(wrote(f"f-{number}", after(minutes=number)))
        shop.run_until(after(minutes=number, seconds=45))
    assert len(shop.of("message.unanswered")) == 3
    assert len(shop.of("task.created")) == 1
    assert message_ids(shop) == ["f-0", "f-1", "f-2"]
    assert [task.details["message_ids"] for task in shop.view().tasks] == [["f-0", "f-1", "f-2"]]


def test_an_answer_before_the_clock_runs_out_needs_no_task() -> None:
    shop = Shop().order()
    shop.do(wrote())
    shop.do(reply(after(seconds=20)))
    shop.run_until(after(days=1))
    assert shop.names() == ["message.received", "message.answered", "message.sent"]
    (answered,) = shop.of("message.answered")
    assert (answered.message_ids, answered.by) == (("f-1",), "mia")
    assert "It arrives tomorrow." in shop.mails[0][1]["text"]
    assert isinstance(shop.state().conversation[0], Answered)


def test_a_reply_answers_everything_that_waits_and_closes_the_task() -> None:
    shop = Shop().order()
    shop.do(wrote("f-1", START))
    shop.run_until(after(minutes=1))
    shop.do(wrote("f-2", after(minutes=1)))
    shop.claim(shop.task("answer_buyer").task_id, "ben")
    shop.do(reply(after(minutes=1, seconds=10)))
    shop.run_until(after(days=1))
    assert shop.of("message.answered")[0].message_ids == ("f-1", "f-2")
    task = shop.task("answer_buyer")
    assert isinstance(task, ClosedTask)
    assert task.reason == "answered"
    assert len(shop.of("message.unanswered")) == 1
    assert len(shop.mails) == 1


def test_without_a_message_that_waits_there_is_nothing_to_answer() -> None:
    shop = Shop().order()
    refused = shop.do(reply(START))
    assert isinstance(refused, Refused)
    assert refused.slug == "nothing-to-answer"


def test_completing_the_task_answers_what_it_has_and_leaves_later_messages_their_clock() -> None:
    shop = Shop().order()
    shop.do(wrote("f-1", START))
    shop.run_until(after(minutes=1))
    task_id = shop.task("answer_buyer").task_id
    shop.claim(task_id)
    shop.do(wrote("f-2", after(minutes=2)))
    shop.complete(task_id, "answered", {"text": "It arrives tomorrow."}, at=after(minutes=2, seconds=10))
    assert shop.of("message.answered")[0].message_ids == ("f-1",)
    (completed,) = shop.of("task.completed")
    assert completed.details == {"reply_id": shop.of("message.sent")[0].message_id}
    shop.run_until(after(minutes=3))
    assert [each.message_id for each in shop.of("message.unanswered")] == ["f-1", "f-2"]
    assert shop.task("answer_buyer").task_id != task_id
    assert message_ids(shop) == ["f-2"]


def test_a_message_that_needs_no_answer_is_dealt_with_and_nothing_is_sent() -> None:
    shop = Shop().order()
    shop.do(wrote())
    shop.run_until(after(minutes=1))
    task_id = shop.task("answer_buyer").task_id
    shop.claim(task_id)
    shop.complete(task_id, "no_answer_needed")
    (answered,) = shop.of("message.answered")
    assert answered.reply_id is None
    assert shop.mails == []
    assert not shop.view().unanswered


def test_an_answer_waits_for_a_contact_that_is_not_known_yet() -> None:
    shop = Shop()
    shop.hear(placed())
    shop.do(wrote())
    shop.do(reply(after(seconds=10)))
    assert shop.mails == []
    shop.order(at=after(minutes=1))
    assert len(shop.mails) == 1


@pytest.mark.parametrize("known", [False, True])
def test_an_answer_that_cannot_reach_the_buyer_is_looked_into(known: bool) -> None:
    shop = Shop()
    if known:
        shop.order()
        shop.refusals = ["550 no such user"]
    shop.do(wrote())
    shop.do(reply(after(seconds=10)))
    shop.run_until(after(days=2))
    assert shop.names()[-2:] == ["message.failed" if known else "message.suppressed", "task.created"]
    task = shop.task("look_into")
    assert task.wanted_by == "notifications"


def test_the_agents_text_stays_in_the_file() -> None:
    shop = Shop().order()
    shop.do(wrote())
    shop.do(reply(after(seconds=10), "Dear Mr Miller"))
    assert not any("Miller" in payload.model_dump_json() for payload in shop.file().said)
    line = shop.state().conversation[-1]
    assert isinstance(line, FromAgent)
    assert line.text == "Dear Mr Miller"
    assert not any("Miller" in message.model_dump_json() for message in shop.state().messages)


def test_two_answers_in_one_conversation_are_two_messages() -> None:
    shop = Shop().order()
    for number in range(2):
        shop.do(wrote(f"f-{number}", after(hours=number)))
        shop.do(reply(after(hours=number, seconds=5), "Thank you."))
    assert len(shop.mails) == 2
    assert len({each.message_id for each in shop.of("message.sent")}) == 2


def test_more_waiting_messages_than_a_file_holds_are_refused() -> None:
    shop = Shop().order()
    last: Outcome = NOTHING
    for number in range(OPEN_LINES_MAX):
        last = shop.do(wrote(f"f-{number}"))
    assert isinstance(last, Decision)
    refused = shop.do(wrote("one-more"))
    assert isinstance(refused, Refused)
    assert refused.slug == "too-many-waiting"
    assert isinstance(shop.state().conversation[0], Waiting)
    shop.do(reply(after(seconds=5)))
    assert isinstance(shop.do(wrote("one-more", after(seconds=6))), Decision)
