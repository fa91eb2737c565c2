"""The read side: every read is one statement on an autocommit connection, through one function.

The actor's attributes become part of the statement, so that what lies outside them is absent, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import PoolTimeout, TooManyRequests

from domain.actor import Actor
from domain.billing.budget import Budget
from domain.billing.queries import BudgetFilter, EntryKind, Timeline, TimelineEntry
from domain.billing.service_price import ServicePrice
from persistence.billing import BUDGETS, budget_from_row, work_order_from_row
from persistence.engine import Database
from persistence.errors import translated
from persistence.service_prices import service_price_from_row
from persistence.statements import compiled

_BUDGETS = compiled(BUDGETS)
_GONE = (None, "57P01", "57P02")
"""SQLSTATEs of a session that ended: without a word, by an administrator's command, by a crash."""
_SEEN = "workshop_id = ANY (%(workshops)s)"
_ENTRIES = """
SELECT l.*, a.published_at
  FROM work_order_log l
  LEFT JOIN outbox_archive a ON l.event_id <> '' AND a.key = %(key)s AND a.event_id::text = l.event_id
 WHERE l.work_order_id = %(id)s
 ORDER BY l.id
"""


class Views:
    """Answers `domain.billing.queries.BillingQueries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def budget(self, actor: Actor, budget_id: UUID) -> Budget | None:
        """One budget."""
        rows = await self._rows(actor, _BUDGETS, ["budgets.id = %(id)s"], {"id": budget_id}, table="budgets.")
        return budget_from_row(rows[0]) if rows else None

    async def budget_of_work_order(self, actor: Actor, work_order_id: UUID) -> Budget | None:
        """The budget of one work order."""
        where = ["budgets.work_order_id = %(id)s"]
        rows = await self._rows(actor, _BUDGETS, where, {"id": work_order_id}, table="budgets.")
        return budget_from_row(rows[0]) if rows else None

    async def budgets(
        self, actor: Actor, wanted: BudgetFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Budget]:
        """Up to `limit` budgets, newest first, that come after (created_at, id)."""
        given: dict[str, Any] = {
            "status": wanted.status and wanted.status.value,
            "customer_id": wanted.customer_id,
            "created_from": wanted.created_from,
            "created_before": wanted.created_before,
            "after": after,
        }
        where = [_CONDITIONS[name] for name, value in given.items() if value is not None]
        created_at, budget_id = after or (None, None)
        parameters = given | {"after_created_at": created_at, "after_id": budget_id, "limit": limit}
        tail = " ORDER BY budgets.created_at DESC, budgets.id DESC LIMIT %(limit)s"
        rows = await self._rows(actor, _BUDGETS, where, parameters, table="budgets.", tail=tail)
        return [budget_from_row(row) for row in rows]

    async def service_prices(
        self, actor: Actor, workshop_id: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[ServicePrice]:
        """Up to `limit` prices by (workshop_id, code in lower case) that come after that pair."""
        where = ["workshop_id = %(workshop_id)s"] if workshop_id else []
        where += ["(workshop_id, lower(code)) > (%(after_workshop)s, %(after_code)s)"] if after else []
        after_workshop, after_code = after or (None, None)
        parameters = {
            "workshop_id": workshop_id,
            "after_workshop": after_workshop,
            "after_code": after_code,
            "limit": limit,
        }
        tail = " ORDER BY workshop_id, lower(code) LIMIT %(limit)s"
        rows = await self._rows(actor, "SELECT * FROM service_prices", where, parameters, tail=tail)
        return [service_price_from_row(row) for row in rows]

    async def timeline(self, actor: Actor, work_order_id: UUID) -> Timeline | None:
        """The timeline of one work order."""
        where, parameters = ["id = %(id)s"], {"id": work_order_id, "key": str(work_order_id)}
        rows = await self._rows(actor, "SELECT * FROM work_orders", where, parameters)
        if not rows:
            return None
        entries = await self._rows(actor, _ENTRIES, [], parameters, scoped=False)
        return Timeline(
            work_order=work_order_from_row(rows[0]),
            budget=await self.budget_of_work_order(actor, work_order_id),
            entries=tuple(_entry(row) for row in entries),
        )

    async def _rows(
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


_CONDITIONS = {
    "status": "budgets.status = %(status)s",
    "customer_id": "budgets.customer_id = %(customer_id)s",
    "created_from": "budgets.created_at >= %(created_from)s",
    "created_before": "budgets.created_at < %(created_before)s",
    "after": "(budgets.created_at, budgets.id) < (%(after_created_at)s, %(after_id)s)",
}


def _entry(row: Mapping[str, Any]) -> TimelineEntry:
    return TimelineEntry(
        sequence=row["id"],
        at=row["recorded_at"],
        kind=EntryKind(row["kind"]),
        actor=row["actor"],
        event_type=row["event_type"],
        event_id=row["event_id"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        subject=row["subject"],
        subject_id=row["subject_id"],
        action=row["action"],
        before=row["before"],
        after=row["after"],
        body=row["body"].decode("utf-8", "replace"),
        published_at=row["published_at"],
    )
