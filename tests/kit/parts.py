"""Real parts: a broker and a database for tests, of the kind that was asked for.

    pytest --broker embedded | apache | containers | address
    pytest --database embedded | containers | address

Embedded is what is taken when nothing is said and the environment names no address. One pair serves
the whole session; each test takes a database and topic names of its own. A test that stops, kills or
freezes a server asks for one of its own, of the same kind.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import pytest
from pymongo import AsyncMongoClient

from shared.adapters.embedded import EmbeddedBroker, EmbeddedDatabase
from tests.kit.apache import ApacheKafka
from tests.kit.containers import KafkaInContainer, MongoDBInContainer, engine_answers
from tests.kit.maven import what_is_missing

_NUMBERS = count(1)
BROKER_ADDRESS = "KAFKA_BOOTSTRAP_SERVERS"
DATABASE_ADDRESS = "MONGODB_URL"


class Server(Protocol):
    """A server that tests started, and may treat badly."""

    port: int

    @property
    def address(self) -> str:
        """Host and port: the same ones over every restart."""
        ...

    async def start(self) -> None:
        """Start it, or start it again with what it had, and wait until it answers."""
        ...

    async def stop(self, stop_seconds: float = ...) -> None:
        """Ask it to end, and kill it when it doesn't."""
        ...

    async def kill(self) -> None:
        """End it at once, as a crash does."""
        ...

    async def restart(self) -> None:
        """Stop and start on the same port and data."""
        ...

    def freeze(self, frozen: bool) -> None:
        """Hold it still, or let it go on: a server that hangs."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class DatabaseServer(Server, Protocol):
    """A database that tests started."""

    @property
    def url(self) -> str:
        """What to connect to."""
        ...


BROKERS: dict[str, Callable[[Path], Server]] = {
    "embedded": EmbeddedBroker,
    "apache": ApacheKafka,
    "containers": KafkaInContainer,
}
DATABASES: dict[str, Callable[[Path], DatabaseServer]] = {
    "embedded": EmbeddedDatabase,
    "containers": MongoDBInContainer,
}


@dataclass(frozen=True)
class Parts:
    """Where the broker and the database are."""

    bootstrap_servers: str
    mongodb_url: str
    broker: Server | None
    """The broker that was started for the tests; None where an address was given."""
    database: DatabaseServer | None


@dataclass(frozen=True)
class Kinds:
    """What broker and what database tests run on."""

    broker: str
    database: str

    def cannot_be_had(self) -> str | None:
        """Why these parts cannot be had here, in a line; None when they can."""
        if self.broker == "apache" and (missing := what_is_missing()):
            return f"Apache Kafka needs {' and '.join(missing)} on the PATH"
        if "containers" in (self.broker, self.database) and not engine_answers():
            return "containers need a Docker engine, and none answers"
        if self.broker == "address" and BROKER_ADDRESS not in os.environ:
            return f"{BROKER_ADDRESS} names no broker"
        if self.database == "address" and DATABASE_ADDRESS not in os.environ:
            return f"{DATABASE_ADDRESS} names no database"
        return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """The two options. An address in the environment is used unless something else is asked for."""
    group = parser.getgroup("parts", "the real broker and database that tests run on")
    for option, kinds, address in (
        ("--broker", BROKERS, BROKER_ADDRESS),
        ("--database", DATABASES, DATABASE_ADDRESS),
    ):
        default = "address" if address in os.environ else "embedded"
        group.addoption(
            option,
            choices=(*kinds, "address"),
            default=default,
            help=f"default: {default}; address: the one in {address}",
        )


@pytest.fixture(scope="session")
def kinds(pytestconfig: pytest.Config) -> Kinds:
    """The kinds that were asked for. Skips where they cannot be had."""
    asked = Kinds(pytestconfig.getoption("--broker"), pytestconfig.getoption("--database"))
    if reason := asked.cannot_be_had():
        pytest.skip(reason)
    return asked


@pytest.fixture(scope="session")
def parts(kinds: Kinds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The broker and the database that tests share."""
    directory = tmp_path_factory.mktemp("parts")
    broker = None if kinds.broker == "address" else BROKERS[kinds.broker](directory)
    database = None if kinds.database == "address" else DATABASES[kinds.database](directory)
    with asyncio.Runner() as runner:
        running = AsyncExitStack()
        try:
            for server in (broker, database):
                if server is not None:
                    runner.run(running.enter_async_context(server))
            yield Parts(
                os.environ[BROKER_ADDRESS] if broker is None else broker.address,
                os.environ[DATABASE_ADDRESS] if database is None else database.url,
                broker,
                database,
            )
        finally:
            runner.run(running.aclose())


@pytest.fixture
def naming() -> Callable[[str], str]:
    """Turns a topic's or group's name from the catalogue into one that only this test uses."""
    prefix = f"t{os.getpid()}-{next(_NUMBERS)}."
    return lambda name: prefix + name


@pytest.fixture
async def database_name(parts: Parts) -> AsyncIterator[str]:
    """A database that only this test uses, dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    yield name
    async with AsyncMongoClient[dict[str, object]](parts.mongodb_url) as client:
        await client.drop_database(name)


@pytest.fixture
async def own_broker(kinds: Kinds, tmp_path: Path) -> AsyncIterator[Server]:
    """A broker that the test may stop, kill or freeze."""
    if kinds.broker == "address":
        pytest.skip("a broker at an address is not ours to stop, kill or freeze")
    async with BROKERS[kinds.broker](tmp_path) as broker:
        yield broker


@pytest.fixture
async def own_database(kinds: Kinds, tmp_path: Path) -> AsyncIterator[DatabaseServer]:
    """A database that the test may stop, kill or freeze."""
    if kinds.database == "address":
        pytest.skip("a database at an address is not ours to stop, kill or freeze")
    async with DATABASES[kinds.database](tmp_path) as database:
        yield database
