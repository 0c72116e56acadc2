"""Ending tasks for certain: a cancellation may get lost on its way."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

AGAIN_SECONDS: Final = 0.1
"""How long a task may take to notice before it is told again."""


async def ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and return when all of them are over.

    Once may not be enough. In Python 3.11 `asyncio.wait_for`, which drivers wait with, returns its
    result and forgets the cancellation when both come in the same turn of the loop; a task that
    works in a circle would then go on for ever, and so would whoever waits for its end.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)


async def within(seconds: float, work: Coroutine[Any, Any, object]) -> None:
    """Do this in a task of its own. Raises what it raises, and `TimeoutError` when it takes longer.

    For what drivers do at their end. Some of it swallows the cancellation of whoever awaits it: here
    that is the task, and never the caller.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TimeoutError
    finally:
        await ended(task)
    if not task.cancelled():
        task.result()
