"""Positions set back: what other subjects said to a file acts once, however much of it comes again."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.runtime.file import File, from_document, to_document
from shared.runtime.ports import Outgoing, TopicPartition, Write
from shared.runtime.redrive import redrive
from shared.runtime.slots import partition_of
from tests.kit.world import GROUP, World

pytestmark = pytest.mark.promise("once", "kept")

TOPIC = "other.v1"
FILE = "week-file"
SEEN_MAX = 16


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


async def new_world(**limits: Any) -> World:
    world = World(seen_max_per_file=SEEN_MAX, brake_in_a_row=10_000, brake_window_percent=100, **limits)
    await world.start()
    return world


async def rewind(world: World, to: int = 0) -> None:
    """Set the group's positions back, and take in what comes again."""
    for partition in range(world.log.partition_count(TOPIC)):
        where = TopicPartition(TOPIC, partition)
        world.log.commit(GROUP, where, min(to, world.log.committed(GROUP, where)))
    world.log.rebalance(GROUP)
    await world.settle()


async def heard(world: World) -> Counter[str]:
    return Counter(await world.words(FILE))


def once(*words: str) -> Counter[str]:
    return Counter(words)


def named(count: int, prefix: str = "w") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def poke_all(world: World, words: list[str]) -> None:
    """Each word is said by a subject of its own, to the one file."""
    for word in words:
        world.poke(f"O-{word}", word, about=FILE)


async def file_of(world: World) -> File:
    file = await world.engine.load(FILE)
    assert file is not None
    return file


async def test_six_hundred_subjects_heard_three_times_from_the_start_act_once_each() -> None:
    world = World()
    await world.start()
    poke_all(world, named(600))
    await world.settle()
    commits = world.store.commits
    for _ in range(3):
        await rewind(world)
    assert await heard(world) == once(*named(600))
    assert world.store.commits == commits, "a repetition costs no write"


async def test_after_a_rewind_what_is_new_is_taken_in() -> None:
    world = await new_world()
    poke_all(world, named(60))
    await world.settle()
    poke_all(world, named(60, "x"))
    await rewind(world, to=3)
    assert await heard(world) == once(*named(60), *named(60, "x"))


async def test_what_is_parked_is_not_parked_again_and_acts_once_when_it_is_redriven() -> None:
    world = await new_world()
    words = named(100)
    world.rules.broken = set(words[::7])
    poke_all(world, words)
    await world.settle()
    letters = len(world.letters())
    await rewind(world)
    assert len(world.letters()) == letters
    world.rules.broken = set()
    await redrive(world.engine, world.letters(), no_progress)
    for _ in range(3):
        await rewind(world)
    await redrive(world.engine, world.letters(), no_progress)
    assert await heard(world) == once(*words)
    assert not (await file_of(world)).parked


async def test_what_could_not_be_read_comes_late_by_its_redrive_and_acts_once() -> None:
    world = await new_world()
    words = named(100)
    late = words[::9]
    world.rules.broken = {f"react:{word}" for word in late}
    poke_all(world, words)
    await world.settle()
    assert await heard(world) == once(*words) - once(*late)
    world.rules.broken = set()
    # Read by the stream first, which has passed most of these places, though not those of the last ones.
    await rewind(world)
    await redrive(world.engine, world.letters(), no_progress)
    assert await heard(world) == once(*words)
    poke_all(world, named(100, "x"))
    for _ in range(3):
        await rewind(world)
    await redrive(world.engine, world.letters(), no_progress)
    assert await heard(world) == once(*words, *named(100, "x"))


async def test_a_late_one_at_the_end_of_its_partition_is_known_when_the_stream_brings_it_again() -> None:
    world = await new_world()
    world.rules.broken = {"react:last"}
    world.poke("O-last", "last", about=FILE)
    await world.settle()
    world.rules.broken = set()
    await redrive(world.engine, world.letters(), no_progress)
    (own,) = {each.partition for each in world.log.records(TOPIC)}
    elsewhere = [word for word in named(200) if partition_of(f"O-{word}".encode(), 4) != own]
    poke_all(world, elsewhere)
    await world.settle()
    await rewind(world)
    assert len(elsewhere) > SEEN_MAX
    assert await heard(world) == once("last", *elsewhere)


