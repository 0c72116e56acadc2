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
from tests.bench.job import Job, Result, Stopwatch, answer
from tests.bench.peers.work import COLLECTION, update_for


async def consume(job: Job) -> Result:
    """Take all records."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(job.mongodb_url)
    orders: Any = client[job.database][COLLECTION]
    broker: Any = KafkaBroker(job.servers, logger=None)
    topics = [job.naming()(topic) for topic in HEARS["notifications"][:3]]
    watch, done = Stopwatch(), asyncio.Event()
    taken = 0
    measured: list[int] = []

    @broker.subscriber(*topics, group_id=job.naming()("faststream-singly"), auto_offset_reset="earliest")  # type: ignore[untyped-decorator]  # it is not installed where types are checked
    async def keep(body: bytes) -> None:
        nonlocal taken
        if taken == 0:
            watch.start()
        await orders.update_one(*update_for(json.loads(body)), upsert=True)
        taken += 1
        if not done.is_set() and watch.is_over(taken, job):
            measured.append(taken)
            done.set()

    await broker.start()
    await done.wait()
    await broker.stop()
    client.close()
    return watch.result(measured[0], measured[0])


def run(job: Job) -> Result:
    """One run from start to end."""
    return asyncio.run(consume(job))


if __name__ == "__main__":
    answer(run)
