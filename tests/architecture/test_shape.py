"""The project has the shape that ARCHITECTURE.md describes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import shape

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("check", shape.CHECKS, ids=lambda check: check.__name__)
def test_the_project_keeps_its_shape(check: Callable[[Path], list[str]]) -> None:
    found = check(ROOT)
    assert not found, "\n".join([f"{check.__doc__}", *found])
