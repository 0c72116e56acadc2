"""Fixtures that every test may ask for, and the order in which tests run: the slow ones first."""

import pytest
from hypothesis import HealthCheck, settings

# How fast examples are drawn depends on the machine, and is no property of the code.
settings.register_profile("orderlink", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("orderlink")

pytest_plugins = ("tests.kit.parts",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes long start first, so that processes that share the tests end at about the same time."""
    items.sort(key=lambda item: -_seconds(item))


def _seconds(item: pytest.Item) -> float:
    marked = item.get_closest_marker("slow")
    return 0.0 if marked is None else float(marked.args[0])
