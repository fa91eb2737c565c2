"""Migrations, run by Alembic with the folder's own configuration: no ini file, no settings of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from domain.errors import Unavailable

_LOCK = 7_262_022_001
"""Advisory lock: replicas that start together migrate one after the other."""
_PARTITION = re.compile(r"outbox_archive_(default|\d{8})")


def own(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table is the schema's: partitions of the archive come and go by day."""
    return kind != "table" or not (name and _PARTITION.fullmatch(name))


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this folder; env.py takes the connection from it."""
    configured = Config(attributes={"connection": connection})
    configured.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return configured


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at a libpq URL up to a revision, alone, in one transaction. Raises Unavailable."""
    with _connection(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision (`base`: to nothing)."""
    with _connection(url) as connection:
        command.downgrade(config(connection), revision)


def pending(url: str) -> list[str]:
    """The revisions that the database still lacks, oldest first; empty when it is up to date. Raises Unavailable."""
    with _connection(url) as connection:
        current = MigrationContext.configure(connection).get_current_heads()
    script = ScriptDirectory.from_config(config())
    known = {revision.revision for revision in script.walk_revisions()}
    applied = {above.revision for head in current if head in known for above in script.iterate_revisions(head, "base")}
    return [
        revision.revision for revision in reversed(list(script.walk_revisions())) if revision.revision not in applied
    ]


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise Unavailable("the database is away") from error
    finally:
        engine.dispose()
