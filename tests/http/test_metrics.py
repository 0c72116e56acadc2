"""Metrics: every place that counts uses the labels of the catalogue, and Prometheus can read it all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.prometheus import PrometheusMetrics
from shared.runtime.metrics import COUNTERS, GAUGES, HISTOGRAMS, Instrument, NoMetrics

SHARED = Path(__file__).parents[2] / "shared"
CATALOGUE: dict[str, Instrument] = {
    str(name): it for told in (COUNTERS, GAUGES, HISTOGRAMS) for name, it in told.items()
}


def _calls() -> Iterator[tuple[str, str, set[str]]]:
    for path in sorted(SHARED.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            name = node.args[0].value
            if isinstance(name, str) and name.startswith("orderlink_") and name in CATALOGUE:
                labels = {word.arg for word in node.keywords if word.arg is not None} - {"by"}
                yield f"{path.name}:{node.lineno}", name, labels


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


def test_a_label_that_the_catalogue_does_not_know_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="label"):
        PrometheusMetrics("orders").count("orderlink_facts_total", colour="red")


def test_nothing_is_kept_where_nobody_counts() -> None:
    metrics = NoMetrics()
    metrics.count("orderlink_facts_total")
    metrics.gauge("orderlink_ready", 1)
    metrics.observe("orderlink_batch_seconds", 1)
