"""`orderlink up`: the whole system on this machine, until Ctrl-C."""

import asyncio
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared.adapters.clock import FileClockWriter, SystemClock
from shared.cli.operate import remember_servers
from shared.cli.running import Interrupted, ephemeral_directory, with_stack
from shared.cli.stack import Plan, Ports, Servers, Stack, StackFailed
from shared.cli.system import ADDRESSES, Addresses, write_addresses
from shared.contracts.catalog import SERVICES

DIRECTORY = Path(".orderlink")
PORT_BASE = 8080

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def up(
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = DIRECTORY,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing.")] = False,
    port_base: Annotated[
        int, typer.Option(min=1024, max=65000, help="Ports are this number plus 1 to 14.")
    ] = PORT_BASE,
    test_clock: Annotated[
        datetime | None, typer.Option(help="Test mode: time stands at this moment (UTC) until it is moved.")
    ] = None,
) -> None:
    """Start broker, database, sandbox and the four services; Ctrl-C stops all."""
    console = Console(highlight=False, soft_wrap=True)
    try:
        with _directory(data, ephemeral) as directory:
            plan = Plan(
                directory=directory.absolute(),
                ports=Ports.from_base(port_base),
                servers=Servers.from_environment(),
                test_clock=_clock(directory, test_clock),
            )
            asyncio.run(_up(plan, console))
    except (StackFailed, OSError) as problem:
        console.print(f"[red]orderlink up:[/red] {problem}")
        raise typer.Exit(1) from problem
    except Interrupted:
        console.print("All stopped.")


async def _up(plan: Plan, console: Console) -> None:
    async def stay(stack: Stack) -> None:
        remember_servers(plan.directory, stack.kafka, stack.mongodb)
        write_addresses(Addresses.of_stack(stack), plan.directory / ADDRESSES)
        _show(stack, console)
        await asyncio.Event().wait()

    console.print("Starting Orderlink; this takes some seconds.")
    await with_stack(plan, lambda said: console.print(f"[dim]· {said}[/dim]"), stay)


@contextmanager
def _directory(data: Path, ephemeral: bool) -> Generator[Path]:
    if ephemeral:
        with ephemeral_directory() as made:
            yield made
    else:
        yield data


def _clock(directory: Path, moment: datetime | None) -> Path | None:
    if moment is None:
        return None
    directory.mkdir(parents=True, exist_ok=True)
    path = (directory / "clock").absolute()
    FileClockWriter(path, moment.replace(tzinfo=UTC), held=False).close()
    return path


def _show(stack: Stack, console: Console) -> None:
    """Where everything is, and first things to try, with lines that work as they stand."""
    table = Table(title="Orderlink is up", title_justify="left", show_edge=False, pad_edge=False)
    table.add_column("what")
    table.add_column("where")
    for service in SERVICES:
        table.add_row(service, f"{stack.api(service)}   [dim]documented at[/dim] /docs")
    table.add_row("mails and refunds", f"{stack.sandbox}/mails   {stack.sandbox}/refunds")
    table.add_row("broker", stack.kafka if stack.plan.servers else f"{stack.kafka} [dim](embedded)[/dim]")
    table.add_row("database", "yours" if stack.plan.servers else f"{stack.mongodb} [dim](embedded)[/dim]")
    table.add_row("workers", "   ".join(f"{stack.worker(service)}/metrics" for service in SERVICES))
    table.add_row("logs", str(stack.plan.directory / "logs"))
    console.print(table)
    console.print("\nTry it in another terminal:\n")
    for line in first_steps(stack, stack.token):
        console.print(line, markup=False)
    console.print("\nCtrl-C stops everything.", style="dim")


def first_steps(stack: Stack, token: str) -> list[str]:
    """Curl lines that place an order, pay it, and look at what follows."""
    now = SystemClock().now()
    number = now.strftime("A-%H%M%S")
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    placed = {
        "id": f"{number}-placed",
        "at": at,
        "fact": "order.placed",
        "order_id": number,
        "data": {
            "shop_id": "demo",
            "buyer_id": "kim",
            "currency": "EUR",
            "total": "24.90",
            "lines": [
                {"line_id": "1", "sku": "MUG-1", "name": "Mug", "quantity": 1, "amount": "24.90"},
            ],
            "receiver": {"name": "Kim Lee", "email": "kim@example.com", "city": "Berlin"},
        },
    }
    paid = {
        "id": f"{number}-paid",
        "at": at,
        "fact": "order.paid",
        "order_id": number,
        "data": {"amount": "24.90", "payment_id": f"{number}-pay"},
    }
    wrote = {
        "id": f"{number}-wrote",
        "at": at,
        "fact": "buyer.message",
        "order_id": number,
        "data": {"text": "When does it arrive?"},
    }
    auth = '-H "Authorization: Bearer $TOKEN"'
    return [
        f"TOKEN={token}",
        *(_told(stack, "orders", fact, auth) for fact in (placed, paid)),
        _told(stack, "notifications", wrote, auth),
        f"curl -sw '\\n' {auth} {stack.api('notifications')}/orders/{number}/timeline",
        f"curl -sw '\\n' {auth} '{stack.api('notifications')}/tasks?status=open'   # after 30 s",
    ]


def _told(stack: Stack, service: str, fact: Mapping[str, object], auth: str) -> str:
    body = json.dumps(fact, separators=(",", ":"))
    return f"curl -sw '\\n' {auth} -H 'Content-Type: application/json' {stack.api(service)}/facts -d '{body}'"
