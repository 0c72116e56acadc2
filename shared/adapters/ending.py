"""Ending tasks for certain: a cancellation may get lost on its way."""

import asyncio
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
