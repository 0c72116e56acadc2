"""What `make cluster` rests on is there, and where Go is not, it says so in a line."""

import shutil

import pytest

from shared.contracts.catalog import SERVICES
from tests.cluster.binaries import NoParts, module_files
from tests.cluster.definitions import sources
from tests.cluster.ground import starters
from tests.deploy.trim import FOLDER


def test_kinds_of_others_are_of_the_versions_whose_schemas_are_kept() -> None:
    table = (FOLDER / "README.md").read_text("utf-8").splitlines()
    for source in sources():
        rows = [line for line in table if f"`{source['module']}`" in line]
        assert [line.split("|")[-2].strip() for line in rows] == [source["version"].removeprefix("v")]


def test_the_readme_has_the_commands_that_are_played() -> None:
    assert f"for service in {' '.join(SERVICES)}; do" in starters()
    assert starters().count("create secret") == 1


def test_without_go_it_says_so_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NoParts, match=r"^[^\n]*there is no `go` on the PATH$"):
        module_files("sigs.k8s.io/kwok", "v0.8.0")
