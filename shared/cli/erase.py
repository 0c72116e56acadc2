"""`orderlink erase`: a buyer is erased from every service's files, from contacts and from dead letters.

It asks `orders` what `POST /orders/{order_id}/erasure` asks, waits until every service has heard of it, and
then buries what is about these orders among the dead letters. docs/erasure.md says what is gone when.
"""

import asyncio
from collections.abc import Collection
from contextlib import AsyncExitStack
from typing import Annotated, Final

import typer

from shared.adapters.settings import CommonSettings
from shared.cli.operate import engine_of, letters_of, plainly, settings_now
from shared.contracts.catalog import SERVICES
from shared.kernel.decision import Refused
from shared.runtime.engine import Engine
from shared.runtime.erasing import ask_orders, bury_letters, parked_of, still_known

PAGE: Final = 500
NAMED_MAX: Final = 10

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def erase(
    order: Annotated[list[str] | None, typer.Option(help="An order's id; may be said several times.")] = None,
    buyer: Annotated[
        str | None, typer.Option(help="All orders of this buyer: his id, as the platform gives it.")
    ] = None,
    shop: Annotated[str | None, typer.Option(help="The shop whose buyer it is; needed with --buyer.")] = None,
    even_though_open: Annotated[
        bool,
        typer.Option("--even-though-open", help="Also where something is open, and give up what is parked."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait_seconds: Annotated[
        float, typer.Option(min=0, max=3600, help="How long to wait for the services to hear of it.")
    ] = 60.0,
) -> None:
    """Erase who bought these orders and what was written about them. There is no way back."""
    if bool(order) == bool(buyer) or bool(buyer) != bool(shop):
        raise typer.BadParameter("say --order, once or several times; or --buyer together with --shop")
    with plainly("erase"):
        asyncio.run(_erase(order or [], buyer, shop, even_though_open, yes, wait_seconds, settings_now()))


async def _erase(
    named: list[str],
    buyer: str | None,
    shop: str | None,
    even_though_open: bool,
    yes: bool,
    wait_seconds: float,
    settings: CommonSettings,
) -> None:
    async with AsyncExitStack() as stack:
        engines = {name: await stack.enter_async_context(engine_of(name, settings)) for name in SERVICES}
        orders = named if buyer is None else await _orders_of(engines["orders"], buyer, shop)
        if not orders:
            raise ValueError(f"shop {shop} has no order of buyer {buyer}")
        if not even_though_open:
            await _refuse_parked(engines, orders, settings)
        if not yes:
            typer.confirm(f"Erase for good who bought {_few(orders)}?", abort=True)
        left_out = await ask_orders(engines["orders"], orders, even_though_open=even_though_open)
        for one, why in left_out.items():
            typer.echo(f"{one}: {_told(why)}", err=True)
        asked = [one for one in orders if one not in left_out]
        buried = 0
        for name, engine in engines.items():
            left = await still_known(engine, asked, wait_seconds)
            if left:
                raise ValueError(
                    f"{name} has not heard of the erasure of {_few(sorted(left))} in {wait_seconds:g} s. "
                    "Does its worker run? The same command goes on from here"
                )
            buried += await bury_letters(engine, letters_of(name, settings), asked)
    what = f"{len(asked):,} order{'' if len(asked) == 1 else 's'}"
    typer.echo(f"{what} erased in {len(SERVICES)} services, {buried:,} dead letters buried")
    if any(isinstance(why, Refused) for why in left_out.values()):
        typer.echo("To erase the others too, wait for their end or say --even-though-open.", err=True)
    if left_out:
        raise typer.Exit(1)


async def _orders_of(engine: Engine, buyer: str, shop: str | None) -> list[str]:
    """The orders of a buyer, as `orders` knows them."""
    found: list[str] = []
    where = {"view.buyer_id": buyer, "shop_id": shop}
    while page := await engine.store.page(where, found[-1] if found else None, PAGE):
        found += [document["_id"] for document in page]
    return found


async def _refuse_parked(
    engines: dict[str, Engine], orders: Collection[str], settings: CommonSettings
) -> None:
    """Raises `ValueError` where something waits among the dead letters that is about these orders."""
    for name, engine in engines.items():
        parked = await parked_of(engine, letters_of(name, settings), orders)
        if parked:
            files = sorted({each.where.file for each in parked})
            raise ValueError(
                f"{name} has parked records of {_few(files)}. Take them "
                f"in first: orderlink dead-letters redrive {name} --subject {files[0]}; "
                "or say --even-though-open, and they are given up"
            )


def _told(why: Refused | Exception) -> str:
    if isinstance(why, Refused):
        return f"refused ({why.slug}): {why.detail}"
    raised = f"{type(why).__name__}: {why}"
    return f"not erased, since its rule raised {raised}. Once that is mended, run the command again"


def _few(orders: Collection[str]) -> str:
    named = ", ".join(list(orders)[:NAMED_MAX])
    return named if len(orders) <= NAMED_MAX else f"{named} and {len(orders) - NAMED_MAX:,} more"
