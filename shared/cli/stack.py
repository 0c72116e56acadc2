"""The whole system as child processes: broker, database, sandbox, four APIs and four workers.

`up`, `replay`, `demo` and the tests share it. Everything a stack needs lies in one directory: what
broker and database keep, the logs, and the token. A stack that is told of a broker and a database
uses those; otherwise it starts the embedded pair.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import httpx

from shared.adapters.connection_settings import KafkaSettings, MongoSettings
from shared.adapters.database import database_from
from shared.adapters.embedded import (
    HOST,
    EmbeddedBroker,
    EmbeddedDatabase,
    EmbeddedError,
    port_is_free,
)
from shared.adapters.kafka_admin import KafkaAdmin
from shared.adapters.kafka_broker import broker_at
from shared.adapters.settings import SettingsWrong, from_environment, variable
from shared.cli.children import RESTARTS_MAX, WATCH_SECONDS, Child, ChildFailed, Nursery, Tell
from shared.contracts.catalog import SERVICES, event_topic
from shared.runtime.ports import Unavailable

READY_SECONDS: Final = 60.0
SERVICES_END_SECONDS: Final = 6.5
"""How long the services may take to end; with the rest it stays under ten seconds."""
EMBEDDED_END_SECONDS: Final = 1.2


class StackFailed(Exception):
    """The stack could not be started or kept running. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on this machine only."""

    apis: Mapping[str, int]
    workers: Mapping[str, int]
    sandbox: int
    smtp: int
    broker: int
    database: int

    @classmethod
    def from_base(cls, base: int) -> Self:
        """Ports that stay the same from one start to the next."""
        return cls(
            apis={service: base + 1 + at for at, service in enumerate(SERVICES)},
            sandbox=base + 5,
            smtp=base + 6,
            broker=base + 7,
            database=base + 8,
            workers={service: base + 11 + at for at, service in enumerate(SERVICES)},
        )

    @classmethod
    def free(cls) -> Self:
        """Any ports that nobody listens on now."""
        with contextlib.ExitStack() as held:
            probes = [held.enter_context(socket.socket()) for _ in range(4 + 2 * len(SERVICES))]
            for probe in probes:
                probe.bind((HOST, 0))
            found = iter([int(probe.getsockname()[1]) for probe in probes])
        return cls(
            apis={service: next(found) for service in SERVICES},
            workers={service: next(found) for service in SERVICES},
            sandbox=next(found),
            smtp=next(found),
            broker=next(found),
            database=next(found),
        )

    def named(self, *, embedded: bool) -> dict[str, int]:
        """Every port by what it is for."""
        pair = {"broker": self.broker, "database": self.database} if embedded else {}
        return {
            **{f"{service} API": port for service, port in self.apis.items()},
            "sandbox (mail and payments)": self.sandbox,
            "mail sink": self.smtp,
            **pair,
            **{f"{service} worker": port for service, port in self.workers.items()},
        }


CONNECTION_VARIABLES: Final = frozenset(
    variable(settings, name) for settings in (KafkaSettings, MongoSettings) for name in settings.model_fields
)


@dataclass(frozen=True, slots=True)
class Servers:
    """A broker and a database that somebody else runs."""

    kafka: str
    mongodb: str

    @classmethod
    def from_environment(cls) -> Self | None:
        """What the environment names. Raises `StackFailed` when it names only one, or can't be used."""
        kafka = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "").strip()
        mongodb = os.environ.get("MONGODB_URL", "").strip()
        if bool(kafka) != bool(mongodb):
            missing = "MONGODB_URL" if kafka else "KAFKA_BOOTSTRAP_SERVERS"
            raise StackFailed(
                f"{missing} is not set, but the other one is. Set both to use your own broker and "
                "database, or neither to use the embedded pair."
            )
        if not kafka:
            return None
        try:
            broker_at(kafka)
            database_from(from_environment(MongoSettings))
        except SettingsWrong as wrong:
            raise StackFailed(str(wrong)) from wrong
        return cls(kafka, mongodb)


@dataclass(slots=True)
class Plan:
    """What a stack is to be."""

    directory: Path
    ports: Ports = field(default_factory=Ports.free)
    partitions: int = 4
    servers: Servers | None = None
    """None: the embedded pair is started."""
    test_clock: Path | None = None
    """The file of a test clock, already written; None: the machine's clock."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of the services beside those that the stack decides."""


