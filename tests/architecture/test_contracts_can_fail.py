"""Every rule about the architecture is broken on purpose in a copy, and is seen to fail there."""

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Generator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.architecture import shape

ROOT = Path(__file__).parents[2]
SECTION = "importlinter:contract:"

IMPORTS = [
    ("independent-services", "services/orders/react", "import services.logistics.state"),
    ("independent-services", "services/notifications/app", "from services.aftersales import views"),
    ("services-over-shared", "shared/kernel/money", "import services.orders.state"),
    ("services-over-shared", "shared/cli/main", "from services.orders import app"),
    ("shared-layers", "shared/contracts/base", "import shared.kernel.money"),
    ("shared-layers", "shared/kernel/money", "import shared.runtime.ports"),
    ("shared-layers", "shared/runtime/ports", "import shared.adapters.clock"),
    ("shared-layers", "shared/adapters/clock", "import shared.client"),
    ("shared-layers", "shared/client/__init__", "import shared.cli"),
    ("shared-layers", "shared/strays", "STRAY = True"),
    ("service-shape", "services/orders/state", "import services.orders.decide"),
    ("service-shape", "services/logistics/decide", "import services.logistics.api"),
    ("service-shape", "services/aftersales/strays", "STRAY = True"),
    ("pure-rules", "services/orders/decide", "import random"),
    ("pure-rules", "services/logistics/state", "import asyncio"),
    ("pure-rules", "services/aftersales/views", "import motor.motor_asyncio"),
    ("pure-rules", "services/notifications/react", "import time"),
    ("pure-rules", "services/orders/commands", "import logging"),
    ("pure-rules", "shared/kernel/money", "import os"),
    ("pure-rules", "shared/contracts/base", "import uuid"),
    ("rules-on-words", "services/orders/views", "import shared.runtime.ports"),
    ("rules-on-words", "services/logistics/decide", "import shared.adapters.clock"),
    ("wiring-without-drivers", "services/orders/app", "import shared.adapters.clock"),
    ("drivers-in-adapters", "shared/runtime/ports", "import aiokafka"),
    ("drivers-in-adapters", "services/orders/api", "import motor.motor_asyncio"),
    ("drivers-in-adapters", "shared/cli/main", "from kafka import KafkaAdminClient"),
    ("engine-on-ports", "shared/runtime/engine", "import socket"),
    ("engine-on-ports", "shared/kernel/decision", "import pathlib"),
    ("web-at-the-edge", "shared/runtime/ports", "import fastapi"),
    ("web-at-the-edge", "services/orders/app", "import starlette.responses"),
    ("clients-are-light", "shared/client/__init__", "import faust"),
]


def _copied(to: Path) -> Path:
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in sorted(shape.AT_THE_ROOT):
        source = ROOT / name
        if name == "tests":
            (to / name).mkdir()
        elif source.is_dir():
            shutil.copytree(source, to / name, ignore=unwanted)
        elif source.exists():
            shutil.copy2(source, to / name)
    return to


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _copied(tmp_path_factory.mktemp("copy"))


@contextmanager
def _planted(root: Path, module: str, text: str) -> Generator[None]:
    """Add a line to a module, a package of that name or a new file; take it back afterwards."""
    package, plain = root / module / "__init__.py", root / f"{module}.py"
    path = package if package.exists() else plain
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{text}\n", "utf-8")
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, "utf-8")


def _lint(root: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    limits = [word for name in contracts for word in ("--contract", name)]
    return subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache", *limits],
        cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def _contracts() -> set[str]:
    config = ConfigParser()
    config.read(ROOT / ".importlinter")
    return {section.removeprefix(SECTION) for section in config.sections() if section.startswith(SECTION)}


def test_an_untouched_copy_keeps_every_contract(copy: Path) -> None:
    answer = _lint(copy)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_contract_is_broken_once_below() -> None:
    assert {contract for contract, _, _ in IMPORTS} == _contracts()


@pytest.mark.parametrize(("contract", "module", "line"), IMPORTS)
def test_a_planted_import_breaks_its_contract(copy: Path, contract: str, module: str, line: str) -> None:
    with _planted(copy, module, line):
        answer = _lint(copy, contract)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "BROKEN" in answer.stdout or "BROKEN" in answer.stderr, answer.stdout + answer.stderr


def _banned() -> list[str]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return sorted(settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])


