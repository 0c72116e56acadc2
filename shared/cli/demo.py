"""`orderlink demo`: three weeks of a shop on the real stack, played while you watch."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from shared.adapters.clock import FileClockWriter
from shared.adapters.profile_files import load_profiles
from shared.cli.agents import ActFailed
from shared.cli.board import Board
from shared.cli.console import FRAMES_PER_SECOND, caught_up, following
from shared.cli.counts import INNER
from shared.cli.lockstep import Lockstep
from shared.cli.replay import FAST
from shared.cli.running import INTERRUPTED_CODE, Interrupted, ephemeral_directory, with_stack
from shared.cli.stack import Plan, Ports, Stack, StackFailed
from shared.cli.system import Addresses, System, SystemFailed
from shared.cli.timeline import instants, measure
from shared.cli.up import DIRECTORY, PORT_BASE, first_steps
from shared.runtime.ports import Unavailable

STORY: Final = Path(__file__).with_name("stories") / "demo.jsonl"
SHOP: Final = "demo-market"
WEEKS: Final = timedelta(weeks=3)
BOARD_GROUP: Final = "demo-board"
WORTH_READING: Final = {
    "D-1004": "A parcel is lost: the buyer wants his money back, then the carrier pays",
    "D-1079": "Parcels of one carrier stand in Bavaria: one incident, and its buyer hears of it once",
    "D-1050": "Something is missing, says the buyer; the weights are compared first",
    "D-1009": "Reminded and paid in the night",
    "D-1073": "A carrier and a card were asked for: it does not leave before the warehouse has seen both",
}
"""Orders whose timelines are shown at the end."""
NOT_WORTH_READING: Final = INNER | {"parcel.picked_up", "parcel.in_transit", "parcel.out_for_delivery"}
LINES_SHOWN: Final = 40

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def demo() -> None:
    """Play three weeks of a shop on the real stack, live in this terminal. It ends by itself."""
    console = Console(highlight=False)
    try:
        with ephemeral_directory() as directory:
            asyncio.run(_demo(directory, console))
    except (ActFailed, StackFailed, SystemFailed, Unavailable) as problem:
        console.print(f"[red]The demo stopped half-way:[/red] {problem}", soft_wrap=True)
        console.print("Nothing is left running. Mend what it says and start it again: make demo")
        raise typer.Exit(1) from problem
    except Interrupted:
        console.print("Stopped; nothing is left running.")
        raise typer.Exit(INTERRUPTED_CODE) from None


async def _demo(directory: Path, console: Console) -> None:
    extent = measure(STORY)
    start = extent.first.replace(hour=0, minute=0)
    clock = directory / "clock"
    FileClockWriter(clock, start, held=True).close()
    plan = Plan(directory=directory, test_clock=clock, environment=FAST)
    console.print(
        "Orderlink's demo: three weeks of a small shop, on a real broker and database, four services as "
        "eight processes, with agents who work. It takes about two minutes."
    )

    async def play(stack: Stack) -> None:
        board = Board(load_profiles().of(SHOP).zone)
        async with System(Addresses.of_stack(stack)) as system:
            with FileClockWriter(clock, start, held=True) as writer:
                driver = Lockstep(system, writer, start)
                async with following(board, BOARD_GROUP, stack.kafka):
                    with _shown(board, driver, extent.lines, console) as show:
                        await driver.play(instants(STORY), show, until=start + WEEKS)
                        await caught_up(board)
                        show(driver.lines, start + WEEKS)
            await _tell_the_end(board, system, console)

    await with_stack(plan, lambda said: console.print(f"[dim]· {said}[/dim]"), play)
    _what_next(console)


@contextlib.contextmanager
def _shown(board: Board, driver: Lockstep, total: int, console: Console) -> Any:
    """The board, live in a terminal; a line a day where there is none."""
    if not console.is_terminal:
        yield _line_a_day(board, console)
        return
    moment = driver.now

    def frame() -> Any:
        return board.show(moment, driver.lines, total)

    with Live(get_renderable=frame, console=console, refresh_per_second=FRAMES_PER_SECOND):

        def show(_lines: int, now: datetime) -> None:
            nonlocal moment
            moment = now

        yield show


def _line_a_day(board: Board, console: Console) -> Callable[[int, datetime], None]:
    shown = ""

    def show(_lines: int, now: datetime) -> None:
        nonlocal shown
        if board.day(now) != shown:
            shown = board.day(now)
            console.print(board.line(now), soft_wrap=True)

    return show


async def _tell_the_end(board: Board, system: System, console: Console) -> None:
    tally = board.tally
    console.print("\n[bold]What happened[/bold]")
    console.print(
        f"{tally['order.placed']} orders were placed and {tally['order.paid']} paid; "
        f"{board.sum_of('payment_reminder_due.')} reminders fell due. "
        f"{tally['parcel.dispatched']} parcels left, {tally['parcel.stalled.1']} of them stood still for two "
        f"days and {tally['parcel.lost']} were lost. {tally['parcel.joined_incident']} parcels that stood "
        f"together were {tally['incident.opened']} incident: one task, and one message for each buyer. Of "
        f"{tally['carrier_claim.opened']} claims for lost parcels {tally['carrier_claim.paid']} is paid. "
        f"Buyers opened {tally['case.opened']} cases; "
        f"{tally['case.refunded']} ended with money back, each paid once. "
        f"{board.sum_of('message.sent.')} messages went out, none of them at night, and "
        f"{board.sum_of('message.suppressed.')} were dropped with a reason. Agents did "
        f"{board.sum_of('task.completed.')} tasks, {tally['task.closed']} closed themselves, and "
        f"{len(board.tasks)} are still open."
    )
    for order_id, title in WORTH_READING.items():
        told = await system.look("notifications", f"/orders/{order_id}/timeline")
        console.print()
        console.print(_timeline(board, f"{order_id}: {title}", told["entries"]))


def _timeline(board: Board, title: str, entries: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    worth = [entry for entry in entries if entry["event"] not in NOT_WORTH_READING]
    for entry in worth[:LINES_SHOWN]:
        moment = datetime.fromisoformat(entry["at"])
        table.add_row(f"{board.day(moment)} {board.clock(moment)}", entry["service"], entry["summary"])
    if len(worth) > LINES_SHOWN:
        table.add_row("", "", f"… and {len(worth) - LINES_SHOWN} more")
    return table


def _what_next(console: Console) -> None:
    """Lines that work once `make up` runs."""
    console.print("\n[bold]What next[/bold]")
    console.print("Keep it running, with an order of your own: `make up`, and in another terminal:\n")
    addresses = Plan(directory=DIRECTORY, ports=Ports.from_base(PORT_BASE))
    for line in first_steps(Stack(addresses, print), f"$(cat {DIRECTORY}/token)"):
        console.print(line, markup=False, soft_wrap=True)
    console.print(
        "\nRun your own order history through it: orderlink simulate FILE.jsonl.gz. One line is one fact, as "
        "in shared/cli/stories/demo.jsonl."
    )
