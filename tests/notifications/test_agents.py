"""What agents do: one holds a task at a time, and completes it with an outcome that its kind allows."""

from typing import Any

import pytest

from services.notifications.commands import ClaimTask, CompleteTask, Heartbeat, ReturnTask
from services.notifications.state.tasks import ClaimedTask, CompletedTask, OpenTask
from shared.contracts.tasks import OUTCOMES, NoDetails, TaskKind
from shared.kernel.decision import Decision, Outcome, Refused
from tests.kit.rules import START, after
from tests.notifications.world import BUYER, Shop, task_wanted, wanted, wrote

CONTACT = {"name": "Ada Example", "email": "ada@new.example", "city": "Newtown", "address": "Lane 1"}
DETAILS: dict[str, dict[str, Any]] = {
    "OnDate": {"date": "2026-03-04T12:00:00Z"},
    "WithCarrier": {"carrier": "UPS"},
    "WithContact": {"contact": CONTACT},
    "WithReason": {"reason": "worn"},
    "WithReasonAndPhotos": {"reason": "worn", "photos": ["photo-1"]},
    "WithOffer": {"kind": "gift", "amount": "5.00"},
    "WithLines": {"lines": ["1"]},
    "WithText": {"text": "It arrives tomorrow."},
    "WithResult": {"result": "happy now"},
    "WithReplacement": {"line_id": "1", "sku": "s-2", "name": "Thing", "quantity": 1, "amount": "5.00"},
    "WithChecks": {"items": True, "address": True, "contact": False},
    "NoDetails": {},
}
EVERY_OUTCOME = [(kind, outcome) for kind, outcomes in OUTCOMES.items() for outcome in outcomes]


def refused(outcome: Outcome) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.slug


def open_task(kind: TaskKind = "check_with_carrier", **fields: Any) -> Shop:
    shop = Shop().order()
    shop.hear(task_wanted(kind, **fields), source="logistics")
    return shop


def test_a_claim_gives_the_task_to_one_agent_for_the_lease() -> None:
    shop = open_task()
    outcome = shop.claim("t-1", "mia", START)
    assert isinstance(outcome, Decision)
    assert outcome.result == {"task_id": "t-1", "lease_until": "2026-03-02T12:10:00Z"}
    (claimed,) = shop.of("task.claimed")
    assert (claimed.agent_id, claimed.lease_until) == ("mia", after(minutes=10))


def test_a_task_that_one_agent_holds_is_refused_to_another_until_the_very_end_of_the_lease() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    assert refused(shop.claim("t-1", "ben", after(minutes=9, seconds=59))) == "task-claimed"
    assert refused(shop.claim("t-1", "ben", after(minutes=10))) == "task-claimed"
    task = shop.task("check_with_carrier")
    assert isinstance(task, ClaimedTask)
    assert task.agent_id == "mia"


def test_claiming_again_by_the_same_agent_renews_the_lease() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    shop.claim("t-1", "mia", after(minutes=5))
    assert len(shop.of("task.claimed")) == 1
    assert [each.lease_until for each in shop.of("task.lease_renewed")] == [after(minutes=15)]
    shop.run_until(after(minutes=14))
    assert shop.of("task.returned") == []


def test_heartbeats_keep_a_task_and_silence_gives_it_back_with_its_history() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    for minute in (9, 18, 27):
        shop.run_until(after(minutes=minute))
        outcome = shop.do(Heartbeat(at=after(minutes=minute), task_id="t-1", agent_id="mia"))
        assert isinstance(outcome, Decision)
    shop.run_until(after(minutes=36, seconds=59))
    assert shop.of("task.returned") == []
    shop.run_until(after(minutes=37))
    (returned,) = shop.of("task.returned")
    assert (returned.agent_id, returned.reason) == ("mia", "lease_ran_out")
    task = shop.task("check_with_carrier")
    assert isinstance(task, OpenTask)
    assert [step.what for step in task.history] == ["created", "claimed", "lease_ran_out"]


def test_a_lease_that_ran_out_unnoticed_gives_way_to_the_next_agent() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    shop.claim("t-1", "ben", after(minutes=10, seconds=1))
    assert shop.names() == ["task.created", "task.claimed", "task.returned", "task.claimed"]
    task = shop.task("check_with_carrier")
    assert isinstance(task, ClaimedTask)
    assert task.agent_id == "ben"
    shop.run_until(after(minutes=15))
    assert len(shop.of("task.returned")) == 1


