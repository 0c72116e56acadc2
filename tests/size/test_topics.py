"""A running system whose topics grow from 4 to 8 partitions in the middle of its traffic."""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shared.adapters.clock import FileClockWriter
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.profile_files import load_profiles
from shared.cli import audit, topics
from shared.cli.agents import Agents
from shared.cli.children import Child
from shared.cli.loading import load_services
from shared.cli.lockstep import Lockstep
from shared.cli.replay import FAST, count_log
from shared.cli.running import with_stack
from shared.cli.simulation import Simulation
from shared.cli.stack import Plan, Servers, Stack
from shared.cli.stage import clients_of
from shared.cli.system import Addresses, System
from shared.cli.timeline import instants, measure
from shared.contracts.catalog import SERVICES
from shared.contracts.facts import AnyFact
from tests.kit.parts import DatabaseServer, Server
from tests.timelines.test_authored import TIMELINE

ORDERS = ("T05", "T10", "T33")
"""A late payment, two parcels, a loss."""

pytestmark = [
    pytest.mark.promise("kept", "ordered"),
    pytest.mark.real,
    pytest.mark.processes,
    pytest.mark.slow(60),
    pytest.mark.timeout(400),
]


@pytest.fixture
def some_orders(tmp_path: Path) -> Path:
    chosen = tmp_path / "some.jsonl"
    rows = [row for row in TIMELINE.read_text().splitlines() if json.loads(row)["order_id"] in ORDERS]
    chosen.write_text("\n".join(rows) + "\n")
    return chosen


async def simulated(file: Path) -> dict[str, int]:
    simulation = Simulation(load_services(), load_profiles().of, measure(file).first)
    simulation.players = Agents(clients_of(simulation.desks))
    return (await simulation.play(instants(file))).counts.all


async def end(stack: Stack, names: Sequence[str]) -> list[Child]:
    """Let these processes end in good order, and nobody start them again."""
    ended = [stack.nursery.children.pop(name) for name in names]
    for child in ended:
        child.signal(signal.SIGTERM)
    for child in ended:
        assert await child.ended(20)
        assert child.code == 0, child.tail()
    return ended


async def start(stack: Stack, children: Sequence[Child], **environment: str) -> None:
    for child in children:
        child._env.update(environment)
        stack.nursery.add(child)
    await stack._all_ready()


async def migrate(stack: Stack) -> Result:
    named = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka, "MONGODB_URL": stack.mongodb}
    said = ["migrate", "--partitions", "8", "--yes", "--stopped"]
    return await asyncio.to_thread(CliRunner(env={**os.environ, **named}).invoke, topics.app, said)


async def test_topics_grow_in_the_middle_of_traffic_and_every_order_ends_as_simulated(
    some_orders: Path, own_broker: Server, own_database: DatabaseServer, tmp_path: Path
) -> None:
    extent = measure(some_orders)
    clock_file = tmp_path / "clock"
    FileClockWriter(clock_file, extent.first, held=True).close()
    apis = [f"{service} API" for service in SERVICES]
    workers = [f"{service} worker" for service in SERVICES]
    told = list(instants(some_orders))
    half = next(at for at in range(len(told) // 2, len(told)) if all(line.is_fact for line in told[at][1]))

    async def body(stack: Stack) -> None:
        with FileClockWriter(clock_file, extent.first, held=True) as clock:
            async with System(Addresses.of_stack(stack)) as system:
                first = Lockstep(system, clock, extent.first)
                moment, lines = told[half]
                await first.play(told[:half], until=moment)
                await start(stack, await end(stack, apis), ORDERLINK_API_PUBLISHES="off")
                stopped = await end(stack, workers)
                clock.set(moment, held=True)
                for line in lines:
                    assert isinstance(line.content, AnyFact)
                    await system.tell(line.content)  # a 2xx, with every worker stopped
            grown = await migrate(stack)
            assert grown.exit_code == 0, grown.output
            stack.plan.partitions = 8
            for child in stopped:
                stack.nursery.add(child)
            await stack._all_ready()
            async with System(Addresses.of_stack(stack)) as system:
                await Lockstep(system, clock, moment).play(told[half + 1 :])
        admin = KafkaAdmin(stack.kafka)
        counts = await asyncio.to_thread(count_log, admin, {})
        assert counts.all == await simulated(some_orders)
        named = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka}
        audited = await asyncio.to_thread(CliRunner(env={**os.environ, **named}).invoke, audit.app, [])
        assert audited.exit_code == 0, audited.output
        ends = await admin.end_offsets(["orders.v1", "notifications.v1"])
        assert any(end for where, end in ends.items() if where.partition >= 4)

    servers = Servers(own_broker.address, own_database.url)
    plan = Plan(directory=tmp_path, servers=servers, test_clock=clock_file, environment=FAST)
    await with_stack(plan, list[str]().append, body)
