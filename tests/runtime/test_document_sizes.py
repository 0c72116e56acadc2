"""A file that would be larger than a document may be: its own work waits or is refused, nobody else's."""

import pytest

from shared.runtime.limits import Limits
from shared.runtime.redrive import redrive
from shared.runtime.work import FileTooLarge, TooMuchPending
from tests.kit.toy import Say, ToyView
from tests.kit.world import World, fact

pytestmark = pytest.mark.promise("kept", "isolated")

LIMIT = 1_048_576
WORD = "w" * 70_000
"""Heard, it is in the state, in the why-trail and, for a while, twice in the outbox: six fit into a file."""


async def heard_one_by_one(world: World, *words: str) -> None:
    """Each in a batch of its own, so that the outbox is empty before each."""
    for word in words:
        world.poke("A-1", word)
        await world.settle()


async def test_what_would_make_its_file_too_large_is_a_dead_letter_and_other_files_go_on() -> None:
    world = World(document_max_bytes=LIMIT, brake_in_a_row=1)
    await world.start()
    await heard_one_by_one(world, *[WORD] * 6)
    world.poke("A-1", WORD)
    world.poke("A-1", "small")
    world.poke("B-1", "fine")
    await world.settle()
    assert await world.words("B-1") == ["fine"]
    assert await world.words("A-1") == [WORD] * 6
    letters = world.letters()
    assert [(letter.kind, letter.sequence) for letter in letters] == [("poison", 7), ("waiting", 8)]
    assert "FileTooLarge: file A-1 would have 1" in letters[0].reason
    assert f"more than the {LIMIT} bytes that it may have" in letters[0].reason


async def test_a_parked_piece_of_work_fits_once_the_limit_is_raised() -> None:
    world = World(document_max_bytes=LIMIT)
    await world.start()
    await heard_one_by_one(world, *[WORD] * 7, "small")
    world.limits = world.limits.model_copy(update={"document_max_bytes": 2 * LIMIT})
    report = await redrive(world.another_engine(), world.letters(), lambda done, total: None)
    assert (report.applied, report.failed) == (2, 0)
    assert await world.words("A-1") == [*[WORD] * 7, "small"]


async def test_who_tells_or_asks_for_too_much_is_told_the_file_its_limit_and_the_size() -> None:
    world = World(document_max_bytes=LIMIT)
    await world.start()
    await heard_one_by_one(world, *[WORD] * 6)
    answer = world.desk.ask("A-1", Say(at=world.clock.now(), word=WORD), "k-1", "d")
    with pytest.raises(FileTooLarge, match=rf"file A-1 would have 1\d+ bytes, more than the {LIMIT} bytes"):
        await answer
    assert await world.words("A-1") == [WORD] * 6
    assert (await world.desk.take(fact("order.placed", "f-1"), "d")).fits


async def test_what_is_too_large_only_while_events_wait_for_the_broker_waits_with_them() -> None:
    world = World(document_max_bytes=LIMIT)
    await world.start()
    world.publisher.away = True
    await heard_one_by_one(world, WORD, WORD, WORD)
    world.poke("A-1", WORD)
    world.poke("B-1", "fine")
    records = await world.worker.transport.batch(100, 0)
    with pytest.raises(TooMuchPending):
        await world.worker.digest(records)
    assert await world.words("B-1") == ["fine"]
    world.publisher.away = False
    await world.worker.sweep()
    await world.worker.digest(records)
    assert await world.words("A-1") == [WORD] * 4
    assert world.letters() == []


async def test_a_file_beyond_a_lowered_limit_keeps_its_timers_and_effects_but_takes_nothing_more() -> None:
    world = World(document_max_bytes=2 * LIMIT)
    await world.start()
    await world.desk.take(fact("order.cancelled", "f-1"), "d")
    await heard_one_by_one(world, *[WORD] * 8)
    world.limits = world.limits.model_copy(update={"document_max_bytes": LIMIT})
    world.worker = world.another_worker()
    await world.worker.transport.start()
    assert await world.worker.try_effects()
    file = await world.engine.load("A-1")
    assert file is not None
    assert world.outbox.attempts == ["effect-1"]
    assert file.effects["effect-1"].status == "told"
    await heard_one_by_one(world, "small")
    assert await world.words("A-1") == [WORD] * 8
    assert [letter.kind for letter in world.letters()] == ["effect", "poison"]


async def test_what_a_rule_makes_of_an_event_that_no_database_can_keep_is_a_dead_letter() -> None:
    world = World(watches=True)
    await world.start()
    object.__setattr__(world.service, "project", lambda view, event: ToyView(said=2**63))
    world.poke("A-1", "huge")
    await world.settle()
    assert await world.words("A-1") == []
    assert [(letter.kind, letter.reason[:13]) for letter in world.letters()] == [("poison", "OverflowError")]


async def test_bytes_of_unpublished_events_are_counted_as_they_are_sent() -> None:
    world = World(pending_max_bytes_per_file=1_048_576)
    await world.start()
    world.publisher.away = True
    for number in range(8):
        world.poke("A-1", f"{number}" + "催" * 30_000)
    records = await world.worker.transport.batch(100, 0)
    with pytest.raises(TooMuchPending, match="bytes of events wait"):
        await world.worker.digest(records)
    file = await world.engine.load("A-1")
    assert file is not None
    assert sum(len((entry.value or "").encode()) for entry in file.pending) <= 1_048_576


def test_a_document_has_room_for_the_engines_own_notes_below_what_mongodb_keeps() -> None:
    assert Limits().document_max_bytes < 16 * 1024 * 1024


async def test_more_events_at_once_than_a_file_may_hold_are_a_dead_letter_that_says_so() -> None:
    world = World(pending_max_per_file=10)
    await world.start()
    world.poke("A-1", "eleven")
    world.poke("B-1", "hello")
    await world.settle()
    (letter,) = world.letters()
    assert letter.kind == "poison"
    assert (
        letter.reason == "TooManyEvents: 11 events at once, more than the 10 that a file may hold unpublished"
    )
    assert await world.words("A-1") == []
    assert await world.words("B-1") == ["hello"]