def test_who_comes_after_his_lease_ran_out_holds_nothing_any_more() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    late = after(minutes=10, seconds=1)
    assert refused(shop.complete("t-1", "moving", at=late)) == "not-claimed-by-you"
    assert refused(shop.do(Heartbeat(at=late, task_id="t-1", agent_id="mia"))) == "not-claimed-by-you"
    assert refused(shop.do(ReturnTask(at=late, task_id="t-1", agent_id="mia"))) == "not-claimed-by-you"
    shop.claim("t-1", "mia", late)
    assert isinstance(shop.complete("t-1", "moving", at=late), Decision)


def test_who_completes_at_the_very_end_of_his_lease_comes_first() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    assert isinstance(shop.complete("t-1", "moving", at=after(minutes=10)), Decision)
    shop.run_until(after(minutes=10))
    assert shop.names()[-1] == "task.completed"


def test_a_task_given_back_goes_to_the_queue_and_its_explanation_stays_in_the_file() -> None:
    shop = open_task()
    shop.claim("t-1", "mia", START)
    shop.do(ReturnTask(at=after(minutes=1), task_id="t-1", agent_id="mia", reason="Mr Miller shouted"))
    assert [each.reason for each in shop.of("task.returned")] == ["given_back"]
    task = shop.task("check_with_carrier")
    assert isinstance(task, OpenTask)
    assert task.history[-2].note == "Mr Miller shouted"
    assert not any("Miller" in payload.model_dump_json() for payload in shop.file().said)
    assert "Miller" not in shop.view().model_dump_json()
    shop.run_until(after(hours=1))
    assert len(shop.of("task.returned")) == 1


@pytest.mark.parametrize(("kind", "outcome"), EVERY_OUTCOME)
def test_every_kind_of_task_can_be_completed_with_each_of_its_outcomes(kind: TaskKind, outcome: str) -> None:
    shop = open_task(kind, due_at=after(hours=1))
    shop.claim("t-1")
    details = DETAILS[OUTCOMES[kind][outcome].__name__]
    shop.complete("t-1", outcome, details)
    (completed,) = shop.of("task.completed")
    assert (completed.kind, completed.outcome, completed.agent_id) == (kind, outcome, "mia")
    assert completed.wanted_by == "logistics"
    task = shop.task(kind)
    assert isinstance(task, CompletedTask)
    said = len(shop.names())
    shop.run_until(after(days=3))
    assert len(shop.names()) == said
    if OUTCOMES[kind][outcome] is NoDetails:
        assert completed.details == {}


@pytest.mark.parametrize(("kind", "outcome"), EVERY_OUTCOME)
def test_an_outcome_with_an_unknown_argument_is_refused_and_the_field_is_named(
    kind: TaskKind, outcome: str
) -> None:
    shop = open_task(kind)
    shop.claim("t-1")
    details = {**DETAILS[OUTCOMES[kind][outcome].__name__], "colour": "red"}
    answer = shop.complete("t-1", outcome, details)
    assert refused(answer) == "details-invalid"
    assert isinstance(answer, Refused)
    assert answer.detail.startswith("details.colour: ")
    assert shop.of("task.completed") == []


def test_a_missing_argument_is_refused_and_named_without_what_was_given() -> None:
    shop = open_task("confirm_address_and_resend")
    shop.claim("t-1")
    answer = shop.complete("t-1", "resend", {"contact": {"name": "Ada", "email": "ada@@secret"}})
    assert isinstance(answer, Refused)
    assert answer.detail == "details.contact.email: is not a valid e-mail address"
    answer = shop.complete("t-1", "resend", {"contact": {"email": "ada@new.example"}})
    assert isinstance(answer, Refused)
    assert answer.detail.startswith("details.contact.name: ")


def test_an_outcome_that_the_kind_does_not_allow_is_refused_and_the_allowed_ones_are_named() -> None:
    shop = open_task("check_pickup")
    shop.claim("t-1")
    answer = shop.complete("t-1", "approve")
    assert refused(answer) == "outcome-not-allowed"
    assert isinstance(answer, Refused)
    assert "picked_up, rebook, cancelled" in answer.detail


@pytest.mark.parametrize(("seconds", "overdue"), [(60, 0), (61, 1)])
def test_a_task_completed_after_its_due_time_was_overdue_first_whenever_its_timer_fires(
    seconds: int, overdue: int
) -> None:
    for timer_first in (True, False):
        shop = open_task(due_at=after(minutes=1))
        shop.claim("t-1", "mia", START)
        if timer_first and overdue:
            shop.run_until(after(seconds=seconds))
        shop.complete("t-1", "moving", at=after(seconds=seconds))
        shop.run_until(after(days=1))
        names = ["task.created", "task.claimed", *["task.overdue"] * overdue, "task.completed"]
        assert shop.names() == names


