"""FastStream, one message at a time: a subscriber function, as its getting started shows it.

https://faststream.ag2.ai/latest/getting-started/subscription/

It reads bodies of `application/json` by itself; ours are `application/cloudevents+json`, so it is
given bytes.
"""

import asyncio
import json
from typing import Any

from faststream.kafka import KafkaBroker
from motor.motor_asyncio import AsyncIOMotorClient

from shared.contracts.catalog import HEARS
from tests.bench.job import Job, Result, answer
from tests.bench.peers.work import COLLECTION, Counted, update_for


async def consume(job: Job) -> Result:
    """Take all records."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(job.mongodb_url)
    orders: Any = client[job.database][COLLECTION]
    broker: Any = KafkaBroker(job.servers, logger=None)
    topics = [job.naming()(topic) for topic in HEARS["notifications"][:3]]
    counted, done = Counted(job), asyncio.Event()

    @broker.subscriber(*topics, group_id=job.naming()("faststream-singly"), auto_offset_reset="earliest")  # type: ignore[untyped-decorator]  # it is not installed where types are checked
    async def keep(body: bytes) -> None:
        counted.begins()
        await orders.update_one(*update_for(json.loads(body)), upsert=True)
        if counted.is_over():
            done.set()

    await broker.start()
    await done.wait()
    await broker.stop()
    client.close()
    return counted.result()


def run(job: Job) -> Result:
    """One run from start to end."""
    return asyncio.run(consume(job))


if __name__ == "__main__":
    answer(run)
