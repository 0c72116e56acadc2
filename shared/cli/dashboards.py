"""`orderlink dashboards`: Grafana's dashboards, made from the data below.

They are in Grafana's classic JSON model, which every Grafana since 9 imports. Source: grafana.com/docs,
"Dashboard JSON model".
"""

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import typer

from shared.cli import made as files
from shared.cli.operate import plainly

FOLDER: Final = Path("deploy/chart/files/dashboards")
Unit = Literal["short", "reqps", "ops", "s", "percentunit", "bytes"]
_COLUMNS: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
_OF: Final = 'service=~"$service"'

app = typer.Typer(add_completion=False, help=__doc__)


class Line(NamedTuple):
    """One query of a panel, and what its lines are called."""

    expr: str
    legend: str


class Panel(NamedTuple):
    """One picture: what it shows and why one looks at it."""

    title: str
    meaning: str
    unit: Unit
    lines: tuple[Line, ...]
    width: int = 8
    kind: Literal["timeseries", "stat"] = "timeseries"


class Board(NamedTuple):
    """One dashboard."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def _rate(metric: str, by: str, *where: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{', '.join((_OF, *where))}}}[$__rate_interval]))"


def _quantile(share: str, histogram: str, by: str = "service") -> str:
    return f"histogram_quantile({share}, {_rate(f'{histogram}_bucket', f'{by}, le')})"


def _within(histogram: str, bound: str) -> str:
    within = _rate(f"{histogram}_bucket", "service", f'le="{bound}"')
    return f"{within} / {_rate(f'{histogram}_count', 'service')}"


def _share(counter: str, of_it: str) -> str:
    return f"{_rate(counter, 'service', of_it)} / {_rate(counter, 'service')}"


def _of_ours(metric: str) -> str:
    """What a process says of itself, of ours alone: others say the same."""
    return f"{metric} and on (instance) orderlink_ready{{{_OF}}}"


def _worst(metric: str, by: str = "service") -> str:
    return f"max by ({by}) ({metric}{{{_OF}}})"


OVERVIEW: Final = Board(
    "orderlink-overview",
    "Orderlink: how it is",
    (
        Panel(
            "Events within 1 s",
            "The objective is 99.9 %: from the decision to the broker's acknowledgement.",
            "percentunit",
            (Line(_within("orderlink_publish_wait_seconds", "1.0"), "{{service}}"),),
            6,
            "stat",
        ),
        Panel(
            "Timers within 2 s",
            "The objective is 99.9 %: how late timers fire.",
            "percentunit",
            (Line(_within("orderlink_timer_lateness_seconds", "2.0"), "{{service}}"),),
            6,
            "stat",
        ),
        Panel(
            "Processes that take work",
            "Ready ones, of each service.",
            "short",
            (Line(f"sum by (service) (orderlink_ready{{{_OF}}})", "{{service}}"),),
            6,
            "stat",
        ),
        Panel(
            "Need a person",
            "Files behind a dead letter, or with a rule that raises.",
            "short",
            (Line(_worst("orderlink_stuck_files", "service, because"), "{{service}} {{because}}"),),
            6,
            "stat",
        ),
        Panel(
            "Facts taken",
            "By what became of them; `out_of_stage` opens a task.",
            "ops",
            (Line(_rate("orderlink_facts_total", "service, outcome"), "{{service}} {{outcome}}"),),
        ),
        Panel(
            "Events published",
            "What each service says.",
            "ops",
            (Line(_rate("orderlink_events_published_total", "service"), "{{service}}"),),
        ),
        Panel(
            "Behind",
            "Records that a service's workers have not taken in yet.",
            "short",
            (Line(f"sum by (service) (orderlink_lag_records{{{_OF}}})", "{{service}}"),),
        ),
        Panel(
            "Waits for the broker",
            "The oldest event that is decided and not published.",
            "s",
            (Line(_worst("orderlink_pending_oldest_seconds"), "{{service}}"),),
        ),
        Panel(
            "Due and not fired",
            "The earliest such timer.",
            "s",
            (Line(_worst("orderlink_timer_overdue_seconds"), "{{service}}"),),
        ),
        Panel(
            "Requests answered with 5xx",
            "As a share of all.",
            "percentunit",
            (Line(_share("orderlink_http_requests_total", 'status=~"5.."'), "{{service}}"),),
        ),
    ),
)
ENGINE: Final = Board(
    "orderlink-engine",
    "Orderlink: the engine",
    (
        Panel(
            "Batches",
            "Time from a batch's read to its acknowledgement.",
            "s",
            (
                Line(_quantile("0.5", "orderlink_batch_seconds"), "{{service}} half"),
                Line(_quantile("0.99", "orderlink_batch_seconds"), "{{service}} 99 %"),
            ),
        ),
        Panel(
            "Records in a batch",
            "Full batches mean a backlog.",
            "short",
            (Line(_quantile("0.5", "orderlink_batch_records"), "{{service}} half"),),
        ),
        Panel(
            "Events heard",
            "By what became of them.",
            "ops",
            (Line(_rate("orderlink_events_heard_total", "service, outcome"), "{{service}} {{outcome}}"),),
        ),
        Panel(
            "Commits",
            "`lost` and `unknown` are decided on again.",
            "ops",
            (
                Line(_rate("orderlink_commits_total", "service, outcome"), "{{service}} {{outcome}}"),
                Line(_rate("orderlink_commit_redos_total", "service"), "{{service}} again"),
            ),
        ),
        Panel(
            "Not acknowledged",
            "Records that the broker did not take.",
            "ops",
            (Line(_rate("orderlink_publish_failures_total", "service, topic"), "{{service}} {{topic}}"),),
        ),
        Panel(
            "Dead letters",
            "In five minutes, by reason.",
            "short",
            (
                Line(
                    f"sum by (service, reason) (increase(orderlink_dead_letters_total{{{_OF}}}[5m]))",
                    "{{service}} {{reason}}",
                ),
            ),
        ),
        Panel(
            "Partitions",
            "Owned by each worker; the sum is the partition count.",
            "short",
            (Line(f"orderlink_partitions_owned{{{_OF}}}", "{{service}} {{instance}}"),),
        ),
        Panel(
            "Behind, by topic",
            "Whose events are waited for.",
            "short",
            (Line(f"sum by (service, topic) (orderlink_lag_records{{{_OF}}})", "{{service}} {{topic}}"),),
        ),
        Panel(
            "Brake",
            "1 where a worker has stopped itself.",
            "short",
            (Line(_worst("orderlink_brake_on"), "{{service}}"),),
        ),
        Panel(
            "Answers",
            "99 % of requests are answered within.",
            "s",
            (
                Line(
                    _quantile("0.99", "orderlink_http_request_seconds", "service, route"),
                    "{{service}} {{route}}",
                ),
            ),
        ),
        Panel(
            "Memory",
            "Of each process.",
            "bytes",
            (
                Line(
                    "process_resident_memory_bytes * on (instance) group_left (service) orderlink_ready",
                    "{{service}} {{instance}}",
                ),
            ),
        ),
        Panel(
            "CPU",
            "Cores that each process uses.",
            "short",
            (Line(_of_ours("rate(process_cpu_seconds_total[$__rate_interval])"), "{{instance}}"),),
        ),
    ),
)
WORK: Final = Board(
    "orderlink-work",
    "Orderlink: what it does for buyers and agents",
    (
        Panel(
            "Messages",
            "What became of them: sent, suppressed, postponed, failed.",
            "ops",
            (Line(_rate("orderlink_events_published_total", "event", 'event=~"message[.].*"'), "{{event}}"),),
            12,
        ),
        Panel(
            "Refunds",
            "Approved, started, paid, failed.",
            "ops",
            (
                Line(
                    _rate("orderlink_events_published_total", "event", 'event=~"case[.](approved|refund.*)"'),
                    "{{event}}",
                ),
            ),
            12,
        ),
        Panel(
            "Mails and refunds outside",
            "Attempts, by what became of them.",
            "ops",
            (Line(_rate("orderlink_effects_total", "kind, outcome"), "{{kind}} {{outcome}}"),),
        ),
        Panel(
            "How long they take",
            "99 % of attempts end within.",
            "s",
            (Line(_quantile("0.99", "orderlink_effect_seconds", "kind"), "{{kind}}"),),
        ),
        Panel(
            "Deliveries of other systems",
            "What shops' and carriers' webhooks were answered.",
            "ops",
            (Line(_rate("orderlink_inlet_deliveries_total", "system, outcome"), "{{system}} {{outcome}}"),),
        ),
        Panel(
            "Open tasks",
            "Orders with one, by kind.",
            "short",
            (Line(_worst("orderlink_orders_with_open_tasks", "kind"), "{{kind}}"),),
        ),
        Panel(
            "Overdue tasks",
            "Orders with a task that nobody ended in its time.",
            "short",
            (Line(_worst("orderlink_orders_with_overdue_tasks"), "{{service}}"),),
        ),
        Panel(
            "Refusals",
            "What rules say no to, by reason.",
            "ops",
            (Line(_rate("orderlink_refusals_total", "slug"), "{{slug}}"),),
        ),
    ),
)
BOARDS: Final = (OVERVIEW, ENGINE, WORK)


@app.command()
def dashboards(
    folder: Annotated[Path, typer.Option(help="Where to write them, one file each.")] = FOLDER,
) -> None:
    """Write Grafana's dashboards, one JSON file each."""
    boards = made()
    with plainly("dashboards"):
        files.write(folder, boards)
    typer.echo("\n".join(f"{folder / path}" for path in boards))


