"""Celery, a task with an eta for each event, as its user guide shows deferred work.

https://docs.celeryq.dev/en/stable/userguide/calling.html#eta-and-countdown

The broker is Celery's own in memory, which costs least of all: what a queue between processes costs
comes on top. Every eta is now, so that nothing waits.
"""

import json
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from celery.worker import state
from pymongo import MongoClient

from shared.contracts.catalog import HEARS
from tests.bench.job import Job, Result, answer
from tests.bench.peers.work import COLLECTION, Counted, update_for
from tests.bench.recorded import heard_by, load


def run(job: Job) -> Result:
    """Put all tasks on the queue, then work them off."""
    client: MongoClient[dict[str, Any]] = MongoClient(job.mongodb_url)
    orders = client[job.database][COLLECTION]
    app: Any = Celery("bench", broker="memory://", set_as_current=False)
    app.conf.update(
        task_ignore_result=True, worker_hijack_root_logger=False, broker_connection_retry_on_startup=True
    )
    counted = Counted(job)

    @app.task(name="keep")  # type: ignore[untyped-decorator]  # it is not installed where types are checked
    def keep(value: str) -> None:
        counted.begins()
        orders.update_one(*update_for(json.loads(value)), upsert=True)
        if counted.is_over():
            state.should_stop = 0  # its own switch: the worker looks at it between two messages

    now = datetime.now(UTC)
    for record in heard_by(load(job.recording), HEARS["notifications"][:3])[: job.records]:
        keep.apply_async(args=[(record.value or b"").decode()], eta=now)
    worker = app.Worker(
        pool="solo", concurrency=1, loglevel="ERROR", without_gossip=True, without_mingle=True
    )
    worker.start()
    client.close()
    return counted.result()


if __name__ == "__main__":
    answer(run)
