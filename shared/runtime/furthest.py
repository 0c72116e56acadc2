"""The furthest that a clock has been, for what must not wait again when the clock is set back.

Events that wait to be published carry the moment since when. A clock that jumps back by an hour would
have the sweep look away from them for that hour. Timers and effects go by the clock as it stands: late
they may be, early never.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from shared.runtime.ports import Clock

NOTICED: Final = timedelta(seconds=1)
"""Time services trim a clock by less than this all the time."""


class Furthest:
    """Reads a clock, and says when it runs backwards."""

    def __init__(self, clock: Clock, log: Callable[..., None]) -> None:
        self._clock = clock
        self._log = log
        self._furthest: datetime | None = None
        self._is_back = False

    def now(self) -> datetime:
        """The present, or where the clock was already."""
        now = self._clock.now()
        if self._furthest is None or now >= self._furthest:
            self._furthest, self._is_back = now, False
        elif now < self._furthest - NOTICED and not self._is_back:
            self._is_back = True
            back = (self._furthest - now).total_seconds()
            self._log("the clock was set back; timers wait for it to catch up", seconds=back)
        return self._furthest
