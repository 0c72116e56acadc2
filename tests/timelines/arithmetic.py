"""Reads the tables of `authored.md`: what each order must yield, by name."""

import re
from collections import Counter
from pathlib import Path

PAGE = Path(__file__).with_name("authored.md")
_TERM = re.compile(r"^(?P<minus>-?)(?P<name>\S+?)(?: x(?P<times>\d+))?$")


def counts_by_order(page: Path = PAGE) -> dict[str, Counter[str]]:
    """For every order of the last table, how often each name must be counted."""
    short: dict[str, Counter[str]] = {}
    orders: dict[str, Counter[str]] = {}
    for line in page.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if (cells and set(cells[0]) == {"-"}) or cells[:1] in (["name"], ["order"]):
            continue
        match cells:
            case [name, terms]:
                short[name] = _summed(terms, short)
            case [order, _, terms]:
                orders[order] = _summed(terms, short)
            case _:
                pass
    return orders


def _summed(terms: str, short: dict[str, Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for term in terms.split(", "):
        read = _TERM.match(term)
        if read is None:
            raise ValueError(f"not a term of the form `name` or `-name` or `name x2`: {term!r}")
        times = int(read["times"] or 1) * (-1 if read["minus"] else 1)
        for name, count in short.get(read["name"], Counter({read["name"]: 1})).items():
            found[name] += count * times
    if any(count < 0 for count in found.values()):
        raise ValueError(f"less than nothing in: {terms}")
    return +found
