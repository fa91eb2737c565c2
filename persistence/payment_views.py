"""The read side of money: payments, what providers told, and the books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor
from domain.billing.payment import Payment
from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from domain.billing.queries import LedgerEntry, PaymentFilter
from domain.money import Money
from persistence.notices import notice_from_row
from persistence.payments import PAYMENTS, payment_from_row
from persistence.reading import Reading
from persistence.statements import compiled

_PAYMENTS = compiled(PAYMENTS)
_NOBODY = Actor(id="system:reader")
_BALANCES = "SELECT account, currency, sum(amount_cents)::bigint AS cents FROM ledger_entries"


class PaymentViews(Reading):
    """Answers the questions of `domain.billing.queries.BillingQueries` that are about money."""

    async def payment(self, actor: Actor, payment_id: UUID) -> Payment | None:
        """One attempt to pay."""
        rows = await self.rows(actor, _PAYMENTS, ["id = %(id)s"], {"id": payment_id})
        return payment_from_row(rows[0]) if rows else None

    async def payments_of(self, actor: Actor, work_order_id: UUID) -> list[Payment]:
        """All of a work order's, oldest first."""
        where, parameters = ["work_order_id = %(id)s"], {"id": work_order_id}
        rows = await self.rows(actor, _PAYMENTS, where, parameters, tail=" ORDER BY created_at, id")
        return [payment_from_row(row) for row in rows]

    async def payments(
        self, actor: Actor, wanted: PaymentFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Payment]:
        """Up to `limit` payments, newest first, that come after (created_at, id)."""
        given: dict[str, Any] = {
            "status": wanted.status and wanted.status.value,
            "work_order_id": wanted.work_order_id,
            "budget_id": wanted.budget_id,
        }
        where = [f"{name} = %({name})s" for name, value in given.items() if value is not None]
        where += ["(created_at, id) < (%(after_at)s, %(after_id)s)"] if after else []
        after_at, after_id = after or (None, None)
        parameters = given | {"after_at": after_at, "after_id": after_id, "limit": limit}
        tail = " ORDER BY created_at DESC, id DESC LIMIT %(limit)s"
        return [payment_from_row(row) for row in await self.rows(actor, _PAYMENTS, where, parameters, tail=tail)]

    async def notice(self, notice_id: UUID) -> ProviderNotice | None:
        """One notice."""
        select, where = "SELECT * FROM provider_notices", ["id = %(id)s"]
        rows = await self.rows(_NOBODY, select, where, {"id": notice_id}, scoped=False)
        return notice_from_row(rows[0]) if rows else None

    async def notices(
        self, status: NoticeStatus | None, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[ProviderNotice]:
        """Up to `limit` notices, newest first, that come after (received_at, id)."""
        where = ["status = %(status)s"] if status else []
        where += ["(received_at, id) < (%(after_at)s, %(after_id)s)"] if after else []
        after_at, after_id = after or (None, None)
        parameters = {"status": status and status.value, "after_at": after_at, "after_id": after_id, "limit": limit}
        tail = " ORDER BY received_at DESC, id DESC LIMIT %(limit)s"
        select = "SELECT * FROM provider_notices"
        return [
            notice_from_row(row) for row in await self.rows(_NOBODY, select, where, parameters, tail=tail, scoped=False)
        ]

    async def ledger(self, actor: Actor, work_order_id: UUID) -> Mapping[str, Money] | None:
        """The balance of each account for one work order; None when there is no such work order."""
        parameters = {"id": work_order_id}
        if not await self.rows(actor, "SELECT id FROM work_orders", ["id = %(id)s"], parameters):
            return None
        tail = " GROUP BY account, currency ORDER BY account"
        rows = await self.rows(actor, _BALANCES, ["work_order_id = %(id)s"], parameters, tail=tail)
        return {row["account"]: Money(row["cents"], row["currency"]) for row in rows}

    async def ledger_entries(
        self, actor: Actor, work_order_id: UUID | None, *, after: int | None, limit: int
    ) -> list[LedgerEntry]:
        """Up to `limit` postings after a sequence number, of one work order or of all."""
        where = ["id > %(after)s"] + (["work_order_id = %(work_order_id)s"] if work_order_id else [])
        parameters = {"after": after or 0, "work_order_id": work_order_id, "limit": limit}
        tail = " ORDER BY id LIMIT %(limit)s"
        rows = await self.rows(actor, "SELECT * FROM ledger_entries", where, parameters, tail=tail)
        return [_ledger_entry(row) for row in rows]


def _ledger_entry(row: Mapping[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        sequence=row["id"],
        transaction_id=row["transaction_id"],
        work_order_id=row["work_order_id"],
        account=row["account"],
        amount=Money(row["amount_cents"], row["currency"]),
        subject=row["subject"],
        subject_id=str(row["subject_id"]),
        action=row["action"],
        at=row["recorded_at"],
    )
