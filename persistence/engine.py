"""Connections: one pool for units of work, one on autocommit for reads, and single ones for the loops."""

from __future__ import annotations

import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from persistence.connection import Connection, Pool
from persistence.readers import Readers

_TCP: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A black hole is noticed by the socket (ms), since a cancelled wait on a driver's call may itself wait."""

_LOSES = " -c synchronous_commit=off"

_GIVE_UP = 2.0
"""Seconds until a pool stops trying by itself and leaves it to the next request, which tries at once. Trying on, it
doubles its pauses: a database that was away for a minute was seen to be ignored for another."""


class Database:
    """One PostgreSQL. `statement_timeout` in seconds bounds every statement of the pools."""

    def __init__(self, url: str, *, size: int = 8, statement_timeout: float = 15.0) -> None:
        self.url = url
        self._limits = (
            f"-c statement_timeout={int(statement_timeout * 1000)} -c timezone=UTC"
            " -c default_transaction_isolation=read\\ committed"
            # As memory and SSDs have it: by 4, for disks that turn, a list by a rare state walks past a million others.
            " -c random_page_cost=1.1"
        )
        self.writes = self._pool("acerto-writes", size, autocommit=False)
        self.reads = self._pool("acerto-reads", size, autocommit=True)
        self.readers = Readers(self.reads)

    def _pool(self, name: str, size: int, *, autocommit: bool) -> Pool:
        return AsyncConnectionPool(
            self.url,
            connection_class=Connection,
            kwargs={
                **_TCP,
                "autocommit": autocommit,
                "application_name": name,
                "prepare_threshold": 2,
                "options": f"{self._limits} -c idle_in_transaction_session_timeout=30s",
            },
            min_size=1,
            max_size=size,
            max_waiting=200,
            timeout=5.0,
            reconnect_timeout=_GIVE_UP,
            name=name,
            # A write cannot be asked again as a read can: its connection is known to live before it begins.
            check=None if autocommit else _known_to_live,
            open=False,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """The database with its pools open; they fill by themselves, so a database that is away does not stop us."""
        await self.writes.open()
        await self.reads.open()
        try:
            yield self
        finally:
            await self.reads.close()
            await self.writes.close()

    @asynccontextmanager
    async def connection(
        self, name: str, *, autocommit: bool = False, durable: bool = True
    ) -> AsyncIterator[Connection]:
        """A connection of one's own, closed on the way out: for the relay, LISTEN and the tools.

        One that is not `durable` commits without waiting for the disk: a crash of the server may take what it wrote.
        """
        connection = await Connection.connect(
            self.url,
            **_TCP,
            autocommit=autocommit,
            application_name=name,
            prepare_threshold=1,
            options=f"{self._limits} -c idle_in_transaction_session_timeout=60s{'' if durable else _LOSES}",
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def ping(self) -> None:
        """One round trip. Raises what the driver raises."""
        async with self.reads.connection(timeout=2.0) as connection:
            await connection.execute("SELECT 1")


async def _known_to_live(connection: Connection) -> None:
    """Ask a connection that has something to say: nobody asked it, so it is probably its end. Raises OperationalError.

    An idle connection whose server ended, or cut it off, can be read from; asking every one costs a round trip a write.
    """
    look = select.poll()  # select() itself takes no descriptor above 1023, and a busy door has more
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        await AsyncConnectionPool.check_connection(connection)


def address(url: str) -> str:
    """Where a URL points, without its password: for messages."""
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
