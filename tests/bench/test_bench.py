"""The bench runs: everything once and tiny. What it measures is looked at by people."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.__main__ import main


@pytest.mark.slow(20)
@pytest.mark.timeout(300)
@pytest.mark.real
@pytest.mark.processes
def test_a_tiny_bench_keeps_and_prints_all_its_parts(tmp_path: Path) -> None:
    printed = io.StringIO()
    kept = tmp_path / "bench.json"
    assert main(["--smoke", "--out", str(kept)], lambda: Console(file=printed, width=160)) == 0
    found = json.loads(kept.read_text())
    for part in ("engine", "services", "same_work", "bound"):
        assert found[part], part
        for row in found[part]:
            assert row["events"] > 0
            assert row["events_per_second"]["median"] > 0
            assert row["cpu_microseconds_per_event"]["median"] > 0
    (latency,) = found["stack"]["latencies"]
    assert latency["refused"] == latency["missing_events"] == latency["missing_tasks"] == 0
    assert latency["on_topic"]["count"] == latency["sent"] == 2 * latency["task"]["count"]
    assert len(found["stack"]["at_rest"]) == 8
    assert "events/s, engine, faust over faust_singly" in found["ratios"]
    assert "share of raw bulk_write, engine, faust" in found["ratios"]
    for title in ("(a)", "(b)", "(c)", "(d)", "(e)", "Ratios"):
        assert title in printed.getvalue()
