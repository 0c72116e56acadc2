"""The watchdog: a loop that stands still or a worker that gets nothing done ends the process."""

import asyncio
import time

import pytest

from shared.adapters.watchdog import DEAD_LOOKS, LOOK_SECONDS, Watchdog
from shared.runtime.limits import Limits
from shared.runtime.progress import LOOKS

ENDS_WITHIN_SECONDS = 30.0
"""What is promised of a process that gets no further."""


async def _until(said: list[str]) -> None:
    for _ in range(400):
        if said:
            return
        await asyncio.sleep(0.005)


async def test_a_loop_that_turns_is_left_alone() -> None:
    said: list[str] = []
    watchdog = Watchdog(lambda: True, 2.0, said.append, look_seconds=0.02)
    watchdog.start()
    await asyncio.sleep(0.3)
    watchdog.stop()
    assert said == []


async def test_a_loop_that_stands_still_ends_the_process() -> None:
    said: list[str] = []
    watchdog = Watchdog(lambda: True, 0.05, said.append, look_seconds=0.01)
    watchdog.start()
    await asyncio.sleep(0.05)
    time.sleep(0.3)  # noqa: ASYNC251  # it is the point that the loop stands still
    watchdog.stop()
    assert "stood still" in said[0]


async def test_a_worker_that_gets_nothing_done_ends_the_process() -> None:
    said: list[str] = []
    watchdog = Watchdog(lambda: False, 0.05, said.append, look_seconds=0.01)
    watchdog.start()
    await _until(said)
    watchdog.stop()
    assert "nothing got done" in said[0]


async def test_a_watchdog_that_fails_ends_the_process_and_not_only_itself() -> None:
    said: list[str] = []

    def fails() -> bool:
        raise RuntimeError("changed while it was looked at")

    watchdog = Watchdog(fails, 0.05, said.append, look_seconds=0.01)
    watchdog.start()
    await _until(said)
    watchdog.stop()
    assert "watchdog itself failed: RuntimeError" in said[0]


@pytest.mark.promise("lively")
def test_with_the_settings_as_they_come_whatever_stands_still_has_ended_within_half_a_minute() -> None:
    patience = Limits().progress_timeout_seconds
    seen_after = patience / LOOKS  # a partition begins to stand still just after a look
    assert seen_after + patience + DEAD_LOOKS * LOOK_SECONDS <= ENDS_WITHIN_SECONDS
