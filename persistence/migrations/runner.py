"""Migrations, run by Alembic with the folder's own configuration: no ini file, no settings of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from domain.errors import Unavailable

_LOCK = 7_262_022_001
"""Advisory lock: replicas that start together migrate one after the other."""
_PATIENCE = 5
"""Seconds that a table is waited for: whoever comes after a migration that waits has to wait behind it."""


def upgrade(url: str, revision: str) -> None:
    """See `migrations.upgrade`."""
    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """See `migrations.downgrade`."""
    with _connection(url) as connection:
        command.downgrade(_config(connection), revision)


def pending(url: str) -> list[str]:
    """The revisions that the database still lacks, oldest first; empty when it is up to date. Raises Unavailable."""
    with _connection(url) as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    script = ScriptDirectory.from_config(_config())
    applied = {above.revision for head in current for above in script.iterate_revisions(head, "base")}
    return [
        revision.revision for revision in reversed(list(script.walk_revisions())) if revision.revision not in applied
    ]


def _config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this folder; env.py takes the connection from it."""
    configured = Config(attributes={"connection": connection})
    configured.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return configured


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise Unavailable("a table is in use for longer than a migration may wait; nothing was changed") from error
        raise Unavailable("the database is away") from error
    finally:
        engine.dispose()
