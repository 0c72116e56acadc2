"""Faust, one event at a time: an agent that iterates over its stream, as its user guide begins.

https://faust-streaming.github.io/faust/userguide/agents.html
"""

import asyncio
import tempfile
from typing import Any

import faust
from motor.motor_asyncio import AsyncIOMotorClient

from shared.contracts.catalog import HEARS
from tests.bench.job import Job, Result, answer
from tests.bench.peers.work import COLLECTION, Counted, update_for


async def consume(job: Job) -> Result:
    """Take all records."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(job.mongodb_url)
    orders: Any = client[job.database][COLLECTION]
    app: Any = faust.App(
        job.naming()("faust-singly"),
        broker=f"kafka://{job.servers}",
        loop=asyncio.get_running_loop(),
        datadir=tempfile.mkdtemp(prefix="bench-faust-"),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
    )
    topics = [job.naming()(topic) for topic in HEARS["notifications"][:3]]
    counted, done = Counted(job), asyncio.Event()

    @app.agent(app.topic(*topics, value_serializer="json"))  # type: ignore[untyped-decorator]  # faust has no types here
    async def keep(stream: Any) -> None:
        async for said in stream:
            counted.begins()
            await orders.update_one(*update_for(said), upsert=True)
            if counted.is_over():
                done.set()

    await app.start()
    await done.wait()
    await app.stop()
    client.close()
    return counted.result()


def run(job: Job) -> Result:
    """One run from start to end."""
    return asyncio.run(consume(job))


if __name__ == "__main__":
    answer(run)
