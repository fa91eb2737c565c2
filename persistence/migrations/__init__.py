"""Migrations. Alembic runs them (`runner.py`); whether any is missing is asked at every start, and needs none of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import psycopg
from psycopg import errors

from domain.errors import Unavailable

_PARTITION: Final = re.compile(r"outbox_archive_(default|\d{8})")
_LATEST: Final = max(file.name[:4] for file in (Path(__file__).parent / "versions").glob("[0-9]*.py"))
"""The newest revision here: revisions are numbers of four digits, and begin the names of their files."""


def own(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table is the schema's: partitions of the archive come and go by day."""
    return kind != "table" or not (name and _PARTITION.fullmatch(name))


def pending(url: str) -> list[str]:
    """The revisions that a database still lacks, oldest first. Raises Unavailable.

    Empty when it is up to date, or newer: while versions change, the older one goes on serving.
    """
    if _revision_of(url) >= _LATEST:
        return []
    from persistence.migrations import runner

    return runner.pending(url)


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at a libpq URL up to a revision, alone, in one transaction. Raises Unavailable."""
    from persistence.migrations import runner

    runner.upgrade(url, revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database back to a revision (`base`: to nothing)."""
    from persistence.migrations import runner

    runner.downgrade(url, revision)


def _revision_of(url: str) -> str:
    """The revision that the database has; empty for none."""
    try:
        with psycopg.connect(url) as session:
            row = session.execute("SELECT max(version_num) FROM alembic_version").fetchone()
    except errors.UndefinedTable:
        return ""
    except psycopg.OperationalError as error:
        raise Unavailable("the database is away") from error
    return str(row[0] or "") if row else ""
