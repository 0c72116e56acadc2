"""What every transport must do with large records. Cases as those of the suite."""

import asyncio

from shared.runtime.ports import Outgoing, Record
from tests.adapters import transport_suite as suite
from tests.adapters.transport_suite import ORDERS, TOPICS, Stage, by_partition, outgoing

BATCH_MAX_BYTES = 65_536
"""What the members of a stage are told that a batch may carry."""
PARTITION_FETCH_MAX_BYTES = 32_768


async def a_batch_of_large_records_stays_within_its_bytes(stage: Stage) -> None:
    large = "7".zfill(10_000).encode()
    await stage.publish(*(Outgoing(TOPICS[n % 2], f"key-{n % 7}".encode(), large) for n in range(60)))
    member = await stage.member()
    taken: list[Record] = []
    async with asyncio.timeout(suite.PATIENCE_SECONDS):
        while len(taken) < 60:
            batch = await member.batch(1000, 0.2)
            assert sum(record.size_bytes for record in batch) <= BATCH_MAX_BYTES
            await member.ack(batch)
            taken += batch
    assert all(offsets == list(range(len(offsets))) for offsets in by_partition(taken).values())
    assert member.positions() == await member.end_offsets()


async def a_record_larger_than_a_batch_may_be_comes_alone_and_holds_up_nothing(stage: Stage) -> None:
    huge = Outgoing(ORDERS, b"key-0", b"1" * (3 * BATCH_MAX_BYTES))
    await stage.publish(outgoing(0), outgoing(0), huge, outgoing(0), huge, huge, outgoing(0))
    member = await stage.member()
    batches: list[list[Record]] = []
    async with asyncio.timeout(suite.PATIENCE_SECONDS):
        while sum(map(len, batches)) < 7:
            batches.append(await member.batch(1000, 0.2))
    assert [record.offset for batch in batches for record in batch] == list(range(7))
    for batch in batches:
        assert len(batch) == 1 or sum(record.size_bytes for record in batch) <= BATCH_MAX_BYTES


CASES = (
    a_batch_of_large_records_stays_within_its_bytes,
    a_record_larger_than_a_batch_may_be_comes_alone_and_holds_up_nothing,
)
