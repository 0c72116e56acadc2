"""What every store must count, for the metrics: cases like those of `store_suite`."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.runtime.ports import Cleared, Store
from tests.adapters.store_suite import EVERY, document, minutes, pending, put


async def the_oldest_pending_event_of_the_asked_slots_is_told(store: Store) -> None:
    assert await store.pending_since(EVERY) is None
    await put(
        store,
        document(
            "a", slot=3, pending=[pending("orders.v1", 1, minutes(2)), pending("orders.v1", 2, minutes(5))]
        ),
        document("b", slot=9, pending=[pending("orders.v1", 1, minutes(4))]),
        document("none", slot=7),
    )
    assert await store.pending_since(EVERY) == minutes(2)
    assert (await store.pending_since({9}), await store.pending_since({7})) == (minutes(4), None)
    await store.clear([Cleared("a", "orders.v1", 1)])
    assert await store.pending_since({3}) == minutes(5)


async def files_that_match_are_counted_up_to_the_limit(store: Store) -> None:
    marked: dict[str, Any] = {"stuck": ["parked"], "view": {"kinds": ["x"], "late": True}}
    await put(store, *(document(f"A-{n}", **marked) for n in range(3)), document("C-1"))
    await put(store, document("B-1", stuck=["timer", "parked"], view={"kinds": ["x", "y"], "late": False}))
    for path, value, times in (("stuck", "parked", 4), ("view.kinds", "y", 1), ("view.late", True, 3)):
        assert await store.count({path: value}, 100) == times
    assert await store.count({"view.kinds": "x"}, 2) == 2


COUNTS: tuple[Callable[[Store], Awaitable[None]], ...] = (
    the_oldest_pending_event_of_the_asked_slots_is_told,
    files_that_match_are_counted_up_to_the_limit,
)
