"""What Orderlink promises, where it says so, and the tests that show it.

A test names the promises that it shows with `@pytest.mark.promise("…")`, or its module does with
`pytestmark`. This page lists the same from the other side; a test holds the two together, and the
README's table to the sentences here.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: a sentence that users may rely on."""

    id: str
    sentence: str
    source: str
    """The page, and its heading, on which users read it."""
    shown_by: tuple[str, ...]
    """Test modules, or single tests as `module::test`."""


README: Final = "README.md#What is promised"

PROMISES: Final = (
    Promise(
        "kept",
        "a fact that got a 2xx is never lost",
        README,
        (
            "tests/runtime/test_on_real_parts.py",
            "tests/traps/test_engine_traps.py",
            "tests/runtime/test_commit.py",
            "tests/runtime/test_facts.py",
            "tests/runtime/test_stream.py",
            "tests/runtime/test_passed_on.py",
            "tests/runtime/test_rewinds.py",
            "tests/storms/test_storms.py",
            "tests/storms/test_mutants.py",
            "tests/cli/test_replay.py::test_a_lockstep_replay_is_exact_though_every_worker_is_killed_once",
            "tests/adapters/test_motor_store.py::test_what_was_committed_survives_a_killed_database",
            "tests/http/test_facts_over_http.py::test_a_database_that_is_away_is_said_with_a_time_to_come_again",
            "tests/runtime/test_known_versions.py",
            "tests/runtime/test_answers.py",
            "tests/chaos/test_chaos.py::test_a_short_round_of_faults_loses_nothing_and_does_nothing_twice",
            "tests/chaos/test_chaos.py::test_a_defect_that_is_planted_into_the_engine_is_seen",
            "tests/chaos/test_chaos.py::test_a_short_overload_is_worked_off_and_no_process_grows_or_ends_of_it",
            "tests/chaos/test_parts_of_chaos.py",
            "tests/chaos/test_drains.py",
            "tests/size/test_topics.py",
            "tests/restore/test_in_memory.py",
            "tests/restore/test_for_real.py::test_a_restored_database_is_refused_checked_and_worked_with_again",
            "tests/runtime/test_document_sizes.py",
        ),
    ),
    Promise(
        "once",
        "nothing acts twice: one refund, one task, one message for each id",
        README,
        (
            "tests/runtime/test_on_real_parts.py",
            "tests/traps/test_engine_traps.py",
            "tests/traps/test_trade_traps.py",
            "tests/runtime/test_effects.py",
            "tests/runtime/test_passed_on.py",
            "tests/runtime/test_rewinds.py",
            "tests/storms/test_storms.py",
            "tests/storms/test_mutants.py",
            "tests/cli/test_replay.py::test_a_lockstep_replay_is_exact_though_every_worker_is_killed_once",
            "tests/http/test_facts_over_http.py::test_telling_a_fact_twice_changes_nothing",
            "tests/chaos/test_chaos.py::test_a_short_round_of_faults_loses_nothing_and_does_nothing_twice",
            "tests/chaos/test_parts_of_chaos.py",
        ),
    ),
    Promise(
        "ordered",
        "for each order, events come in order and without gaps",
        README,
        (
            "tests/runtime/test_on_real_parts.py",
            "tests/traps/test_engine_traps.py",
            "tests/runtime/test_publishing.py",
            "tests/runtime/test_clearing.py",
            "tests/storms/test_storms.py",
            "tests/storms/test_mutants.py",
            "tests/adapters/test_publisher.py::test_a_record_whose_acknowledgement_was_lost_is_not_lost",
            "tests/adapters/test_publisher.py::test_nothing_that_was_refused_is_sent_later_by_itself",
            "tests/chaos/test_chaos.py::test_a_short_round_of_faults_loses_nothing_and_does_nothing_twice",
            "tests/chaos/test_parts_of_chaos.py",
            "tests/size/test_dead_letters.py",
            "tests/size/test_crew.py",
            "tests/size/test_growth.py",
            "tests/size/test_topics.py",
            "tests/restore/test_in_memory.py",
            "tests/restore/test_for_real.py::test_a_restored_database_is_refused_checked_and_worked_with_again",
        ),
    ),
    Promise(
        "timed",
        "a timer fires once, not early, after what was said before it; "
        "p99 within 1 s while the system is up and keeps up",
        README,
        (
            "tests/runtime/test_on_real_parts.py",
            "tests/traps/test_engine_traps.py",
            "tests/traps/test_trade_traps.py",
            "tests/runtime/test_clock_set_back.py::test_a_timer_waits_for_a_clock_that_was_set_back_and_fires_once",
            "tests/runtime/test_timers.py",
            "tests/storms/test_storms.py",
            "tests/storms/test_mutants.py",
            "tests/chaos/test_chaos.py::test_a_short_round_of_faults_loses_nothing_and_does_nothing_twice",
            "tests/size/test_races.py",
            "tests/size/test_timers.py",
        ),
    ),
    Promise(
        "isolated",
        "a poisoned record stops neither its partition nor its neighbours",
        README,
        (
            "tests/runtime/test_on_real_parts.py",
            "tests/traps/test_engine_traps.py",
            "tests/runtime/test_stream.py",
            "tests/runtime/test_passed_on.py",
            "tests/runtime/test_redrive.py",
            "tests/runtime/test_publishing.py::test_a_file_whose_events_the_broker_rejects_is_parked_and_holds_up_no_other",
            "tests/runtime/test_poison_share.py",
            "tests/storms/test_storms.py",
            "tests/storms/test_mutants.py",
            "tests/size/test_dead_letters.py",
            "tests/size/test_crew.py",
            "tests/runtime/test_document_sizes.py",
            "tests/runtime/test_held_files.py",
            "tests/adapters/test_publisher.py::test_who_publishes_beside_a_record_that_is_too_large_gets_his_acknowledgements",
            "tests/adapters/test_publisher.py::test_who_waits_in_a_producer_that_is_replaced_is_published_by_the_next_one",
        ),
    ),
    Promise(
        "resumed",
        "broker or database away: nothing is lost, work resumes by itself",
        README,
        (
            "tests/traps/test_engine_traps.py",
            "tests/storms/test_storms.py",
            "tests/runtime/test_clock_set_back.py::test_what_waited_when_it_was_set_back_is_published",
            "tests/runtime/test_publishing.py::test_the_broker_away_keeps_events_until_it_is_back",
            "tests/runtime/test_publishing.py::test_nothing_is_parked_while_the_broker_is_away_or_has_just_come_back",
            "tests/runtime/test_commit.py::test_the_stream_waits_while_the_database_is_away_and_loses_nothing",
            "tests/runtime/test_commit.py::test_a_database_that_answers_no_commit_twice_is_away_for_who_asks",
            "tests/runtime/test_commit.py::test_the_stream_waits_for_a_database_that_answers_no_commit",
            "tests/chaos/test_drains.py",
            "tests/adapters/test_members.py",
            "tests/adapters/test_motor_store.py::test_the_store_works_again_when_the_database_is_back",
            "tests/adapters/test_publisher.py::test_a_publisher_survives_a_broker_that_restarts",
            "tests/http/test_facts_over_http.py::test_a_broker_that_is_away_keeps_nobody_from_telling",
            "tests/runtime/test_answers.py",
            "tests/chaos/test_chaos.py::test_a_short_round_of_faults_loses_nothing_and_does_nothing_twice",
        ),
    ),
    Promise(
        "readable",
        "an old event can always be read",
        README,
        ("tests/contracts/test_evolution.py",),
    ),
    Promise(
        "lively",
        "a worker that gets no further says so, and ends",
        README,
        (
            "tests/runtime/test_liveness.py",
            "tests/settings/test_stalls.py",
            "tests/settings/test_watchdog.py::test_with_the_settings_as_they_come_whatever_stands_still_has_ended_within_half_a_minute",
            "tests/runtime/test_stream.py::test_a_worker_stands_still_only_where_it_has_records_to_take",
            "tests/runtime/test_stream.py::test_a_member_that_the_group_lost_ends_the_worker",
            "tests/runtime/test_stream.py::test_a_worker_whose_broker_is_away_waits_for_it_and_has_its_time_anew_afterwards",
        ),
    ),
    Promise(
        "bounded",
        "more than it can do waits or is told to come again; memory stays bounded",
        README,
        (
            "tests/runtime/test_lists.py",
            "tests/runtime/test_batch_sizes.py",
            "tests/http/test_overload.py",
            "tests/chaos/test_gauges.py",
            "tests/chaos/test_chaos.py::test_a_short_overload_is_worked_off_and_no_process_grows_or_ends_of_it",
            "tests/runtime/test_clearing.py::test_who_publishes_for_many_files_does_not_leave_the_clearing_for_later",
            "tests/runtime/test_clearing.py::test_many_who_publish_at_once_over_a_slow_database_clear_nothing_twice",
        ),
    ),
    Promise(
        "forgotten",
        "an erased buyer is in no file, no topic, no log and no listing any more",
        README,
        (
            "tests/kernel/test_erasure.py",
            "tests/orders/test_erasing.py",
            "tests/logistics/test_erasing.py",
            "tests/aftersales/test_erasing.py",
            "tests/notifications/test_erasing.py",
            "tests/runtime/test_erasure.py",
            "tests/erasure/test_markers.py",
            "tests/erasure/test_asking.py",
            "tests/http/test_erasure_over_http.py",
            "tests/size/test_erasure.py",
        ),
    ),
)
"""All of them, in the order of the README."""

PROVING_FOLDERS: Final = (
    "tests/runtime",
    "tests/storms",
    "tests/chaos",
    "tests/traps",
    "tests/size",
    "tests/restore",
)
"""Every test in here is there for a promise, and names it."""
