"""How long from a POST to the event on its topic, and to the task that follows, on the whole stack.

Orders are placed and paid by another amount than they cost, which is a task at once: a fact over HTTP,
its event on `orders.v1`, heard by notifications, and `task.created` on `notifications.v1`, which is
published after the task is committed and so can be seen. Facts are sent at an even rate, whether the
earlier ones were answered or not, and the clock runs from the moment at which a fact was due to be sent.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import aiohttp
import aiokafka
from pydantic import BaseModel

from shared.adapters.kafka_member import hold_back_empty_fetches
from shared.cli.stack import Plan, Servers, Stack
from shared.contracts.catalog import SERVICES, event_topic
from tests.kit.memory import memory_of

SETTLE_SECONDS: Final = 10.0
FETCH_WAIT_SECONDS: Final = 0.01
"""As the workers: the embedded broker answers at once where there is nothing, and is asked again at once."""
CONNECTIONS_MAX: Final = 64
ANSWER_MAX_SECONDS: Final = 30.0
ORDER: Final[dict[str, Any]] = {
    "shop_id": "demo",
    "buyer_id": "b-1",
    "currency": "EUR",
    "total": "10.00",
    "lines": [{"line_id": "1", "sku": "s", "name": "Thing", "quantity": 1, "amount": "10.00"}],
    "receiver": {"name": "A Buyer"},
}


class Spread(BaseModel):
    """How long things took, in milliseconds."""

    count: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Spread | None":
        """None where nothing came."""
        if not seconds:
            return None
        ordered = sorted(1000 * each for each in seconds)
        last = len(ordered) - 1
        return cls(
            count=len(ordered), p50=ordered[last // 2], p99=ordered[last * 99 // 100], max=ordered[last]
        )


class Latency(BaseModel):
    """One rate."""

    facts_per_second: float
    sent: int
    refused: int
    """Answers other than 2xx."""
    answered: Spread | None
    on_topic: Spread | None
    task: Spread | None
    missing_events: int
    missing_tasks: int


class Process(BaseModel):
    """One process of the stack."""

    name: str
    memory_megabytes: float
    memory_peak_megabytes: float


class StackFigures(BaseModel):
    """What the whole stack came to."""

    ready_seconds: float
    """From nothing to all eight processes ready, broker and database and topics included."""
    latencies: list[Latency]
    at_rest: list[Process]
    after: list[Process]


@dataclass(slots=True)
class _Watched:
    """When each fact was due, and when what follows from it was read."""

    due: dict[str, float] = field(default_factory=dict[str, float])
    answered: dict[str, float] = field(default_factory=dict[str, float])
    events: dict[str, float] = field(default_factory=dict[str, float])
    tasks: dict[str, float] = field(default_factory=dict[str, float])
    refused: int = 0

    def see(self, topic: str, value: bytes, now: float) -> None:
        """Note the first event of a fact on orders' topic, and its task; what others caused is not ours."""
        event = json.loads(value)
        fact_id = event["correlationid"]
        if fact_id not in self.due:
            return
        if topic == event_topic("orders"):
            self.events.setdefault(fact_id, now)
        elif event["type"] == "orderlink.task.created.v1":
            self.tasks.setdefault(fact_id, now)


async def measure(
    directory: Path,
    servers: Servers | None,
    rates: list[float],
    seconds: float,
    tell: Callable[[str], None],
) -> StackFigures:
    """Start the stack, send facts at each rate, read what comes of them."""
    began = time.perf_counter()
    async with Stack(Plan(directory, servers=servers), tell) as stack:
        ready = time.perf_counter() - began
        at_rest = _memory(stack)
        consumer = aiokafka.AIOKafkaConsumer(
            event_topic("orders"),
            event_topic("notifications"),
            bootstrap_servers=stack.kafka,
            group_id=None,
        )
        hold_back_empty_fetches(consumer, FETCH_WAIT_SECONDS)
        await consumer.start()
        try:
            latencies: list[Latency] = []
            for rate in rates:
                tell(f"{rate:.0f} facts a second for {seconds:.0f} s")
                latencies.append(await _at(rate, seconds, stack, consumer))
        finally:
            await consumer.stop()
        return StackFigures(ready_seconds=ready, latencies=latencies, at_rest=at_rest, after=_memory(stack))


async def _at(rate: float, seconds: float, stack: Stack, consumer: Any) -> Latency:
    watched = _Watched()
    reading = asyncio.create_task(_read(consumer, watched))
    # aiohttp, since whoever measures shares the cores: a tenth of what httpx would take of them.
    async with aiohttp.ClientSession(
        headers=stack.headers,
        connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        timeout=aiohttp.ClientTimeout(total=ANSWER_MAX_SECONDS),
    ) as client:
        pairs = max(1, round(rate * seconds / 2))
        start = time.perf_counter() + 0.2
        sending = [
            asyncio.create_task(
                _pair(client, stack.api("orders"), f"{rate:.0f}-{n}", start + 2 * n / rate, rate, watched)
            )
            for n in range(pairs)
        ]
        await asyncio.gather(*sending)
    until = time.perf_counter() + SETTLE_SECONDS
    while time.perf_counter() < until and (len(watched.events) < 2 * pairs or len(watched.tasks) < pairs):
        await asyncio.sleep(0.02)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    return Latency(
        facts_per_second=rate,
        sent=len(watched.due),
        refused=watched.refused,
        answered=Spread.of([watched.answered[each] - watched.due[each] for each in watched.answered]),
        on_topic=Spread.of([at - watched.due[each] for each, at in watched.events.items()]),
        task=Spread.of([at - watched.due[each] for each, at in watched.tasks.items()]),
        missing_events=2 * pairs - len(watched.events),
        missing_tasks=pairs - len(watched.tasks),
    )


async def _read(consumer: Any, watched: _Watched) -> None:
    while True:
        found = await consumer.getmany(timeout_ms=200)
        now = time.perf_counter()
        for where, records in found.items():
            for record in records:
                watched.see(where.topic, record.value, now)


async def _pair(
    client: aiohttp.ClientSession, api: str, name: str, due: float, rate: float, watched: _Watched
) -> None:
    """Place an order when it is due, and pay it when the next fact is due and the first was answered."""
    order_id = f"B-{name}"
    paid = {"amount": "7.00", "payment_id": f"p-{name}"}
    await _tell(client, api, f"{name}-placed", "order.placed", order_id, ORDER, due, watched)
    await _tell(
        client,
        api,
        f"{name}-paid",
        "order.paid",
        order_id,
        paid,
        max(due + 1 / rate, time.perf_counter()),
        watched,
    )


async def _tell(
    client: aiohttp.ClientSession,
    api: str,
    fact_id: str,
    fact: str,
    order_id: str,
    body: dict[str, Any],
    due: float,
    watched: _Watched,
) -> None:
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    watched.due[fact_id] = due
    told = {
        "id": fact_id,
        "at": datetime.now(UTC).isoformat(),
        "fact": fact,
        "order_id": order_id,
        "data": body,
    }
    try:
        async with client.post(f"{api}/facts", json=told) as answer:
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        watched.refused += 1
        return
    watched.answered[fact_id] = time.perf_counter()
    if not answer.ok:
        watched.refused += 1


def _memory(stack: Stack) -> list[Process]:
    """What every API and worker holds now, and at most so far."""
    found: list[Process] = []
    for name, child in stack.nursery.children.items():
        if child.pid is None or name.split()[0] not in SERVICES:
            continue
        memory = memory_of(child.pid)
        if memory is not None:
            found.append(Process(name=name, memory_megabytes=memory.now, memory_peak_megabytes=memory.peak))
    return found
