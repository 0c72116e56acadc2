"""Progress: whether a worker gets ahead with what it has to take, which is what its liveness means.

A partition that has records and stands still is stuck, unless it only waits for its turn: a member holds
what it fetched of other partitions before, and under a backlog a slow database makes that take minutes.
Ending such a worker would make it begin again, and never come to the end. So while others move and have
more than that before them, a partition's time begins anew, for as many records as a member may hold.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shared.runtime.ports import TopicPartition

LOOKS = 10
"""So often it is looked where everything stands, in the time after which a worker is not alive."""
QUEUED_MAX_RECORDS = 25_000
"""More than a member holds of other partitions before one's turn comes."""


@dataclass(frozen=True, slots=True)
class _Standing:
    position: int
    since: float
    passed: int
    """Records of other partitions that were taken meanwhile."""


class Progress:
    """For each partition with records to take: where it stands, and since when."""

    def __init__(self, patience_seconds: float, monotonic: Callable[[], float]) -> None:
        self._patience_seconds = patience_seconds
        self._monotonic = monotonic
        self._standing: dict[TopicPartition, _Standing] = {}
        self._consumed: Mapping[TopicPartition, int] = {}
        self._waits_out_until = 0.0

    def waits(self, seconds: float) -> None:
        """A batch waits so long for a database or broker that is away; then it is tried again, or stuck."""
        self._waits_out_until = self._monotonic() + seconds + self._patience_seconds

    def moved(self, partitions: Iterable[TopicPartition]) -> None:
        """A batch of these was taken in."""
        self._waits_out_until = 0.0
        for where in partitions:
            self._standing.pop(where, None)

    def look(self, consumed: Mapping[TopicPartition, int], lag: Mapping[TopicPartition, int]) -> None:
        """Where every partition stands now, and how much it has to take."""
        now = self._monotonic()
        took = {where: max(0, at - self._consumed.get(where, at)) for where, at in consumed.items()}
        taken = sum(took.values())
        is_queue = 0 < taken <= sum(lag[where] for where, records in took.items() if records)
        standing: dict[TopicPartition, _Standing] = {}
        for where, behind in lag.items():
            before = self._standing.get(where)
            if not behind:
                continue
            if before is None or before.position != consumed[where]:
                standing[where] = _Standing(consumed[where], now, 0)
                continue
            passed = before.passed + taken
            waits_for_its_turn = is_queue and passed <= QUEUED_MAX_RECORDS
            standing[where] = _Standing(before.position, now if waits_for_its_turn else before.since, passed)
        self._standing, self._consumed = standing, consumed

    def excuse(self) -> None:
        """Nothing can be taken: whoever stood still begins anew."""
        self._standing = {}

    def alive(self) -> bool:
        """False when a partition has records and has stood still for too long."""
        now = self._monotonic()
        if now < self._waits_out_until:
            return True
        # The watchdog asks from a thread of its own, while batches are taken: a copy is made in one go.
        return all(now - each.since < self._patience_seconds for each in list(self._standing.values()))
