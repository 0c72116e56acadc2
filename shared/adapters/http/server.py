"""An HTTP server inside a process's own event loop: the process decides when it starts and ends."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.adapters.http.problems import ProblemRaised

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 75
"""Longer than load balancers keep a connection that nobody uses (nginx and AWS' 60 s): whoever closes first
must be the one who sends, or now and then a request meets a connection that is just being closed."""


class PortTaken(OSError):
    """Somebody listens there already, or we may not."""

    port: int = 0


class _Protocol(H11Protocol):
    """HTTP/1.1, whose own refusals are problems too."""

    def send_400_response(self, msg: str) -> None:  # msg may repeat what was sent
        """Answer to what is no HTTP request, and close."""
        problem = ProblemRaised(400, "malformed-request", "This is no HTTP/1.1 request.").response(None)
        headers = [*problem.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(problem.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


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
            http=_Protocol,
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

    async def stop(self) -> None:
        """Take nothing new, end what was begun, close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; else answers wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as problem:
        listening.close()
        taken = PortTaken(problem.errno, f"{host}:{port}: {problem.strerror}")
        taken.port = port
        raise taken from problem
    return listening
