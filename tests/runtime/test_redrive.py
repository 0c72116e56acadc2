"""The redrive: whole sources in order, within a memory budget, while traffic goes on; filters; giving up."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.adapters.memory_admin import MemoryAdmin
from shared.contracts.catalog import dead_letter_topic
from shared.runtime.parked import Choice, ParkedSource, Positions, collect, survey
from shared.runtime.ports import Outgoing, Record, Unavailable
from shared.runtime.redrive import Report, discard_parked, redrive, redrive_parked
from tests.kit.rules import START
from tests.kit.world import World

pytestmark = pytest.mark.promise("isolated")

WORDS = [str(number) for number in range(1, 31)]


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


class Reader:
    """Reads the toy's dead letters, and remembers from where it was asked to."""

    def __init__(self, world: World) -> None:
        self._admin = MemoryAdmin(world.log)
        self.starts: list[Positions] = []

    def __call__(self, start: Positions) -> Iterator[Record]:
        self.starts.append(start)
        return self._admin.read_all(dead_letter_topic("toy"), start)


async def parked_world(*subjects: str, about: str | None = None) -> World:
    """Thirty words of each subject, of which the first breaks: all thirty are parked."""
    world = World(brake_in_a_row=10_000, brake_window_percent=100)
    await world.start()
    world.rules.broken = {"1"}
    for word in WORDS:
        for subject in subjects:
            world.poke(subject, word, about=about)
    await world.settle()
    world.rules.broken = set()
    return world


async def chosen(world: World, choice: Choice | None = None) -> list[str]:
    found = await survey(world.engine, Reader(world), choice or Choice())
    return sorted(where.file for where in found.parked)


async def redrive_all(world: World, max_bytes: int = 64_000_000) -> Report:
    reader = Reader(world)
    found = await survey(world.engine, reader, Choice())
    return await redrive_parked(world.engine, reader, found.parked, no_progress, max_bytes)


async def test_many_sources_are_redriven_together_each_in_order() -> None:
    subjects = [f"A-{number}" for number in range(50)]
    world = await parked_world(*subjects)
    before = world.store.commits
    report = await redrive_all(world)
    assert (report.applied, report.stale, report.kept) == (1500, 0, 0)
    for subject in subjects:
        assert await world.words(subject) == WORDS
    assert [word for _, word in world.published("A-7")] == WORDS
    # In batches: one by one would be a commit for each of the 1,500.
    assert world.store.commits - before < 20


@pytest.mark.parametrize("max_bytes", [1, 5_000, 40_000])
async def test_a_small_memory_budget_takes_more_rounds_and_keeps_the_order(max_bytes: int) -> None:
    world = await parked_world("A-1", "A-2", "A-3")
    report = await redrive_all(world, max_bytes)
    assert report.applied == 90
    for subject in ("A-1", "A-2", "A-3"):
        assert await world.words(subject) == WORDS
    assert await chosen(world) == []


async def test_no_more_is_collected_than_the_budget_allows_and_every_source_from_its_beginning() -> None:
    world = await parked_world("A-1", "A-2", "A-3")
    reader = Reader(world)
    found = await survey(world.engine, reader, Choice())
    wanted = dict.fromkeys(found.parked, 1_000)
    size = max(len(record.value or b"") for record in reader({}))
    held = await collect(world.engine, reader, {}, wanted, max_bytes=20 * size)
    assert 20 <= len(held.letters) < 60
    for where in found.parked:
        mine = [letter.sequence for letter in held.letters if ParkedSource.of(letter) == where]
        assert mine == list(range(1, len(mine) + 1))


async def test_a_record_that_fails_again_holds_back_what_is_behind_it_and_no_other_source() -> None:
    world = await parked_world("A-1", "B-1")
    world.rules.broken = {"7"}
    world.poke("B-1", "more")
    report = await redrive_all(world)
    assert (report.applied, report.kept) == (12, 48)
    assert report.stuck == {ParkedSource(each, "other", each) for each in ("A-1", "B-1")}
    await world.settle()
    assert await world.words("A-1") == WORDS[:6]
    world.rules.broken = set()
    await redrive_all(world)
    assert await world.words("A-1") == WORDS
    assert await world.words("B-1") == [*WORDS, "more"]


