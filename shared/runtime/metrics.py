"""What is counted and measured: the names, their labels and their meaning, and the port that takes them."""

from collections.abc import Mapping
from typing import Final, Literal, Protocol

from shared.contracts.base import Frozen

CounterName = Literal[
    "orderlink_facts_total",
    "orderlink_commands_total",
    "orderlink_refusals_total",
    "orderlink_events_heard_total",
    "orderlink_events_published_total",
    "orderlink_publish_failures_total",
    "orderlink_commits_total",
    "orderlink_commit_redos_total",
    "orderlink_effects_total",
    "orderlink_dead_letters_total",
    "orderlink_http_requests_total",
    "orderlink_http_rejected_total",
    "orderlink_inlet_deliveries_total",
]
GaugeName = Literal[
    "orderlink_lag_records",
    "orderlink_partitions_owned",
    "orderlink_pending_files",
    "orderlink_pending_oldest_seconds",
    "orderlink_timer_overdue_seconds",
    "orderlink_stuck_files",
    "orderlink_brake_on",
    "orderlink_orders_with_open_tasks",
    "orderlink_orders_with_overdue_tasks",
    "orderlink_http_requests_in_flight",
    "orderlink_ready",
]
HistogramName = Literal[
    "orderlink_batch_records",
    "orderlink_batch_seconds",
    "orderlink_publish_wait_seconds",
    "orderlink_timer_lateness_seconds",
    "orderlink_effect_seconds",
    "orderlink_http_request_seconds",
]
MetricName = CounterName | GaugeName | HistogramName


