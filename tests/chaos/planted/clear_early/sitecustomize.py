"""Planted: a relay that clears what is pending before the broker has acknowledged it."""

from collections.abc import Sequence

from shared.runtime import engine
from shared.runtime.file import File
from shared.runtime.metrics import Metrics
from shared.runtime.ports import Cleared, Publisher, Store
from shared.runtime.relay import relay


async def _clear_first(files: Sequence[File], publisher: Publisher, store: Store, metrics: Metrics) -> int:
    await store.clear(
        [Cleared(file.subject, each.topic, each.seq) for file in files for each in file.pending]
    )
    return await relay(files, publisher, store, metrics)


engine.relay = _clear_first  # type: ignore[attr-defined]  # that is the defect
