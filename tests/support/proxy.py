"""A TCP proxy with a fault for every bad day: slow, narrow, silent, refusing, cut off in mid-frame, reset."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.ports import free_port

_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Faults:
    """What is wrong with the line at this moment; change it at any time, open connections follow."""

    latency: float = 0.0
    """Seconds added to every chunk, in each direction."""
    rate: float | None = None
    """Bytes per second and direction; None for no limit."""
    blackhole: bool = False
    """Bytes are taken and held back; they go on when this is turned off."""
    refuse: bool = False
    """New connections are reset at once."""
    cut_after: int | None = None
    """A connection is reset once this many bytes went through one of its directions."""
    swallow: bytes | None = None
    """The next chunk with these bytes in it is not passed on and its connection is reset; once."""


class Proxy:
    """Listens on 127.0.0.1:`port` and forwards to the host and port of `target` (any URL), as badly as `faults` say."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        assert parts.port is not None
        self._upstream = (parts.hostname, parts.port)
        self._target = target
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.faults = Faults()
        self.cuts = 0
        """How many connections were reset by `cut_after` and `swallow`."""
        self.port = free_port()

    @property
    def url(self) -> str:
        """The target's URL with our address in place of its own."""
        parts = urlsplit(self._target)
        credentials, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{credentials}{at}127.0.0.1:{self.port}").geturl()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Proxy]:
        """Serve while the block runs; at its end every connection is reset."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        try:
            yield self
        finally:
            server.close()
            self.reset_all()
            await asyncio.sleep(0)  # a connection accepted just now gets its task first
            for task in self._carrying:
                task.cancel()
            await asyncio.gather(*self._carrying, return_exceptions=True)

    def reset_all(self) -> None:
        """Reset every open connection, both ends."""
        for writer in tuple(self._open):
            _reset(writer)

    @property
    def connections(self) -> int:
        """How many clients are connected through us."""
        return len(self._open) // 2

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._carry(reader, writer)
        finally:
            writer.close()
            self._carrying.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.faults.refuse:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._upstream)
        except OSError:
            _reset(writer)
            return
        ends = {writer, far_writer}
        self._open |= ends
        for end in ends:
            end.transport.set_write_buffer_limits(0)  # so that drain means: handed to the kernel
        pumps = [asyncio.create_task(self._pump(*way)) for way in ((reader, far_writer), (far_reader, writer))]
        try:
            ended, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if any(isinstance(pump.exception(), _Cut) for pump in ended):
                _reset(writer)
                _reset(far_writer)
        finally:
            self._open -= ends
            for pump in pumps:
                pump.cancel()
            for end in ends:
                end.close()  # before the wait, in which the proxy's own end may come
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while chunk := await reader.read(_CHUNK):
            await self._delay(len(chunk))
            self._swallow(chunk)
            allowed = chunk if self.faults.cut_after is None else chunk[: max(0, self.faults.cut_after - passed)]
            passed += len(allowed)
            writer.write(allowed)
            await writer.drain()
            if len(allowed) < len(chunk):
                self.cuts += 1
                raise _Cut

    def _swallow(self, chunk: bytes) -> None:
        if self.faults.swallow is not None and self.faults.swallow in chunk:
            self.faults.swallow = None
            self.cuts += 1
            raise _Cut

    async def _delay(self, size: int) -> None:
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)
        if self.faults.rate is not None:
            await asyncio.sleep(size / self.faults.rate)
        while self.faults.blackhole:  # noqa: ASYNC110 - a test flips a plain attribute
            await asyncio.sleep(0.02)


class _Cut(Exception):
    """The agreed bytes came by."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN: what a crash or a firewall looks like from the other end."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
