"""What every store must do. Each case takes a fresh store and asserts; `CASES` lists them all."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.catalog import SLOTS
from shared.runtime.ports import Cleared, Committed, Document, Store, TopicPartition, Write

DONE, LOST = Committed.DONE, Committed.LOST
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERY = frozenset(range(SLOTS))


def document(subject: str, version: int = 1, **fields: Any) -> Document:
    """A file with the engine's fields, as little as a store needs."""
    return {
        "_id": subject,
        "version": version,
        "slot": 0,
        "pending": [],
        "next_timer_at": None,
        "next_effect_at": None,
        "keys": [],
        "state": {},
        **fields,
    }


def pending(topic: str, seq: int, since: datetime = NOON) -> Document:
    """One event in the outbox."""
    headers = {"subject": "A", "sequence": str(seq)}
    return {"topic": topic, "seq": seq, "since": since, "key": "A", "value": "{}", "headers": headers}


def minutes(number: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)


async def put(store: Store, *documents: Document) -> None:
    """Store new files."""
    assert await store.commit([Write(each, 0) for each in documents]) == [DONE] * len(documents)


def ids(documents: list[Document]) -> list[str]:
    """Which files these are."""
    return [each["_id"] for each in documents]


async def a_file_is_loaded_as_it_was_stored(store: Store) -> None:
    stored = document(
        "A-1",
        next_timer_at=NOON,
        pending=[pending("orders.v1", 1)],
        keys=["k1", "k2"],
        state={
            "text": "für 催付 \u0000-free",
            "nothing": None,
            "yes": True,
            "number": -3,
            "large": 2**53,
            "real": 1.5,
            "empty": {"list": [], "object": {}},
            "list": [1, "two", {"three": [3]}, None],
        },
        seen={"a.dotted/key": 1, "$money": 2, "": 3},
    )
    await put(store, stored)
    assert await store.load(["A-1"]) == {"A-1": stored}


async def unknown_subjects_are_left_out_of_a_load(store: Store) -> None:
    await put(store, document("A-1"), document("A-2"))
    assert set(await store.load(["A-1", "A-2", "A-9"])) == {"A-1", "A-2"}
    assert await store.load([]) == {}


async def a_moment_is_kept_in_milliseconds_and_utc(store: Store) -> None:
    await put(store, document("A-1", next_timer_at=NOON + timedelta(microseconds=1999)))
    loaded = (await store.load(["A-1"]))["A-1"]["next_timer_at"]
    assert loaded == NOON + timedelta(milliseconds=1)
    assert loaded.utcoffset() == timedelta(0)


async def nobody_shares_an_object_with_the_store(store: Store) -> None:
    mine = document("A-1", state={"lines": [1]})
    await put(store, mine)
    mine["state"]["lines"].append(2)
    loaded = (await store.load(["A-1"]))["A-1"]
    assert loaded["state"] == {"lines": [1]}
    loaded["state"]["lines"].append(3)
    assert (await store.load(["A-1"]))["A-1"]["state"] == {"lines": [1]}


async def a_large_batch_is_stored_and_loaded_whole(store: Store) -> None:
    many = [document(f"A-{n}", state={"n": n, "text": "x" * 500}) for n in range(400)]
    await put(store, *many)
    assert len(await store.load(ids(many))) == 400


async def of_a_version_that_the_reader_has_only_the_outbox_is_sure_to_come(store: Store) -> None:
    files = [document(f"A-{n:02}", pending=[pending("orders.v1", n + 1)], state={"n": n}) for n in range(20)]
    await put(store, *files)
    moved = document("A-03", version=2, pending=[], state={"n": "moved"})
    await store.commit([Write(moved, 1)])
    known = {f"A-{n:02}": 1 for n in range(15)} | {"A-99": 1}
    loaded = await store.load([*ids(files), "A-99"], known)
    assert sorted(loaded) == sorted(ids(files))
    assert loaded["A-03"] == moved
    assert [loaded[f"A-{n}"] for n in range(15, 20)] == files[15:]
    for number in (0, 1, 2, *range(4, 15)):
        found = loaded[f"A-{number:02}"]
        assert (found["version"], found["pending"]) == (1, files[number]["pending"])


async def nothing_to_commit_is_nothing(store: Store) -> None:
    assert await store.commit([]) == []
    await store.clear([])


