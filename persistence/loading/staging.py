"""The SQL of a load, made for one table: where its lines wait, what is wrong with them as a whole, how they get in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

from persistence.reference_rows import key_of


class Staging:
    """The temporary table `staging`: a table's columns, and the number of the line that each row came from."""

    def __init__(self, table: Table) -> None:
        self.key: Final = key_of(table)
        self.columns: Final = [column.name for column in table.columns]
        self.packed: Final = [column.name for column in table.columns if isinstance(column.type, JSONB)]
        """Columns whose values are JSON."""
        self._table = Identifier(table.name)

    def create(self) -> Composed:
        """Makes it, until the transaction ends."""
        made = (
            "CREATE TEMPORARY TABLE staging ON COMMIT DROP AS SELECT {columns}, 0::bigint AS line FROM {table} LIMIT 0"
        )
        return SQL(made).format(columns=_listed(self.columns), table=self._table)

    def copy(self) -> Composed:
        """Takes rows of the columns and a line number."""
        return SQL("COPY staging ({columns}, line) FROM STDIN").format(columns=_listed(self.columns))

    def repeated(self) -> Composed:
        """Lines with the key of an earlier one, and the first of those."""
        asked = (
            "SELECT line, first FROM (SELECT line, min(line) OVER (PARTITION BY {key}) AS first FROM staging) AS seen"
            " WHERE line > first ORDER BY line"
        )
        return SQL(asked).format(key=_listed(self.key))

    def orphans(self, other: Table) -> Composed:
        """Lines whose row of another table is not there."""
        asked = "SELECT line FROM staging WHERE NOT EXISTS (SELECT FROM {other} WHERE {same}) ORDER BY line"
        names = [Identifier(name) for name in key_of(other)]
        same = [SQL("{other}.{n} = staging.{n}").format(other=Identifier(other.name), n=name) for name in names]
        return SQL(asked).format(other=Identifier(other.name), same=SQL(" AND ").join(same))

    def merge(self) -> Composed:
        """Writes what is new or differs, in the order of the key.

        Gives how many lines there are, how many of them were new, and how many changed a row.
        """
        told = [name for name in self.columns if name not in (*self.key, "updated_at")]
        values = [SQL("{n} = excluded.{n}").format(n=Identifier(name)) for name in (*told, "updated_at")]
        merged = (
            "WITH written AS (INSERT INTO {table} AS kept ({columns}) SELECT {columns} FROM staging ORDER BY {key}"
            " ON CONFLICT ({key}) DO UPDATE SET {values} WHERE ROW({kept}) IS DISTINCT FROM ROW({new})"
            " RETURNING xmax = 0 AS new)"
            " SELECT (SELECT count(*) FROM staging), count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new)"
            " FROM written"
        )
        return SQL(merged).format(
            table=self._table,
            columns=_listed(self.columns),
            key=_listed(self.key),
            values=SQL(", ").join(values),
            kept=SQL(", ").join(Identifier("kept", name) for name in told),
            new=SQL(", ").join(Identifier("excluded", name) for name in told),
        )


def _listed(names: Iterable[str]) -> Composed:
    return SQL(", ").join(map(Identifier, names))
