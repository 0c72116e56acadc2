"""`orderlink profiles`: the profiles and shops in force, checked."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from shared.adapters.profile_files import load_profiles
from shared.cli.operate import plainly
from shared.kernel.profiles import Profile

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Shops = Annotated[Path | None, typer.Option("--shops", help="Your shops, a YAML list.")]
Directory = Annotated[Path | None, typer.Option("--profiles", help="A directory of further profiles.")]


@app.command()
def check(shops: Shops = None, profiles: Directory = None) -> None:
    """Read all of it; name the file, the entry and the field of the first mistake."""
    with plainly("profiles"):
        found = load_profiles(profiles, shops)
    for shop in found.shops.values():
        changed = f", {len(shop.overrides)} overridden" if shop.overrides else ""
        typer.echo(f"{shop.shop_id}: {found.of(shop.shop_id).ref}, {shop.zone}{changed}")


@app.command()
def show(
    shop: Annotated[str | None, typer.Argument(help="A shop; without one, the default profile.")] = None,
    shops: Shops = None,
    profiles: Directory = None,
) -> None:
    """Every value in force for a shop, and where it comes from."""
    with plainly("profiles"):
        found = load_profiles(profiles, shops)
        if shop is not None and shop not in found.shops:
            raise ValueError(f"there is no shop {shop!r}; there are {', '.join(sorted(found.shops))}")
    overridden = found.shops[shop].overrides if shop is not None else {}
    Console().print(_table(found.of(shop), overridden))


def _table(profile: Profile, overridden: dict[str, object]) -> Table:
    table = Table(title=f"{profile.ref}, {profile.zone}", title_justify="left", show_edge=False)
    for column in ("value", "in force", "source"):
        table.add_column(column, overflow="fold")
    for name, value in profile.values.model_dump(mode="json").items():
        source = "overridden by the shop" if name in overridden else profile.sources.get(name, "")
        table.add_row(name, _plain(value), source)
    return table


def _plain(value: JsonValue) -> str:
    match value:
        case dict():
            return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
        case list():
            return ", ".join(_plain(each) for each in value)
        case _:
            return str(value)
