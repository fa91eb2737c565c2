"""SQL is written by SQLAlchemy Core, once, at import, and run by psycopg.

A multi-row statement takes one array per column, so its text, and with it the server's prepared plan, is the same
for any number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Dialect, Table, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert, psycopg
from sqlalchemy.sql import TableValuedAlias
from sqlalchemy.sql.elements import ClauseElement, ColumnElement
from sqlalchemy.types import Text

_DIALECT: Dialect = psycopg.dialect()  # type: ignore[no-untyped-call]


def compiled(statement: ClauseElement) -> str:
    """The statement as psycopg takes it, with `%(name)s` parameters."""
    return str(statement.compile(dialect=_DIALECT))


def written(table: Table) -> list[Column[Any]]:
    """The columns that we write: all but those that the database fills in by itself."""
    return [c for c in table.columns if c.identity is None and c.server_default is None]


def insert_many(table: Table, columns: Sequence[Column[Any]] | None = None) -> str:
    """INSERT any number of rows from one array per column; see `arrays`."""
    columns = columns or written(table)
    rows = _rows(columns)
    return compiled(insert(table).from_select(columns, select(*(_value(rows, c) for c in columns))))


def update_many(table: Table, key: str, columns: Iterable[str]) -> str:
    """UPDATE the rows that have the given `key` and `stored_version`; the row count tells how many still had it."""
    columns = list(columns)
    stored = Column("stored_version", table.c.version.type)
    rows = _rows([table.c[key], stored, *(table.c[name] for name in columns)])
    statement = (
        table.update()
        .where(table.c[key] == rows.c[key], table.c.version == rows.c.stored_version)
        .values({name: _value(rows, table.c[name]) for name in columns})
    )
    return compiled(statement)


def arrays(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The rows as one list per column: the parameters of a multi-row statement."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def _rows(columns: Sequence[Column[Any]]) -> TableValuedAlias:
    given = [bindparam(c.name, type_=ARRAY(_wire(c))) for c in columns]
    return func.unnest(*given).table_valued(*(column(c.name, _wire(c)) for c in columns)).render_derived(name="rows")


def _wire(c: Column[Any]) -> Any:
    # JSON travels as text: an array of jsonb would have each element wrapped by hand.
    return Text() if isinstance(c.type, JSONB) else c.type


def _value(rows: TableValuedAlias, c: Column[Any]) -> ColumnElement[Any]:
    value = cast("ColumnElement[Any]", rows.c[c.name])
    return value.cast(JSONB) if isinstance(c.type, JSONB) else value
