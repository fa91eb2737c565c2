"""Databases for tests: a server found or started once per run, and fresh databases copied from a migrated template."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from persistence.embedded import EmbeddedPostgres
from tests.support.environment import given

URL_VARIABLE = "ACERTO_TEST_DATABASE_URL"
# A test's database need not survive a power cut; the processes' own crashes are not affected by any of these.
_FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


@contextmanager
def server_url() -> Iterator[str]:
    """The URL of a server where databases may be made: ACERTO_TEST_DATABASE_URL, else our own for this run."""
    provided = given(URL_VARIABLE)
    if provided:
        yield provided
        return
    with tempfile.TemporaryDirectory(prefix="acerto-test-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", settings=_FAST)
        try:
            yield asyncio.run(server.start())
        finally:
            asyncio.run(server.stop())


class Databases:
    """Makes and drops databases on one server; `migrate(url)` brings a template to the present schema, once per run."""

    def __init__(self, server: str, migrate: Callable[[str], None]) -> None:
        self._server = server
        self._migrate = migrate
        self._run = f"acerto_test_{secrets.token_hex(4)}"
        self._made = 0
        self._template: str | None = None

    @contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a new database without any table; dropped at the end, whoever is still connected."""
        yield from self._copy_of("template0")

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The URL of a new database with the present schema; dropped at the end, whoever is still connected."""
        yield from self._copy_of(self._migrated_template())

    def close(self) -> None:
        if self._template is not None:
            self._drop(self._template)

    def _copy_of(self, template: str) -> Iterator[str]:
        self._made += 1
        name = f"{self._run}_{self._made}"
        self._create(name, template)
        try:
            yield self._url(name)
        finally:
            self._drop(name)

    def _migrated_template(self) -> str:
        if self._template is None:
            name = f"{self._run}_template"
            self._create(name, "template0")
            self._template = name
            self._migrate(self._url(name))
        return self._template

    def _create(self, name: str, template: str) -> None:
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run_on_server(command.format(sql.Identifier(name), sql.Identifier(template)))

    def _drop(self, name: str) -> None:
        self._run_on_server(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run_on_server(self, command: sql.Composed) -> None:
        with psycopg.connect(self._server, autocommit=True) as session:
            session.execute(command)

    def _url(self, name: str) -> str:
        return urlsplit(self._server)._replace(path=f"/{name}").geturl()