async def test_a_late_one_whose_own_file_fails_again_acts_once_over_all_its_redrives() -> None:
    world = await new_world()
    world.rules.broken = {"react:both"}
    world.poke("O-both", "both", about=FILE)
    await world.settle()
    world.rules.broken = set()
    letter = world.letters()
    await redrive(world.engine, letter, no_progress)
    poke_all(world, named(60))
    await world.settle()
    # As if the other file had not been able to move past it: the same letter is brought again.
    file = await world.engine.load("O-both")
    assert file is not None
    file.parked, file.applied = {"other/O-both": 1}, {}
    await world.store.commit([Write(to_document(world.service, file, file.version + 1), file.version)])
    await redrive(world.engine, letter, no_progress)
    assert await heard(world) == once("both", *named(60))


async def test_a_copy_that_was_published_again_is_known_however_far_the_rewind() -> None:
    world = await new_world()
    poke_all(world, named(10))
    await world.settle()
    told = list(world.log.records(TOPIC))
    again = [Outgoing(TOPIC, each.key or b"", each.value, each.headers) for each in told]
    copies = [world.log.append(each) for each in again]
    await world.settle()
    poke_all(world, named(100, "x"))
    await world.settle()
    for back_to in (0, min(copy.offset for copy in copies), 0):
        await rewind(world, back_to)
    assert await heard(world) == once(*named(10), *named(100, "x"))


async def test_after_topics_have_grown_old_places_are_known_and_new_ones_are_new() -> None:
    world = await new_world()
    poke_all(world, named(80))
    await world.settle()
    world.log.topic(TOPIC).extend([] for _ in range(4))
    world.log.partitions = 8
    await world.worker.transport.close()
    world.worker = world.another_worker()
    await world.start()
    poke_all(world, named(80, "x"))
    for _ in range(3):
        await rewind(world)
    assert any(world.log.topic(TOPIC)[partition] for partition in range(4, 8))
    assert await heard(world) == once(*named(80), *named(80, "x"))


async def test_a_topic_that_is_made_anew_is_heard_from_its_beginning() -> None:
    world = await new_world()
    poke_all(world, named(80))
    await world.settle()
    world.log.delete(TOPIC)
    poke_all(world, named(20, "x"))
    for _ in range(3):
        await rewind(world)
    assert await heard(world) == once(*named(80), *named(20, "x"))


async def test_places_are_kept_in_the_document_and_one_without_them_is_read() -> None:
    world = await new_world()
    poke_all(world, named(5))
    await world.settle()
    file = await file_of(world)
    file.late = ["other/O-9/1"]
    document = to_document(world.service, file, 1)
    again = from_document(world.service, document)
    assert (again.heard, again.late) == (file.heard, file.late)
    assert file.heard
    before = {name: value for name, value in document.items() if name not in ("heard", "late")}
    assert (from_document(world.service, before).heard, from_document(world.service, before).late) == ({}, [])
    file.heard, file.late = {}, []
    assert to_document(world.service, file, 1).keys() == before.keys()


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
async def test_whatever_comes_again_it_acts_as_with_a_memory_without_limit(seed: int) -> None:
    random = Random(seed)
    world = await new_world(batch_max_records=random.choice((3, 20, 256)))
    expected: Counter[str] = Counter()
    for turn in range(random.randint(2, 4)):
        words = named(random.randint(1, 30), f"t{turn}-")
        breaks = {word for word in words if random.random() < 0.1}
        world.rules.broken = {f"react:{word}" if random.random() < 0.5 else word for word in breaks}
        poke_all(world, words)
        expected.update(words)
        await world.settle()
        if random.random() < 0.5:
            await rewind(world, random.randint(0, 30))
        world.rules.broken = set()
        await redrive(world.engine, world.letters(), no_progress)
        for _ in range(random.randint(0, 2)):
            await rewind(world, random.randint(0, 30))
    await rewind(world)
    assert await heard(world) == expected
