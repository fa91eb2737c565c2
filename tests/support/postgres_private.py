"""A PostgreSQL of our own on one port for good, which a test may stop, kill, freeze and start again as it likes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from persistence.embedded import EmbeddedPostgres
from persistence.embedded_child import programs, spawn
from tests.support.ports import free_port
from tests.support.waiting import eventually

_SETTINGS = ("--listen_addresses=127.0.0.1", "--unix_socket_directories=", "--timezone=UTC", "--max_connections=200")


class PrivatePostgres:
    """One server in `folder`. Its data survive whatever is done to it; start it from the main thread."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._url = ""
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of a database on it."""
        return self._url

    @asynccontextmanager
    async def running(self, prepare: Callable[[str], None]) -> AsyncIterator[PrivatePostgres]:
        """Made, prepared and started at the block's begin; gone at its end."""
        async with EmbeddedPostgres(self._folder).running() as url:
            await asyncio.to_thread(prepare, url)
        parts = urlsplit(url)
        address = f"{parts.username}:{parts.password}@127.0.0.1:{self.port}"
        self._url = parts._replace(netloc=address).geturl()
        try:
            await self.start()
            yield self
        finally:
            self.kill()

    async def start(self) -> None:
        """Start it and wait until it takes connections, having recovered from whatever happened."""
        command: list[str | Path] = [
            programs() / "postgres",
            "-D",
            self._folder / "data",
            f"--port={self.port}",
            *_SETTINGS,
        ]
        keep_open = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._server = spawn(command, log=self._folder / "private.log", keep_open=keep_open)
        finally:
            os.close(keep_open)
        await eventually(self._answers, within=30.0, every=0.05, what="PostgreSQL answers")

    async def stop(self, how: signal.Signals) -> None:
        """SIGINT is a fast shutdown, SIGQUIT an immediate one, which is a crash to all who are connected."""
        assert self._server is not None
        server = self._server
        server.send_signal(how)
        await eventually(lambda: server.poll() is not None, within=30.0, what="PostgreSQL has stopped")

    def kill(self) -> None:
        """An immediate end, waited for; a second call does nothing."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(30)

    async def _answers(self) -> bool:
        try:
            async with await psycopg.AsyncConnection.connect(self._url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False