class Instrument(Frozen):
    """One metric: what it says and by which labels it is told apart."""

    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds, of a histogram only."""
    starts: tuple[tuple[str, ...], ...] = ()
    """Values of its labels at which it stands at 0 from the start: of a rare one the first matters."""


FACTS_WITHIN_SECONDS: Final = 1.0
"""The objective: so soon 99.9 % of events are with the broker, counted from the decision that says them."""
TIMERS_WITHIN_SECONDS: Final = 2.0
"""The objective: no later than this 99.9 % of timers fire."""
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_RECORDS: Final = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)
_WAITS: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    FACTS_WITHIN_SECONDS,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
)
_LATENESS: Final = (0.1, 0.25, 0.5, 1.0, TIMERS_WITHIN_SECONDS, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

COUNTERS: Final[dict[CounterName, Instrument]] = {
    "orderlink_facts_total": Instrument(
        meaning="Facts taken, by kind and by what became of them: fits, early, out_of_stage, duplicate.",
        labels=("fact", "outcome"),
    ),
    "orderlink_commands_total": Instrument(
        meaning="Commands asked over HTTP, by kind and outcome: done, refused, duplicate.",
        labels=("command", "outcome"),
    ),
    "orderlink_refusals_total": Instrument(meaning="Refusals of rules, by slug.", labels=("slug",)),
    "orderlink_events_heard_total": Instrument(
        meaning="Events read from the log, by what became of them: "
        "applied, duplicate, waiting (behind a dead letter) or dead.",
        labels=("topic", "outcome"),
    ),
    "orderlink_events_published_total": Instrument(
        meaning="Events acknowledged by the broker, by name: also what became of messages "
        "(`message.*`), refunds (`case.refunded`, `case.refund_failed`) and tasks (`task.*`). An event that "
        "is published once more after a crash counts once more.",
        labels=("topic", "event"),
    ),
    "orderlink_publish_failures_total": Instrument(
        meaning="Records that the broker did not acknowledge.", labels=("topic",)
    ),
    "orderlink_commits_total": Instrument(
        meaning="Guarded writes, by outcome: done, lost, unknown, unstorable.", labels=("outcome",)
    ),
    "orderlink_commit_redos_total": Instrument(
        meaning="Files decided on again because a commit was no clear yes."
    ),
    "orderlink_effects_total": Instrument(
        meaning="Attempts at effects outside, by kind and outcome: done, retry, failed.",
        labels=("kind", "outcome"),
        starts=(("mail", "failed"), ("mail", "retry"), ("refund", "failed"), ("refund", "retry")),
    ),
    "orderlink_dead_letters_total": Instrument(
        meaning="Records sent to the dead-letter topic, by reason: poison (its rule raises, or it can't be "
        "read), waiting (behind one of those), alien (no event of ours), timer and effect (a rule raised).",
        labels=("reason",),
        starts=(("poison",), ("waiting",), ("alien",), ("timer",), ("effect",)),
    ),
    "orderlink_http_requests_total": Instrument(
        meaning="HTTP requests answered, by route template and status.", labels=("method", "route", "status")
    ),
    "orderlink_http_rejected_total": Instrument(
        meaning="HTTP requests answered with a problem, by the problem's slug.", labels=("slug",)
    ),
    "orderlink_inlet_deliveries_total": Instrument(
        meaning="Deliveries of outside systems, by what became of them: taken, duplicate (nothing new), "
        "left (nothing of use), greeted, or the slug of the problem that they were answered with.",
        labels=("system", "outcome"),
    ),
}
GAUGES: Final[dict[GaugeName, Instrument]] = {
    "orderlink_lag_records": Instrument(
        meaning="Records on an owned partition that were not taken yet.", labels=("topic", "partition")
    ),
    "orderlink_partitions_owned": Instrument(meaning="Partitions that this worker owns."),
    "orderlink_pending_files": Instrument(
        meaning="Files of the whole service with events that were not published yet, counted up to 10,000. "
        "Every worker says the same."
    ),
    "orderlink_pending_oldest_seconds": Instrument(
        meaning="How long the oldest event of this worker's slots that was not published waits; 0 when none."
    ),
    "orderlink_timer_overdue_seconds": Instrument(
        meaning="How long the earliest timer of this worker's slots is due without having fired; 0 when none."
    ),
    "orderlink_stuck_files": Instrument(
        meaning="Files of the whole service that need a person, counted up to 1,000 a reason: `parked` (what "
        "a source says goes to the dead letters until they are redriven), `timer` (its rule raises "
        "and is tried again), `effect` (it has ended outside, and the rule that is told so raises). Every "
        "worker says the same.",
        labels=("because",),
    ),
    "orderlink_brake_on": Instrument(
        meaning="1 when too many records could not be digested: the worker has stopped and ends soon."
    ),
    "orderlink_orders_with_open_tasks": Instrument(
        meaning="Orders with an open or claimed task of a kind, counted up to 1,000 each. Every worker of "
        "notifications says the same.",
        labels=("kind",),
    ),
    "orderlink_orders_with_overdue_tasks": Instrument(
        meaning="Orders with a task that nobody ended in its time, counted up to 1,000. Every worker of "
        "notifications says the same."
    ),
    "orderlink_http_requests_in_flight": Instrument(meaning="HTTP requests being answered."),
    "orderlink_ready": Instrument(meaning="1 when the process takes work, 0 otherwise."),
}
HISTOGRAMS: Final[dict[HistogramName, Instrument]] = {
    "orderlink_batch_records": Instrument(meaning="Records in a batch.", buckets=_RECORDS),
    "orderlink_batch_seconds": Instrument(
        meaning="Time for a batch, from its read to its acknowledgement.", buckets=_SECONDS
    ),
    "orderlink_publish_wait_seconds": Instrument(
        meaning="How long an event waited from the decision that says it to the broker's acknowledgement.",
        buckets=_WAITS,
    ),
    "orderlink_timer_lateness_seconds": Instrument(
        meaning="How long after its due time a timer fired.", buckets=_LATENESS
    ),
    "orderlink_effect_seconds": Instrument(
        meaning="Time for one attempt at an effect outside.", labels=("kind",), buckets=_SECONDS
    ),
    "orderlink_http_request_seconds": Instrument(
        meaning="Time to answer an HTTP request.", labels=("method", "route"), buckets=_SECONDS
    ),
}


class Metrics(Protocol):
    """Where counts and measures go. Labels are those that the catalogue names for the metric."""

    def count(self, name: CounterName, by: float = 1, **labels: str) -> None:
        """So many more of it happened."""
        ...

    def gauge(self, name: GaugeName, value: float, **labels: str) -> None:
        """It stands at this now."""
        ...

    def whole(self, name: GaugeName, values: Mapping[tuple[str, ...], float]) -> None:
        """It stands at these now, by its labels in the catalogue's order, and at nothing else."""
        ...

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """One more measurement of it."""
        ...


class NoMetrics:
    """Takes everything and keeps nothing."""

    def count(self, name: CounterName, by: float = 1, **labels: str) -> None:
        """Nothing."""

    def gauge(self, name: GaugeName, value: float, **labels: str) -> None:
        """Nothing."""

    def whole(self, name: GaugeName, values: Mapping[tuple[str, ...], float]) -> None:
        """Nothing."""

    def observe(self, name: HistogramName, value: float, **labels: str) -> None:
        """Nothing."""
