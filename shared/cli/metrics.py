"""`orderlink metrics`: every metric with its labels and its meaning, also as docs/metrics.md."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from shared.runtime.metrics import COUNTERS, GAUGES, HISTOGRAMS, Instrument

PAGE: Final = Path("docs/metrics.md")
OF_THE_PROCESS: Final = (
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_virtual_memory_bytes",
)
"""What Prometheus' library says of the process itself."""
_TOP: Final = """\
# Metrics

Every process answers `GET /metrics` in Prometheus' text format: an API on its own port, a worker on
`ORDERLINK_WORKER_PORT`. This page is made by `orderlink metrics --markdown` and a test keeps it current.

Every metric has the label `service` beside those named here. No label takes an id: all values come from
lists in the code, such as events, rules' refusals and route templates. What a worker has to ask its
database for, it asks every `ORDERLINK_SAMPLE_POLL_SECONDS`, through an index and up to a limit; a scrape
costs a ping of the database, for `orderlink_ready`, and nothing else.

Two objectives rest on them: 99.9 % of events are with the broker within 1 s of the decision that says them
(`orderlink_publish_wait_seconds`), and 99.9 % of timers fire no later than 2 s after their time
(`orderlink_timer_lateness_seconds`). What was not published, or did not fire, is in no histogram yet:
`orderlink_pending_oldest_seconds` and `orderlink_timer_overdue_seconds` say how long it waits.
[The runbook](runbook.md) says what to do about each alert.
"""
_HEAD: Final = "| metric | labels | means |\n| --- | --- | --- |\n"

app = typer.Typer(add_completion=False)


@app.command()
def metrics(markdown: bool = typer.Option(False, help="Print the page docs/metrics.md.")) -> None:
    """Every metric with its labels and its meaning."""
    if markdown:
        sys.stdout.write(page())
        return
    for title, told in _sections():
        table = Table("metric", "labels", "means", title=title, title_justify="left")
        for name, it in told.items():
            table.add_row(name, ", ".join(it.labels), it.meaning)
        Console().print(table)


def page() -> str:
    """The page docs/metrics.md."""
    parts = [_TOP]
    for title, told in _sections():
        parts.append(f"\n## {title}\n\n{_HEAD}")
        parts.extend(_row(name, it) for name, it in told.items())
    parts.append("\n## The process\n\nAs Prometheus' library says them, without labels: ")
    parts.append(", ".join(f"`{name}`" for name in OF_THE_PROCESS) + ".\n")
    return "".join(parts)


def _sections() -> Iterator[tuple[str, Mapping[str, Instrument]]]:
    yield "Counters", {str(name): it for name, it in COUNTERS.items()}
    yield "Gauges", {str(name): it for name, it in GAUGES.items()}
    yield "Histograms", {str(name): it for name, it in HISTOGRAMS.items()}


def _row(name: str, it: Instrument) -> str:
    labels = ", ".join(f"`{label}`" for label in it.labels) or "–"
    bounds = ", ".join(f"{bound:g}" for bound in it.buckets)
    return f"| `{name}` | {labels} | {it.meaning}{f' Bounds: {bounds}.' if bounds else ''} |\n"
