"""`orderlink console`: what the events of a running system add up to, live in this terminal.

It hears all topics from their beginning, as any subscriber could, and keeps what it heard in memory: for
trying out, not for years of orders. Nobody is asked for anything but the broker.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from secrets import token_hex
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.live import Live

from shared.adapters.clock import SystemClock
from shared.adapters.ending import ended
from shared.cli.board import Board
from shared.cli.operate import plainly, settings_now
from shared.cli.replay import TOPICS
from shared.client import subscribe

FRAMES_PER_SECOND: Final = 4
CATCH_UP_SECONDS: Final = 10.0
TITLE: Final = "Orderlink"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter(f"expected a time zone such as Europe/Berlin, got {name!r}") from None
    return name


@app.command()
def console(
    zone: Annotated[str, typer.Option(callback=_known_zone, help="Whose days and hours are shown.")] = "UTC",
) -> None:
    """The board of all orders, live until Ctrl-C; where there is no terminal, once."""
    with plainly("console"), contextlib.suppress(KeyboardInterrupt):
        asyncio.run(shown(Board(zone, TITLE), Console(highlight=False)))


async def shown(board: Board, terminal: Console) -> None:
    """Show it live, or once where this is no terminal. Raises `Unavailable`, `SettingsWrong`."""
    clock = SystemClock()
    # A group of its own each time: it begins at the beginning.
    group, servers = f"orderlink-console-{token_hex(4)}", settings_now().kafka_bootstrap_servers
    async with following(board, group, servers) as hearing:
        if not terminal.is_terminal:
            await caught_up(board)
            # Who hears nothing is told why, and not that there are no orders.
            if not hearing.done():
                terminal.print(board.show(clock.now()))
        else:
            # Not by its own thread, which would look while an event is taken.
            with Live(console=terminal, auto_refresh=False) as live:
                while not hearing.done():
                    live.update(board.show(clock.now()), refresh=True)
                    await asyncio.sleep(1 / FRAMES_PER_SECOND)
        if hearing.done():
            hearing.result()


@contextlib.asynccontextmanager
async def following(board: Board, group: str, servers: str) -> AsyncGenerator["asyncio.Task[None]"]:
    """The board hears what any subscriber could hear. The task ends only if that fails."""

    async def follow() -> None:
        async for event in subscribe(*TOPICS, group=group, servers=servers):
            board.take(event)

    hearing = asyncio.create_task(follow())
    try:
        yield hearing
    finally:
        await ended(hearing)


async def caught_up(board: Board) -> None:
    """Wait until the board has heard what there is: until nothing new comes for a moment."""
    for _ in range(round(CATCH_UP_SECONDS)):
        before = board.taken
        await asyncio.sleep(1.0)
        if 0 < before == board.taken:
            return
