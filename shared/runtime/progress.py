"""Progress: whether a worker gets ahead with what it has to take, which is what its liveness means."""

from collections.abc import Callable, Iterable, Mapping

from shared.runtime.ports import TopicPartition


class Progress:
    """For each partition with records to take: where it stands, and since when."""

    def __init__(self, patience_seconds: float, monotonic: Callable[[], float]) -> None:
        self._patience_seconds = patience_seconds
        self._monotonic = monotonic
        self._standing: dict[TopicPartition, tuple[int, float]] = {}
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
        standing = {where: (consumed[where], now) for where, behind in lag.items() if behind}
        for where, (position, _) in standing.items():
            before = self._standing.get(where)
            if before is not None and before[0] == position:
                standing[where] = before
        self._standing = standing

    def excuse(self) -> None:
        """Nothing can be taken: whoever stood still begins anew."""
        self._standing = {}

    def alive(self) -> bool:
        """False when a partition has records and has stood still for too long."""
        now = self._monotonic()
        if now < self._waits_out_until:
            return True
        return all(now - since < self._patience_seconds for _, since in self._standing.values())
