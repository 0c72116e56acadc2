"""The system that is to be broken: broker and database behind proxies, the services as processes.

As a supervisor would, it starts again what ends by itself, services and servers alike; what a fault
stopped on purpose stays away until the fault is over.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from shared.adapters.clock import FileClockWriter
from shared.adapters.embedded import EmbeddedError, ServerChild, free_port
from shared.adapters.ending import ended
from shared.cli.children import Child
from shared.cli.replay import FAST
from shared.cli.stack import Plan, Servers, Stack
from shared.cli.system import Addresses
from shared.contracts.catalog import SERVICES
from tests.bench.servers import DATABASES
from tests.chaos.disk import Disk, NoDisk
from tests.chaos.orders import day_begins
from tests.kit.parts import BROKERS, Server
from tests.kit.proxy import Proxy

EXIT_PATIENCE_SECONDS = 60.0
"""A process that has not ended so long after SIGTERM never does; ten seconds are promised."""
NEVER = float("inf")
GIVE_UP_SECONDS = 150.0
"""What has not recovered after so long does not recover by itself."""
WARM_MAX_SECONDS = 60.0
WATCH_SECONDS = 0.2
LEASE_SECONDS = 20
"""A refund or mail whose worker was killed is tried again after so long; shorter than usual, to save time."""

WatchEnd = Callable[[Child], contextlib.AbstractAsyncContextManager[None]]


@dataclass(slots=True)
class Options:
    """What kind of town."""

    directory: Path
    broker: str = "apache"
    database: str = "embedded"
    """One of `DATABASES`."""
    partitions: int = 4
    disks: bool = False
    """Whether broker and database get small disks of their own, to be filled."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def servers(self) -> str:
        """Broker and database, for a report."""
        broker = "Apache Kafka, one node" if self.broker == "apache" else "the embedded broker"
        return f"{broker}, and {DATABASES[self.database][1]}"


class NeverCame(Exception):
    """Something that had to happen by itself did not."""