class Stack:
    """The system, running. Start it from the main thread."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        self.plan = plan
        self.nursery = Nursery(tell)
        self.token = ""
        self.broker: EmbeddedBroker | None = None
        self.database: EmbeddedDatabase | None = None
        self._tell = tell
        self._lock: IO[str] | None = None

    # Where things are

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return self.plan.servers.kafka if self.plan.servers else f"{HOST}:{self.plan.ports.broker}"

    @property
    def mongodb(self) -> str:
        """The database's address."""
        if self.plan.servers:
            return self.plan.servers.mongodb
        return f"mongodb://{HOST}:{self.plan.ports.database}/?directConnection=true"

    @property
    def sandbox(self) -> str:
        """The sandbox's address: the mails that were sent and the refunds that were paid."""
        return f"http://{HOST}:{self.plan.ports.sandbox}"

    def api(self, service: str) -> str:
        """The address of a service's API."""
        return f"http://{HOST}:{self.plan.ports.apis[service]}"

    def worker(self, service: str) -> str:
        """The address of a service's worker: probes, metrics, and its status in test mode."""
        return f"http://{HOST}:{self.plan.ports.workers[service]}"

    @property
    def headers(self) -> dict[str, str]:
        """What a request brings to be let in."""
        return {"Authorization": f"Bearer {self.token}"}

    # Its life

    async def start(self) -> None:
        """Start everything and return when all of it is ready. Raises `StackFailed`."""
        try:
            await self._start()
        except (EmbeddedError, ChildFailed, StackFailed) as problem:
            await self.stop()
            raise StackFailed(str(problem)) from problem
        except BaseException:
            await self.stop()
            raise

    async def watch(self) -> None:
        """Restart what ends, until cancelled. Raises `StackFailed` when something ends too often."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.nursery.watch())
                group.create_task(self._watch_pair())
        except* (ChildFailed, EmbeddedError, StackFailed) as problems:
            raise StackFailed("\n".join(str(problem) for problem in problems.exceptions)) from problems

    async def stop(self) -> None:
        """End everything: services first, so that they can finish what they have begun."""
        await self.nursery.stop(SERVICES_END_SECONDS)
        pair = [server for server in (self.broker, self.database) if server is not None]
        await asyncio.gather(*(server.stop(EMBEDDED_END_SECONDS) for server in pair))
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """End everything at once, as a power cut does."""
        self.nursery.kill()
        for server in (self.broker, self.database):
            if server is not None and server.pid is not None:
                os.killpg(server.pid, signal.SIGKILL)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start(self) -> None:
        directory = self.plan.directory
        directory.mkdir(parents=True, exist_ok=True)
        self._take_directory()
        self._check_ports()
        self.token = _kept_token(directory / "token")
        (directory / "tmp").mkdir(exist_ok=True)
        if self.plan.servers is None:
            self._tell("starting the embedded broker and database")
            self.broker = EmbeddedBroker(directory, self.plan.ports.broker)
            self.database = EmbeddedDatabase(directory, self.plan.ports.database)
            await asyncio.gather(self.broker.start(), self.database.start())
        self._add("sandbox", "shared.adapters.sandbox")
        self._tell("making the topics")
        await self._make_topics()
        self._tell("starting four APIs and four workers")
        for service in SERVICES:
            self._add(f"{service} API", f"services.{service}", "api", service=service)
            self._add(f"{service} worker", f"services.{service}", "worker", service=service)
        await self._all_ready()

    async def _make_topics(self) -> None:
        admin = KafkaAdmin(broker_at(self.kafka) if self.plan.servers else self.kafka)
        try:
            # They may have been migrated since this directory was first used.
            there = (await admin.partition_counts()).get(event_topic(SERVICES[0]))
            self.plan.partitions = there or self.plan.partitions
            await admin.ensure_topics(self.plan.partitions, replication=1)
        except (ValueError, Unavailable) as problem:
            raise StackFailed(f"the topics could not be made on {self.kafka}: {problem}") from problem
        finally:
            await admin.close()

    def _take_directory(self) -> None:
        """One stack a directory: two on the same files would ruin them."""
        self._lock = (self.plan.directory / "lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise StackFailed(
                f"another Orderlink runs on {self.plan.directory}. Stop it, or use another directory: "
                "orderlink up --data DIR"
            ) from problem

    def _check_ports(self) -> None:
        named = self.plan.ports.named(embedded=self.plan.servers is None)
        taken = [f"{port} ({what})" for what, port in named.items() if not port_is_free(port)]
        if taken:
            raise StackFailed(
                f"taken on {HOST}: port {', '.join(taken)}. End what listens there, or choose other ports: "
                "orderlink up --port-base 18080"
            )

    def _add(self, name: str, module: str, *arguments: str, service: str = "") -> None:
        command = [sys.executable, "-m", module, *arguments]
        log = self.plan.directory / "logs" / f"{name.replace(' ', '-').lower()}.log"
        self.nursery.add(Child(name, command, self._environment(service), log))

    def _environment(self, service: str) -> dict[str, str]:
        ports = self.plan.ports
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ORDERLINK_")}
        if self.plan.servers is None:
            # What protects connections to another broker would be in the way of the embedded pair's.
            kept = {name: value for name, value in kept.items() if name not in CONNECTION_VARIABLES}
        tokens = {self.token: {"name": "developer", "scopes": ["admin"], "shops": ["*"]}}
        told = {
            "TMPDIR": str(self.plan.directory / "tmp"),
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "MONGODB_URL": self.mongodb,
            "ORDERLINK_TOKENS": json.dumps(tokens),
            "ORDERLINK_SMTP_URL": f"smtp://{HOST}:{ports.smtp}",
            "ORDERLINK_SMTP_STARTTLS": "never",
            "ORDERLINK_PAYMENTS_URL": self.sandbox,
            "ORDERLINK_SANDBOX_PORT": str(ports.sandbox),
            "ORDERLINK_SANDBOX_SMTP_PORT": str(ports.smtp),
            "ORDERLINK_SANDBOX_DIR": str(self.plan.directory / "sandbox"),
            "ORDERLINK_DRAIN_MAX_SECONDS": "5",
        }
        if service:
            told["ORDERLINK_API_PORT"] = str(ports.apis[service])
            told["ORDERLINK_WORKER_PORT"] = str(ports.workers[service])
            # The embedded broker never forgets a member that was killed; this one replaces itself.
            told["ORDERLINK_WORKER_INSTANCE_ID"] = f"{service}-worker"
        if self.plan.test_clock is not None:
            told["ORDERLINK_TEST_CLOCK_FILE"] = str(self.plan.test_clock)
        return {**kept, **told, **self.plan.environment}

    async def _all_ready(self) -> None:
        """Wait until all APIs and workers take work. One that ends meanwhile is a failure at once."""
        waiting: dict[str, str] = {"sandbox": self.sandbox}
        waiting |= {f"{service} API": self.api(service) for service in SERVICES}
        waiting |= {f"{service} worker": self.worker(service) for service in SERVICES}
        until = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(timeout=2.0) as client:
            while waiting:
                for child in self.nursery.children.values():
                    if child.pid is None:
                        raise StackFailed(f"{child.name} did not start. The end of its log:\n{child.tail()}")
                answers = await asyncio.gather(*(_is_ready(client, url) for url in waiting.values()))
                waiting = {
                    name: url
                    for (name, url), ready in zip(waiting.items(), answers, strict=True)
                    if not ready
                }
                if waiting and time.monotonic() > until:
                    name = next(iter(waiting))
                    raise StackFailed(
                        f"not ready after {READY_SECONDS:.0f} s: {', '.join(waiting)}. The end of "
                        f"{self.nursery.children[name].log}:\n{self.nursery.children[name].tail()}"
                    )
                await asyncio.sleep(0.1)

    async def _watch_pair(self) -> None:
        """The embedded servers are restarted too; what they kept is still there."""
        restarts = 0
        while restarts <= RESTARTS_MAX:
            for server in (self.broker, self.database):
                if server is not None and server.pid is None:
                    restarts += 1
                    self._tell(f"the embedded {server.title} ended; starting it again")
                    await server.restart()
            await asyncio.sleep(WATCH_SECONDS)
        raise StackFailed("the embedded broker or database ends again and again; see its log")


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


def _kept_token(path: Path) -> str:
    """The directory's token: made once, so that the same curl line works tomorrow."""
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_text().strip()
        if kept:
            return kept
    token = "dev-" + secrets.token_urlsafe(18)
    path.touch(mode=0o600)
    path.write_text(token + "\n")
    return token
