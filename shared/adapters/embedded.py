"""An embedded broker and database as child processes: for a laptop and for tests, not for production.

The broker is noida-db, the database SecantusDB (GPL-2.0, hence only ever a separate process); both
come from PyPI with the extra `embedded`. What they keep survives a restart. The broker saves about
once a second, so `kill -9` of the *broker* may lose the last second; the database loses nothing when
killed, and on a power cut only what the operating system had not written yet unless it is started
with `sync`, which waits for the disk at every commit.

Children run in a process group of their own, so that Ctrl-C reaches them through us only, and on
Linux they end when the thread that started them ends, however it ends: start them from a thread that
stays, in practice the main one.
"""

import asyncio
import contextlib
import importlib.util
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 5.0
_PORT_TRIES: Final = 3
_TIED: Final = Path(__file__).with_name("tied.py")
_INSTALL: Final = "install it with: pip install 'orderlink[embedded]'"


class EmbeddedError(Exception):
    """An embedded server could not be started. The text says what to do."""


class ServerChild:
    """One embedded server. `start` returns when it answers in its own protocol."""

    title: str
    """What it is, for messages."""
    start_seconds: float = START_SECONDS
    """How long it may take until it answers."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        self.directory = directory
        self.log = directory / f"{self.title}.log"
        self.port = port or 0
        self._port_is_given = port is not None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._runs() else None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises `EmbeddedError`."""
        if self._process is not None:
            raise EmbeddedError(f"the embedded {self.title} is started already")
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(_PORT_TRIES):
            if not self.port:
                self.port = free_port()
            elif not port_is_free(self.port):
                raise EmbeddedError(
                    f"port {self.port} on {HOST} is taken, so the embedded {self.title} cannot use it: "
                    "end what listens there, or name another port"
                )
            self._launch()
            if await self._comes_up():
                # The port stays the same over restarts, since clients know it.
                self._port_is_given = True
                return
            await self.stop()
            if self._port_is_given or attempt == _PORT_TRIES - 1:
                break
            self.port = 0
        raise EmbeddedError(
            f"the embedded {self.title} did not come up within {self.start_seconds:.0f} s; "
            f"the end of {self.log}:\n{self._log_tail()}"
        )

    async def stop(self, stop_seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, and kill it when it doesn't. Doing it again changes nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        for stop_signal in (signal.SIGTERM, signal.SIGKILL):
            # A frozen process can't react to SIGTERM.
            for each in (stop_signal, signal.SIGCONT):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, each)
            await self._nudge()
            if await _ended(process, stop_seconds):
                return

    async def kill(self) -> None:
        """End it at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await _ended(process, STOP_SECONDS)

    async def restart(self) -> None:
        """Stop and start on the same port and directory."""
        await self.stop()
        await self.start()

    def freeze(self, frozen: bool) -> None:
        """Hold the process still, or let it go on: a server that hangs."""
        if self.pid is not None:
            os.killpg(self.pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            # Nobody else would end it: there is no exit without an entry.
            await self.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _command(self) -> list[str]:
        raise NotImplementedError

    async def _answers(self) -> bool:
        raise NotImplementedError

    async def _nudge(self) -> None:
        """After the request to end: nothing, unless the server needs help to notice it."""

    def _launch(self) -> None:
        command = [sys.executable, "-I", "-S", str(_TIED), str(os.getpid()), *self._command()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def _comes_up(self) -> bool:
        try:
            async with asyncio.timeout(self.start_seconds):
                while self._runs():
                    if await self._answers():
                        # What answered was not ours if ours has ended meanwhile.
                        return self._runs()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        return False

    def _log_tail(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        # noida-db's wheel names a newer glibc weakly; the loader says so and all is well.
        return "\n".join([line for line in lines if "weak version" not in line][-15:])


class EmbeddedBroker(ServerChild):
    """noida-db's Kafka service."""

    title = "broker"

    def _command(self) -> list[str]:
        binary = _package("noida_db") / "noida-db"
        with contextlib.suppress(PermissionError):
            binary.chmod(0o755)  # wheels don't keep the bit
        return [
            *(str(binary), "start", "--data-dir", str(self.directory / "broker")),
            *("--host", HOST, "--only", "kafka", "--kafka-port", str(self.port)),
        ]

    async def _answers(self) -> bool:
        return await kafka_answers(HOST, self.port)


class EmbeddedDatabase(ServerChild):
    """SecantusDB's MongoDB server."""

    title = "database"

    def __init__(self, directory: Path, port: int | None = None, sync: bool = False) -> None:
        super().__init__(directory, port)
        self._sync = sync

    @property
    def url(self) -> str:
        """What to connect to."""
        return f"mongodb://{self.address}/?directConnection=true"

    def _command(self) -> list[str]:
        _package("secantus")
        return [
            *(sys.executable, "-m", "secantus", "--host", HOST, "--port", str(self.port)),
            *("--storage-path", str(self.directory / "database")),
            *("--standalone", "--log-level", "WARNING", "--cache-size", "256M"),
            *(("--sync-on-commit",) if self._sync else ()),
        ]

    async def _answers(self) -> bool:
        return await mongodb_answers(self.url)

    async def _nudge(self) -> None:
        # It sits in accept() and would look up after two seconds only; a connection wakes it.
        await asyncio.sleep(0.02)
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, self.port)
            writer.close()


async def kafka_answers(host: str, port: int, seconds: float = 1.0) -> bool:
    """Whether a Kafka broker answers there: asks for its API versions, as every client does first."""
    request = struct.pack(">hhih", 18, 0, 1, -1)
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(struct.pack(">i", len(request)) + request)
                _, correlation, error = struct.unpack(">iih", await reader.readexactly(10))
                return bool(correlation == 1 and error == 0)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def mongodb_answers(url: str, seconds: float = 1.0) -> bool:
    """Whether a MongoDB server answers there."""
    milliseconds = round(seconds * 1000)
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(
        url, serverSelectionTimeoutMS=milliseconds, socketTimeoutMS=milliseconds
    )
    try:
        await client.admin.command("ping")
    except PyMongoError:
        return False
    else:
        return True
    finally:
        client.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(port: int) -> bool:
    """Whether somebody could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _package(name: str) -> Path:
    """Where a package of the extra lies, found without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.origin:
        raise EmbeddedError(f"{name} is not installed, so there is no embedded server: {_INSTALL}")
    return Path(found.origin).parent


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    for _ in range(max(1, round(seconds / 0.01))):
        if process.poll() is not None:
            return True
        await asyncio.sleep(0.01)
    return process.poll() is not None
