"""Fixtures that every test may ask for, and the order in which tests run: the slow ones first."""

import pytest

pytest_plugins = ("tests.kit.parts",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes long start first, so that two processes end at about the same time."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
