"""The read side: what is asked of budgets, prices and work orders, each read one statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor
from domain.billing.budget import Budget
from domain.billing.queries import BudgetFilter, EntryKind, Timeline, TimelineEntry
from domain.billing.revision import Revision
from domain.billing.saga import Saga
from domain.billing.service_price import ServicePrice
from domain.money import BRL, Money
from persistence.billing import BUDGETS, budget_from_row, items_from_json, work_order_from_row
from persistence.payment_views import PaymentViews
from persistence.service_prices import service_price_from_row
from persistence.statements import compiled

_BUDGETS = compiled(BUDGETS)
_ENTRIES = """
SELECT l.*, a.published_at
  FROM work_order_log l
  LEFT JOIN outbox_archive a ON l.event_id <> '' AND a.key = %(key)s AND a.event_id::text = l.event_id
 WHERE l.work_order_id = %(id)s
"""


class Views(PaymentViews):
    """Answers `domain.billing.queries.BillingQueries`: budgets, prices and timelines here, money in its own file."""

    async def budget(self, actor: Actor, budget_id: UUID) -> Budget | None:
        """One budget."""
        rows = await self.rows(actor, _BUDGETS, ["budgets.id = %(id)s"], {"id": budget_id}, table="budgets.")
        return budget_from_row(rows[0]) if rows else None

    async def budget_of_work_order(self, actor: Actor, work_order_id: UUID) -> Budget | None:
        """The budget of one work order."""
        where = ["budgets.work_order_id = %(id)s"]
        rows = await self.rows(actor, _BUDGETS, where, {"id": work_order_id}, table="budgets.")
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
        rows = await self.rows(actor, _BUDGETS, where, parameters, table="budgets.", tail=tail)
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
        rows = await self.rows(actor, "SELECT * FROM service_prices", where, parameters, tail=tail)
        return [service_price_from_row(row) for row in rows]

    async def timeline(self, actor: Actor, work_order_id: UUID) -> Timeline | None:
        """The timeline of one work order."""
        where, parameters = ["id = %(id)s"], {"id": work_order_id, "key": str(work_order_id)}
        rows = await self.rows(actor, "SELECT * FROM work_orders", where, parameters)
        if not rows:
            return None
        entries = await self.rows(actor, f"{_ENTRIES} ORDER BY l.id", [], parameters, scoped=False)
        return Timeline(
            work_order=work_order_from_row(rows[0]),
            budget=await self.budget_of_work_order(actor, work_order_id),
            payments=tuple(await self.payments_of(actor, work_order_id)),
            entries=tuple(_entry(row) for row in entries),
        )

    async def timeline_entries(
        self, actor: Actor, work_order_id: UUID, *, after: int | None, limit: int
    ) -> list[TimelineEntry] | None:
        """Up to `limit` entries after a sequence number; None when there is no such work order."""
        parameters = {"id": work_order_id, "key": str(work_order_id), "after": after or 0, "limit": limit}
        if not await self.rows(actor, "SELECT id FROM work_orders", ["id = %(id)s"], parameters):
            return None
        tail = " AND l.id > %(after)s ORDER BY l.id LIMIT %(limit)s"
        return [_entry(row) for row in await self.rows(actor, _ENTRIES + tail, [], parameters, scoped=False)]

    async def saga(self, actor: Actor, work_order_id: UUID) -> Saga | None:
        """A work order with its budget and payments, to look at."""
        rows = await self.rows(actor, "SELECT * FROM work_orders", ["id = %(id)s"], {"id": work_order_id})
        if not rows:
            return None
        budget = await self.budget_of_work_order(actor, work_order_id)
        payments = await self.payments_of(actor, work_order_id)
        return Saga(work_order=work_order_from_row(rows[0]), budget=budget, payments=payments)

    async def revisions(self, actor: Actor, budget_id: UUID) -> list[Revision] | None:
        """Every revision of a budget, oldest first."""
        where, parameters = ["budget_id = %(id)s"], {"id": budget_id}
        rows = await self.rows(actor, "SELECT * FROM budget_revisions", where, parameters, tail=" ORDER BY revision")
        return [_revision(row) for row in rows] or None


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


def _revision(row: Mapping[str, Any]) -> Revision:
    cents = row["total_cents"]
    return Revision(
        budget_id=row["budget_id"],
        revision=row["revision"],
        description=row["description"],
        items=items_from_json(row["items"], BRL),
        total=None if cents is None else Money(cents),
        digest=row["digest"],
        created_at=row["created_at"],
    )
