"""How everything is read: one statement on an autocommit connection, through one function.

The actor's attributes become part of the statement, so that what lies outside them is absent, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import PoolTimeout, TooManyRequests

from domain.actor import Actor
from persistence.engine import Database
from persistence.errors import translated

_GONE = (None, "57P01", "57P02")
"""SQLSTATEs of a session that ended: without a word, by an administrator's command, by a crash."""
_SEEN = "workshop_id = ANY (%(workshops)s)"


class Reading:
    """Reads from one database. Every method raises Unavailable when that is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(
        self,
        actor: Actor,
        select: str,
        where: Sequence[str],
        parameters: Mapping[str, Any],
        *,
        table: str = "",
        tail: str = "",
        scoped: bool = True,
    ) -> list[DictRow]:
        """The rows of a SELECT; `table` is a prefix for the actor's own condition, which `scoped` False leaves out."""
        if scoped and actor.workshops is not None:
            where = [*where, table + _SEEN]
            parameters = {**parameters, "workshops": list(actor.workshops)}
        sql = f"{select}{' WHERE ' if where else ''}{' AND '.join(where)}{tail}"
        with translated():
            try:
                return await self._read(sql, parameters)
            except psycopg.OperationalError as error:
                if error.sqlstate not in _GONE or isinstance(error, PoolTimeout | TooManyRequests):
                    raise
            # The connection died while it was idle, and so did its neighbours: a read may be asked again on a live one.
            await self._database.reads.check()
            return await self._read(sql, parameters)

    async def _read(self, sql: str, parameters: Mapping[str, Any]) -> list[DictRow]:
        async with self._database.reads.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()
