"""The wake-up: tells other processes that there is work for relays and workers, and whose log grew, soon and seldom.

Never inside the writing transaction: a NOTIFY there takes a lock that all commits share (measured: 40 % of commits at
8 clients). A wake-up that is lost costs a poll.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from domain.cancellation import ended
from persistence.connection import Connection
from persistence.engine import Database
from persistence.round_trip import Asked, round_trip
from persistence.statements import Statement, rows_of

WORK: Final = "acerto_work"
"""The channel of work; its notices say nothing more."""
NEWS: Final = "acerto_news"
"""The channel of news; a notice names the keys, with commas between them."""
DEBOUNCE = 0.005
"""Seconds between two notices at least."""
RETRY = 1.0

_KEYS_TOGETHER: Final = 200
"""A payload has less than 8000 bytes, and a key, a UUID, 36."""
_NOTIFY = Statement(
    "SELECT FROM json_to_recordset($1::json) AS notice(channel text, payload text), pg_notify(channel, payload)"
)

_log = logging.getLogger(__name__)

Heard = Callable[[str], None]
"""Takes a notice's payload, and an empty one when listening begins: anything may have been missed. Must not fail."""


class Notifier:
    """Turns any number of wake-ups into few notices on a connection of its own; none is lost with the connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wanted = asyncio.Event()
        self._work = False
        self._keys: set[str] = set()

    def work(self) -> None:
        """Have it told that there is work; neither blocks nor fails."""
        self._work = True
        self._wanted.set()

    def news(self, keys: Iterable[str]) -> None:
        """Have it told that something happened to these keys; neither blocks nor fails."""
        self._keys.update(keys)
        self._wanted.set()

    async def run(self) -> None:
        """Send notices until cancelled; a database that is away is waited for."""
        await _for_ever(self._send)

    async def _send(self) -> None:
        # A transaction with a NOTIFY has an id, and so would wait for the disk; a notice has nothing to lose there.
        async with self._database.connection("acerto-notify", durable=False) as connection:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await self._tell(connection)
                await asyncio.sleep(DEBOUNCE)

    async def _tell(self, connection: Connection) -> None:
        work, keys = self._work, self._keys
        self._work, self._keys = False, set()
        notices = [{"channel": WORK, "payload": ""}] if work else []
        notices += [{"channel": NEWS, "payload": payload} for payload in _payloads(sorted(keys))]
        try:
            await round_trip(connection, [Asked(_NOTIFY, (rows_of(notices),))], commit=True)
        except psycopg.Error:
            self._work |= work
            self.news(keys)
            raise


class Listener:
    """Hands on every notice of some channels."""

    def __init__(self, database: Database, heard: Mapping[str, Heard]) -> None:
        """`heard` has who wants to know, by channel."""
        self._database = database
        self._heard = heard

    async def run(self) -> None:
        """Listen until cancelled; a database that is away is waited for."""
        await _for_ever(self._listen)

    async def _listen(self) -> None:
        async with self._database.connection("acerto-listen", autocommit=True) as connection:
            for channel in self._heard:
                await connection.execute(f"LISTEN {channel}")
            for heard in self._heard.values():
                heard("")
            async for notice in connection.notifies():
                self._heard[notice.channel](notice.payload)


def _payloads(keys: list[str]) -> list[str]:
    return [",".join(keys[first : first + _KEYS_TOGETHER]) for first in range(0, len(keys), _KEYS_TOGETHER)]


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
