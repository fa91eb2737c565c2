"""How everything is read: one statement on an autocommit connection, through one function.

The actor's attributes become part of the statement, so that what lies outside them is absent, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from domain.actor import Actor
from persistence.engine import Database
from persistence.errors import translated
from persistence.reader import Row

_GONE = (None, "57P01", "57P02")
"""SQLSTATEs of a session that ended: without a word, by an administrator's command, by a crash."""

Attribute = Literal["workshop", "provider"]


class Reading:
    """Reads from one database. Every method raises Unavailable when that is away."""

    limited_by: ClassVar[Attribute | None] = "workshop"
    """Which of the actor's attributes limits what is read here; None: the data are the installation's."""

    def __init__(self, database: Database) -> None:
        self._readers = database.readers

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
    ) -> list[Row]:
        """The rows of a SELECT; `table` is a prefix for the actor's own condition, which `scoped` False leaves out."""
        seen = _seen(actor, self.limited_by) if scoped else None
        if seen is not None and len(seen) == 1:
            # Of one value an index gives the rows in its order; of an array it cannot, and they would all be sorted.
            where = [*where, f"{table}{self.limited_by}_id = %(seen)s"]
            parameters = {**parameters, "seen": next(iter(seen))}
        elif seen is not None:
            where = [*where, f"{table}{self.limited_by}_id = ANY (%(seen)s)"]
            parameters = {**parameters, "seen": list(seen)}
        sql = f"{select}{' WHERE ' if where else ''}{' AND '.join(where)}{tail}"
        with translated():
            try:
                return await self._readers.rows(sql, parameters)
            except psycopg.OperationalError as error:
                if error.sqlstate not in _GONE or isinstance(error, PoolTimeout | TooManyRequests):
                    raise
            # The connection died while it was idle, and so did its neighbours: a read may be asked again on a live one.
            await self._readers.check()
            return await self._readers.rows(sql, parameters)


def _seen(actor: Actor, attribute: Attribute | None) -> frozenset[str] | None:
    """The values of an attribute that the actor sees; None: all."""
    return {"workshop": actor.workshops, "provider": actor.providers, None: None}[attribute]