def _ruff(path: str, code: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache", "--stdin-filename", path],
        cwd=ROOT,
        input=code,
        capture_output=True,
        text=True,
        check=False,
    ).returncode


@pytest.mark.parametrize("name", _banned())
@pytest.mark.parametrize("rule", ["services/orders/decide.py", "shared/kernel/money.py"])
def test_clocks_and_chance_are_banned_from_rules(rule: str, name: str) -> None:
    module, _, rest = name.partition(".")
    outer, _, inner = rest.partition(".")
    code = f"from {module} import {outer}\n{rest}()\n" if inner else f"import {module}\n{name}()\n"
    assert _ruff(rule, code) == 1
    assert _ruff("shared/adapters/clock.py", code) == 0


def _append(module: str, text: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        package, plain = root / module / "__init__.py", root / f"{module}.py"
        path = package if package.exists() else plain
        path.write_text((path.read_text("utf-8") if path.exists() else "") + f"\n{text}\n", "utf-8")

    return plant


def _create(path: str, text: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        (root / path).write_text(text, "utf-8")

    return plant


def _drop(path: str) -> Callable[[Path], None]:
    return lambda root: (root / path).unlink()


def _replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        text = (root / path).read_text("utf-8")
        assert old in text
        (root / path).write_text(text.replace(old, new), "utf-8")

    return plant


LONG_FUNCTION = "def endless() -> None:\n" + "    pass\n" * shape.FUNCTION_MAX_LINES

BREACHES: list[tuple[Callable[[Path], list[str]], Callable[[Path], None]]] = [
    (shape.root_entries, _create("NOTES.md", "stray")),
    (shape.root_entries, _drop("LICENSE")),
    (shape.service_files, _drop("services/orders/settings.py")),
    (shape.service_files, _create("services/orders/extras.py", '"""Stray."""\n')),
    (shape.service_files, _create("services/orders/notes.md", "stray")),
    (shape.service_cards, _create("services/orders/__init__.py", '"""The orders."""\n')),
    (shape.service_cards, _append("services/orders/__init__", "X = 1")),
    (shape.entry_points, _replace("pyproject.toml", "services.orders.app:", "services.logistics.app:")),
    (shape.file_lengths, _append("shared/kernel/money", "\n" * shape.FILE_MAX_LINES)),
    (shape.function_lengths, _append("shared/kernel/money", LONG_FUNCTION)),
    (shape.module_docstrings, _create("shared/kernel/silent.py", "X = 1\n")),
    (shape.names, _create("shared/kernel/time_utils.py", '"""Stray."""\n')),
    (shape.names, _append("shared/kernel/money", "class OrderManager: ...")),
    (shape.names, _append("shared/kernel/money", "def data() -> None: ...")),
    (shape.own_place, _create("docs/where.md", f"see {shape.OUTSIDE}/DESIGN.md")),
    (shape.contract_imports, _append("shared/contracts/base", "import httpx")),
    (shape.clock_reads, _append("shared/runtime/ports", "import datetime\nX = datetime.datetime.now()")),
    (shape.clock_reads, _append("services/orders/api", "import time\nX = time.time()")),
]


def test_every_check_of_the_shape_is_broken_once_below() -> None:
    assert {check for check, _ in BREACHES} == set(shape.CHECKS)


@pytest.mark.parametrize(("check", "plant"), BREACHES)
def test_a_planted_breach_is_found(
    tmp_path: Path, check: Callable[[Path], list[str]], plant: Callable[[Path], None]
) -> None:
    root = _copied(tmp_path)
    before = check(root)
    plant(root)
    assert set(check(root)) - set(before)
