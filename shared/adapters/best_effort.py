"""An API's publisher: it publishes what it commits, but keeps nobody waiting for a broker that is silent.

What an API does not publish, the worker that owns the slot does. So after a publish that waited in
vain, the next ones are not even tried for a while: a request costs its commit and nothing more.
"""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from shared.runtime.ports import Outgoing, Publisher

SILENT_AFTER_SECONDS: Final = 1.0
"""A publish that takes longer and gets no acknowledgement was a wait in vain."""
HOLD_OFF_SECONDS: Final = 5.0


class BestEffort:
    """A publisher in front of another one."""

    def __init__(self, publisher: Publisher, clock: Callable[[], float] = monotonic) -> None:
        self._publisher = publisher
        self._clock = clock
        self._away_until = 0.0

    async def start(self) -> None:
        """Connect. Raises `Unavailable`."""
        await self._publisher.start()

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        """Write all, unless the broker was silent just now; then nothing is acknowledged, at once."""
        began = self._clock()
        if began < self._away_until:
            return [False] * len(records)
        answers = await self._publisher.publish(records)
        ended = self._clock()
        if not any(answers) and ended - began > SILENT_AFTER_SECONDS:
            self._away_until = ended + HOLD_OFF_SECONDS
        return answers

    async def close(self) -> None:
        """Flush and let connections go."""
        await self._publisher.close()