class Town:
    """Everything that runs. Start it from the main thread."""

    def __init__(self, options: Options, tell: Callable[[str], None]) -> None:
        self.options = options
        self.tell = tell
        self.kept_up = True
        """Whether a server that ends is started again."""
        self.server_restarts = 0
        self.look_seconds = 0.1
        """How often who sends requests looks which APIs are ready."""
        self.entrances: dict[str, list[str]] = {}
        """The addresses of each service's APIs, ready or not."""
        self.watch_end: WatchEnd = lambda _child: contextlib.nullcontext()
        """Around each SIGTERM, until the process has ended."""
        self.disks: dict[str, Disk] = {}
        """The small disks under `broker` and `database`, where they can be had."""

    @property
    def is_apache(self) -> bool:
        """Whether the broker is Apache Kafka, which keeps what it acknowledged when it is killed."""
        return self.options.broker == "apache"

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        await self._stack.__aenter__()
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        directory, enter = self.options.directory, self._stack.enter_async_context
        self._mount(directory)
        self.tell(f"starting the broker ({self.options.broker}) and the database")
        self.broker: Server = BROKERS[self.options.broker](directory / "broker")
        # A mongod answers after the disk has it. Of the stand-ins only the native one needs to be told to.
        native = self.options.database == "native"
        self.database = DATABASES[self.options.database][0](directory / "database", sync=native)
        await asyncio.gather(enter(self.broker), enter(self.database))
        self.to_broker = await enter(Proxy(self.broker.address, kafka=True))
        self.to_database = await enter(Proxy(self.database.address))
        self.clock = FileClockWriter(directory / "clock", day_begins(0), held=False)
        self._stack.callback(self.clock.close)
        plan = Plan(
            directory=directory,
            partitions=self.options.partitions,
            servers=Servers(
                self.to_broker.address, f"mongodb://{self.to_database.address}/?directConnection=true"
            ),
            test_clock=directory / "clock",
            environment={
                **FAST,
                "ORDERLINK_EFFECT_LEASE_SECONDS": f"{LEASE_SECONDS}",
                "ORDERLINK_LOG_LEVEL": "info",
                **self.options.environment,
            },
        )
        self.stack = await enter(Stack(plan, self.tell))
        # The driver itself goes past the proxies, so that it sees while the services don't.
        self.addresses = Addresses.of_stack(self.stack).model_copy(update={"kafka": self.broker.address})
        self.entrances = {service: [self.stack.api(service)] for service in SERVICES}
        self._keeping = asyncio.create_task(self._keep_up())
        self._stack.push_async_callback(self._stop_keeping)

    def check(self) -> None:
        """Raise what ended the supervision, such as a process that ends again and again."""
        if self._keeping.done():
            self._keeping.result()

    def child(self, service: str, role: str) -> Child:
        """A service's process: `worker` or `API`."""
        return self.stack.nursery.children[f"{service} {role}"]

    async def add_worker(self, service: str, number: int) -> Child:
        """One more worker of a service, in the same group. It has joined when this returns.

        On Kafka it has no fixed name there, so that its partitions go to others as soon as it leaves;
        the embedded broker would wait for a nameless one that was killed, for ever.
        """
        environment = {
            "ORDERLINK_WORKER_INSTANCE_ID": "" if self.is_apache else f"{service}-worker-{number}",
        }
        child, _ = await self._add(service, "worker", number, environment)
        return child

    async def add_api(self, service: str, number: int) -> tuple[Child, str]:
        """One more API of a service, and its address. It is ready when this returns."""
        return await self._add(service, "API", number, {})

    async def _add(
        self, service: str, role: str, number: int, environment: Mapping[str, str]
    ) -> tuple[Child, str]:
        name, port = f"{service} {role} {number}", free_port()
        known = self.child(service, role)
        told = {
            **self.stack._environment(service),
            f"ORDERLINK_{role.upper()}_PORT": str(port),
            **environment,
        }
        log = known.log.with_name(f"{service}-{role.lower()}-{number}.log")
        child = self.stack.nursery.add(Child(name, known._command[5:], told, log))
        await self.ready(f"http://127.0.0.1:{port}")
        return child, f"http://127.0.0.1:{port}"

    async def remove_worker(self, name: str) -> float:
        """Ask a process that was added to end, and let it go. How many seconds it took."""
        child = self.stack.nursery.children.pop(name)
        return await self.ended(child)

    async def ended(self, child: Child) -> float:
        """SIGTERM, and how many seconds it took to end. One that does not end is killed: never."""
        async with self.watch_end(child):
            return await self._ended(child)

    async def alone(self, name: str) -> float:
        """The same with nobody there to take over; when it has ended, it is started again."""
        child = self.stack.nursery.children.pop(name)
        try:
            return await self.ended(child)
        finally:
            self.stack.nursery.add(child)

    async def _ended(self, child: Child) -> float:
        loop, asked = asyncio.get_running_loop(), child.pid
        began = loop.time()
        child.signal(signal.SIGTERM)
        # What is watched has a successor at once, under another number.
        while child.pid is not None and child.pid == asked:
            if loop.time() - began > EXIT_PATIENCE_SECONDS:
                child.signal(signal.SIGKILL)
                return NEVER
            await asyncio.sleep(0.02)
        return loop.time() - began

    async def ready(self, *urls: str) -> None:
        """Return when all of these say that they are ready. Raises `NeverCame`."""
        until = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
        async with httpx.AsyncClient(timeout=2.0) as client:
            for url in urls:
                while not await _is_ready(client, url):
                    self.check()
                    if asyncio.get_running_loop().time() > until:
                        raise NeverCame(f"{url} was not ready after {GIVE_UP_SECONDS:.0f} s")
                    await asyncio.sleep(0.1)

    async def ready_entrance(self, service: str) -> str | None:
        """The address of an API of the service that says that it is ready, the newest first."""
        async with httpx.AsyncClient(timeout=1.0) as client:
            for url in reversed(self.entrances[service]):
                if await _is_ready(client, url):
                    return url
        return None

    def everybody(self) -> list[str]:
        """The addresses of all APIs and workers."""
        return [where(service) for service in SERVICES for where in (self.stack.api, self.stack.worker)]

    async def database_writes(self) -> bool:
        """Whether the database takes a write: what a supervisor's probe would ask."""
        async with AsyncMongoClient[dict[str, Any]](self.database.url, timeoutMS=5000) as client:
            try:
                await client["probe"]["probe"].replace_one({"_id": "probe"}, {"_id": "probe"}, upsert=True)
            except PyMongoError:
                return False
            return True

    async def database_warm(self) -> None:
        """Return when the database has answered once about every service's files, asked by one client alone.

        SecantusDB reads a collection whole at its first use after a start, seconds for thousands of files,
        and does so for each of those who use it first. A mongod does not; so it is part of the outage here.
        """
        patience = round(1000 * WARM_MAX_SECONDS)
        async with AsyncMongoClient[dict[str, Any]](self.database.url, timeoutMS=patience) as client:
            for service in SERVICES:
                with contextlib.suppress(PyMongoError):  # then it is for the services to wait
                    await client[f"orderlink_{service}"]["files"].find_one({"_id": ""})

    def set_clock(self, now: datetime) -> None:
        """Let it be this moment for all services."""
        self.clock.set(now, held=False)

    def server(self, name: str) -> Server:
        """The `broker` or the `database`."""
        return self.broker if name == "broker" else self.database

    def runs(self, name: str) -> bool:
        """Whether that server's process is there."""
        server = self.server(name)
        return isinstance(server, ServerChild) and server.pid is not None

    def proxy(self, server: str) -> Proxy:
        """What stands between the services and `broker` or `database`."""
        return self.to_broker if server == "broker" else self.to_database

    def _mount(self, directory: Path) -> None:
        if not self.options.disks:
            return
        try:
            for server in ("broker", "database"):
                self.disks[server] = self._stack.enter_context(Disk(directory / server))
        except NoDisk as problem:
            self.disks.clear()
            self.tell(f"disks are not filled: {problem}")

    async def _keep_up(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.stack.nursery.watch())
            group.create_task(self._keep_servers_up())

    async def _keep_servers_up(self) -> None:
        while True:
            for name in ("broker", "database"):
                server = self.server(name)
                if self.kept_up and not self.runs(name):
                    self.server_restarts += 1
                    self.tell(f"the {name} ended by itself; starting it again")
                    with contextlib.suppress(EmbeddedError):  # a busy machine; then it is tried again
                        await server.restart()
            await asyncio.sleep(WATCH_SECONDS)

    async def _stop_keeping(self) -> None:
        await ended(self._keeping)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False
