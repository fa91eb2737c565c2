"""One connection to the PostgreSQL broker, on which every statement has a time limit."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg

from messaging.broker import BrokerLost
from messaging.patience import in_time, outlive

_SETTINGS: Final = """
SELECT set_config('statement_timeout', %(timeout)s, false), set_config('synchronous_commit', %(commit)s, false)"""

Row = tuple[Any, ...]
Connection = psycopg.AsyncConnection[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`reply` and `connect` in seconds; `lease`: how long a silent consumer keeps what it holds."""

    reply: float = 5.0
    connect: float = 5.0
    lease: timedelta = timedelta(seconds=10)


class Session:
    """Statements, each a transaction of its own. Raises BrokerLost for anything the database says against it."""

    def __init__(self, connection: Connection, reply: float) -> None:
        self.connection: Final = connection
        self._reply = reply

    async def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Row]:
        """The rows, none where the statement returns none."""
        return await in_time(self._reply, "the PostgreSQL broker", self._run(statement, parameters))

    async def _run(self, statement: str, parameters: Mapping[str, Any] | None) -> Sequence[Row]:
        try:
            cursor = await self.connection.execute(statement.encode(), parameters)
            return await cursor.fetchall() if cursor.description else ()
        except psycopg.Error as error:
            raise BrokerLost(f"the PostgreSQL broker: {told(error)}") from error


@asynccontextmanager
async def connected(url: str, limits: Limits, *, durable: bool = True) -> AsyncIterator[Session]:
    """A session of one's own. Raises BrokerLost.

    Not `durable`: a crash of the server may undo the last claims and acks, which the next delivery repeats.
    """
    connection = await _connect(url, limits)
    try:
        session = Session(connection, limits.reply)
        await session.run(_SETTINGS, {"timeout": f"{_ms(limits.reply)}ms", "commit": "on" if durable else "off"})
        yield session
    finally:
        await _close(connection)


async def _connect(url: str, limits: Limits) -> Connection:
    attempt = psycopg.AsyncConnection.connect(
        url,
        autocommit=True,
        connect_timeout=max(2, math.ceil(limits.connect)),
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        tcp_user_timeout=_ms(limits.reply),
    )
    try:
        return await in_time(limits.connect, "connecting to the PostgreSQL broker", attempt)
    except psycopg.Error as error:
        raise BrokerLost(f"no PostgreSQL broker: {told(error)}") from error


async def _close(connection: Connection) -> None:
    """A call that was given up on may still be ending on this connection: then it is closed after that."""
    if not connection.lock.locked():
        await connection.close()
        return
    outlive(asyncio.ensure_future(_close_after(connection)))


async def _close_after(connection: Connection) -> None:
    async with connection.lock:
        await connection.close()


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def told(error: psycopg.Error) -> str:
    """The first line of what the database said; the rest may quote row contents."""
    return str(error).partition("\n")[0] or type(error).__name__
