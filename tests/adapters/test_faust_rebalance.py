"""The Faust transport at a rebalance under a backlog, without a broker: nothing taken may overtake."""

import asyncio
from types import SimpleNamespace
from typing import Any

from shared.adapters.faust_transport import BUFFER_MAX_RECORDS, FaustTransport
from shared.runtime.ports import TopicPartition

WHERE = TopicPartition("orders.v1", 0)
NEXT_ONE_SECONDS = 0.0


def fetched(*offsets: int) -> dict[Any, list[Any]]:
    """What Faust's consumer brings, as far as the transport looks at it."""
    records = [
        SimpleNamespace(
            topic="orders.v1", partition=0, offset=offset, key=b"k", value=b"v", headers=(), timestamp=1
        )
        for offset in offsets
    ]
    return {WHERE: records}


def owner() -> FaustTransport:
    """A transport that has its partition."""
    transport = FaustTransport("127.0.0.1:1", "g", ["orders.v1"])
    transport._app = SimpleNamespace(crashed=False, should_stop=False, crash_reason=None)
    transport.assigned({WHERE: 0})
    return transport


async def test_records_that_waited_for_room_while_their_partition_was_revoked_are_dropped() -> None:
    transport = owner()
    assert await transport.take(fetched(*range(BUFFER_MAX_RECORDS)), transport.generation())
    in_hand = asyncio.create_task(transport.take(fetched(BUFFER_MAX_RECORDS), transport.generation()))
    await asyncio.sleep(0)
    assert not in_hand.done()
    transport.revoked()
    await in_hand
    assert await transport.batch(10, NEXT_ONE_SECONDS) == []
    assert not transport.acks.take()


async def test_a_fetch_during_which_the_group_rebalanced_is_thrown_away_and_said_to_be() -> None:
    transport = owner()
    before = transport.generation()
    transport.revoked()
    transport.assigned({WHERE: 5})
    assert not await transport.take(fetched(3, 4, 5), before)
    assert await transport.batch(10, NEXT_ONE_SECONDS) == []
    assert await transport.take(fetched(5), transport.generation())
    assert [record.offset for record in await transport.batch(10, NEXT_ONE_SECONDS)] == [5]


async def test_a_fetch_that_ends_before_anything_is_assigned_is_said_to_be_thrown_away() -> None:
    transport = owner()
    transport.revoked()
    assert not await transport.take(fetched(0), transport.generation())
