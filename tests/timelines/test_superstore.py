"""Four years of sales records yield the counts of separate arithmetic, in every entry."""

import json
import os
from pathlib import Path

import pytest

from tests.timelines.playing import play

RECORDS = Path(os.environ.get("ORDERLINK_TIMELINES", Path(__file__).parents[2].parent / "shared" / "data"))
beside = pytest.mark.skipif(
    not (RECORDS / "superstore-expected.json").is_file(),
    reason=f"the sales records are not in {RECORDS}; ORDERLINK_TIMELINES names their folder",
)


@beside
def test_some_weeks_of_sales_yield_the_expected_counts() -> None:
    played, _ = play(RECORDS / "superstore-sample.jsonl.gz")
    assert played.counts.domain == json.loads((RECORDS / "superstore-sample-expected.json").read_text())
    assert played.dead_letters == 0


@beside
@pytest.mark.slow(180)
@pytest.mark.timeout(900)
def test_four_years_of_sales_yield_the_expected_counts() -> None:
    played, _ = play(RECORDS / "superstore-timeline.jsonl.gz")
    assert played.counts.domain == json.loads((RECORDS / "superstore-expected.json").read_text())
    assert played.dead_letters == 0
