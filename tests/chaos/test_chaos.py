"""A short round of chaos on real parts ends as the simulation says."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 900
"""A busy machine takes its time; on one with two idle cores it is about two minutes."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.processes,
    pytest.mark.slow(120),
    pytest.mark.timeout(PATIENCE_SECONDS + 60),
]


def chaos(broker: str, directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it as people do."""
    command = [sys.executable, "-m", "tests.chaos", "--broker", broker, "--directory", str(directory)]
    command += ["--orders-per-second", "1.5", "--orders-at-once", "30", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> str:
    """Apache Kafka as a child, which can be stopped and killed; a few minutes on it belong to a release."""
    if request.config.getoption("--broker") != "apache":
        pytest.skip("takes minutes: `make test-real` runs it, and so does `make chaos ARGS=--smoke`")
    return "apache"


@pytest.mark.promise("kept", "once", "ordered", "timed", "resumed")
def test_a_short_round_of_faults_loses_nothing_and_does_nothing_twice(broker: str, tmp_path: Path) -> None:
    done = chaos(broker, tmp_path, "--smoke")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "Nothing was lost, twice or out of order" in done.stdout
