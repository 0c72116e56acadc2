"""The engine's limits: every size and time it keeps to, with its unit in the name."""

from typing import Annotated

from pydantic import Field

from shared.contracts.base import Strict

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Limits(Strict):
    """What the engine never exceeds."""

    batch_max_records: Annotated[int, Field(ge=1, le=10_000)] = 256
    commit_attempts: Annotated[int, Field(ge=1, le=100)] = 10
    event_max_bytes: Annotated[int, Field(ge=1024, le=900_000)] = 256_000
    """Below the topic's message limit; a larger event fails before the commit."""
    pending_max_per_file: Annotated[int, Field(ge=10, le=100_000)] = 1_000
    seen_max_per_file: Annotated[int, Field(ge=16, le=10_000)] = 256
    history_max_per_file: Annotated[int, Field(ge=10, le=10_000)] = 200
    waiting_facts_max_per_file: Annotated[int, Field(ge=1, le=10_000)] = 100
    known_versions_max_files: Annotated[int, Field(ge=1, le=1_000_000)] = 4_096
    """States and views that an engine remembers, so that it need not read them again."""
    timers_max_per_file: Annotated[int, Field(ge=10, le=100_000)] = 5_000
    timer_scan_max_files: Annotated[int, Field(ge=1, le=10_000)] = 500
    timer_poll_seconds: Seconds = 0.25
    backlog_wait_seconds: Seconds = 5.0
    """How long due timers wait for the partitions' backlog before other partitions go on."""
    pending_stale_after_seconds: Annotated[float, Field(ge=0)] = 1.0
    sweep_poll_seconds: Seconds = 1.0
    effect_poll_seconds: Seconds = 0.25
    effect_lease_seconds: Seconds = 60.0
    effect_attempts: Annotated[int, Field(ge=1, le=100)] = 12
    effect_backoff_first_seconds: Seconds = 1.0
    effect_backoff_max_seconds: Seconds = 3600.0
    effects_at_once: Annotated[int, Field(ge=1, le=1_000)] = 16
    stream_wait_seconds: Seconds = 0.05
    outage_backoff_first_seconds: Seconds = 0.1
    outage_backoff_max_seconds: Seconds = 10.0
    brake_in_a_row: Count = 20
    brake_window_records: Count = 1_000
    brake_window_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    progress_timeout_seconds: Seconds = 30.0
    """A worker that has records to take and takes none for this long is not alive."""
