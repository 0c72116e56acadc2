"""Hundreds of parked records redriven on real parts, in order, while more arrive for the same sources."""

import pytest

from tests.kit.parts import Parts, Server
from tests.size.parking import Depot

SOURCES = 25
EACH = 20

pytestmark = [
    pytest.mark.promise("ordered", "isolated"),
    pytest.mark.real,
    pytest.mark.slow(20),
    pytest.mark.timeout(200),
]


async def test_what_is_parked_is_redriven_in_order_while_more_arrives(
    parts: Parts, own_broker: Server, database_name: str
) -> None:
    depot = Depot(own_broker.address, parts.mongodb_url, database_name, SOURCES, EACH)
    shown: list[tuple[int, int]] = []
    async with depot.at_work() as engine:
        await depot.park()
        redriven = await depot.redrive(engine, lambda done, total: shown.append((done, total)))
        assert (len(redriven.found.parked), redriven.found.waiting) == (SOURCES, SOURCES * EACH)
        assert redriven.report.failed == 0
        assert redriven.traffic > 0
        assert await depot.check(engine) == SOURCES * EACH + redriven.traffic
    assert all(done <= total for done, total in shown)
