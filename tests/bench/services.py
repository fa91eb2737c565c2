"""What the benchmarks run on: PostgreSQL and RabbitMQ found as the tests find them, a database and a host per case.

PostgreSQL keeps its defaults here, fsync too: a benchmark of commits that may be lost would flatter everybody.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import psycopg

from persistence.embedded import EmbeddedPostgres
from persistence.migrations import upgrade
from tests.support import rabbitmq
from tests.support.environment import given
from tests.support.postgres import URL_VARIABLE, Databases
from tests.support.virtual_hosts import VirtualHosts


@dataclass(frozen=True)
class Services:
    """Fresh databases, fresh virtual hosts, and a folder for what processes write. All of it goes at the end."""

    databases: Databases
    hosts: VirtualHosts
    folder: Path
    versions: dict[str, str]

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a migrated database of its own."""
        with self.databases.migrated() as url:
            yield url

    def broker(self) -> str:
        """The URL of an empty virtual host."""
        return self.hosts.fresh()


@contextmanager
def found() -> Iterator[Services]:
    """The services for one run."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="acerto-bench-")))
        server = stack.enter_context(_postgres(folder))
        home = stack.enter_context(rabbitmq.broker())
        hosts = VirtualHosts(home)
        stack.callback(hosts.close)
        databases = Databases(server, upgrade)
        stack.callback(databases.close)
        versions = {"PostgreSQL": _postgres_version(server), "RabbitMQ": asyncio.run(_rabbit_version(home.url))}
        yield Services(databases, hosts, folder, versions)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    provided = given(URL_VARIABLE)
    if provided:
        yield provided
        return
    server = EmbeddedPostgres(folder / "postgres", settings={"max_connections": "200"})
    try:
        yield asyncio.run(server.start())
    finally:
        asyncio.run(server.stop())


def _postgres_version(url: str) -> str:
    with psycopg.connect(url) as session:
        (version,) = session.execute("SHOW server_version").fetchone() or ("",)
        return str(version).split(" ", maxsplit=1)[0]


async def _rabbit_version(url: str) -> str:
    async with await aio_pika.connect(url, timeout=10) as connection:
        properties = getattr(connection.transport, "connection", None)
        return str(getattr(properties, "server_properties", {}).get("version", "unknown"))