async def a_first_write_loses_where_the_subject_exists(store: Store) -> None:
    await put(store, document("A-1", state={"by": "first"}))
    assert await store.commit([Write(document("A-1", state={"by": "second"}), 0)]) == [LOST]
    assert (await store.load(["A-1"]))["A-1"]["state"] == {"by": "first"}


async def a_write_loses_when_its_version_has_passed(store: Store) -> None:
    await put(store, document("A-1"))
    assert await store.commit([Write(document("A-1", 2, state={"by": "one"}), 1)]) == [DONE]
    assert await store.commit([Write(document("A-1", 2, state={"by": "other"}), 1)]) == [LOST]
    assert (await store.load(["A-1"]))["A-1"]["state"] == {"by": "one"}


async def a_write_to_a_file_that_does_not_exist_loses_and_makes_none(store: Store) -> None:
    assert await store.commit([Write(document("A-1", 4), 3)]) == [LOST]
    assert await store.load(["A-1"]) == {}


async def each_write_of_a_batch_gets_its_own_answer(store: Store) -> None:
    await put(store, document("A-1"), document("A-2"), document("A-3", 2))
    writes = [
        Write(document("A-1"), 0),
        Write(document("A-2", 2), 1),
        Write(document("A-3", 2), 1),
        Write(document("A-4"), 0),
        Write(document("A-5", 2), 1),
        Write(document("A-3", 3), 2),
    ]
    assert await store.commit(writes[:5]) == [LOST, DONE, LOST, DONE, LOST]
    assert await store.commit(writes[5:]) == [DONE]
    versions = {subject: found["version"] for subject, found in (await store.load(["A-2", "A-3"])).items()}
    assert versions == {"A-2": 2, "A-3": 3}


async def some_lost_replacements_without_any_error_are_told_apart(store: Store) -> None:
    await put(store, document("A-1"), document("A-2", 2), document("A-3"))
    writes = [Write(document(subject, 2), 1) for subject in ("A-1", "A-2", "A-3", "A-9")]
    assert await store.commit(writes) == [DONE, LOST, DONE, LOST]


async def of_many_writers_at_once_one_wins_each_version(store: Store) -> None:
    await put(store, document("A-1"))

    async def writer() -> int:
        won = 0
        for _ in range(8):
            version = (await store.load(["A-1"]))["A-1"]["version"]
            await asyncio.sleep(0)
            won += await store.commit([Write(document("A-1", version + 1), version)]) == [DONE]
        return won

    won = sum(await asyncio.gather(*(writer() for _ in range(4))))
    assert (await store.load(["A-1"]))["A-1"]["version"] == 1 + won


async def clearing_leaves_later_events_and_other_topics(store: Store) -> None:
    waiting = [pending("orders.v1", 1), pending("orders.v1", 2), pending("contacts.v1", 1)]
    await put(store, document("A-1", pending=[*waiting, pending("orders.v1", 3)]))
    await store.clear([Cleared("A-1", "orders.v1", 2)])
    left = (await store.load(["A-1"]))["A-1"]
    assert [(each["topic"], each["seq"]) for each in left["pending"]] == [
        ("contacts.v1", 1),
        ("orders.v1", 3),
    ]
    assert left["version"] == 1


async def clearing_twice_or_what_is_not_there_changes_nothing(store: Store) -> None:
    await put(store, document("A-1", pending=[pending("orders.v1", 4)]))
    cleared = [Cleared("A-1", "orders.v1", 3), Cleared("A-9", "orders.v1", 1)]
    await store.clear(cleared)
    await store.clear(cleared)
    assert len((await store.load(["A-1"]))["A-1"]["pending"]) == 1
    assert await store.load(["A-9"]) == {}


async def two_topics_of_one_file_are_cleared_in_one_call(store: Store) -> None:
    await put(store, document("A-1", pending=[pending("orders.v1", 1), pending("contacts.v1", 1)]))
    await store.clear([Cleared("A-1", "orders.v1", 1), Cleared("A-1", "contacts.v1", 1)])
    assert (await store.load(["A-1"]))["A-1"]["pending"] == []
    assert await store.pending_count(10) == 0


async def due_timers_come_earliest_first_up_to_the_moment(store: Store) -> None:
    await put(
        store,
        document("late", next_timer_at=minutes(9)),
        document("third", next_timer_at=minutes(3)),
        document("first", next_timer_at=minutes(-100_000)),
        document("none"),
        document("second", next_timer_at=minutes(2)),
    )
    assert ids(await store.due_timers(EVERY, minutes(3), 10)) == ["first", "second", "third"]
    assert ids(await store.due_timers(EVERY, minutes(3), 2)) == ["first", "second"]
    assert ids(await store.due_timers(EVERY, minutes(3), 2)) == ["first", "second"]
    assert ids(await store.due_timers(EVERY, minutes(-200_000), 2)) == []


