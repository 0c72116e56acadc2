"""The Dockerfile: clean, without rights, without a shell, and with nothing but what is pinned."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.catalog import SERVICES

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")
ASSEMBLE: dict[str, Any] = runpy.run_path(str(ROOT / "deploy" / "image" / "assemble.py"))
_CONTINUED = re.compile(r"\\\n\s*")


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction of a Dockerfile with what it is told."""
    lines = _CONTINUED.sub(" ", text).splitlines()
    told = [line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, rest in told]


def last_stage(text: str) -> list[tuple[str, str]]:
    """The instructions that make what is run."""
    all_of_them = instructions(text)
    begins = max(number for number, (name, _) in enumerate(all_of_them) if name == "FROM")
    return all_of_them[begins:]


def needs_a_shell(stage: list[tuple[str, str]]) -> list[str]:
    """The instructions of a stage that only a shell can carry out."""
    needing = [name for name, _ in stage if name == "RUN"]
    for name, rest in stage:
        if name in ("ENTRYPOINT", "CMD") and not rest.startswith("["):
            needing.append(name)
        if name == "HEALTHCHECK" and not rest.partition("CMD ")[2].startswith("["):
            needing.append(name)
    return needing


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    """What the linter finds."""
    return subprocess.run(
        [str(HADOLINT), "--no-color", "-"], input=text, capture_output=True, text=True, check=False
    )


def test_the_linter_finds_nothing() -> None:
    found = hadolint(DOCKERFILE.read_text("utf-8"))
    assert (found.stdout, found.returncode) == ("", 0)


def test_the_linter_can_find_something() -> None:
    found = hadolint("FROM python\nRUN cd /tmp && pip install faust\n")
    assert found.returncode
    assert {"DL3006", "DL3013", "DL3003"} <= set(re.findall(r"DL\d+", found.stdout))


def test_what_is_run_needs_no_shell() -> None:
    stage = last_stage(DOCKERFILE.read_text("utf-8"))
    assert {"ENTRYPOINT", "CMD", "HEALTHCHECK"} <= {name for name, _ in stage}
    assert needs_a_shell(stage) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("RUN chmod +x /start", "RUN"),
        ("ENTRYPOINT python -m services.orders", "ENTRYPOINT"),
        ("HEALTHCHECK --interval=5s CMD curl localhost", "HEALTHCHECK"),
    ],
)
def test_a_need_of_a_shell_is_seen(line: str, name: str) -> None:
    assert needs_a_shell(last_stage(f"FROM a AS build\nFROM b\n{line}\n")) == [name]


def test_it_is_run_by_a_user_without_rights_whom_kubernetes_knows_by_number() -> None:
    (user,) = [rest for name, rest in last_stage(DOCKERFILE.read_text("utf-8")) if name == "USER"]
    assert re.fullmatch(r"[1-9]\d{4,}:[1-9]\d{4,}", user)


def test_whatever_is_installed_is_pinned_with_hashes_and_never_built() -> None:
    installs = re.findall(r"pip install[^&]*", _CONTINUED.sub(" ", DOCKERFILE.read_text("utf-8")))
    assert installs
    assert all("--require-hashes" in each and "--only-binary=:all:" in each for each in installs)
    for pins in ("run", "sandbox", "image"):
        assert (ROOT / "requirements" / f"{pins}.txt").is_file()


def test_it_says_what_it_is() -> None:
    labels = " ".join(rest for name, rest in last_stage(DOCKERFILE.read_text("utf-8")) if name == "LABEL")
    named = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", labels))
    assert {"title", "description", "licenses", "version", "revision"} <= named
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version
    assert ("ARG", f"VERSION={version[1]}") in last_stage(DOCKERFILE.read_text("utf-8"))


def test_what_is_copied_is_let_into_the_build() -> None:
    allowed = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    for name, rest in instructions(DOCKERFILE.read_text("utf-8")):
        if name != "COPY" or rest.startswith("--from"):
            continue
        for source in rest.split()[:-1]:
            assert any(source == each or source.startswith(f"{each}/") for each in allowed), source


@pytest.mark.parametrize("service", [*SERVICES, "cli", "sandbox"])
def test_a_container_starts_a_module_that_is_there(service: str) -> None:
    script = ASSEMBLE["started"](service)
    assert script.startswith(f"#!{sys.prefix}/bin/python\n")
    (named,) = re.findall(r'run_module\("([\w.]+)"|from ([\w.]+) import main', script)
    module = ROOT / Path(*(named[0] or named[1]).split("."))
    assert (module / "__main__.py").is_file() or module.with_suffix(".py").is_file()


def test_only_what_there_is_can_be_assembled() -> None:
    assert ASSEMBLE["SERVICES"] == SERVICES
    with pytest.raises(SystemExit, match=r"SERVICE: expected one of orders.*got 'carts'"):
        ASSEMBLE["main"]("carts")


def test_the_health_check_is_a_module_that_is_there() -> None:
    (told,) = [rest for name, rest in last_stage(DOCKERFILE.read_text("utf-8")) if name == "HEALTHCHECK"]
    *_, flag, module = json.loads(told.partition("CMD ")[2])
    assert (flag, module) == ("-m", "shared.adapters.healthcheck")
