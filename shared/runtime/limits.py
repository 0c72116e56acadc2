"""The engine's limits: every size and time it keeps to, with its unit in the name."""

from typing import Annotated

from pydantic import Field

from shared.contracts.base import Strict

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Limits(Strict):
    """What the engine never exceeds."""

    batch_max_records: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Records that are taken, decided on and committed together."""
    batch_max_bytes: Annotated[int, Field(ge=1024, le=67_108_864)] = 4_194_304
    """What these records may carry together; one that is larger is taken alone."""
    batch_max_files: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Files that a worker loads together; a batch or a scan that concerns more is done in portions."""
    commit_attempts: Annotated[int, Field(ge=1, le=100)] = 10
    """How often a file is decided on again when its commit was no clear yes."""
    answer_max_seconds: Seconds = 15.0
    """A fact or command that takes longer to be committed is answered with "come again"."""
    event_max_bytes: Annotated[int, Field(ge=1024, le=900_000)] = 256_000
    """Below the topic's message limit; a larger event fails before the commit."""
    pending_max_per_file: Annotated[int, Field(ge=10, le=100_000)] = 1_000
    """Events of one file that may wait for the broker; then the file takes nothing more."""
    pending_max_bytes_per_file: Annotated[int, Field(ge=1_048_576, le=12_582_912)] = 4_194_304
    """What these events may carry together, as part of `document_max_bytes`."""
    document_max_bytes: Annotated[int, Field(ge=1_048_576, le=14_680_064)] = 12_582_912
    """How large a file may become as a document. What would make it larger is refused, or a dead letter; the
    rest of MongoDB's 16 MiB is left for what the engine itself notes in it."""
    seen_max_per_file: Annotated[int, Field(ge=16, le=10_000)] = 256
    """Ids of facts, commands and other subjects' events that a file remembers, to know a repetition."""
    history_max_per_file: Annotated[int, Field(ge=10, le=10_000)] = 200
    """Lines of a file's why-trail."""
    waiting_facts_max_per_file: Annotated[int, Field(ge=1, le=10_000)] = 100
    """Facts that came too early and are kept, for one file."""
    known_versions_max_files: Annotated[int, Field(ge=1, le=1_000_000)] = 4_096
    """States and views that an engine remembers, so that it need not read them again."""
    known_versions_max_bytes: Annotated[int, Field(ge=0, le=1_073_741_824)] = 33_554_432
    """What these take together as they are stored; in memory they take five to eight times as much."""
    timers_max_per_file: Annotated[int, Field(ge=10, le=100_000)] = 5_000
    """Timers that one file may have."""
    timer_scan_max_files: Annotated[int, Field(ge=1, le=10_000)] = 500
    """Files with something due that are looked at in one go."""
    timer_poll_seconds: Seconds = 0.25
    """How often a worker looks for timers that are due."""
    pending_stale_after_seconds: Annotated[float, Field(ge=0)] = 1.0
    """Events that wait for longer than this are published by the slot's owner, whoever committed them."""
    clear_after_seconds: Annotated[float, Field(ge=0)] = 0.0
    """How long events that the broker has taken may stay noted as pending, so that they are cleared
    together; 0 clears each batch's before it is done."""
    sweep_poll_seconds: Seconds = 1.0
    """How often a worker looks for such events."""
    effect_poll_seconds: Seconds = 0.25
    """How often a worker looks for mails and refunds that are due."""
    effect_lease_seconds: Seconds = 60.0
    """How long an attempt at an effect is left to the worker that began it."""
    effect_attempts: Annotated[int, Field(ge=1, le=1_000)] = 30
    """How often an effect outside is tried until it has failed."""
    effect_backoff_first_seconds: Seconds = 1.0
    """The pause after an effect's first failure; it doubles each time."""
    effect_backoff_max_seconds: Seconds = 3600.0
    """The longest pause between two attempts at an effect."""
    effects_at_once: Annotated[int, Field(ge=1, le=1_000)] = 16
    """Effects outside that one worker tries at the same time."""
    stream_wait_seconds: Seconds = 0.25
    """How long to wait for records before looking after other things."""
    outage_backoff_first_seconds: Seconds = 0.1
    """The first pause when the database or the broker is away; it doubles each time."""
    outage_backoff_max_seconds: Seconds = 10.0
    """The longest such pause."""
    brake_in_a_row: Count = 20
    """So many records in a row that can't be digested stop the worker: the fault is ours."""
    brake_window_records: Count = 1_000
    """The brake looks at this many records."""
    brake_window_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    """More of them than this that can't be digested stop the worker."""
    brake_hold_seconds: Annotated[float, Field(ge=0, le=3600)] = 60.0
    """How long a worker that was stopped so stays, doing nothing, for its metrics to be read."""
    sample_poll_seconds: Seconds = 15.0
    """How often a worker counts what is pending, due, stuck and open, for its metrics."""
    progress_timeout_seconds: Seconds = 25.0
    """A worker that has records to take and takes none for this long is not alive."""
