"""Doing something with a stack: it is started, watched meanwhile, and always ended, whatever happens."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from shared.adapters.ending import ended
from shared.cli.children import Tell
from shared.cli.stack import Plan, Stack

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED_CODE: Final = 130

T = TypeVar("T")


class Interrupted(Exception):
    """Somebody pressed Ctrl-C, or asked the process to end."""


async def with_stack(plan: Plan, tell: Tell, body: Callable[[Stack], Awaitable[T]]) -> T:
    """Start the stack, do it, end the stack.

    Raises `StackFailed` when it can't be started or kept running, and `Interrupted`. A second Ctrl-C
    ends everything at once.
    """
    stack = Stack(plan, tell)
    with _interruptions(stack) as asked_to_stop:
        try:
            await _unless(asked_to_stop, stack.start())
            async with _watched(stack) as watching:
                doing = asyncio.ensure_future(body(stack))
                try:
                    return await _unless(asked_to_stop, _first(doing, watching))
                finally:
                    doing.cancel()
        finally:
            await stack.stop()


@contextmanager
def ephemeral_directory() -> Generator[Path]:
    """A directory that is gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="orderlink-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _interruptions(stack: Stack) -> Generator[asyncio.Event]:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask() -> None:
        if asked.is_set():
            stack.kill()
            os._exit(INTERRUPTED_CODE)
        asked.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, ask)
    try:
        yield asked
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _watched(stack: Stack) -> AsyncGenerator["asyncio.Task[None]"]:
    watching = asyncio.create_task(stack.watch())
    try:
        yield watching
    finally:
        await ended(watching)


async def _first(doing: "asyncio.Future[T]", watching: "asyncio.Task[None]") -> T:
    """What is done, unless the watch ends before: then its problem is ours."""
    either: set[asyncio.Future[Any]] = {doing, watching}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not doing.done():
        watching.result()
    return await doing


async def _unless(asked: asyncio.Event, wanted: Awaitable[T]) -> T:
    doing = asyncio.ensure_future(wanted)
    asking = asyncio.create_task(asked.wait())
    either: set[asyncio.Future[Any]] = {doing, asking}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
            raise Interrupted
        return doing.result()
    finally:
        asking.cancel()
