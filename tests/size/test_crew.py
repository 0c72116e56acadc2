"""Workers come and go under a stream, one order's events are refused: each word is said once, in order."""

from random import Random

import pytest

from tests.kit.parts import Parts, Server
from tests.size.crew import WORDS_AFTER_LARGE, Crew

ORDERS = 40
WORDS = 25
CHANGES = 4

pytestmark = [
    pytest.mark.promise("ordered", "isolated"),
    pytest.mark.real,
    pytest.mark.slow(20),
    pytest.mark.timeout(200),
]


async def test_while_workers_join_and_leave_every_order_is_heard_and_told_in_order(
    parts: Parts, own_broker: Server, database_name: str
) -> None:
    crew = Crew(own_broker.address, parts.mongodb_url, database_name, ORDERS, WORDS, Random(1))

    def show(_done: int, _total: int) -> None:
        pass

    async with crew.at_work():
        await crew.write()
        for number in range(CHANGES):
            await crew.heard(crew.total * number // CHANGES, show)
            await crew.change()
        await crew.heard(crew.total, show)
        assert crew.joined > 0 < crew.left
        assert await crew.exchange() == WORDS_AFTER_LARGE + 1
        audit = await crew.check(show)
    assert audit.events == ORDERS * WORDS
    assert len(crew.waits.seconds) >= audit.events
