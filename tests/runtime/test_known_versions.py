"""Known versions: what an engine committed itself it need not read again, whatever happens meanwhile."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import pytest

from shared.runtime.ports import Document
from shared.runtime.work import Ask
from tests.kit.toy import Say
from tests.kit.world import FaultyStore, World

pytestmark = pytest.mark.promise("kept")


class BriefStore(FaultyStore):
    """Of a file whose version the asker knows it gives the outbox only, as the real store does."""

    def __init__(self) -> None:
        super().__init__()
        self.before_answer: list[Callable[[], Awaitable[object]]] = []
        self.read_whole: list[str] = []

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        documents = await super().load(subjects)
        if self.before_answer:
            await self.before_answer.pop()()
        self.read_whole += [
            subject for subject in documents if (known or {}).get(subject) != documents[subject]["version"]
        ]
        return {
            subject: {name: document[name] for name in ("_id", "version", "pending")}
            if (known or {}).get(subject) == document["version"]
            else document
            for subject, document in documents.items()
        }


class BriefWorld(World):
    """The toy service on such a store."""

    def __init__(self, **limits: Any) -> None:
        super().__init__(**limits)
        self.store: BriefStore = BriefStore()
        self.engine = self.another_engine()

    async def say(self, word: str, subject: str = "A-1") -> None:
        """A command to a file."""
        await self.engine.run([Ask(subject, Say(at=self.clock.now(), word=word), word, "d")])

    async def read_whole(self, *subjects: str) -> list[str]:
        """Those of these files of which all must be read to work on them, in this order."""
        self.store.read_whole = []
        for subject in subjects:
            await self.say(f"again to {subject}", subject)
        return self.store.read_whole

    async def size(self, subject: str) -> int:
        """What a file takes as it is stored, in bytes."""
        return self.store.size((await self.store.load([subject]))[subject])


async def test_a_file_that_another_loop_commits_while_it_is_loaded_is_decided_on_again() -> None:
    world = BriefWorld()
    await world.say("first")
    world.store.before_answer = [lambda: world.say("other")]
    await world.say("mine")
    assert await world.words() == ["first", "other", "mine"]


async def test_a_file_that_is_forgotten_while_it_is_loaded_is_read_as_it_was_known() -> None:
    world = BriefWorld()
    await world.say("first")

    async def forget() -> None:
        world.engine._known.forget("A-1")

    world.store.before_answer = [forget]
    await world.say("mine")
    assert await world.words() == ["first", "mine"]


async def test_what_waits_to_be_published_is_not_held_twice() -> None:
    world = BriefWorld()
    world.publisher.away = True
    await world.say("first")
    assert world.engine._known._kept["A-1"].pending == []
    world.publisher.away = False
    await world.say("second")
    assert world.published() == [(1, "first"), (2, "second")]


async def test_of_more_files_than_may_be_remembered_the_one_longest_unused_is_read_again() -> None:
    world = BriefWorld(known_versions_max_files=2)
    for subject in ("A-1", "A-2", "A-1", "A-3"):
        await world.say(f"{subject} after {len(world.published())}", subject)
    assert await world.read_whole("A-1", "A-3") == []
    assert await world.read_whole("A-2") == ["A-2"]


async def test_files_are_remembered_up_to_what_they_may_take_together() -> None:
    measured = BriefWorld()
    await measured.say("x" * 500)
    world = BriefWorld(known_versions_max_bytes=20 * await measured.size("A-1"))
    subjects = [f"A-{number}" for number in range(50)]
    for subject in subjects:
        await world.say("x" * 500, subject)
    remembered = list(world.engine._known.held(subjects))
    assert remembered == subjects[-len(remembered) :]
    assert 5 < len(remembered) <= 20


async def test_a_file_that_outgrows_the_memory_is_read_each_time_and_drives_no_other_out() -> None:
    measured = BriefWorld()
    await measured.say("x" * 2_000)
    world = BriefWorld(known_versions_max_bytes=await measured.size("A-1"))
    await world.say("small", "A-2")
    await world.say("small")
    assert await world.read_whole("A-1") == []
    await world.say("x" * 4_000)
    assert await world.read_whole("A-1", "A-1", "A-2") == ["A-1", "A-1"]
