"""The store suite over both stores, and over stores with planted defects, which it must catch."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.adapters.motor_store import MotorStore
from shared.runtime.ports import Cleared, Committed, Document, Store, Write
from tests.adapters.store_counts import COUNTS
from tests.adapters.store_sizes import SIZES
from tests.adapters.store_suite import CASES as SUITE
from tests.kit.parts import Parts

Case = Callable[[Store], Awaitable[None]]
CASES: tuple[Case, ...] = (*SUITE, *COUNTS, *SIZES)


@pytest.fixture
async def motor(parts: Parts, database_name: str) -> AsyncIterator[MotorStore]:
    store = MotorStore(parts.mongodb_url, database_name, indexed=("state.stage", "view.tasks"))
    await store.prepare()
    yield store
    await store.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_memory_store_passes(case: Case) -> None:
    await case(MemoryStore())


@pytest.mark.parametrize("case", SIZES, ids=lambda case: case.__name__)
async def test_a_store_that_keeps_documents_as_they_are_refuses_what_the_others_refuse(case: Case) -> None:
    await case(MemoryStore(as_bson=False))


@pytest.mark.real
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_the_motor_store_passes(case: Case, motor: MotorStore) -> None:
    await case(motor)


class IgnoresTheGuard(MemoryStore):
    """Whoever writes last wins."""

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        stored = await self.load([write.document["_id"] for write in writes])
        now = {subject: found["version"] for subject, found in stored.items()}
        return await super().commit([Write(w.document, now.get(w.document["_id"], 0)) for w in writes])


class SaysDoneToAll(MemoryStore):
    """One answer for the whole batch."""

    async def commit(self, writes: Sequence[Write]) -> list[Committed]:
        return [Committed.DONE for _ in await super().commit(writes)]


class EmptiesPending(MemoryStore):
    """Clears more than was acknowledged."""

    async def clear(self, cleared: Sequence[Cleared]) -> None:
        await super().clear([Cleared(each.subject, each.topic, 10**9) for each in cleared])


class ForgetsSlots(MemoryStore):
    """Gives everybody's timers to anybody."""

    async def due_timers(self, slots: Collection[int], until: datetime, limit: int) -> list[Document]:
        return await super().due_timers(range(256), until, limit)


@pytest.mark.parametrize("defective", [IgnoresTheGuard, SaysDoneToAll, EmptiesPending, ForgetsSlots])
async def test_the_suite_catches_a_defective_store(defective: type[MemoryStore]) -> None:
    failed: list[str] = []
    for case in CASES:
        try:
            await case(defective())
        except AssertionError:
            failed.append(case.__name__)
    assert failed
