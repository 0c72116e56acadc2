"""A task is ended even where what it waits for forgets that it was cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from shared.adapters.ending import ended, within
from shared.adapters.faust_transport import FaustTransport
from shared.adapters.kafka_publisher import _drop


async def test_a_task_whose_wait_swallows_the_cancellation_ends_all_the_same() -> None:
    forgotten = 0

    async def forgets(seconds: float) -> None:
        nonlocal forgotten
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            forgotten += 1

    async def circle() -> None:
        await forgets(3600)
        while True:
            await asyncio.sleep(3600)

    task = asyncio.create_task(circle())
    await asyncio.sleep(0)
    await ended(task)
    assert task.cancelled()
    assert forgotten == 1


async def test_tasks_that_are_over_and_no_tasks_at_all_are_nothing_to_wait_for() -> None:
    async def nothing() -> int:
        return 7

    task = asyncio.create_task(nothing())
    await task
    await ended(task)
    await ended()
    assert task.result() == 7


async def swallows() -> None:
    """Ends at a cancellation as if nothing had been."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        return


async def breaks() -> None:
    raise OSError("the broker is gone")


async def in_circles(work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await work()


async def test_what_swallows_a_cancellation_keeps_it_from_nobody_who_waits_for_it() -> None:
    task = asyncio.create_task(in_circles(lambda: within(3600, swallows())))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()


async def test_what_takes_too_long_or_breaks_is_said_and_over() -> None:
    with pytest.raises(TimeoutError):
        await within(0.01, asyncio.sleep(3600))
    with pytest.raises(OSError, match="gone"):
        await within(5, breaks())


async def test_a_publisher_that_is_ended_while_it_drops_its_producer_is_not_kept() -> None:
    producer: Any = SimpleNamespace(_sender=SimpleNamespace(sender_task=None), stop=swallows)
    task = asyncio.create_task(in_circles(lambda: _drop(producer)))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()


async def test_a_member_that_is_cancelled_just_as_records_come_ends() -> None:
    member = FaustTransport("127.0.0.1:1", "group", ("orders.v1",))
    member._app = SimpleNamespace(crashed=False, should_stop=False)
    task = asyncio.create_task(in_circles(lambda: member.batch(1, 3600)))
    await asyncio.sleep(0.01)
    member._filled.set()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()
