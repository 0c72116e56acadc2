"""The bound: what the drivers do alone. The same documents in raw bulks, the same records just read."""

import asyncio
from typing import Any

import aiokafka
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import InsertOne, ReplaceOne

from shared.adapters.collector import collect_less
from shared.contracts.catalog import HEARS
from tests.bench.job import Job, Result, Stopwatch, answer

ROUNDS = 4


async def write(job: Job) -> Result:
    """Replace the documents that a run left, in unordered bulks of the batch's size, a few times over."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        job.mongodb_url, w="majority", journal=True, readConcernLevel="majority", timeoutMS=60_000
    )
    files: Any = client[job.database]["files"]
    documents: list[dict[str, Any]] = await files.find({}).to_list(None)
    raw: Any = client[job.database]["raw"]
    indexes = await files.index_information()
    for name, index in indexes.items():
        if name != "_id_":
            await raw.create_index(index["key"])
    step = job.batch_max_records
    for start in range(0, len(documents), step):
        await raw.bulk_write([InsertOne(each) for each in documents[start : start + step]], ordered=False)
    collect_less()
    with Stopwatch() as watch:
        written = 0
        while written < ROUNDS * len(documents) and watch.seconds() < job.seconds_max:
            for start in range(0, len(documents), step):
                some = documents[start : start + step]
                operations = [
                    ReplaceOne({"_id": each["_id"], "version": each["version"]}, each) for each in some
                ]
                await raw.bulk_write(operations, ordered=False)
                written += len(some)
    client.close()
    return watch.result(written, written)


async def read(job: Job) -> Result:
    """Read the records and do nothing with them."""
    topics = [job.naming()(topic) for topic in HEARS.get(job.service) or HEARS["notifications"][:3]]
    consumer = aiokafka.AIOKafkaConsumer(
        *topics, bootstrap_servers=job.servers, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    taken, watch = 0, Stopwatch()
    while taken < job.records:
        found = await consumer.getmany(timeout_ms=1000, max_records=job.batch_max_records)
        taken += sum(len(records) for records in found.values())
    watch.lap()
    await consumer.stop()
    return watch.result(taken)


def run(job: Job) -> Result:
    """One run of either."""
    return asyncio.run(write(job) if job.contestant == "bulk_write" else read(job))


if __name__ == "__main__":
    answer(run)
