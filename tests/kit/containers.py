"""Apache Kafka and MongoDB in containers, where a Docker engine answers: asked of testcontainers.

A server has a fixed port of the loopback address, so that it can be stopped, killed and started again
under the address that clients know, with the data that it had. The engine must be on this machine.
"""

import asyncio
import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import docker
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from shared.adapters.embedded import HOST, EmbeddedError, free_port, mongodb_answers
from tests.kit.apache import KAFKA_VERSION, node_settings, takes_work

KAFKA_IMAGE: Final = os.environ.get("TEST_KAFKA_IMAGE", f"apache/kafka:{KAFKA_VERSION}")
MONGODB_IMAGE: Final = os.environ.get("TEST_MONGODB_IMAGE", "mongo:8.0")
START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 5.0


def engine_answers() -> bool:
    """Whether there is a Docker engine that does what it is asked."""
    try:
        return bool(DockerClient(timeout=3).client.ping())
    except (docker.errors.DockerException, OSError):
        return False


class ContainerServer:
    """One server in a container. `start` returns when it answers in its own protocol."""

    title: str
    """What it is, for messages."""
    image: str
    listens_on: int
    """Its port inside the container."""

    def __init__(self, _directory: Path | None = None, port: int | None = None) -> None:
        self.port = port or free_port()
        self._asked: Any = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    async def start(self) -> None:
        """Start it, or start it again, and wait until it answers. Raises `EmbeddedError`."""
        try:
            if self._asked is None:
                self._asked = DockerContainer(self.image)
                self._asked = self._asked.with_bind_ports(self.listens_on, self.port)
                self._asked = self._asked.with_envs(**self._environment())
                await asyncio.to_thread(self._asked.start)
            else:
                await self._tell("start")
        except docker.errors.DockerException as problem:
            raise EmbeddedError(f"Docker could not start {self.image}: {problem}") from problem
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await self._answers():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            log = (await self._tell("logs", tail=15)).decode(errors="replace")
            raise EmbeddedError(f"{self.title} did not come up in {START_SECONDS:.0f} s:\n{log}") from None

    async def stop(self, stop_seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, and kill it when it doesn't. It can be started again with what it had."""
        if self._asked is not None:
            await self._tell("stop", timeout=max(1, round(stop_seconds)))

    async def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._asked is not None:
            await self._tell("kill")
            await self._tell("wait")

    async def restart(self) -> None:
        """Stop and start on the same port and data."""
        await self.stop()
        await self.start()

    def freeze(self, frozen: bool) -> None:
        """Hold the container still, or let it go on: a server that hangs."""
        if self._asked is not None:
            # It says no where it is so already.
            with contextlib.suppress(docker.errors.APIError):
                container = self._asked.get_wrapped_container()
                (container.pause if frozen else container.unpause)()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._asked is not None:
            await asyncio.to_thread(self._asked.stop)

    async def _tell(self, what: str, **how: Any) -> Any:
        return await asyncio.to_thread(getattr(self._asked.get_wrapped_container(), what), **how)

    def _environment(self) -> dict[str, str]:
        return {}

    async def _answers(self) -> bool:
        raise NotImplementedError


class KafkaInContainer(ContainerServer):
    """One node of Apache Kafka, told what to be as its image documents: settings as KAFKA_ variables."""

    title = "Apache Kafka"
    image = KAFKA_IMAGE
    listens_on = 9092

    def _environment(self) -> dict[str, str]:
        told = node_settings(":9092", self.address, "localhost:9093", "/var/lib/kafka/data")
        return {f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in told.items()}

    async def _answers(self) -> bool:
        return await takes_work(self.address)


class MongoDBInContainer(ContainerServer):
    """One mongod without accounts."""

    title = "MongoDB"
    image = MONGODB_IMAGE
    listens_on = 27017

    @property
    def url(self) -> str:
        """What to connect to."""
        return f"mongodb://{self.address}/?directConnection=true"

    async def _answers(self) -> bool:
        return await mongodb_answers(self.url)
