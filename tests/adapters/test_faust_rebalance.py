"""The Faust transport at a rebalance under a backlog, without a broker: nothing taken may overtake."""

import asyncio
from types import SimpleNamespace

from shared.adapters.faust_transport import BUFFER_MAX_RECORDS, FaustTransport
from shared.runtime.ports import TopicPartition

WHERE = TopicPartition("orders.v1", 0)


def event(offset: int) -> SimpleNamespace:
    """What Faust hands over, as far as the transport looks at it."""
    message = SimpleNamespace(
        topic="orders.v1",
        partition=0,
        offset=offset,
        key=b"k",
        value=b"v",
        headers=[],
        generation_id=7,
    )
    return SimpleNamespace(message=message)


async def test_a_record_that_waited_for_room_while_its_partition_was_revoked_is_dropped() -> None:
    transport = FaustTransport("127.0.0.1:1", "g", ["orders.v1"])
    transport._app = SimpleNamespace(
        consumer_generation_id=7, crashed=False, should_stop=False, crash_reason=None
    )
    transport.assigned({WHERE: 0})
    for offset in range(BUFFER_MAX_RECORDS):
        await transport.take(event(offset))
    in_hand = asyncio.create_task(transport.take(event(BUFFER_MAX_RECORDS)))
    await asyncio.sleep(0)
    assert not in_hand.done()
    transport.revoked()
    await in_hand
    assert await transport.batch(10, 0) == []
    assert not transport.acks.take()
