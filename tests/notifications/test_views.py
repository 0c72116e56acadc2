"""What can be seen: the timeline over all services, tasks, outbox and conversation, from events alone."""

from typing import Any

import pytest

from services.notifications.app import SERVICE
from services.notifications.commands import Heartbeat, ReplyToBuyer, ReturnTask
from services.notifications.views import ENTRIES_KEPT, INDEXED, BlankView, OrderView
from services.notifications.views.sentences import SENTENCES, sentence
from shared.contracts.event import Payload, payloads
from shared.contracts.events import handling, logistics, orders
from shared.contracts.examples import example_of
from tests.kit.rules import START, after, heard
from tests.notifications.world import BUYER, ORDER, RECEIVER, Shop, placed, task_wanted, wanted, wrote

EVERY = [cls for cls in payloads().values() if cls.__module__.startswith("shared.contracts.events")]


def scan(minute: int) -> logistics.ParcelInTransit:
    return logistics.ParcelInTransit(
        parcel_id="P-1", carrier="DHL", tracking_no="T-1", scanned_at=after(minutes=minute)
    )


def dumped(view: Any) -> dict[str, Any]:
    written: dict[str, Any] = SERVICE.view.dump_python(view, mode="json")
    return written


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.name)
def test_every_event_has_a_sentence_of_its_own(cls: type[Payload]) -> None:
    event = example_of(cls)
    assert cls.name in SENTENCES
    said = sentence(event)
    assert said[0].isupper() or not said[0].isalpha()
    assert said.endswith(".")
    assert "{" not in said
    assert "None" not in said


def test_no_sentence_is_kept_for_an_event_that_nobody_says() -> None:
    assert set(SENTENCES) == {cls.name for cls in EVERY}


def test_an_event_without_words_is_named() -> None:
    event = heard(scan(0), START)
    assert sentence(event.model_copy(update={"name": "parcel.sang"})) == "parcel.sang happened."


def test_a_sentence_says_what_happened_plainly() -> None:
    assert sentence(heard(placed(), START)) == "The order was placed: 1 line, 10.00 EUR."
    blocked = handling.ReleaseBlocked(waits_for=("address", "courier-1"))
    told = "The order must not leave yet; it waits for address, courier-1."
    assert sentence(heard(blocked, START)) == told
    lost = logistics.ParcelStalled(parcel_id="P-1", carrier="DHL", tracking_no="T", level=1, since=START)
    assert sentence(heard(lost, START)) == "Parcel P-1 has stood still since 2026-03-02 12:00 UTC (level 1)."


def test_a_sentence_names_nobody() -> None:
    changed = orders.ContactChanged(buyer_id=BUYER, receiver=RECEIVER)
    said = sentence(heard(changed, START, source="orders-contacts"))
    assert not any(word in said for word in ("Ada", "Example", "ada@", "Testville"))


def test_the_timeline_has_every_service_in_order_of_time() -> None:
    shop = Shop().order()
    shop.hear(scan(30), after(minutes=30))
    shop.hear(task_wanted(), after(minutes=10), source="logistics")
    shop.do(wrote(at=after(minutes=20)))
    timeline = shop.view().timeline
    assert [(entry.event, entry.service) for entry in timeline] == [
        ("order.placed", "orders"),
        ("contact.changed", "orders-contacts"),
        ("task.wanted", "logistics"),
        ("task.created", "notifications"),
        ("message.received", "notifications"),
        ("parcel.in_transit", "logistics"),
    ]
    assert [entry.at for entry in timeline] == sorted(entry.at for entry in timeline)


def test_an_event_seen_twice_is_one_line() -> None:
    event = heard(placed(), START)
    once = SERVICE.project(SERVICE.initial_view, event)
    assert SERVICE.project(once, event) is once


def test_the_timeline_is_bounded_and_says_how_much_is_missing() -> None:
    view: Any = SERVICE.initial_view
    for number in range(ENTRIES_KEPT + 7):
        view = SERVICE.project(view, heard(scan(number), after(minutes=number), n=number + 1))
    assert len(view.timeline) == ENTRIES_KEPT
    assert view.timeline_dropped == 7
    assert view.timeline[0].at == after(minutes=7)


def test_the_board_shows_a_task_through_its_life() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(hours=1)), source="logistics")
    (task,) = shop.view().tasks
    assert (task.status, task.deadline_at, task.details) == ("open", after(hours=1), {"parcel_id": "P-1"})
    assert shop.view().open_task_kinds == ("check_with_carrier",)
    shop.claim("t-1", "mia", START)
    (task,) = shop.view().tasks
    assert (task.status, task.agent_id, task.deadline_at) == ("claimed", "mia", after(minutes=10))
    assert shop.view().open_task_agents == ("mia",)
    shop.do(Heartbeat(at=after(minutes=5), task_id="t-1", agent_id="mia"))
    assert shop.view().tasks[0].lease_until == after(minutes=15)
    shop.do(ReturnTask(at=after(minutes=6), task_id="t-1", agent_id="mia"))
    shop.run_until(after(hours=1))
    (task,) = shop.view().tasks
    assert (task.status, task.agent_id, task.level, task.priority) == ("open", None, "supervisor", "high")
    assert task.deadline_at is None
    shop.claim("t-1", "ben")
    shop.complete("t-1", "moving", agent="ben")
    (task,) = shop.view().tasks
    assert (task.status, task.agent_id, task.outcome) == ("completed", "ben", "moving")
    assert [step.what for step in task.history] == [
        "created",
        "claimed",
        "given_back",
        "overdue",
        "claimed",
        "completed",
    ]
    view = shop.view()
    assert (view.open_tasks, view.open_task_kinds, view.open_task_agents) == (0, (), ())


