"""Many pending timers: few are due, those fire once and in order, and a worker's memory stays flat."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.adapters.clock import VirtualClock
from tests.kit.parts import Parts
from tests.kit.rules import START
from tests.size.timers import FAR, FIRED_NUMBER, Clockwork, rss_megabytes, stages

FILES = 20_000
DUE = 1_000
GROWTH_MAX_MEGABYTES = 60.0

pytestmark = [pytest.mark.promise("timed"), pytest.mark.real, pytest.mark.slow(30), pytest.mark.timeout(300)]


@pytest.fixture
async def clockwork(parts: Parts, database_name: str) -> AsyncIterator[Clockwork]:
    clock = VirtualClock(START)
    clockwork = Clockwork(parts.mongodb_url, database_name, clock)
    await clockwork.start()
    yield clockwork
    await clockwork.close()


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


async def test_of_many_timers_those_that_are_due_fire_once_in_order_by_the_index(
    clockwork: Clockwork,
) -> None:
    await clockwork.fill(FILES - DUE, lambda n: START + FAR + timedelta(seconds=n), "far", no_progress)
    # Due times are spread over the files, so that neither names nor slots are in their order.
    due = {f"due-{n}": START + timedelta(milliseconds=1 + n * 7919 % DUE) for n in range(DUE)}
    await clockwork.fill(DUE, lambda n: due[f"due-{n}"], "due", no_progress)
    assert not await clockwork.worker.fire_timers()

    explained = await clockwork.explain(range(256), START)
    assert stages(explained) == {"IXSCAN"}
    if explained["serverInfo"]["host"] != "secantus":  # which explains every `$in` as a scan
        assert stages(await clockwork.explain(range(0, 256, 2), START)) == {"IXSCAN"}

    before = rss_megabytes()
    assert isinstance(clockwork.clock, VirtualClock)
    clockwork.clock.advance(timedelta(hours=1))
    await clockwork.fire_all(DUE)
    assert not await clockwork.worker.fire_timers()
    fired = clockwork.store.committed
    assert set(clockwork.publisher.numbers) == {FIRED_NUMBER}
    assert fired == sorted(due, key=lambda subject: due[subject])
    assert rss_megabytes() - before < GROWTH_MAX_MEGABYTES
    assert await clockwork.store.due_timers(range(256), START + FAR - timedelta(seconds=1), 1) == []
