"""Alerts: each fires when it must and not when it must not, and each is in the runbook.

The first part runs Prometheus' own promtool (Debian's package `prometheus` has it) over rules and cases.
"""

import re
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from shared.cli.metrics import OF_THE_PROCESS
from shared.runtime.metrics import (
    COUNTERS,
    FACTS_WITHIN_SECONDS,
    GAUGES,
    HISTOGRAMS,
    TIMERS_WITHIN_SECONDS,
    Instrument,
)

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy" / "chart" / "files" / "alerts.yaml"
RUNBOOK: Final = ROOT / "docs" / "runbook.md"
CASES: Final[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "alerts.cases.yaml").read_text("utf-8")
)
GROUPS: Final[list[dict[str, Any]]] = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
EVERY: Final[list[dict[str, Any]]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS: Final = {rule["alert"]: rule for rule in EVERY if "alert" in rule}
RECORDED: Final = {rule["record"] for rule in EVERY if "record" in rule}
KNOWN: Final = (
    {*COUNTERS, *GAUGES, *OF_THE_PROCESS}
    | {f"{name}{part}" for name, part in product(HISTOGRAMS, ("_bucket", "_count", "_sum"))}
    | RECORDED
)

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: apt install prometheus)"
)


def names_in(expression: str) -> set[str]:
    """The metrics that an expression asks for."""
    return set(re.findall(r"\b(?:orderlink|process)[_:][a-z0-9_:]+", expression))


def labels_of(name: str) -> set[str]:
    """The labels that a series of this name has in the catalogue."""
    every: dict[str, Instrument] = {}
    for told in (COUNTERS, GAUGES, HISTOGRAMS):
        every |= {str(known): it for known, it in told.items()}
    plain = name if name in every else re.sub("_(bucket|count|sum)$", "", name)
    return {*every[plain].labels, "service", *(["le"] if name.endswith("_bucket") else [])}


def promtool(folder: Path, cases: dict[str, Any]) -> str:
    """Run the cases as promtool's own tests, those of one step together; what it says if one is not so."""
    by_step: dict[str, list[dict[str, Any]]] = {}
    for name, told in cases.items():
        for fires, case in [(word == "fires", case) for word in told for case in told[word]]:
            step = case.get("every", "1m")
            firing = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > 0 or vector(0)'
            expected = [{"labels": "{}", "value": int(fires)}]
            by_step.setdefault(step, []).append(
                {
                    "interval": step,
                    "input_series": series_of(case),
                    "promql_expr_test": [{"expr": firing, "eval_time": case["at"], "exp_samples": expected}],
                }
            )
    return "".join(run_tests(folder, step, tests) for step, tests in by_step.items())


def series_of(case: dict[str, Any]) -> list[dict[str, str]]:
    """A case's series as promtool takes them."""
    return [{"series": name, "values": str(values)} for name, values in case["series"].items()]


def run_tests(folder: Path, step: str, tests: list[dict[str, Any]]) -> str:
    """Run promtool's tests; what it says if one fails, nothing if none does."""
    path = folder / f"{step}.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": step, "tests": tests}))
    ran = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False, timeout=250
    )
    return ran.stdout + ran.stderr if ran.returncode else ""


