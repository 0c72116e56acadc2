"""A task is ended even where what it waits for forgets that it was cancelled."""

import asyncio

from shared.adapters.ending import ended


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
