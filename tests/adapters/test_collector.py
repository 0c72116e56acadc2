"""The collector of cycles in a process that does little: what an outage leaves does not lie for days."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from shared.adapters.collector import keep_looking
from shared.adapters.ending import ended


class Away(Exception):
    """Of what nobody answers."""


@pytest.fixture
def collects_nothing_by_itself() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collects_nothing_by_itself")
async def test_what_holds_itself_is_let_go_though_too_little_is_made_to_start_a_look() -> None:
    problem = Away()
    problem.__context__ = Away()
    problem.__context__.__context__ = problem
    left = weakref.ref(problem)
    del problem
    assert left() is not None

    looking = asyncio.create_task(keep_looking(every_seconds=0))
    for _ in range(3):
        await asyncio.sleep(0)
    await ended(looking)
    assert left() is None
