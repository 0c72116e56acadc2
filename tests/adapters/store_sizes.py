"""What every store does with documents that can't be kept: too large ones, and numbers beyond 64 bits."""

from collections.abc import Awaitable, Callable

from shared.runtime.ports import Committed, Store, Write
from tests.adapters.store_suite import document, put

DONE, UNSTORABLE = Committed.DONE, Committed.UNSTORABLE


async def what_cannot_be_stored_is_said_of_it_alone(store: Store) -> None:
    await put(store, document("A-2"))
    writes = [
        Write(document("A-1", state={"text": "x" * 17_000_000}), 0),
        Write(document("A-2", 2, state={"number": 2**63}), 1),
        Write(document("A-3", state={"text": "x" * 2000}), 0, max_bytes=2000),
        Write(document("A-4"), 0),
    ]
    assert await store.commit(writes) == [UNSTORABLE, UNSTORABLE, UNSTORABLE, DONE]
    stored = await store.load(["A-1", "A-2", "A-3", "A-4"])
    assert {subject: found["version"] for subject, found in stored.items()} == {"A-2": 1, "A-4": 1}


async def a_document_is_measured_in_bytes_as_it_is_stored(store: Store) -> None:
    written = document("A-1", state={"text": "催" * 1000})
    size = store.size(written)
    assert 3000 < size < 4000
    assert await store.commit([Write(written, 0, max_bytes=size - 1)]) == [UNSTORABLE]
    kept = Write(written, 0, max_bytes=size + 100)
    assert await store.commit([kept]) == [DONE]
    assert size <= kept.size <= size + 100


SIZES: tuple[Callable[[Store], Awaitable[None]], ...] = (
    what_cannot_be_stored_is_said_of_it_alone,
    a_document_is_measured_in_bytes_as_it_is_stored,
)
