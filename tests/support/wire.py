"""Real sockets to the HTTP server, for what matters byte by byte: who is slow, who hangs up, what comes in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import httpx
from starlette.types import ASGIApp

from server.gateway.protocol import HttpLimits, Tell
from server.gateway.server import HttpServer

PATIENCE = 10.0
"""Seconds after which a test knows that nothing comes any more."""


@dataclass
class Serving:
    """A running server."""

    port: int
    stop: asyncio.Event
    running: asyncio.Task[None]


@asynccontextmanager
async def serving(
    app: ASGIApp, *, grace: float = 5.0, tell: Tell = lambda _refusal, _peer: "", **limits: Any
) -> AsyncIterator[Serving]:
    """The app behind a real server with these limits."""
    stop = asyncio.Event()
    server = HttpServer("127.0.0.1:0", app, HttpLimits(**limits), tell=tell)
    running = asyncio.create_task(server.run(stop, grace=grace))
    try:
        yield Serving(server.port, stop, running)
    finally:
        stop.set()
        await asyncio.wait_for(running, PATIENCE + grace)


class Wire:
    """One connection, seen as bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, server: Serving, *, receive_buffer: int = 0) -> Self:
        """Connect; with a small `receive_buffer` the server soon feels that we do not read."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", server.port))
        return cls(*await asyncio.open_connection(sock=connection, limit=2**16))

    async def send(self, *lines: str, body: bytes = b"") -> None:
        """A request of these lines, with a host; without lines, only the bytes."""
        head = "".join(f"{line}\r\n" for line in (*lines, "host: example.com", "")) if lines else ""
        self.writer.write(head.encode("latin-1") + body)
        await self.writer.drain()

    async def answer(self, method: str = "GET") -> httpx.Response:
        """The next answer, its body by its length. Raises IncompleteReadError when the server hung up before."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        headers = [tuple(line.split(": ", 1)) for line in lines if line]
        found = httpx.Headers(headers)  # type: ignore[arg-type] # pairs, as split makes them
        length = 0 if method == "HEAD" or status < 200 else int(found.get("content-length", "0"))
        body = await asyncio.wait_for(self.reader.readexactly(length), PATIENCE)
        return httpx.Response(status, headers=found, content=body)

    async def ended(self) -> bytes:
        """What comes until the server hangs up, which it must."""
        with suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(-1), PATIENCE)
        return b""

    def hang_up(self) -> None:
        """Go away without a word."""
        self.writer.transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()
