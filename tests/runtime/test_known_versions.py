"""Known versions: what an engine committed itself it need not read again, whatever happens meanwhile."""

from collections.abc import Awaitable, Callable, Collection, Mapping

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

    async def load(
        self, subjects: Collection[str], known: Mapping[str, int] | None = None
    ) -> dict[str, Document]:
        documents = await super().load(subjects)
        if self.before_answer:
            await self.before_answer.pop()()
        return {
            subject: {name: document[name] for name in ("_id", "version", "pending")}
            if (known or {}).get(subject) == document["version"]
            else document
            for subject, document in documents.items()
        }


class BriefWorld(World):
    """The toy service on such a store."""

    def __init__(self) -> None:
        super().__init__()
        self.store: BriefStore = BriefStore()
        self.engine = self.another_engine()

    async def say(self, word: str) -> None:
        """A command to the one file."""
        await self.engine.run([Ask("A-1", Say(at=self.clock.now(), word=word), word, "d")])


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
        world.engine._known._kept.clear()

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
