"""An HTTP server inside a process's own event loop: the process decides when it starts and ends."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 5


class PortTaken(OSError):
    """Somebody listens there already, or we may not."""


class _Embedded(uvicorn.Server):
    """uvicorn without its own signal handling."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the process's."""
        yield


class HttpServer:
    """One listening socket and the application behind it."""

    def __init__(self, app: ASGIApp, host: str, port: int, drain_seconds: float) -> None:
        self._socket = _listen(host, port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            http="h11",
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, int(drain_seconds)),
        )
        self._server = _Embedded(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens; useful when any free port was asked for."""
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Return when it answers."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise RuntimeError("the HTTP server ended as it started")
            await asyncio.sleep(0.01)

    async def ended(self) -> None:
        """Return when it has ended, for whatever reason."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Take nothing new, end what was begun, close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as problem:
        listening.close()
        raise PortTaken(problem.errno, f"{host}:{port}: {problem.strerror}") from problem
    return listening
