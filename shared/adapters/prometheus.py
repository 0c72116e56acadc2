"""Metrics kept for Prometheus."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from shared.runtime.metrics import (
    COUNTERS,
    GAUGES,
    HISTOGRAMS,
    CounterName,
    GaugeName,
    HistogramName,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

# When a series began is in Prometheus; saying it beside each would double what a scrape reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


class PrometheusMetrics:
    """The whole catalogue in a registry of its own, every metric labelled with the service.

    What Prometheus' library finds by labels is kept, since it looks for it under a lock, and the worker
    counts for every event. The catalogue bounds how much that can be: no label takes ids.
    """

    def __init__(self, service: str) -> None:
        self._registry = CollectorRegistry()
        self._service = service
        self._counters = {
            name: Counter(name, it.meaning, ("service", *it.labels), registry=self._registry)
            for name, it in COUNTERS.items()
        }
        self._gauges = {
            name: Gauge(name, it.meaning, ("service", *it.labels), registry=self._registry)
            for name, it in GAUGES.items()
        }
        self._histograms = {
            name: Histogram(
                name, it.meaning, ("service", *it.labels), registry=self._registry, buckets=it.buckets
            )
            for name, it in HISTOGRAMS.items()
        }
        self._found: dict[tuple[str, ...], Any] = {}
        for name, counter in COUNTERS.items():
            for values in counter.starts:
                self._counters[name].labels(service, *values)
        ProcessCollector(registry=self._registry)

    def count(self, name: CounterName, by: float = 1, **labels: str) -> None:
        """So many more of it happened."""
        key = (name, *labels, *labels.values())
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._counters[name].labels(service=self._service, **labels)
        found.inc(by)

    def gauge(self, name: GaugeName, value: float, **labels: str) -> None:
        """It stands at this now."""
        self._gauges[name].labels(service=self._service, **labels).set(value)

    def whole(self, name: GaugeName, values: Mapping[tuple[str, ...], float]) -> None:
        """It stands at these now, and at nothing else: what was lost is not said any more."""
        gauge = self._gauges[name]
        gauge.clear()
        for labels, value in values.items():
            gauge.labels(self._service, *labels).set(value)

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """One more measurement of it."""
        key = (name, *labels, *labels.values())
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._histograms[name].labels(service=self._service, **labels)
        found.observe(value)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
