"""Tasks: made once, escalated once, closed by themselves when their cause is gone."""

import pytest

from services.notifications.state.files import ENDED_TASKS_KEPT
from services.notifications.state.tasks import ClosedTask, OpenTask
from shared.contracts.events import common
from shared.contracts.tasks import Priority
from tests.kit.rules import START, after
from tests.notifications.world import ORDER, Shop, task_wanted


def withdrawn(task_id: str = "t-1", reason: str = "moving_again") -> common.TaskWithdrawn:
    return common.TaskWithdrawn(task_id=task_id, kind="check_with_carrier", order_id=ORDER, reason=reason)


def raised(priority: Priority) -> common.TaskRaised:
    return common.TaskRaised(
        task_id="t-1", kind="check_with_carrier", order_id=ORDER, priority=priority, reason="stalled again"
    )


def test_a_wanted_task_is_created_with_its_id_and_all_that_an_agent_needs() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=4), priority="high"), source="logistics")
    (created,) = shop.of("task.created")
    assert created.task_id == "t-1"
    assert created.wanted_by == "logistics"
    assert created.due_at == after(hours=4)
    assert created.priority == "high"
    assert created.details == {"parcel_id": "P-1"}
    assert isinstance(shop.task("check_with_carrier"), OpenTask)


def test_a_task_wanted_twice_is_one_task() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(), source="logistics")
    shop.hear(task_wanted(), after(hours=1), source="logistics")
    assert shop.names() == ["task.created"]


def test_a_task_may_be_wanted_before_anything_is_known_of_its_order() -> None:
    shop = Shop()
    shop.hear(task_wanted(), source="logistics")
    assert shop.names() == ["task.created"]


def test_a_task_that_notifications_itself_wants_for_a_fact_is_created_too() -> None:
    shop = Shop()
    shop.hear(task_wanted("look_into"), source="notifications")
    assert shop.of("task.created")[0].wanted_by == "notifications"


def test_an_overdue_task_goes_to_the_supervisor_one_step_more_urgent_once_and_stays_open() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=4)), source="logistics")
    shop.run_until(after(hours=3, minutes=59))
    assert shop.of("task.overdue") == []
    shop.run_until(after(days=30))
    (overdue,) = shop.of("task.overdue")
    assert (overdue.due_at, overdue.priority, overdue.level) == (after(hours=4), "high", "supervisor")
    task = shop.task("check_with_carrier")
    assert isinstance(task, OpenTask)
    assert (task.level, task.priority, task.overdue) == ("supervisor", "high", True)


def test_the_highest_priority_cannot_be_raised_further() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=4), priority="urgent"), source="logistics")
    shop.run_until(after(hours=4))
    assert shop.of("task.overdue")[0].priority == "urgent"


def test_a_claimed_task_becomes_overdue_too_and_stays_with_its_agent() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(minutes=5)), source="logistics")
    shop.claim("t-1")
    shop.run_until(after(minutes=5))
    task = shop.task("check_with_carrier")
    assert task.stage == "claimed"
    assert task.overdue


def test_a_task_without_a_due_time_never_becomes_overdue() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(), source="logistics")
    shop.run_until(after(days=400))
    assert shop.names() == ["task.created"]


def test_a_task_heard_of_after_its_due_time_is_overdue_at_that_time() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=-1)), source="logistics")
    shop.run_until(after(minutes=1))
    assert shop.of("task.overdue")[0].due_at == after(hours=-1)


def test_a_raised_task_matters_more_and_never_less() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(priority="normal"), source="logistics")
    shop.hear(raised("low"), source="logistics")
    shop.hear(raised("normal"), source="logistics")
    assert shop.of("task.priority_raised") == []
    shop.hear(raised("high"), source="logistics")
    shop.hear(raised("high"), source="logistics")
    assert [each.priority for each in shop.of("task.priority_raised")] == ["high"]
    assert shop.task("check_with_carrier").priority == "high"


@pytest.mark.parametrize("claimed", [False, True])
def test_a_task_whose_cause_is_gone_closes_itself_with_that_as_its_outcome(claimed: bool) -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=4)), source="logistics")
    if claimed:
        shop.claim("t-1")
    shop.hear(withdrawn(), after(minutes=1), source="logistics")
    shop.hear(withdrawn(), after(minutes=2), source="logistics")
    assert [each.reason for each in shop.of("task.closed")] == ["moving_again"]
    assert isinstance(shop.task("check_with_carrier"), ClosedTask)
    said = len(shop.names())
    shop.hear(raised("urgent"), after(minutes=3), source="logistics")
    shop.hear(task_wanted(), after(minutes=3), source="logistics")
    shop.run_until(after(days=30))
    assert len(shop.names()) == said


@pytest.mark.parametrize(("minutes", "overdue"), [(239, 0), (240, 1), (241, 1)])
def test_a_task_withdrawn_at_or_after_its_due_time_was_overdue_first(minutes: int, overdue: int) -> None:
    for timer_first in (True, False):
        shop = Shop().order()
        shop.hear(task_wanted(due_at=after(hours=4)), source="logistics")
        if timer_first:
            shop.run_until(after(minutes=minutes))
        shop.hear(withdrawn(), after(minutes=minutes), source="logistics")
        shop.run_until(after(days=1))
        assert shop.names() == ["task.created", *["task.overdue"] * overdue, "task.closed"]


def test_a_withdrawal_or_raise_of_an_unknown_task_changes_nothing() -> None:
    shop = Shop().order()
    shop.hear(withdrawn("t-9"), source="logistics")
    shop.hear(raised("high"), source="logistics")
    assert shop.names() == []


def test_a_file_forgets_its_oldest_ended_tasks_and_no_open_one() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(task_id="still-open"), source="logistics")
    for number in range(ENDED_TASKS_KEPT + 5):
        shop.hear(task_wanted(task_id=f"t-{number}"), source="logistics")
        shop.hear(withdrawn(f"t-{number}"), source="logistics")
    kept = [task.task_id for task in shop.state().tasks]
    assert len(kept) == ENDED_TASKS_KEPT + 1
    assert kept[0] == "still-open"
    assert kept[1] == "t-5"
    assert [task.task_id for task in shop.view().tasks] == kept
    assert shop.file().service.keys(shop.state()) == tuple(kept)


def test_a_blank_file_has_no_task_to_be_found_by() -> None:
    shop = Shop()
    service = shop.file().service
    assert service.keys(service.initial) == ()
    assert shop.now >= START
