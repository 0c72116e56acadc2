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
