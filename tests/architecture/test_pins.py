"""What is installed is pinned, with hashes and without addresses, and the embedded servers are an extra."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("run", "embedded", "dev")
SERVERS = {"noida-db", "secantusdb"}
"""Young servers for laptops and tests, one of them GPL-2.0."""


def _text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")


def _pins(name: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", _text(name), re.MULTILINE)
    return {package.lower().replace("_", "-"): version for package, version in found}


def _wanted(group: str | None = None) -> set[str]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines: list[str] = project["optional-dependencies"][group] if group else project["dependencies"]
    return {re.split(r"[\[=<>~ ]", line)[0].lower() for line in lines} - {"orderlink"}


@pytest.mark.parametrize("name", [*FILES, "bench", "helm"])
def test_every_pin_has_its_hashes_and_no_address_is_named(name: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", _text(name))
    pinned = [entry for entry in entries if "==" in entry.partition("\n")[0]]
    assert len(pinned) == len(_pins(name)) > 0
    assert all("--hash=sha256:" in entry for entry in pinned)
    assert not re.search(r"https?://|--(extra-)?index|--find", _text(name))


def test_the_larger_sets_hold_the_smaller_ones_at_the_same_versions() -> None:
    run, embedded, dev = (_pins(name) for name in FILES)
    assert run.items() <= embedded.items() <= dev.items()


def test_what_pyproject_names_is_pinned() -> None:
    assert _wanted() <= _pins("run").keys()
    assert _wanted("embedded") <= _pins("embedded").keys()
    assert _wanted("test") | _wanted("dev") <= _pins("dev").keys()
    assert _wanted("bench") | _wanted("embedded") <= _pins("bench").keys()


def test_production_gets_neither_the_embedded_servers_nor_test_tools() -> None:
    assert not (SERVERS | {"pytest", "aiosmtpd"}) & _pins("run").keys()
    assert _pins("embedded").keys() >= SERVERS


def test_what_builds_orderlink_is_pinned_too() -> None:
    assert all("setuptools" in _pins(name) for name in FILES)
