"""The broker and the database under the bench: an address, or children of ours."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shared.adapters.embedded import HOST, EmbeddedBroker, EmbeddedDatabase, EmbeddedError
from tests.kit.apache import ApacheKafka
from tests.kit.maven import class_path, what_is_missing

NATIVE: Final = ("secantusd-rs", "secantusd-mdb")
"""The embedded database's store behind a native server, where somebody has built one."""


class NativeDatabase(EmbeddedDatabase):
    """SecantusDB's native server. Not pinned and not needed: used where it is on the path.

    Killed with -9 it loses the last of what it has acknowledged, unless it waits for the disk (`sync`).
    """

    def _command(self) -> list[str]:
        found = native_server()
        if found is None:
            raise EmbeddedError(f"none of {', '.join(NATIVE)} is on the PATH")
        path = self.directory / "database"
        path.mkdir(parents=True, exist_ok=True)
        return [
            *(found, "--host", HOST, "--port", str(self.port), "--storage-path", str(path)),
            *(("--sync-on-commit",) if self._sync else ()),
        ]

    async def _nudge(self) -> None:
        """It ends when it is asked to."""


class JavaDatabase(EmbeddedDatabase):
    """mongo-java-server: in memory and on many threads. It keeps nothing, and has unique indexes only."""

    title = "mongo-java-server"

    def _command(self) -> list[str]:
        java = shutil.which("java")
        if java is None:
            raise EmbeddedError(f"{self.title} needs java on the PATH: install it")
        folder = Path(__file__).parent / "java_mongo"
        jars = class_path(folder / "pom.xml", self.title)
        return [java, "-Xmx4g", "-cp", jars, str(folder / "Serve.java"), HOST, str(self.port)]

    async def _nudge(self) -> None:
        """It ends when it is asked to."""


DATABASES: Final[Mapping[str, tuple[type[EmbeddedDatabase], str]]] = {
    "native": (NativeDatabase, "SecantusDB, native server"),
    "java": (JavaDatabase, "mongo-java-server, in memory, unique indexes only"),
    "embedded": (EmbeddedDatabase, "SecantusDB, embedded (a server in Python)"),
}
"""What can be started here, the fastest first."""


def fastest() -> str:
    """The fastest of them that can be had here."""
    if native_server():
        return "native"
    return "embedded" if what_is_missing() else "java"


def native_server() -> str | None:
    """Where the native server is, if it is anywhere."""
    return next((found for found in map(shutil.which, NATIVE) if found), None)


@dataclass(frozen=True, slots=True)
class Under:
    """What the bench runs on."""

    kafka: str
    mongodb: str
    broker: str
    """In words, for the table."""
    database: str


@asynccontextmanager
async def servers(directory: Path, broker: str, database: str) -> AsyncIterator[Under]:
    """Start what no address names, and end it afterwards."""
    kafka, mongodb = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("MONGODB_URL")
    async with contextlib.AsyncExitStack() as stack:
        told = {"broker": f"at {kafka}", "database": f"MongoDB at {_without_password(mongodb or '')}"}
        if kafka is None:
            kind = ApacheKafka if broker == "apache" else EmbeddedBroker
            started = await stack.enter_async_context(kind(directory))
            kafka = started.address
            told["broker"] = "Apache Kafka, one node" if broker == "apache" else "noida-db, embedded"
        if mongodb is None:
            server, told["database"] = DATABASES[database]
            mongodb = (await stack.enter_async_context(server(directory))).url
        yield Under(kafka, mongodb, told["broker"], told["database"])


def _without_password(url: str) -> str:
    return url.rpartition("@")[2]
