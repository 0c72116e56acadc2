"""The tables as a page: `python -m services.logistics.inlets.page > docs/inlets-carriers-tables.md`."""

import sys
from collections.abc import Iterable

from services.logistics.decide.faults import REASONS
from services.logistics.inlets import INLETS
from services.logistics.inlets.reading import CARRIERS, CHINESE, status_table
from services.logistics.inlets.tables import Meaning

_WITHOUT_TABLE = ("scans",)


def page() -> str:
    """The whole page, made from the tables alone."""
    parts = [
        "# What carriers' words mean\n\nMade from the tables in `services/logistics/inlets/`; don't edit.\n",
        *(_system(inlet.system) for inlet in INLETS if inlet.system not in _WITHOUT_TABLE),
        _words(),
        _reasons(),
        _carriers(),
    ]
    return "\n".join(parts)


def _system(system: str) -> str:
    table = status_table(system)
    sources = "\n".join(f"- {name}: {where}" for name, where in table.sources.items())
    parts = [f"## {system}\n\n{sources}\n", _meanings("status", table.statuses)]
    if table.details:
        parts.append(_meanings("detail", table.details))
    return "\n".join(parts)


def _meanings(what: str, entries: Iterable[Meaning]) -> str:
    rows = [(_code(one), _means(one), one.reason or "", _fault(one), one.note or "") for one in entries]
    return _rows((what, "means", "reason", "fault", "note"), rows)


def _code(entry: Meaning) -> str:
    return f"`{entry.code}`" if entry.name is None else f"`{entry.code}` {entry.name}"


def _means(entry: Meaning) -> str:
    match entry.means:
        case "as_status":
            return "what its status means"
        case "by_words":
            return f"what its text says, else {entry.otherwise}"
        case means:
            return means


def _fault(entry: Meaning) -> str:
    if entry.means != "exception":
        return ""
    if entry.reason is None and entry.fault is None:
        return "by its words"
    return entry.fault or REASONS[entry.reason or "unspecified"]


def _words() -> str:
    rows = [(str(kind), " ".join(words)) for kind, words in CHINESE.words.items()]
    return f"## Chinese traces\n\n{CHINESE.source}\n\n" + _rows(("means", "words"), rows)


def _reasons() -> str:
    return "## Reasons\n\n" + _rows(("reason", "fault"), [(f"`{name}`", of) for name, of in REASONS.items()])


def _carriers() -> str:
    rows = [
        (
            f"`{carrier.id}`",
            carrier.name,
            ", ".join(carrier.names),
            "; ".join(f"{system} {', '.join(codes)}" for system, codes in carrier.codes.items()),
            ", ".join(carrier.schemes),
        )
        for carrier in CARRIERS.all
    ]
    return "## Carriers\n\n" + _rows(("id", "name", "also", "in one system", "check digit"), rows)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