def made() -> dict[Path, str]:
    """Every dashboard's file by its path in the folder."""
    return {Path(f"{board.uid}.json"): json.dumps(model(board), indent=1) + "\n" for board in BOARDS}


def model(board: Board) -> dict[str, Any]:
    """A dashboard in Grafana's classic JSON model."""
    panels: list[dict[str, Any]] = []
    across = down = 0
    for number, panel in enumerate(board.panels, start=1):
        if across + panel.width > _COLUMNS:
            across, down = 0, down + _HEIGHT
        panels.append(_panel(panel, number, across, down))
        across += panel.width
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["orderlink"],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": _VARIABLES},
        "panels": panels,
    }


_VARIABLES: Final[list[dict[str, Any]]] = [
    {"name": "source", "label": "Source", "type": "datasource", "query": "prometheus", "hide": 0},
    {
        "name": "service",
        "label": "Service",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": "label_values(orderlink_ready, service)", "refId": "service"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "hide": 0,
    },
]


def _panel(panel: Panel, number: int, across: int, down: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": _SOURCE,
        "gridPos": {"x": across, "y": down, "w": panel.width, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": _SOURCE,
                "expr": line.expr,
                "legendFormat": line.legend,
            }
            for at, line in enumerate(panel.lines)
        ],
    }
