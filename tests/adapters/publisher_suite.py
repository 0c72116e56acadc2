"""What every publisher must do. Each case takes a started publisher and a way to read the log."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from shared.runtime.ports import Outgoing, Publisher, Record
from shared.runtime.slots import partition_of

PARTITIONS = 4
ORDERS, LOGISTICS = "orders.v1", "logistics.v1"


class Press(Protocol):
    """A publisher and its log."""

    publisher: Publisher

    async def log(self, topic: str) -> Sequence[Record]:
        """Everything on a topic."""
        ...


async def what_is_acknowledged_is_on_the_log_as_it_was_sent(press: Press) -> None:
    sent = [Outgoing(ORDERS, b"A-1", b"one", {"subject": b"A-1"}), Outgoing(LOGISTICS, b"A-1", None)]
    assert await press.publisher.publish(sent) == [True, True]
    [order], [parcel] = await press.log(ORDERS), await press.log(LOGISTICS)
    assert (order.key, order.value, order.headers) == (b"A-1", b"one", {"subject": b"A-1"})
    assert (parcel.key, parcel.value, parcel.headers) == (b"A-1", None, {})


async def a_key_goes_to_its_murmur2_partition(press: Press) -> None:
    keys = [f"key-{n}" for n in range(60)] + ["für", "订单", ""]
    assert all(await press.publisher.publish([Outgoing(ORDERS, key.encode(), b"x") for key in keys]))
    placed = {(record.key or b"").decode(): record.partition for record in await press.log(ORDERS)}
    assert placed == {key: partition_of(key.encode(), PARTITIONS) for key in keys}


async def the_records_of_a_key_keep_their_order(press: Press) -> None:
    for round_number in range(5):
        batch = [
            Outgoing(ORDERS, f"key-{n % 7}".encode(), f"{round_number}-{n:03}".encode()) for n in range(70)
        ]
        assert all(await press.publisher.publish(batch))
    seen: dict[bytes, list[bytes]] = defaultdict(list)
    for record in await press.log(ORDERS):
        seen[record.key or b""].append(record.value or b"")
    assert sum(len(values) for values in seen.values()) == 350
    assert all(values == sorted(values) for values in seen.values())


async def several_may_publish_at_once(press: Press) -> None:
    answers = await asyncio.gather(
        *(press.publisher.publish([Outgoing(ORDERS, f"{n}".encode(), b"x")] * 3) for n in range(20))
    )
    assert answers == [[True] * 3] * 20
    assert len(await press.log(ORDERS)) == 60


async def nothing_to_publish_is_nothing(press: Press) -> None:
    assert await press.publisher.publish([]) == []


CASES: tuple[Callable[[Press], Awaitable[None]], ...] = (
    what_is_acknowledged_is_on_the_log_as_it_was_sent,
    a_key_goes_to_its_murmur2_partition,
    the_records_of_a_key_keep_their_order,
    several_may_publish_at_once,
    nothing_to_publish_is_nothing,
)
