"""What the bench found: as JSON to keep, and as tables to read."""

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel, Field
from rich.console import Console
from rich.table import Table

from tests.bench.job import Result
from tests.bench.latency import Spread, StackFigures


class Figure(BaseModel):
    """The median of the rounds, and how far they lay apart."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Of at least one value."""
        return cls(median=median(values), min=min(values), max=max(values))

    def text(self) -> str:
        """For a cell."""
        if self.min == self.max:
            return f"{self.median:,.0f}"
        return f"{self.median:,.0f} ({self.min:,.0f}–{self.max:,.0f})"


class Row(BaseModel):
    """One contestant over all rounds."""

    name: str
    transport: str = ""
    batch_max_records: int = 1
    rounds: int
    events: int
    events_per_second: Figure
    cpu_microseconds_per_event: Figure
    rates: list[float]
    """Events a second, round by round."""
    costs: list[float]
    """CPU microseconds an event, round by round."""
    loop_milliseconds: float
    """What the fixed loop took beside it."""
    writes_per_event: float
    memory_max_megabytes: float

    @classmethod
    def of(cls, name: str, results: Sequence[Result], transport: str = "", batch: int = 1) -> "Row":
        """Of at least one result."""
        return cls(
            name=name,
            transport=transport,
            batch_max_records=batch,
            rounds=len(results),
            events=results[0].events,
            events_per_second=Figure.of([each.events_per_second for each in results]),
            cpu_microseconds_per_event=Figure.of([each.cpu_microseconds_per_event for each in results]),
            rates=[each.events_per_second for each in results],
            costs=[each.cpu_microseconds_per_event for each in results],
            loop_milliseconds=median(each.loop_milliseconds for each in results),
            writes_per_event=median(each.commits / max(each.events, 1) for each in results),
            memory_max_megabytes=max(each.memory_max_megabytes for each in results),
        )


class Machine(BaseModel):
    """What it ran on, and how busy that was with other things."""

    cores: int
    python: str
    load_before: float
    load_after: float
    loop_milliseconds: Figure
    """A fixed loop of plain Python, timed now and then: what the figures can be scaled by."""


class Report(BaseModel):
    """Everything."""

    made_at: str
    machine: Machine
    broker: str
    database: str
    orders: int
    engine: list[Row] = Field(default_factory=list[Row])
    services: list[Row] = Field(default_factory=list[Row])
    same_work: list[Row] = Field(default_factory=list[Row])
    bound: list[Row] = Field(default_factory=list[Row])
    skipped: list[str] = Field(default_factory=list[str])
    stack: StackFigures | None = None
    ratios: dict[str, Figure] = Field(default_factory=dict[str, Figure])


def show(report: Report, console: Console) -> None:
    """All tables."""
    machine = report.machine
    console.print(
        f"\nOn {machine.cores} cores, Python {machine.python}, broker: {report.broker}, database: "
        f"{report.database}.\nLoad {machine.load_before:.1f} before and {machine.load_after:.1f} after; "
        f"a fixed loop took {machine.loop_milliseconds.text()} ms of CPU. Where the cores are shared, a\n"
        "second of CPU time holds less work: `at best speed` is what the CPU time would be at the best loop.",
        highlight=False,
    )
    parts = (
        ("(a) One worker of notifications, by transport and batch", report.engine, "events"),
        ("(a) One worker of each service", report.services, "events"),
        ("(b) The same small work: each order's stage and last events", report.same_work, "events"),
        ("(c) The bound: drivers alone", report.bound, "documents or records"),
    )
    for title, rows, noun in parts:
        _rows(console, title, rows, noun, machine.loop_milliseconds.min)
    if report.stack is not None:
        _latencies(console, report.stack)
        _memory(console, report.stack)
    ratios = Table(title="Ratios", title_justify="left")
    ratios.add_column("what")
    ratios.add_column("×", justify="right")
    for name, value in report.ratios.items():
        ratios.add_row(name, f"{value.median:.2f} ({value.min:.2f}–{value.max:.2f})")
    console.print(ratios)
    for line in report.skipped:
        console.print(f"left out: {line}", highlight=False)


def _rows(console: Console, title: str, rows: Sequence[Row], noun: str, loop_best: float) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("who", no_wrap=True)
    for column in ("batch", f"{noun}/s", "CPU µs each", "at best speed", "writes each", "memory MB"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row.name}, {row.transport}" if row.transport else row.name,
            str(row.batch_max_records),
            row.events_per_second.text(),
            row.cpu_microseconds_per_event.text(),
            f"{row.cpu_microseconds_per_event.median * loop_best / max(row.loop_milliseconds, 1e-9):,.0f}",
            f"{row.writes_per_event:.2f}",
            f"{row.memory_max_megabytes:.0f}",
        )
    console.print(table)


def _latencies(console: Console, stack: StackFigures) -> None:
    table = Table(title="(d) From a POST: milliseconds, p50 / p99 / max", title_justify="left")
    for column in ("facts/s", "sent", "refused", "answer", "event on the topic", "task", "missing"):
        table.add_column(column, justify="right")
    for each in stack.latencies:
        table.add_row(
            f"{each.facts_per_second:.0f}",
            str(each.sent),
            str(each.refused),
            *(_spread(spread) for spread in (each.answered, each.on_topic, each.task)),
            f"{each.missing_events} events, {each.missing_tasks} tasks",
        )
    console.print(table)


def _spread(spread: Spread | None) -> str:
    return "–" if spread is None else f"{spread.p50:,.0f} / {spread.p99:,.0f} / {spread.max:,.0f}"


def _memory(console: Console, stack: StackFigures) -> None:
    table = Table(
        title=f"(e) Memory in MB; all ready {stack.ready_seconds:.1f} s after the start", title_justify="left"
    )
    for column in ("process", "when ready", "after the load", "at most"):
        table.add_column(column, justify="left" if column == "process" else "right")
    after = {each.name: each for each in stack.after}
    for each in stack.at_rest:
        later = after.get(each.name, each)
        table.add_row(
            each.name,
            f"{each.memory_megabytes:.0f}",
            f"{later.memory_megabytes:.0f}",
            f"{later.memory_peak_megabytes:.0f}",
        )
    console.print(table)
