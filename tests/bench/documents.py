"""How much an order weighs: files, events and records of a simulated timeline, by service.

    python -m tests.bench.documents FILE.jsonl.gz

All four services run in this process on memory adapters, as `orderlink simulate` runs them. Documents
are measured as BSON, as the database gets them; records as key, value and headers, before the broker
compresses anything.
"""

import argparse
import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bson

from shared.adapters.memory_log import MemoryLog
from shared.adapters.memory_store import MemoryStore
from shared.adapters.profile_files import load_profiles
from shared.cli.agents import Agents
from shared.cli.loading import load_services
from shared.cli.simulation import Simulation
from shared.cli.stage import clients_of
from shared.cli.timeline import instants, measure
from shared.runtime.ports import Outgoing, Record

PAGE = 500


class WeighingLog(MemoryLog):
    """A log that weighs what is written to it."""

    def __init__(self, partitions: int) -> None:
        super().__init__(partitions)
        self.written: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()

    def append(self, record: Outgoing) -> Record:
        """Write one record."""
        self.written[record.topic] += 1
        headers = sum(len(name) + len(value) for name, value in record.headers.items())
        self.bytes[record.topic] += len(record.key) + len(record.value or b"") + headers
        return super().append(record)


async def weigh(file: Path) -> str:
    """The tables, as lines of Markdown."""
    simulation = Simulation(load_services(), load_profiles().of, measure(file).first)
    log = WeighingLog(simulation.log.partitions)
    _use(simulation, log)
    simulation.players = Agents(clients_of(simulation.desks))
    played = await simulation.play(instants(file))
    sizes: dict[str, list[int]] = defaultdict(list)
    writes: dict[str, int] = {}
    for name, house in simulation.houses.items():
        writes[name] = house.store.writes
        async for document in _documents(house.store):
            sizes[name].append(len(bson.encode(document)))
    orders = len(sizes["orders"])
    lines = [
        f"{orders:,} orders, {played.facts:,} facts, {sum(log.written.values()):,} records.",
        "",
        "| service | files an order | bytes a file: mean | p50 | p99 | writes an order |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(_row(name, found, orders, writes[name]) for name, found in sizes.items()),
        "",
        "| topic | records an order | bytes a record |",
        "| --- | ---: | ---: |",
        *(
            f"| {topic} | {count / orders:.2f} | {log.bytes[topic] / count:,.0f} |"
            for topic, count in sorted(log.written.items())
        ),
    ]
    return "\n".join(lines)


def _use(simulation: Simulation, log: WeighingLog) -> None:
    """Let everybody write to the log that weighs."""
    simulation.log = log
    for house in simulation.houses.values():
        publisher: Any = house.engine.publisher
        transport: Any = house.worker.transport
        publisher._log = transport._log = log


def _row(name: str, sizes: Sequence[int], orders: int, writes: int) -> str:
    ranked = sorted(sizes)
    mean, count = sum(ranked) / len(ranked), len(ranked)
    p50, p99 = ranked[count // 2], ranked[min(count - 1, count * 99 // 100)]
    return f"| {name} | {count / orders:.2f} | {mean:,.0f} | {p50:,} | {p99:,} | {writes / orders:.1f} |"


async def _documents(store: MemoryStore) -> Any:
    after: str | None = None
    while found := await store.page({}, after, PAGE):
        for document in found:
            yield document
        after = found[-1]["_id"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.documents", description=__doc__)
    parser.add_argument("file", type=Path, help="a timeline, such as `orderlink simulate` takes")
    sys.stdout.write(asyncio.run(weigh(parser.parse_args().file)) + "\n")