@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    ran = subprocess.run(
        ["promtool", "check", "rules", "--lint-fatal", str(RULES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@needs_promtool
@pytest.mark.slow(5)
@pytest.mark.timeout(300)
def test_each_alert_fires_when_it_must_and_not_when_it_must_not(tmp_path: Path) -> None:
    wrong = promtool(tmp_path, CASES)
    assert not wrong, wrong


@needs_promtool
@pytest.mark.parametrize("word", ["fires", "quiet"])
def test_a_wrong_case_is_found(tmp_path: Path, word: str) -> None:
    """The broken twin: what fires is called quiet, and the other way round."""
    right = CASES["OrderlinkBrakeOn"]
    wrong = {"fires": [], "quiet": [], word: right["quiet" if word == "fires" else "fires"]}
    assert "OrderlinkBrakeOn" in promtool(tmp_path, {"OrderlinkBrakeOn": wrong})


@needs_promtool
def test_an_alert_says_what_it_is_about_and_how_bad_it_is(tmp_path: Path) -> None:
    (case,) = CASES["OrderlinkLagGrowing"]["fires"]
    test = {
        "interval": "1m",
        "input_series": series_of(case),
        "alert_rule_test": [
            {
                "eval_time": "40m",
                "alertname": "OrderlinkLagGrowing",
                "exp_alerts": [
                    {
                        "exp_labels": {"service": "orders", "severity": "page"},
                        "exp_annotations": {
                            "summary": "orders is 8000 records behind, and falls further behind.",
                            "runbook_url": "docs/runbook.md#orderlinklaggrowing",
                        },
                    }
                ],
            }
        ],
    }
    assert not run_tests(tmp_path, "1m", [test])


@needs_promtool
@pytest.mark.parametrize("window", ["5m", "30m", "1h", "6h"])
@pytest.mark.parametrize(
    ("recorded", "counted", "bound"),
    [
        ("events_late", "orderlink_publish_wait_seconds", FACTS_WITHIN_SECONDS),
        ("timers_late", "orderlink_timer_lateness_seconds", TIMERS_WITHIN_SECONDS),
    ],
)
def test_the_share_of_the_late_is_that_of_all_processes_of_a_service(
    tmp_path: Path, recorded: str, counted: str, bound: float, window: str
) -> None:
    """One has 1 in 10 late, one that says nine times as much has none: 1 in 100 of both."""
    in_time, all_ = f'{counted}_bucket{{le="{bound}",', f"{counted}_count{{"
    series = {
        f'{in_time}service="orders",instance="a"}}': "0+90x400",
        f'{all_}service="orders",instance="a"}}': "0+100x400",
        f'{in_time}service="orders",instance="b"}}': "0+900x400",
        f'{all_}service="orders",instance="b"}}': "0+900x400",
        f'{in_time}service="logistics",instance="c"}}': "0+0x400",
        f'{all_}service="logistics",instance="c"}}': "0+100x400",
    }
    share = f'orderlink:{recorded}:ratio_rate{window}{{service="orders"}}'
    test = {
        "interval": "1m",
        "input_series": series_of({"series": series}),
        "promql_expr_test": [
            {
                "expr": f"abs({share} - 0.01) < bool 1e-9",
                "eval_time": "390m",
                "exp_samples": [{"labels": '{service="orders"}', "value": 1}],
            }
        ],
    }
    assert not run_tests(tmp_path, "1m", [test])


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    assert set(CASES) == set(ALERTS)
    for name, told in CASES.items():
        assert set(told) == {"fires", "quiet"}, name
        assert told["fires"], name
        assert told["quiet"], name


def test_every_alert_says_how_bad_it_is_what_it_is_and_where_to_read_on() -> None:
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert set(rule["annotations"]) == {"summary", "runbook_url"}, name
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}", name


def test_rules_ask_for_metrics_of_the_catalogue_only() -> None:
    for rule in EVERY:
        asked = names_in(rule["expr"])
        assert asked, rule
        assert asked <= KNOWN, rule


def test_labels_that_rules_look_at_are_of_the_catalogue() -> None:
    for rule in EVERY:
        for name, matchers in re.findall(r"(orderlink_[a-z0-9_]+)\{([^}]*)\}", rule["expr"]):
            assert set(re.findall(r"(\w+)\s*[=!]", matchers)) <= labels_of(name), rule


def test_every_alert_has_its_place_in_the_runbook_and_nothing_else_has() -> None:
    headings = re.findall(r"^### (Orderlink\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)
    assert headings == list(ALERTS), "docs/runbook.md has a section for each alert, in the rules' order"


def test_every_place_in_the_runbook_says_what_it_means_who_notices_how_to_look_and_what_to_do() -> None:
    parts = re.split(r"^### (Orderlink\w+)$", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)[1:]
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        for word in ("**Means**", "**Users notice**", "**Look**", "**Do**"):
            assert word in text, (name, word)
