"""SQL is written by SQLAlchemy Core, once, at import, and run by psycopg or, several at once, by `round_trip`.

A multi-row statement takes its rows as one JSON parameter: its text, and so the server's prepared plan, is the same for
any number of rows, and one JSON text costs less than dumping an array per column (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Column, Dialect, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import JSON, asyncpg, insert, psycopg
from sqlalchemy.sql import TableValuedAlias
from sqlalchemy.sql.elements import ClauseElement

_DIALECT: Dialect = psycopg.dialect()  # type: ignore[no-untyped-call]
_NUMBERED: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]
"""Asked for its spelling only: PostgreSQL's own, as that driver takes it."""


class Statement:
    """SQL as the server takes it, with `$1`, `$2` .. for parameters; a connection prepares it once, by its name."""

    __slots__ = ("name", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.name = b"acerto_" + sha256(sql.encode()).hexdigest()[:24].encode()


def compiled(statement: ClauseElement) -> str:
    """The statement as psycopg takes it, with `%(name)s` parameters."""
    return str(statement.compile(dialect=_DIALECT))


def numbered(statement: ClauseElement) -> str:
    """The statement as a `Statement` takes it; parameters are numbered as they appear."""
    return str(statement.compile(dialect=_NUMBERED))


def written(table: Table) -> list[Column[Any]]:
    """The columns that we write: all but those that the database fills in by itself."""
    return [c for c in table.columns if c.identity is None and c.server_default is None]


def insert_many(table: Table, columns: Sequence[Column[Any]] | None = None) -> str:
    """INSERT any number of rows, in their order; its parameters are `rows_of` them."""
    columns = columns or written(table)
    rows = _rows(columns)
    return numbered(insert(table).from_select(columns, select(*(rows.c[c.name] for c in columns))))


def update_many(table: Table, key: str, columns: Iterable[str]) -> str:
    """UPDATE the rows that have the given `key` and `stored_version`; the row count tells how many still had it."""
    columns = list(columns)
    stored = Column("stored_version", table.c.version.type)
    rows = _rows([table.c[key], stored, *(table.c[name] for name in columns)])
    statement = (
        table.update()
        .where(table.c[key] == rows.c[key], table.c.version == rows.c.stored_version)
        .values({name: rows.c[name] for name in columns})
    )
    return numbered(statement)


def ids_of(ids: Iterable[UUID]) -> str:
    """The parameter of a statement that takes many ids."""
    return "{" + ",".join(map(str, ids)) + "}"


def rows_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The parameter of a multi-row statement. Values for JSON columns are plain Python, not text."""
    return orjson.dumps(rows, default=_text)


def _rows(columns: Sequence[Column[Any]]) -> TableValuedAlias:
    # The types are spelt in the column list of json_to_recordset, since the table has no row of that shape.
    given = func.json_to_recordset(bindparam("rows", type_=JSON()))
    return given.table_valued(*(column(c.name, c.type) for c in columns)).render_derived(name="rows", with_types=True)


def _text(value: object) -> str:
    """PostgreSQL's input form of what JSON has no word for; ids and instants are written by the library."""
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"a {type(value).__name__} has no form in a multi-row statement")
