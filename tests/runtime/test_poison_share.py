"""A stream of which one record in a hundred cannot be read and one breaks a rule, over a flaky store.

The brake is lifted: by default it stops a worker that meets so much poison, since then the fault is
most likely its own release's. Goal G10 wants each piece of poison to hold up its own source and
nobody else, and a redrive to heal it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import pytest

from shared.adapters.memory_admin import MemoryAdmin
from shared.contracts.catalog import dead_letter_topic
from shared.runtime.parked import Choice, Positions, Survey, survey
from shared.runtime.ports import Outgoing, Record
from shared.runtime.redrive import discard_parked, redrive_parked
from tests.kit.world import World, poke_record

pytestmark = pytest.mark.promise("isolated")

SUBJECTS = [f"A-{number}" for number in range(40)]
WORDS_EACH = 75
SHARE = 0.01
FAULTS = ("unknown-done", "unknown-lost", "lost")


@dataclass
class Sent:
    """What was put on the log about one subject: its words in order, and what is wrong with some."""

    words: list[str] = field(default_factory=list[str])
    unreadable: set[str] = field(default_factory=set[str])
    broken: set[str] = field(default_factory=set[str])

    def until_poison(self) -> list[str]:
        """The words before the first that cannot be taken in."""
        poison = self.unreadable | self.broken
        first = next((at for at, word in enumerate(self.words) if word in poison), len(self.words))
        return self.words[:first]


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


def fill(world: World, random: Random) -> dict[str, Sent]:
    """Three thousand records of forty subjects, well mixed."""
    sent = {subject: Sent() for subject in SUBJECTS}
    for number in range(1, WORDS_EACH + 1):
        for subject in random.sample(SUBJECTS, len(SUBJECTS)):
            word = f"{subject}/{number}"
            record = poke_record(subject, number, word, world.clock.now())
            sent[subject].words.append(word)
            lot = random.random()
            if lot < SHARE:
                sent[subject].unreadable.add(word)
                record = Outgoing(record.topic, record.key, b"{not json", record.headers)
            elif lot < 2 * SHARE:
                sent[subject].broken.add(word)
            world.log.append(record)
    return sent


def letters(world: World, start: Positions) -> Iterator[Record]:
    """The toy's dead letters from there on."""
    return MemoryAdmin(world.log).read_all(dead_letter_topic("toy"), start)


async def parked(world: World) -> Survey:
    """What waits now."""
    return await survey(world.engine, lambda start: letters(world, start), Choice())


@pytest.mark.parametrize("seed", range(2))
async def test_poison_among_three_thousand_records_holds_up_its_own_sources_only_until_it_is_healed(
    seed: int,
) -> None:
    random = Random(seed)
    world = World(brake_in_a_row=10_000, brake_window_percent=100)
    await world.start()
    sent = fill(world, random)
    world.rules.broken = set[str]().union(*(each.broken for each in sent.values()))
    world.store.commit_faults = [
        random.choice(FAULTS) if random.random() < 0.2 else "" for _ in range(WORDS_EACH)
    ]
    await world.settle()
    for subject, each in sent.items():
        assert await world.words(subject) == each.until_poison()
    found = await parked(world)
    assert {where.file for where in found.parked} == {
        subject for subject, each in sent.items() if each.unreadable | each.broken
    }
    assert found.waiting == sum(len(each.words) - len(each.until_poison()) for each in sent.values())

    # The rule is mended. What cannot be read is given up, the first of each source, until all is through.
    world.rules.broken = set()
    for _ in range(WORDS_EACH):
        await redrive_parked(
            world.engine, lambda start: letters(world, start), (await parked(world)).parked, no_progress
        )
        if not (stuck := (await parked(world)).parked):
            break
        await discard_parked(
            world.engine,
            lambda start: letters(world, start),
            stuck.values(),
            no_progress,
            only_first=True,
        )
    for subject, each in sent.items():
        assert await world.words(subject) == [word for word in each.words if word not in each.unreadable]
