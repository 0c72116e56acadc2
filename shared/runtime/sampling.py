"""Sampling: what a worker counts in its database for the metrics, now and then and never for a scrape.

Every question goes by an index and stops at a limit, so it costs the same however many files there are.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from shared.runtime.engine import Engine
from shared.runtime.file import STUCK
from shared.runtime.ports import TopicPartition

PENDING_COUNTED_MAX: Final = 10_000
COUNTED_MAX: Final = 1_000
"""For each reason, each kind: more than a person can look at."""


async def sample(engine: Engine, slots: Collection[int]) -> bool:
    """Count, and tell the metrics. Raises `Unavailable`; then they stand at what they were.

    It finds nothing to do: False, as a worker's loop says it.
    """
    store, metrics, now = engine.store, engine.metrics, engine.clock.now()
    metrics.gauge("orderlink_pending_files", await store.pending_count(PENDING_COUNTED_MAX))
    oldest = _age(await store.pending_since(slots) if slots else None, now)
    metrics.gauge("orderlink_pending_oldest_seconds", oldest)
    overdue = _age(await store.next_timer_at(slots) if slots else None, now)
    metrics.gauge("orderlink_timer_overdue_seconds", overdue)
    stuck: dict[tuple[str, ...], float] = {
        (reason,): await store.count({"stuck": reason}, COUNTED_MAX) for reason in STUCK
    }
    metrics.whole("orderlink_stuck_files", stuck)
    for counted in engine.service.counted:
        found = [float(await store.count({counted.path: value}, COUNTED_MAX)) for value in counted.values]
        labels = [(str(value),) if counted.label else () for value in counted.values]
        metrics.whole(counted.metric, dict(zip(labels, found, strict=True)))
    return False


def labelled(lag: Mapping[TopicPartition, int]) -> dict[tuple[str, ...], float]:
    """How far each partition is behind, as the metric's labels have it."""
    return {(where.topic, str(where.partition)): behind for where, behind in lag.items()}


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
