"""The console shows what a subscriber hears, and says in a line why it hears nothing."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from shared.cli import console
from shared.cli.board import Board
from shared.client import events
from shared.contracts.event import Event
from shared.contracts.examples import example_of
from shared.runtime.ports import Unavailable

PLACED = example_of(events.orders.OrderPlaced)
NOBODY = Unavailable("broker: nobody answers at b:9092")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], None]:
    """Hear one event instead of a broker, or fail; and do not wait between looks."""
    pause = asyncio.sleep

    def hear(problem: Exception | None) -> None:
        async def subscribe(*_topics: str, **_how: Any) -> AsyncGenerator[Event]:
            if problem is not None:
                raise problem
            yield PLACED
            await asyncio.Event().wait()

        async def at_once(_seconds: float) -> None:
            await pause(0)

        monkeypatch.setattr(console, "subscribe", subscribe)
        monkeypatch.setattr(asyncio, "sleep", at_once)

    return hear


def test_without_a_terminal_the_board_is_shown_once(heard: Callable[[Exception | None], None]) -> None:
    heard(None)
    ran = CliRunner().invoke(console.app, ["--zone", "Europe/Berlin"])
    assert ran.exit_code == 0, ran.output
    assert "Orders: 1" in ran.output
    assert "Orderlink, " in ran.output
    assert " of " not in ran.output.splitlines()[1]


def test_who_hears_nothing_is_told_why(heard: Callable[[Exception | None], None]) -> None:
    heard(NOBODY)
    ran = CliRunner().invoke(console.app)
    assert ran.exit_code == 1
    assert "orderlink console: broker: nobody answers at b:9092" in ran.output
    assert "Orders: 0" not in ran.output


async def test_in_a_terminal_it_ends_when_nothing_can_be_heard_any_more(
    heard: Callable[[Exception | None], None],
) -> None:
    heard(NOBODY)
    terminal = Console(force_terminal=True, width=100, file=StringIO())
    with pytest.raises(Unavailable):
        await console.shown(Board("UTC"), terminal)
    assert isinstance(terminal.file, StringIO)
    assert "Open tasks: 0" in terminal.file.getvalue()


def test_a_zone_that_is_none_is_refused() -> None:
    ran = CliRunner().invoke(console.app, ["--zone", "Europe/Atlantis"])
    assert ran.exit_code == 2
    assert "Europe/Atlantis" in ran.output