async def a_timer_moved_or_cancelled_is_due_at_its_new_moment_only(store: Store) -> None:
    await put(store, document("moved", next_timer_at=minutes(1)), document("ended", next_timer_at=minutes(1)))
    await store.commit(
        [Write(document("moved", 2, next_timer_at=minutes(5)), 1), Write(document("ended", 2), 1)]
    )
    assert await store.due_timers(EVERY, minutes(4), 10) == []
    assert await store.next_timer_at(EVERY) == minutes(5)
    await store.commit([Write(document("moved", 3, next_timer_at=minutes(1)), 2)])
    assert ids(await store.due_timers(EVERY, minutes(4), 10)) == ["moved"]


async def only_the_files_of_the_asked_slots_are_due(store: Store) -> None:
    fields: dict[str, Any] = {
        "next_timer_at": NOON,
        "next_effect_at": NOON,
        "pending": [pending("orders.v1", 1, minutes(-1))],
    }
    await put(store, *(document(f"A-{slot}", slot=slot, **fields) for slot in range(6)))
    asked = {1, 4, 200}
    for found in (
        await store.due_timers(asked, NOON, 10),
        await store.due_effects(asked, NOON, 10),
        await store.stale_pending(asked, NOON, 10),
    ):
        assert set(ids(found)) == {"A-1", "A-4"}
    assert await store.due_timers(frozenset(), NOON, 10) == []
    assert await store.next_timer_at({7}) is None
    assert await store.next_timer_at({4}) == NOON


async def due_effects_come_earliest_first(store: Store) -> None:
    await put(
        store,
        document("b", next_effect_at=minutes(2)),
        document("a", next_effect_at=minutes(1)),
        document("c", next_effect_at=minutes(3)),
        document("n"),
    )
    assert ids(await store.due_effects(EVERY, minutes(2), 10)) == ["a", "b"]


async def the_next_timer_is_the_earliest_of_all(store: Store) -> None:
    assert await store.next_timer_at(EVERY) is None
    await put(
        store,
        document("a", next_timer_at=minutes(4), slot=3),
        document("b", next_timer_at=minutes(2), slot=9),
    )
    assert await store.next_timer_at(EVERY) == minutes(2)
    assert await store.next_timer_at({3}) == minutes(4)


async def pending_is_stale_when_its_oldest_event_waits_since_before(store: Store) -> None:
    await put(
        store,
        document("old", pending=[pending("orders.v1", 1, minutes(0)), pending("orders.v1", 2, minutes(9))]),
        document("edge", pending=[pending("orders.v1", 1, minutes(5))]),
        document("young", pending=[pending("orders.v1", 1, minutes(9))]),
        document("none"),
    )
    assert ids(await store.stale_pending(EVERY, minutes(5), 10)) == ["old"]
    assert set(ids(await store.stale_pending(EVERY, minutes(6), 10))) == {"old", "edge"}
    assert len(await store.stale_pending(EVERY, minutes(60), 2)) == 2


async def pending_files_are_counted_up_to_the_limit(store: Store) -> None:
    await put(
        store, *(document(f"A-{n}", pending=[pending("orders.v1", 1)]) for n in range(5)), document("none")
    )
    assert await store.pending_count(100) == 5
    assert await store.pending_count(3) == 3


async def files_are_found_by_their_keys_of_now(store: Store) -> None:
    await put(store, document("A-1", keys=["task-1", "acme/9"]), document("A-2", keys=["acme/9"]))
    assert ids(await store.by_key("task-1")) == ["A-1"]
    assert set(ids(await store.by_key("acme/9"))) == {"A-1", "A-2"}
    assert len(await store.by_key("acme/9", limit=1)) == 1
    await store.commit([Write(document("A-1", 2, keys=["task-2"]), 1)])
    assert await store.by_key("task-1") == []
    assert ids(await store.by_key("acme/9")) == ["A-2"]


async def the_profiles_that_files_are_pinned_to_are_told(store: Store) -> None:
    assert await store.profiles_held() == []
    await put(store, document("A-1", profile="mall@1"), document("A-2", profile=None), document("A-3"))
    await put(store, document("A-4", profile="default@2"), document("A-5", profile="mall@1"))
    assert await store.profiles_held() == ["default@2", "mall@1"]


