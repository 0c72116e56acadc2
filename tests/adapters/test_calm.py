"""A driver's complaints during an outage."""

import logging

import pytest

from shared.adapters.calm import REMEMBERED_MAX, _NowAndThen, calm_the_driver


def test_complaints_that_are_all_different_are_said_and_not_remembered_without_end() -> None:
    said = _NowAndThen()
    for number in range(3 * REMEMBERED_MAX):
        record = logging.LogRecord("aiokafka", logging.ERROR, __file__, 1, f"no fetch {number}", (), None)
        assert said.filter(record)
        assert len(said._said) <= REMEMBERED_MAX


def test_the_same_complaint_is_said_once_in_a_while_and_others_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calm_the_driver()
    calm_the_driver()
    fetcher = logging.getLogger("aiokafka.consumer.fetcher")
    with caplog.at_level(logging.INFO, logger=fetcher.name):
        for attempt in range(50):
            fetcher.error("no fetch, attempt %d", attempt)
        fetcher.error("something else")
        fetcher.info("detail")
        fetcher.info("detail")
    assert [record.getMessage() for record in caplog.records] == [
        "no fetch, attempt 0",
        "something else",
        "detail",
        "detail",
    ]
