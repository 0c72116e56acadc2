"""Metrics kept for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
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


class PrometheusMetrics:
    """The whole catalogue in a registry of its own, every metric labelled with the service."""

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

    def count(self, name: CounterName, by: float = 1, **labels: str) -> None:
        """So many more of it happened."""
        self._counters[name].labels(service=self._service, **labels).inc(by)

    def gauge(self, name: GaugeName, value: float, **labels: str) -> None:
        """It stands at this now."""
        self._gauges[name].labels(service=self._service, **labels).set(value)

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """One more measurement of it."""
        self._histograms[name].labels(service=self._service, **labels).observe(value)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