async def pages_follow_each_other_in_order_of_subject(store: Store) -> None:
    await put(store, *(document(f"A-{n}") for n in (3, 1, 5, 2, 4)))
    first = ids(await store.page({}, None, 2))
    second = ids(await store.page({}, first[-1], 2))
    last = ids(await store.page({}, second[-1], 2))
    assert (first, second, last) == (["A-1", "A-2"], ["A-3", "A-4"], ["A-5"])
    assert await store.page({}, "A-5", 2) == []


async def a_page_holds_what_matches_every_path(store: Store) -> None:
    await put(
        store,
        document("A-1", state={"stage": "paid"}, view={"tasks": ["x", "y"], "parcels": [{"stage": "lost"}]}),
        document("A-2", state={"stage": "paid"}, view={"tasks": [], "parcels": []}),
        document("A-3", state={"stage": "closed"}, view={"tasks": ["y"]}),
        document("A-4", state={}, view=None),
    )
    assert ids(await store.page({"state.stage": "paid"}, None, 9)) == ["A-1", "A-2"]
    assert ids(await store.page({"state.stage": ["paid", "closed"]}, "A-1", 9)) == ["A-2", "A-3"]
    assert ids(await store.page({"view.tasks": "y"}, None, 9)) == ["A-1", "A-3"]
    assert ids(await store.page({"view.tasks": ["x", "z"]}, None, 9)) == ["A-1"]
    assert ids(await store.page({"view.parcels.stage": "lost"}, None, 9)) == ["A-1"]
    assert ids(await store.page({"view.tasks": "y", "state.stage": "closed"}, None, 9)) == ["A-3"]
    assert ids(await store.page({"state.stage": "paid"}, None, 1)) == ["A-1"]


async def preparing_again_changes_nothing(store: Store) -> None:
    await put(store, document("A-1"))
    await store.prepare()
    assert set(await store.load(["A-1"])) == {"A-1"}
    await store.ping()


async def what_was_heard_is_noted_and_never_goes_back(store: Store) -> None:
    one, two = TopicPartition("orders.v1", 0), TopicPartition("contacts.v1", 12)
    assert await store.heard() == {}
    await store.note_heard({one: 5, two: 1})
    await store.note_heard({one: 3, two: 2})
    await store.trust({one: 99})
    assert await store.heard() == {one: 5, two: 2}


async def numbers_are_told_of_files_that_exist(store: Store) -> None:
    await put(store, document("A-1", next_seq={"orders": 4, "orders-contacts": 2}))
    assert await store.numbers(["A-1", "B-1"]) == {"A-1": {"orders": 4, "orders-contacts": 2}}
    assert await store.numbers([]) == {}


CASES: tuple[Callable[[Store], Awaitable[None]], ...] = (
    a_file_is_loaded_as_it_was_stored,
    unknown_subjects_are_left_out_of_a_load,
    a_moment_is_kept_in_milliseconds_and_utc,
    nobody_shares_an_object_with_the_store,
    a_large_batch_is_stored_and_loaded_whole,
    of_a_version_that_the_reader_has_only_the_outbox_is_sure_to_come,
    nothing_to_commit_is_nothing,
    a_first_write_loses_where_the_subject_exists,
    a_write_loses_when_its_version_has_passed,
    a_write_to_a_file_that_does_not_exist_loses_and_makes_none,
    each_write_of_a_batch_gets_its_own_answer,
    some_lost_replacements_without_any_error_are_told_apart,
    of_many_writers_at_once_one_wins_each_version,
    clearing_leaves_later_events_and_other_topics,
    clearing_twice_or_what_is_not_there_changes_nothing,
    two_topics_of_one_file_are_cleared_in_one_call,
    due_timers_come_earliest_first_up_to_the_moment,
    a_timer_moved_or_cancelled_is_due_at_its_new_moment_only,
    only_the_files_of_the_asked_slots_are_due,
    due_effects_come_earliest_first,
    the_next_timer_is_the_earliest_of_all,
    pending_is_stale_when_its_oldest_event_waits_since_before,
    pending_files_are_counted_up_to_the_limit,
    files_are_found_by_their_keys_of_now,
    the_profiles_that_files_are_pinned_to_are_told,
    pages_follow_each_other_in_order_of_subject,
    a_page_holds_what_matches_every_path,
    preparing_again_changes_nothing,
    what_was_heard_is_noted_and_never_goes_back,
    numbers_are_told_of_files_that_exist,
)
