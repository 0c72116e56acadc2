"""The list of commands works whatever one of them needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.cli import main

ROOT = Path(__file__).parents[2]


def orderlink(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    program = f"{before}\nfrom shared.cli.main import main\nmain()"
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_are_listed_without_loading_any() -> None:
    ran = orderlink("--help")
    assert ran.returncode == 0
    assert all(name in ran.stdout for name in main.COMMANDS)


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_every_command_has_a_module_with_a_help_page(name: str) -> None:
    ran = orderlink(name, "--help")
    assert ran.returncode == 0, ran.stderr
    assert f"orderlink {name}" in ran.stdout


def test_a_command_whose_package_is_missing_says_what_to_install() -> None:
    ran = orderlink("simulate", "--help", before="import sys; sys.modules['rich.progress'] = None")
    assert ran.returncode == 1
    assert "pip install 'orderlink[embedded]'" in ran.stderr


def test_other_commands_go_on_without_that_package() -> None:
    ran = orderlink("settings", "--help", before="import sys; sys.modules['rich.progress'] = None")
    assert ran.returncode == 0, ran.stderr