def test_renewed_leases_do_not_drown_the_timeline() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(), source="logistics")
    shop.claim("t-1", "mia", START)
    entries = len(shop.view().timeline)
    for minute in range(1, 9):
        shop.do(Heartbeat(at=after(minutes=minute), task_id="t-1", agent_id="mia"))
    assert len(shop.view().timeline) == entries


def test_the_board_shows_what_blocks_a_task_as_long_as_it_does() -> None:
    shop = Shop().order()
    shop.hear(task_wanted("verify_weight", "t-weight"), source="aftersales")
    shop.hear(task_wanted("decide_case", "t-case", blocked_by="t-weight"), source="aftersales")
    assert shop.view().tasks[1].blocked_by == "t-weight"
    shop.claim("t-weight")
    assert shop.view().tasks[1].blocked_by == "t-weight"
    shop.complete("t-weight", "matches")
    assert shop.view().tasks[1].blocked_by is None


def test_the_outbox_shows_every_wanted_message_and_what_became_of_it() -> None:
    shop = Shop(buyer_daily_cap=1).order()
    shop.hear(wanted(message_id="m-1"), START)
    shop.hear(wanted(message_id="m-2"), after(minutes=1))
    shop.hear(wanted("horoscope", "m-3"), after(minutes=2))
    shop.hear(wanted(message_id="m-4"), after(hours=11))
    seen = [(each.message_id, each.status, each.reason) for each in shop.view().outbox]
    assert seen == [
        ("m-1", "sent", None),
        ("m-2", "suppressed", "daily_cap"),
        ("m-3", "failed", "unknown_template"),
        ("m-4", "postponed", None),
    ]
    assert shop.view().outbox[0].sent_at == START
    assert shop.view().outbox[3].deadline_at == after(hours=21)
    assert shop.view().deadline_at == after(hours=21)
    assert shop.view().outbox_statuses == ("failed", "postponed", "sent", "suppressed")


def test_the_conversation_shows_who_answered_what_and_when() -> None:
    shop = Shop().order()
    shop.do(wrote())
    assert shop.view().unanswered
    shop.run_until(after(seconds=30))
    (line,) = shop.view().conversation
    assert (line.status, line.task_id) == ("unanswered", shop.task("answer_buyer").task_id)
    shop.do(ReplyToBuyer(at=after(minutes=1), order_id=ORDER, text="Soon.", agent_id="mia"))
    (line,) = shop.view().conversation
    assert (line.status, line.answered_by, line.answered_at) == ("answered", "mia", after(minutes=1))
    assert [each.message_id for each in shop.view().outbox] == [line.reply_id]
    assert not shop.view().unanswered


def test_every_listed_path_is_a_field_of_the_view() -> None:
    fields = {f"view.{name}" for name in OrderView.model_fields}
    assert set(INDEXED) <= fields


def test_views_and_states_survive_being_written_down() -> None:
    shop = Shop(buyer_daily_cap=2).order()
    shop.hear(task_wanted(due_at=after(hours=1)), source="logistics")
    shop.hear(task_wanted("verify_weight", "t-2", blocked_by="t-1"), source="aftersales")
    shop.claim("t-1")
    for number in range(3):
        shop.hear(wanted(message_id=f"m-{number}"))
    shop.hear(wanted(message_id="late"), after(hours=11))
    shop.do(wrote("f-1"))
    shop.do(ReplyToBuyer(at=after(hours=11), order_id=ORDER, text="Soon.", agent_id="mia"))
    shop.do(wrote("f-2", after(hours=11)))
    shop.run_until(after(hours=12))
    shop.do(wrote("f-3", after(hours=12)))
    assert len(shop.files) == 2
    for file in shop.files.values():
        state = SERVICE.state.dump_python(file.state, mode="json")
        assert SERVICE.state.validate_python(state) == file.state
        assert SERVICE.view.validate_python(dumped(file.view)) == file.view
    assert SERVICE.view.validate_python(dumped(SERVICE.initial_view)) == BlankView()


def test_the_view_can_be_rebuilt_from_events_alone() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(), source="logistics")
    shop.claim("t-1")
    shop.hear(wanted())
    shop.do(wrote())
    shop.run_until(after(minutes=1))
    view: Any = SERVICE.initial_view
    for event in shop.events:
        if event.subject == ORDER:
            view = SERVICE.project(view, event)
    seen, rebuilt = dumped(shop.view()), dumped(view)
    for each in (seen, rebuilt):
        each.pop("timeline")
    assert rebuilt == seen


def test_an_order_is_overdue_while_an_open_task_of_it_is() -> None:
    shop = Shop().order()
    shop.hear(task_wanted(due_at=after(minutes=5)), source="logistics")
    assert not shop.view().overdue
    shop.run_until(after(minutes=5))
    assert shop.view().overdue
    shop.claim("t-1")
    shop.complete("t-1", "moving")
    assert not shop.view().overdue
