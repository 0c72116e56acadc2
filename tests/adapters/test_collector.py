"""The collector of cycles in a process that does little: what an outage leaves does not lie for days."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from shared.adapters.collector import MIDDLE, WHOLE_EVERY, give_back, keep_looking
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


@pytest.mark.usefixtures("collects_nothing_by_itself")
async def test_what_holds_itself_and_has_grown_old_before_it_was_dropped_is_let_go_too() -> None:
    connection = Away()
    connection.__context__ = Away()
    connection.__context__.__context__ = connection
    gc.collect(MIDDLE)
    gc.collect(MIDDLE)
    left = weakref.ref(connection)
    del connection
    gc.collect(MIDDLE)
    assert left() is not None

    looking = asyncio.create_task(keep_looking(every_seconds=0))
    for _ in range(WHOLE_EVERY + 1):
        await asyncio.sleep(0)
    await ended(looking)
    assert left() is None


PEAK = """
from shared.adapters.collector import give_back

def held() -> int:
    with open("/proc/self/statm", encoding="ascii") as told:
        return int(told.read().split()[1]) * 4096

values = [bytes(1_000 + number % 2_000) for number in range(40_000)]
kept = values[::400]
del values
before = held()
assert give_back()
print(before - held())
"""


@pytest.mark.skipif(not (sys.platform == "linux" and give_back()), reason="the C library keeps what is free")
def test_what_a_large_batch_took_is_given_back_though_some_of_it_lives_on() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PEAK], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(told.stdout) > 20_000_000
