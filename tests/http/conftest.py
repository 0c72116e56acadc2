"""Fixtures of the HTTP tests."""

from collections.abc import AsyncIterator

import pytest

from tests.http.kit import Door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """The toy's application in a fresh world."""
    it = Door()
    yield it
    await it.client.aclose()
