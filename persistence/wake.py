"""The wake-up: tells relays and workers in other processes that there is work, soon and seldom.

Never inside the writing transaction: a NOTIFY there takes a lock that all commits share (measured: 40 % of commits at
8 clients). A wake-up that is lost costs a poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from domain.cancellation import ended
from persistence.engine import Database

CHANNEL = "acerto_work"
DEBOUNCE = 0.005
"""Seconds between two notices at least."""
RETRY = 1.0

_log = logging.getLogger(__name__)


class Notifier:
    """Turns any number of wake-ups into few notices on a connection of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = asyncio.Event()

    def __call__(self) -> None:
        """Ask for a notice; neither blocks nor fails."""
        self._wanted.set()

    async def run(self) -> None:
        """Send notices until cancelled; a database that is away is waited for."""
        await _for_ever(self._send)

    async def _send(self) -> None:
        async with self._database.connection("acerto-notify", autocommit=True) as connection:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await connection.execute(f"NOTIFY {CHANNEL}")
                await asyncio.sleep(DEBOUNCE)


class Listener:
    """Calls `wake` at every notice."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake

    async def run(self) -> None:
        """Listen until cancelled; a database that is away is waited for."""
        await _for_ever(self._listen)

    async def _listen(self) -> None:
        async with self._database.connection("acerto-listen", autocommit=True) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._wake()
            async for _ in connection.notifies():
                self._wake()


async def _for_ever(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await work()
        except psycopg.Error as error:
            _log.info("wake-up reconnects", extra={"cause": type(error).__name__})
        await asyncio.sleep(RETRY)


@asynccontextmanager
async def running(*works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run works in the background meanwhile."""
    tasks = [asyncio.create_task(work()) for work in works]
    try:
        yield
    finally:
        await ended(tasks)
