"""Dashboards: as their source says, of Grafana's model, with queries that Prometheus can read."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft202012Validator

from shared.cli.dashboards import BOARDS, FOLDER, Board, made, model
from tests.deploy.test_alerts import KNOWN, ROOT, labels_of, names_in, needs_promtool

SCHEMA: Final = json.loads((Path(__file__).parent / "grafana.schema.json").read_text("utf-8"))
QUERIES: Final = [
    (f"{board.uid}: {panel.title}", line.expr, line.legend)
    for board in BOARDS
    for panel in board.panels
    for line in panel.lines
]


def plain(expression: str) -> str:
    """A query as Prometheus gets it: with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "5m").replace("$service", ".*")


def check_rules(folder: Path, expressions: list[str]) -> subprocess.CompletedProcess[str]:
    """Let promtool read them, as rules."""
    rules = [{"record": f"dashboard:query:{at}", "expr": plain(it)} for at, it in enumerate(expressions)]
    path = folder / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    return subprocess.run(
        ["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_files_are_as_their_source_says() -> None:
    wanted = made()
    found = {
        path.relative_to(ROOT / FOLDER): path.read_text("utf-8") for path in (ROOT / FOLDER).glob("*.json")
    }
    assert found == wanted, "make them anew: orderlink dashboards"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_dashboard_is_of_grafanas_model(board: Board) -> None:
    wrong = [problem.message for problem in Draft202012Validator(SCHEMA).iter_errors(model(board))]
    assert not wrong


def test_a_dashboard_that_is_not_is_found() -> None:
    board: dict[str, Any] = model(BOARDS[0])
    board["panels"][0]["targets"][0]["expression"] = board["panels"][0]["targets"][0].pop("expr")
    assert list(Draft202012Validator(SCHEMA).iter_errors(board))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_no_panel_lies_on_another_and_none_beside_the_page(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in model(board)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        squares = {
            (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
        }
        assert not squares & taken, panel["title"]
        taken |= squares


@needs_promtool
def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    ran = check_rules(tmp_path, [expression for _, expression, _ in QUERIES])
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_promtool
def test_a_query_that_it_can_not_read_is_found(tmp_path: Path) -> None:
    assert check_rules(tmp_path, ["sum by (service (orderlink_ready)"]).returncode == 1


def test_queries_ask_for_metrics_and_labels_of_the_catalogue() -> None:
    for where, expression, _ in QUERIES:
        asked = names_in(expression)
        assert asked, where
        assert asked <= KNOWN, where
        for name, matchers in re.findall(r"(orderlink_[a-z0-9_]+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)=", matchers)) <= labels_of(name), where


def test_a_legend_names_labels_that_the_query_keeps() -> None:
    for where, expression, legend in QUERIES:
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"(?:by|group_left) \(([^)]*)\)", expression))))
        for name in re.findall(r"\{\{(\w+)\}\}", legend):
            assert name in kept | {"instance", "service"}, where


def test_every_metric_of_the_catalogue_but_a_few_is_on_a_dashboard() -> None:
    shown = {name for _, expression, _ in QUERIES for name in names_in(expression)}
    shown = {re.sub("_(bucket|count|sum)$", "", name) for name in shown}
    asked = {name for name in KNOWN if name.startswith("orderlink_")}
    left = {re.sub("_(bucket|count|sum)$", "", name) for name in asked} - shown
    assert left == {
        "orderlink_commands_total",
        "orderlink_http_rejected_total",
        "orderlink_http_requests_in_flight",
        "orderlink_pending_files",
    }
