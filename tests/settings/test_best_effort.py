"""An API publishes best effort: a broker that is silent keeps only the first request waiting."""

from collections.abc import Sequence

from shared.adapters.best_effort import HOLD_OFF_SECONDS, BestEffort
from shared.runtime.ports import Outgoing

RECORD = Outgoing("orders.v1", b"A-1", b"{}")


class Broker:
    """Answers after a while, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.takes_seconds = 0.0
        self.answer = True
        self.asked = 0

    async def start(self) -> None:
        """Nothing to connect to."""

    async def publish(self, records: Sequence[Outgoing]) -> list[bool]:
        self.asked += 1
        self.now += self.takes_seconds
        return [self.answer] * len(records)

    async def close(self) -> None:
        """Nothing to close."""


async def test_what_the_broker_takes_is_published_however_slowly() -> None:
    broker = Broker()
    publisher = BestEffort(broker, lambda: broker.now)
    broker.takes_seconds = 3.0
    assert await publisher.publish([RECORD]) == [True]
    assert await publisher.publish([RECORD]) == [True]
    assert broker.asked == 2


async def test_after_a_wait_in_vain_nobody_waits_for_a_while() -> None:
    broker = Broker()
    publisher = BestEffort(broker, lambda: broker.now)
    broker.takes_seconds, broker.answer = 5.0, False
    assert await publisher.publish([RECORD, RECORD]) == [False, False]
    before = broker.now
    assert await publisher.publish([RECORD]) == [False]
    assert (broker.asked, broker.now) == (1, before)
    broker.now += HOLD_OFF_SECONDS
    broker.takes_seconds, broker.answer = 0.0, True
    assert await publisher.publish([RECORD]) == [True]


async def test_a_refusal_at_once_is_tried_again_at_once() -> None:
    broker = Broker()
    publisher = BestEffort(broker, lambda: broker.now)
    broker.answer = False
    await publisher.publish([RECORD])
    await publisher.publish([RECORD])
    assert broker.asked == 2
