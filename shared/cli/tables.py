"""Tables that people read in a terminal."""

from collections.abc import Mapping

from rich.table import Table


def counts_table(counted: Mapping[str, int], title: str) -> Table:
    """What was counted, by name."""
    table = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    table.add_column("what happened")
    table.add_column("how often", justify="right")
    for name, count in counted.items():
        table.add_row(name, f"{count:,}")
    return table


def compared_table(before: Mapping[str, int], after: Mapping[str, int]) -> Table:
    """Two counts side by side, by name: first what differs, then the rest."""
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("what happened")
    for column in ("before", "after", "difference"):
        table.add_column(column, justify="right")
    names = sorted({*before, *after}, key=lambda name: (before.get(name, 0) == after.get(name, 0), name))
    for name in names:
        was, now = before.get(name, 0), after.get(name, 0)
        row = (name, f"{was:,}", f"{now:,}", f"{now - was:+,}" if now != was else "")
        table.add_row(*row, style="bold" if now != was else "dim")
    return table
