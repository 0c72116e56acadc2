"""`orderlink profiles`: profiles and shops checked, shown, listed, and laid side by side."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from shared.adapters.clock import SystemClock
from shared.adapters.profile_files import (
    OWN_DIRECTORY,
    ProfilesWrong,
    Written,
    load_profiles,
    read_all,
    read_directory,
    read_files,
)
from shared.adapters.profiles import DEFAULT, Profiles, in_force_on
from shared.cli.operate import plainly
from shared.cli.profile_tables import BEGIN, END, Change, contents, differences, founded, hints, pages
from shared.kernel.profiles import Profile

PAGE: Final = Path("docs/profiles.md")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Shops = Annotated[Path | None, typer.Option("--shops", help="Your shops, a YAML list.")]
Directory = Annotated[Path | None, typer.Option("--profiles", help="A directory of further profiles.")]


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Profiles to check, YAML files.")] = None,
    shops: Shops = None,
    profiles: Directory = None,
) -> None:
    """Read all of it; name the file, the version and the field of the first mistake.

    With files: each is checked as a version beside those there are, and what it changes is shown.
    """
    with plainly("profiles"):
        found = load_profiles(profiles, shops)
        if files:
            beside = read_all(profiles)
            for each in read_new(files, beside).values():
                _show_changes(each, beside)
            return
    for shop in found.shops.values():
        changed = f", {len(shop.overrides)} overridden" if shop.overrides else ""
        typer.echo(f"{shop.shop_id}: {found.of(shop.shop_id, at=_now()).ref}, {shop.zone}{changed}")


@app.command()
def show(
    which: Annotated[
        str | None, typer.Argument(help="A shop, a profile, or one version of it: mall@1. Or the default.")
    ] = None,
    shops: Shops = None,
    profiles: Directory = None,
) -> None:
    """Every value in force for a shop or of a profile, and where it comes from."""
    with plainly("profiles"):
        found = load_profiles(profiles, shops)
        profile = _chosen(found, which)
    overridden = found.shops[which].overrides if which in found.shops else {}
    Console().print(_table(profile, overridden))


@app.command(name="list")
def list_all(shops: Shops = None, profiles: Directory = None) -> None:
    """Every version of every profile, since when it is in force, and which shops go by it now."""
    with plainly("profiles"):
        found, written = load_profiles(profiles, shops), read_all(profiles)
    table = Table(show_edge=False, pad_edge=False)
    for column in ("profile", "in force from", "values", "facts", "may", "shops", "about"):
        table.add_column(column, overflow="fold")
    for each in sorted(written.values(), key=lambda one: (one.profile.id, one.profile.version)):
        profile = each.profile
        facts = [name for name in each.given if name.startswith("facts.")]
        may = [name for name in each.given if name.startswith("may.")]
        here = [shop for shop in found.shops if found.of(shop, at=_now()).ref == profile.ref]
        numbers = (len(each.given) - len(facts) - len(may), len(facts), len(may))
        since = "ever" if profile.effective is None else str(profile.effective)
        table.add_row(profile.ref, since, *map(str, numbers), ", ".join(here), profile.about)
    Console().print(table)


@app.command()
def document(page: Annotated[Path, typer.Option(help="The page whose tables are made anew.")] = PAGE) -> None:
    """Make the tables of docs/profiles.md anew from the product's own profiles."""
    with plainly("profiles"):
        page.write_text(with_tables(page.read_text("utf-8")), "utf-8")
    typer.echo(f"{page} written.")


def with_tables(page: str) -> str:
    """The page docs/profiles.md with tables of the product's own profiles. Raises `ValueError`."""
    top, begin, rest = page.partition(BEGIN)
    _, end, below = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected a page with the lines {BEGIN.strip()} and {END.strip()}")
    return f"{top}{BEGIN}\n{pages(read_directory(OWN_DIRECTORY))}\n{END}{below}"


def read_new(files: Sequence[Path], beside: dict[str, Written]) -> dict[str, Written]:
    """The versions in some files, beside those there are. Raises `ProfilesWrong`.

    A version that is there already must say the same: orders go by it.
    """
    found = read_files(list(files), beside)
    for ref, each in found.items():
        known = beside.get(ref)
        if known is None or known.path.resolve() == each.path.resolve():
            continue
        changed = differences(known.profile, each.profile)
        if changed:
            raise ProfilesWrong(
                f"{each.path}, {ref}: {changed[0].name}: expected {changed[0].was} as in {known.path}, got "
                f"{changed[0].now}; a version that is in force does not change: "
                f"make it version {each.profile.version + 1}, with the day from which it holds"
            )
    return found


def _chosen(found: Profiles, which: str | None) -> Profile:
    if which is None or which in found.shops:
        return found.of(which, at=_now())
    return found.named(which)


def _show_changes(each: Written, beside: dict[str, Written]) -> None:
    profile = each.profile
    console = Console()
    typer.echo(
        f"{each.path}: {profile.ref} can be used. It gives {len(each.given)} values, facts and abilities."
    )
    same_id = [one.profile for one in beside.values() if one.profile.id == profile.id]
    before = [one for one in same_id if one.version < profile.version]
    if before:
        newest = max(before, key=lambda one: one.version)
        _print_changes(console, f"{profile.ref} beside {newest.ref}, the version before", newest, profile)
    if profile.id != DEFAULT:
        defaults = sorted(
            (one.profile for one in beside.values() if one.profile.id == DEFAULT), key=lambda one: one.version
        )
        base = in_force_on(defaults, profile.effective or datetime.min.replace(tzinfo=UTC).date())
        _print_changes(console, f"{profile.ref} beside {base.ref}", base, profile)
    for hint in hints(profile):
        typer.echo(f"note: {hint}")


def _print_changes(console: Console, title: str, before: Profile, after: Profile) -> None:
    changes = differences(before, after)
    if not changes:
        typer.echo(f"{title}: nothing differs.")
        return
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in ("value", "was", "is", "source", "confidence"):
        table.add_column(column, overflow="fold")
    for change in changes:
        table.add_row(*Change(*change))
    console.print(table)


def _table(profile: Profile, overridden: dict[str, object]) -> Table:
    table = Table(title=f"{profile.ref}, {profile.zone}", title_justify="left", show_edge=False)
    for column in ("value", "in force", "source", "confidence"):
        table.add_column(column, overflow="fold")
    for name, value in contents(profile).items():
        source = ("overridden by the shop", "") if name in overridden else founded(profile, name)
        table.add_row(name, value, *source)
    return table


def _now() -> datetime:
    return SystemClock().now()
