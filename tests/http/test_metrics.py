"""Metrics: every place that counts uses the labels of the catalogue, and Prometheus can read it all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.prometheus import PrometheusMetrics
from shared.cli.metrics import OF_THE_PROCESS, PAGE, page
from shared.runtime.metrics import (
    COUNTERS,
    FACTS_WITHIN_SECONDS,
    GAUGES,
    HISTOGRAMS,
    TIMERS_WITHIN_SECONDS,
    Instrument,
    NoMetrics,
)

SHARED = Path(__file__).parents[2] / "shared"
SERVICES = Path(__file__).parents[2] / "services"
CATALOGUE: dict[str, Instrument] = {
    str(name): it for told in (COUNTERS, GAUGES, HISTOGRAMS) for name, it in told.items()
}


def _calls() -> Iterator[tuple[str, str, set[str]]]:
    for path in sorted((*SHARED.rglob("*.py"), *SERVICES.rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            if isinstance(node.func, ast.Name) and node.func.id != "Counted":
                continue  # who asks for a metric, as a dashboard does
            name = node.args[0].value
            if isinstance(name, str) and name.startswith("orderlink_") and name in CATALOGUE:
                yield f"{path.name}:{node.lineno}", name, _labels(node, name)


def _labels(call: ast.Call, name: str) -> set[str]:
    """The labels that a call names. One that tells a gauge whole gives them in the catalogue's order."""
    match call.func:
        case ast.Attribute(attr="whole"):
            return set(CATALOGUE[name].labels)
        case ast.Name(id="Counted"):
            told = (word.value for word in call.keywords if word.arg == "label")
            return {str(value.value) for value in told if isinstance(value, ast.Constant)}
        case _:
            return {word.arg for word in call.keywords if word.arg is not None} - {"by"}


def test_every_count_and_measure_uses_the_labels_of_the_catalogue() -> None:
    calls = list(_calls())
    assert len(calls) > 10
    for where, name, labels in calls:
        assert labels == set(CATALOGUE[name].labels), where


def test_every_metric_of_the_catalogue_is_used_somewhere() -> None:
    assert set(CATALOGUE) == {name for _, name, _ in _calls()}


def test_prometheus_reads_what_was_counted() -> None:
    metrics = PrometheusMetrics("orders")
    metrics.count("orderlink_facts_total", fact="order.paid", outcome="fits")
    metrics.count("orderlink_facts_total", 2, fact="order.paid", outcome="fits")
    metrics.gauge("orderlink_ready", 1)
    metrics.observe("orderlink_batch_seconds", 0.02)
    text = metrics.exposition().decode()
    assert 'orderlink_facts_total{fact="order.paid",outcome="fits",service="orders"} 3.0' in text
    assert 'orderlink_ready{service="orders"} 1.0' in text
    assert 'orderlink_batch_seconds_bucket{le="0.025",service="orders"} 1.0' in text


def test_a_gauge_told_whole_says_nothing_of_what_it_does_not_hold_any_more() -> None:
    metrics = PrometheusMetrics("orders")
    metrics.whole("orderlink_lag_records", {("orders.v1", "0"): 3, ("orders.v1", "1"): 4})
    metrics.whole("orderlink_lag_records", {("orders.v1", "1"): 0})
    told = [line for line in metrics.exposition().decode().splitlines() if "orderlink_lag_records{" in line]
    assert told == ['orderlink_lag_records{partition="1",service="orders",topic="orders.v1"} 0.0']


def test_the_objectives_are_bounds_of_their_histograms() -> None:
    assert FACTS_WITHIN_SECONDS in HISTOGRAMS["orderlink_publish_wait_seconds"].buckets
    assert TIMERS_WITHIN_SECONDS in HISTOGRAMS["orderlink_timer_lateness_seconds"].buckets


def test_no_label_takes_what_grows_without_end() -> None:
    bounded = {
        "because", "command", "event", "fact", "kind", "method", "outcome", "partition", "reason",
        "route", "slug", "status", "system", "topic",
    }  # fmt: skip
    assert {label for it in CATALOGUE.values() for label in it.labels} <= bounded


def test_a_label_that_the_catalogue_does_not_know_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="label"):
        PrometheusMetrics("orders").count("orderlink_facts_total", colour="red")


def test_the_page_of_metrics_is_current() -> None:
    made = "make it anew: orderlink metrics --markdown > docs/metrics.md"
    assert (Path(__file__).parents[2] / PAGE).read_text("utf-8") == page(), made


def test_what_the_page_says_of_the_process_is_what_is_told() -> None:
    told = PrometheusMetrics("orders").exposition().decode()
    assert set(OF_THE_PROCESS) == {
        line.split()[0] for line in told.splitlines() if line.startswith("process_")
    }


def test_nothing_is_kept_where_nobody_counts() -> None:
    metrics = NoMetrics()
    metrics.count("orderlink_facts_total")
    metrics.gauge("orderlink_ready", 1)
    metrics.whole("orderlink_lag_records", {})
    metrics.observe("orderlink_batch_seconds", 1)