async def test_records_that_arrive_meanwhile_go_behind_and_are_taken_in_by_a_later_round() -> None:
    world = await parked_world("A-1", "B-1")
    arrivals = iter(["31", "32", "33"])

    async def more_arrives() -> None:
        word = next(arrivals, None)
        if word is not None:
            world.store.before_commit.append(more_arrives)
            hook, world.store.before_commit = world.store.before_commit, []
            world.poke("A-1", word)
            await world.settle()
            world.store.before_commit = hook

    world.store.before_commit = [more_arrives]
    reader = Reader(world)
    found = await survey(world.engine, reader, Choice())
    report = await redrive_parked(world.engine, reader, found.parked, no_progress)
    assert report.applied == 63
    assert await world.words("A-1") == [*WORDS, "31", "32", "33"]
    file = await world.engine.load("A-1")
    assert file is not None
    assert file.parked == {}
    # The survey and the first round read all of it, later rounds only what is new.
    assert reader.starts[:2] == [{}, {}]
    assert all(sum(start.values()) >= 60 for start in reader.starts[2:])


async def test_interrupted_anywhere_the_same_redrive_goes_on() -> None:
    world = await parked_world(*(f"A-{number}" for number in range(40)))
    stop_after = 2

    async def interrupted() -> None:
        nonlocal stop_after
        stop_after -= 1
        if stop_after < 0:
            raise KeyboardInterrupt
        world.store.before_commit.append(interrupted)

    world.store.before_commit = [interrupted]
    with pytest.raises(KeyboardInterrupt):
        await redrive_all(world)
    world.store.before_commit.clear()
    report = await redrive_all(world)
    assert 0 < report.applied < 1200
    assert await chosen(world) == []
    for number in range(40):
        assert await world.words(f"A-{number}") == WORDS


async def test_a_letter_of_an_earlier_parking_is_not_taken_in_again_however_long_ago() -> None:
    world = World(seen_max_per_file=16)
    await world.start()
    for word in ("one", "two"):
        world.rules.broken = {word}
        world.poke("A-1", word, about="B-1")
        await world.settle()
        world.rules.broken = set()
        if word == "one":
            await redrive_all(world)
            for number in range(20):  # so many that the file has forgotten the first one's id
                world.poke(f"C-{number}", f"c{number}", about="B-1")
            await world.settle()
    report = await redrive_all(world)
    assert report.applied == 1
    words = await world.words("B-1")
    assert sorted(words) == sorted(["one", *(f"c{number}" for number in range(20)), "two"])
    file = await world.engine.load("B-1")
    assert file is not None
    assert (file.parked, file.applied) == ({}, {})


async def test_a_letter_whose_source_was_freed_by_somebody_else_changes_nothing() -> None:
    world = await parked_world("A-1", about="B-1")
    letters = world.letters()
    await redrive_all(world)
    world.clock.advance(timedelta(hours=1))
    for number in range(300):
        world.poke(f"C-{number}", "c", about="B-1")
    await world.settle()
    report = await redrive(world.engine, letters, no_progress)
    assert (report.applied, report.stale) == (0, 30)
    assert (await world.words("B-1")).count("1") == 1


async def test_a_record_that_could_not_be_read_is_news_to_the_other_files_it_concerns() -> None:
    world = World()
    await world.start()
    world.rules.broken = {"react:hello"}
    world.poke("A-1", "hello", about="B-1")
    await world.settle()
    world.rules.broken = set()
    report = await redrive_all(world)
    assert report.applied == 1
    assert await world.words("B-1") == ["hello"]
    assert await chosen(world) == []


