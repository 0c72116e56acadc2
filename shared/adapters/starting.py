"""What a start waits for: each step is tried until it succeeds, and says what is missing and for how long."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from shared.adapters.ending import ended
from shared.adapters.kafka_broker import Broker
from shared.adapters.kafka_ends import EndOffsets
from shared.adapters.logs import logger
from shared.adapters.naming import Names, as_they_are
from shared.contracts.catalog import event_topic
from shared.runtime.loops import wait_at_most
from shared.runtime.ports import Record, Unavailable
from shared.runtime.restore.guard import LAST_RECORDS

RETRY_FIRST_SECONDS: Final = 0.2
RETRY_MAX_SECONDS: Final = 5.0
STILL_SECONDS: Final = 10.0
"""A step that takes longer is spoken of again and again: an index of many files takes its time."""

Result = TypeVar("Result")


class Starting:
    """The steps of one process's start, one after the other."""

    def __init__(
        self,
        stop: asyncio.Event,
        still_seconds: float = STILL_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._still_seconds = still_seconds
        self._monotonic = monotonic
        self._what = ""
        self._since = 0.0
        self._log = logger("orderlink.process")

    @property
    def waits_for(self) -> str:
        """What it is at and for how long, for probes; the reason stands in the log alone."""
        return (
            f"at {self._what} for {self._waited:.0f} s; the log says why" if self._what else "has not begun"
        )

    async def step(self, what: str, step: Callable[[], Coroutine[Any, Any, Result]]) -> Result | None:
        """Try a step until it succeeds, or None when the process is told to stop."""
        self._what, self._since = what, self._monotonic()
        pause = RETRY_FIRST_SECONDS
        while not self._stop.is_set():
            trying = asyncio.ensure_future(step())
            if not await self._tried(trying):
                return None
            try:
                return trying.result()
            except Unavailable as problem:
                self._log.warning(
                    "waiting for what is away",
                    what=what,
                    reason=str(problem),
                    waited_seconds=round(self._waited, 1),
                    next=f"tried again in {pause:g} s, and so on; stops on SIGTERM",
                )
            await wait_at_most(pause, self._stop)
            pause = min(pause * 2, RETRY_MAX_SECONDS)
        return None

    @property
    def _waited(self) -> float:
        return self._monotonic() - self._since

    async def _tried(self, trying: "asyncio.Future[Any]") -> bool:
        """Whether it came to an end; if not, the process was told to stop meanwhile."""
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            while not trying.done():
                await asyncio.wait(
                    {trying, stopping}, timeout=self._still_seconds, return_when=asyncio.FIRST_COMPLETED
                )
                if stopping.done() and not trying.done():
                    trying.cancel()
                    return False
                if not trying.done():
                    self._log.info("still at it", what=self._what, waited_seconds=round(self._waited, 1))
            return True
        finally:
            await ended(stopping)


async def last_records(broker: Broker, service: str, client_id: str) -> list[Record]:
    """The last records of each partition of the topic on which a service speaks. Raises `Unavailable`."""
    topic = event_topic(service)
    ends = EndOffsets(broker, Names(as_they_are, (topic,)), client_id)
    try:
        return await ends.latest(topic, LAST_RECORDS)
    finally:
        await ends.close()
