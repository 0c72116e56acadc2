"""A short round of chaos, and a short overload, on real parts end as the simulation says."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.planted import PLANTED

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 900
"""A busy machine takes its time; on one with two idle cores it is about two minutes."""

pytestmark = [
    pytest.mark.real,
    pytest.mark.processes,
    pytest.mark.slow(120),
    pytest.mark.timeout(PATIENCE_SECONDS + 60),
]


def short(run: str, form: str, broker: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run a short one as people do."""
    command = [sys.executable, "-m", run, form, "--broker", broker, "--directory", str(directory)]
    command += ["--orders-per-second", "1.5", "--orders-at-once", "30"]
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
    done = short("tests.chaos", "--smoke", broker, tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "Nothing was lost, twice or out of order" in done.stdout


@pytest.mark.promise("kept", "bounded")
def test_a_short_overload_is_worked_off_and_no_process_grows_or_ends_of_it(
    broker: str, tmp_path: Path
) -> None:
    done = short("tests.chaos.overload", "--smoke", broker, tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert "Nothing was lost, twice or out of order" in done.stdout


@pytest.mark.promise("kept")
@pytest.mark.parametrize("defect", sorted(PLANTED))
def test_a_defect_that_is_planted_into_the_engine_is_seen(defect: str, broker: str, tmp_path: Path) -> None:
    done = short("tests.chaos", f"--planted={defect}", broker, tmp_path)
    assert done.returncode == 1, done.stdout[-6000:] + done.stderr[-3000:]
    assert "a promise was broken" in done.stdout
