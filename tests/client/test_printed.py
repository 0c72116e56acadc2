"""The two programs in docs/examples run as they are printed, and the README prints the same."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from shared.adapters.embedded import EmbeddedBroker
from shared.client import events
from shared.contracts.event import Event, to_cloudevent
from shared.contracts.examples import example_of

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SECONDS = 60


def test_a_subscriber_has_under_15_lines() -> None:
    assert len((EXAMPLES / "subscriber.py").read_text("utf-8").splitlines()) < 15


@pytest.mark.parametrize("name", ["subscriber.py", "agent.py"])
def test_the_readme_prints_what_is_tested(name: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert (EXAMPLES / name).read_text("utf-8") in blocks


@asynccontextmanager
async def _running(name: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background of a shell has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _write(servers: str, *told: Event) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for event in told:
            value = json.dumps(to_cloudevent(event)).encode()
            await producer.send_and_wait(f"{event.source}.v1", value, key=event.subject.encode())
    finally:
        await producer.stop()


def _make_topics(servers: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        admin.create_topics([NewTopic(topic, 4, 1) for topic in ("orders.v1", "logistics.v1")])
    finally:
        admin.close()


async def _lines(process: asyncio.subprocess.Process, count: int) -> list[str]:
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        return [(await process.stdout.readline()).decode().rstrip() for _ in range(count)]


@pytest.mark.real
async def test_the_printed_subscriber_hears_events_once_and_goes_on_where_it_was(
    own_broker: EmbeddedBroker,
) -> None:
    servers = own_broker.address
    await asyncio.to_thread(_make_topics, servers)
    placed, stalled = example_of(events.orders.OrderPlaced), example_of(events.logistics.ParcelStalled)
    later = example_of(events.orders.OrderPaid).model_copy(update={"sequence": placed.sequence + 1})
    await _write(servers, placed, placed, stalled)
    async with _running("subscriber.py", KAFKA_BOOTSTRAP_SERVERS=servers) as process:
        heard = await _lines(process, 3)
        assert sorted(line.split()[-1] for line in heard) == [
            stalled.data.model_dump(mode="json")["since"].replace("T", " ").replace("Z", "+00:00").split()[1],
            "order.placed",
            "parcel.stalled",
        ]
        await _write(servers, later)
        assert (await _lines(process, 1))[0].endswith("order.paid")
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(SECONDS):
            await process.wait()
    async with _running("subscriber.py", KAFKA_BOOTSTRAP_SERVERS=servers) as process:
        await _write(servers, later.model_copy(update={"sequence": later.sequence + 1}))
        again = await _lines(process, 1)
        assert again[0].endswith("order.paid")
