"""A small TCP proxy that can do what networks do: cut, refuse, swallow, delay."""

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Self

_CHUNK = 65536


class Proxy:
    """Stands between a client and a server. Everything passes until it is told otherwise.

    With `kafka`, answers are read frame by frame and the broker's own address in them is replaced
    by the proxy's, since a Kafka client goes where the broker says.
    """

    def __init__(self, target: str, kafka: bool = False) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._kafka = kafka
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.port = 0
        self.answers_swallowed = 0
        self._refusing = False
        self._swallow_needle = b""
        self._refuse_needle = b""
        self._slow_seconds = 0.0
        self._watched: tuple[re.Pattern[bytes], Callable[[], bool]] | None = None
        self._kept: tuple[re.Pattern[bytes], asyncio.Event] | None = None

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._open.set()
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Reset every open connection. New ones pass."""
        for writer in list(self._writers):
            _reset(writer)

    def refuse(self, refusing: bool) -> None:
        """Reset every connection, open and new, until told otherwise."""
        self._refusing = refusing
        if refusing:
            self.cut()

    def hold(self, held: bool) -> None:
        """Let nothing through in either direction, keeping connections open: a black hole."""
        if held:
            self._open.clear()
        else:
            self._open.set()

    def slow(self, seconds: float) -> None:
        """Let each piece wait for so long on its way, in either direction; 0 ends it."""
        self._slow_seconds = seconds

    def watch(self, pattern: re.Pattern[bytes] | None, act: Callable[[], bool] = lambda: True) -> None:
        """At the next request that holds the pattern, act; its answer is whether the request may pass."""
        self._watched = None if pattern is None else (pattern, act)

    @contextlib.contextmanager
    def keep(self, pattern: re.Pattern[bytes]) -> Generator[None]:
        """Keep every request that holds the pattern; at the end drop them, with their connections."""
        over = asyncio.Event()
        self._kept = pattern, over
        try:
            yield
        finally:
            self._kept = None
            over.set()

    def swallow_answer_to(self, needle: bytes) -> None:
        """Pass the next request that holds these bytes; then, instead of the answer, cut."""
        self._swallow_needle = needle

    def refuse_after(self, needle: bytes) -> None:
        """Pass the next request that holds these bytes and its answer; then refuse everything."""
        self._refuse_needle = needle

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        try:
            to_server = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        ours = {writer, to_server[1]}
        self._writers |= ours
        swallow, refuse = asyncio.Event(), asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._requests(reader, to_server[1], swallow, refuse))
                group.create_task(self._answers(to_server[0], writer, swallow, refuse))
        except* (OSError, asyncio.IncompleteReadError, _Ended):
            pass
        finally:
            self._writers -= ours
            for each in ours:
                _reset(each)

    async def _requests(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        swallow: asyncio.Event,
        refuse: asyncio.Event,
    ) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._pass()
            if self._watched is not None and self._watched[0].search(chunk):
                act, self._watched = self._watched[1], None
                if not act():
                    break
            if self._kept is not None and self._kept[0].search(chunk):
                await self._kept[1].wait()
                break
            if self._swallow_needle and self._swallow_needle in chunk:
                self._swallow_needle = b""
                swallow.set()
            if self._refuse_needle and self._refuse_needle in chunk:
                self._refuse_needle = b""
                refuse.set()
            writer.write(chunk)
            await writer.drain()
        raise _Ended

    async def _answers(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        swallow: asyncio.Event,
        refuse: asyncio.Event,
    ) -> None:
        while chunk := await self._next_answer(reader):
            await self._pass()
            if swallow.is_set():
                self.answers_swallowed += 1
                break
            writer.write(chunk)
            await writer.drain()
            if refuse.is_set():
                self._refusing = True
                # Time for what was just written to be read: a reset throws away what was not.
                await asyncio.sleep(0.1)
                break
        raise _Ended

    async def _pass(self) -> None:
        if self._slow_seconds:
            await asyncio.sleep(self._slow_seconds)
        await self._open.wait()

    async def _next_answer(self, reader: asyncio.StreamReader) -> bytes:
        if not self._kafka:
            return await reader.read(_CHUNK)
        size = await reader.readexactly(4)
        frame = await reader.readexactly(struct.unpack(">i", size)[0])
        host = self._target[0].encode()
        theirs = host + struct.pack(">i", self._target[1])
        return size + frame.replace(theirs, host + struct.pack(">i", self.port))


class _Ended(Exception):
    """One side closed; the other direction ends too."""


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
