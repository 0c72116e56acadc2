"""Real parts: a broker and a database for tests, embedded unless the environment names others.

One pair serves the whole session. Each test takes a database and topic names of its own.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from shared.adapters.embedded import EmbeddedBroker, EmbeddedDatabase

_NUMBERS = count(1)


@dataclass(frozen=True)
class Parts:
    """Where the broker and the database are."""

    bootstrap_servers: str
    mongodb_url: str
    broker: EmbeddedBroker | None
    """The broker as our child; None where the environment names another."""
    database: EmbeddedDatabase | None


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """The broker and the database that tests share."""
    directory = tmp_path_factory.mktemp("embedded")
    broker = None if "KAFKA_BOOTSTRAP_SERVERS" in os.environ else EmbeddedBroker(directory)
    database = None if "MONGODB_URL" in os.environ else EmbeddedDatabase(directory)
    with asyncio.Runner() as runner:
        for child in (broker, database):
            if child:
                runner.run(child.start())
        try:
            yield Parts(
                os.environ["KAFKA_BOOTSTRAP_SERVERS"] if broker is None else broker.address,
                os.environ["MONGODB_URL"] if database is None else database.url,
                broker,
                database,
            )
        finally:
            for child in (database, broker):
                if child:
                    runner.run(child.stop())


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
async def own_broker(tmp_path: Path) -> AsyncIterator[EmbeddedBroker]:
    """An embedded broker that the test may stop, kill or freeze."""
    async with EmbeddedBroker(tmp_path) as broker:
        yield broker


@pytest.fixture
async def own_database(tmp_path: Path) -> AsyncIterator[EmbeddedDatabase]:
    """An embedded database that the test may stop, kill or freeze."""
    async with EmbeddedDatabase(tmp_path) as database:
        yield database