async def test_sources_are_chosen_by_file_source_reason_topic_and_time() -> None:
    world = await parked_world("A-1")
    world.clock.advance(timedelta(hours=1))
    world.rules.broken = {"late"}
    world.poke("B-1", "late", about="Z-1")
    await world.settle()
    later = START + timedelta(minutes=30)
    assert await chosen(world) == ["A-1", "Z-1"]
    assert await chosen(world, Choice(subject="A-1")) == ["A-1"]
    assert await chosen(world, Choice(source="other/B-1")) == ["Z-1"]
    assert await chosen(world, Choice(source="other")) == ["A-1", "Z-1"]
    assert await chosen(world, Choice(source="orders")) == []
    assert await chosen(world, Choice(reason="BREAKS at late")) == ["Z-1"]
    assert await chosen(world, Choice(topic="other.v1", since=later)) == ["Z-1"]
    assert await chosen(world, Choice(topic="orders.v1")) == []
    assert await chosen(world, Choice(until=later)) == ["A-1"]


async def test_what_arrived_after_a_discard_was_asked_for_stays_parked() -> None:
    world = await parked_world("A-1")
    reader = Reader(world)
    found = await survey(world.engine, reader, Choice())
    world.poke("A-1", "new")
    await world.settle()
    report = await discard_parked(world.engine, reader, found.parked.values(), no_progress)
    assert report.applied == 30
    assert await world.words("A-1") == []
    await redrive_all(world)
    assert await world.words("A-1") == ["new"]


async def test_only_the_first_record_may_be_given_up_and_the_rest_redriven() -> None:
    world = await parked_world("A-1", "B-1")
    world.rules.broken = {"1"}
    reader = Reader(world)
    found = await survey(world.engine, reader, Choice())
    report = await discard_parked(world.engine, reader, found.parked.values(), no_progress, only_first=True)
    assert report.applied == 2
    await redrive_all(world)
    assert await world.words("A-1") == WORDS[1:]
    assert await world.words("B-1") == WORDS[1:]


async def test_a_survey_counts_what_waits_and_what_holds_up_nothing() -> None:
    world = await parked_world("A-1", "B-1")
    world.log.append(Outgoing("other.v1", b"C-1", b"\xff"))
    world.log.append(Outgoing(dead_letter_topic("toy"), b"C-1", b"no letter"))
    await world.settle()
    found = await survey(world.engine, Reader(world), Choice())
    assert (len(found.parked), found.waiting, found.letters) == (2, 60, 61)
    assert (found.others, found.unreadable) == ({"alien": 1}, 1)
    assert [each.first.kind for each in found.parked.values()] == ["poison", "poison"]


async def test_a_batch_that_loses_to_the_traffic_is_tried_again() -> None:
    world = await parked_world("A-1")
    world.store.commit_faults = ["lost"] * 12
    assert (await redrive_all(world)).applied == 30
    assert await world.words("A-1") == WORDS


async def test_an_outage_that_lasts_ends_the_redrive_with_its_reason() -> None:
    world = await parked_world(*(f"A-{number}" for number in range(10)))
    reader = Reader(world)
    found = await survey(world.engine, reader, Choice())
    world.limits = world.limits.model_copy(update={"outage_backoff_first_seconds": 0.0001})
    engine = world.another_engine()

    async def goes_away() -> None:
        world.store.away = True

    world.store.before_commit = [goes_away]
    with pytest.raises(Unavailable):
        await redrive_parked(engine, reader, found.parked, no_progress)
    world.store.away = False
    assert (await redrive_all(world)).kept == 0
    assert await world.words("A-1") == WORDS


async def test_a_large_letter_that_had_to_go_takes_what_is_behind_it_along() -> None:
    words = ["1", "2", "x" * 20_000, "4", "5"]
    world = World()
    await world.start()
    world.rules.broken = {"1"}
    for word in words:
        world.poke("A-1", word)
    await world.settle()
    world.rules.broken = set()
    small = max(
        len(record.value or b"") for record in Reader(world)({}) if b"x" * 100 not in (record.value or b"")
    )
    report = await redrive_all(world, 10 * small)
    assert report.applied == 5
    assert await world.words("A-1") == words
