"""`make test-real` takes the most real parts that can be had, and says in a line where there are none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.parts import BROKER_ADDRESS, DATABASE_ADDRESS, Kinds
from tests.kit.real import chosen

ROOT = Path(__file__).parents[2]
NOWHERE = "unix:///nowhere/docker.sock"


def asked(nothing: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Ask for it on a machine with neither java, mvn nor a Docker engine."""
    named = {BROKER_ADDRESS, DATABASE_ADDRESS}
    environment = {name: value for name, value in os.environ.items() if name not in named}
    environment |= {"PATH": str(nothing), "DOCKER_HOST": NOWHERE, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.kit.real", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "no java with mvn, no Docker engine, and KAFKA_BOOTSTRAP_SERVERS is not set"),
        (("--broker", "apache"), "Apache Kafka needs java and mvn on the PATH"),
        (("--broker", "containers"), "containers need a Docker engine, and none answers"),
        (("--broker", "address"), "KAFKA_BOOTSTRAP_SERVERS names no broker"),
    ],
)
def test_where_nothing_real_can_be_had_one_line_says_what_is_missing_and_it_ends_well(
    tmp_path: Path, arguments: tuple[str, ...], reason: str
) -> None:
    done = asked(tmp_path, *arguments)
    line = f"test-real skipped: {reason}. `make test` runs the same tests on embedded parts.\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line, "")


def test_an_address_that_the_environment_names_is_taken_before_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(BROKER_ADDRESS, "kafka.example:9092")
    monkeypatch.setenv(DATABASE_ADDRESS, "mongodb://mongo.example")
    assert chosen(None, None) == Kinds("address", "address")


def test_what_is_asked_for_is_taken_whatever_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROKER_ADDRESS, "kafka.example:9092")
    assert chosen("embedded", "embedded") == Kinds("embedded", "embedded")