def test_a_task_must_be_claimed_before_it_is_completed_by_whom_it_belongs_to() -> None:
    shop = open_task()
    assert refused(shop.complete("t-1", "moving")) == "not-claimed-by-you"
    shop.claim("t-1", "mia")
    assert refused(shop.complete("t-1", "moving", agent="ben")) == "not-claimed-by-you"


def test_an_ended_task_is_refused_for_everything() -> None:
    shop = open_task()
    shop.claim("t-1")
    shop.complete("t-1", "moving")
    for command in (
        ClaimTask(at=START, task_id="t-1", agent_id="mia"),
        Heartbeat(at=START, task_id="t-1", agent_id="mia"),
        ReturnTask(at=START, task_id="t-1", agent_id="mia"),
        CompleteTask(at=START, task_id="t-1", agent_id="mia", outcome="moving"),
    ):
        assert refused(shop.do(command)) == "task-ended"


@pytest.mark.parametrize("known", [False, True])
def test_a_task_that_is_not_known_is_missing(known: bool) -> None:
    shop = Shop()
    if known:
        shop.order()
    for command in (
        ClaimTask(at=START, task_id="t-9", agent_id="mia"),
        Heartbeat(at=START, task_id="t-9", agent_id="mia"),
        CompleteTask(at=START, task_id="t-9", agent_id="mia", outcome="moving"),
    ):
        answer = shop.do(command)
        assert isinstance(answer, Refused)
        assert (answer.slug, answer.missing) == ("task-unknown", True)


@pytest.mark.parametrize("first", ["verify_weight", "decide_case"])
def test_decide_case_cannot_be_completed_before_the_weight_is_verified(first: str) -> None:
    shop = Shop().order()
    tasks = {
        "decide_case": task_wanted("decide_case", "t-case", blocked_by="t-weight"),
        "verify_weight": task_wanted("verify_weight", "t-weight"),
    }
    for kind in (first, *(set(tasks) - {first})):
        shop.hear(tasks[kind], source="aftersales")
    shop.claim("t-case")
    assert refused(shop.complete("t-case", "approve")) == "blocked-by-task"
    shop.claim("t-weight", "ben")
    assert refused(shop.complete("t-case", "approve")) == "blocked-by-task"
    shop.complete("t-weight", "matches", agent="ben")
    assert isinstance(shop.complete("t-case", "approve"), Decision)


def test_a_task_is_not_blocked_by_one_that_has_ended_before() -> None:
    shop = Shop().order()
    shop.hear(task_wanted("verify_weight", "t-weight"), source="aftersales")
    shop.claim("t-weight")
    shop.complete("t-weight", "unclear")
    shop.hear(task_wanted("decide_case", "t-case", blocked_by="t-weight"), source="aftersales")
    shop.claim("t-case")
    assert isinstance(shop.complete("t-case", "approve"), Decision)


def test_a_confirmed_contact_goes_to_the_contacts_topic_and_to_no_event() -> None:
    shop = open_task("resolve_exception")
    shop.claim("t-1")
    shop.complete("t-1", "new_address", {"contact": CONTACT})
    (completed,) = shop.of("task.completed")
    assert completed.details == {"contact": "contacts.v1"}
    (contact,) = shop.contacts
    assert contact.buyer_id == BUYER
    assert contact.receiver.city == "Newtown"
    assert not any("Newtown" in payload.model_dump_json() for payload in shop.file().said)
    shop.hear(wanted(), after(hours=1))
    assert shop.mails[0][1]["to"] == "ada@new.example"


def test_a_contact_cannot_be_confirmed_while_the_buyer_is_unknown() -> None:
    shop = Shop()
    shop.hear(task_wanted("resolve_exception"), source="logistics")
    shop.claim("t-1")
    assert refused(shop.complete("t-1", "new_address", {"contact": CONTACT})) == "buyer-unknown"


def test_a_message_of_the_buyer_does_not_disturb_other_tasks() -> None:
    shop = open_task("call_about_review")
    shop.do(wrote())
    shop.run_until(after(minutes=1))
    shop.claim("t-1")
    shop.complete("t-1", "reached", {"result": "happy now"})
    assert shop.of("message.answered") == []
