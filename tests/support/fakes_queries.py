"""The read side of a fake store: every question of billing, answered from what was committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from domain.actor import Actor
from domain.billing.budget import Budget
from domain.billing.payment import Payment
from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from domain.billing.queries import BudgetFilter, LedgerEntry, PaymentFilter, Timeline, TimelineEntry
from domain.billing.revision import Revision
from domain.billing.saga import Saga
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.money import Money
from tests.support.fakes_rows import Rows, loaded

Row = TypeVar("Row")
Place = tuple[datetime, UUID]


class FakeQueries:
    """Reads what a FakeStore holds, as far as the actor sees it."""

    def __init__(self, store: Rows) -> None:
        self._store = store

    async def budget(self, actor: Actor, budget_id: UUID) -> Budget | None:
        budget = self._store.budgets.get(budget_id)
        return loaded(budget) if budget and actor.sees(budget.workshop_id) else None

    async def budget_of_work_order(self, actor: Actor, work_order_id: UUID) -> Budget | None:
        seen = (b for b in self._store.budgets.values() if actor.sees(b.workshop_id))
        return next((loaded(b) for b in seen if b.work_order_id == work_order_id), None)

    async def budgets(self, actor: Actor, wanted: BudgetFilter, *, after: Place | None, limit: int) -> list[Budget]:
        found = [b for b in self._store.budgets.values() if actor.sees(b.workshop_id) and _wanted(b, wanted)]
        return [loaded(b) for b in _newest_first(found, lambda b: (b.created_at, b.id), after, limit)]

    async def service_prices(
        self, actor: Actor, workshop_id: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[ServicePrice]:
        rows = sorted(self._store.service_prices.items())
        seen = [(key, row) for key, row in rows if actor.sees(key[0]) and workshop_id in (None, key[0])]
        return [row for key, row in seen if after is None or key > after][:limit]

    async def timeline(self, actor: Actor, work_order_id: UUID) -> Timeline | None:
        saga = await self.saga(actor, work_order_id)
        if saga is None:
            return None
        return Timeline(
            work_order=saga.work_order,
            budget=saga.budget,
            payments=tuple(saga.payments),
            entries=tuple(self._entries(work_order_id)),
        )

    async def timeline_entries(
        self, actor: Actor, work_order_id: UUID, *, after: int | None, limit: int
    ) -> list[TimelineEntry] | None:
        if self._work_order(actor, work_order_id) is None:
            return None
        return [entry for entry in self._entries(work_order_id) if entry.sequence > (after or 0)][:limit]

    async def revisions(self, actor: Actor, budget_id: UUID) -> list[Revision] | None:
        budget = await self.budget(actor, budget_id)
        rows = sorted(self._store.revisions.items())
        return [row for (of, _), row in rows if of == budget_id] if budget else None

    async def saga(self, actor: Actor, work_order_id: UUID) -> Saga | None:
        work_order = self._work_order(actor, work_order_id)
        if work_order is None:
            return None
        payments = [loaded(p) for p in self._store.payments.values() if p.work_order_id == work_order_id]
        return Saga(
            work_order=loaded(work_order),
            budget=await self.budget_of_work_order(actor, work_order_id),
            payments=sorted(payments, key=lambda p: (p.created_at, p.id)),
        )

    async def payment(self, actor: Actor, payment_id: UUID) -> Payment | None:
        payment = self._store.payments.get(payment_id)
        return loaded(payment) if payment and actor.sees(payment.workshop_id) else None

    async def payments(self, actor: Actor, wanted: PaymentFilter, *, after: Place | None, limit: int) -> list[Payment]:
        found = [
            p
            for p in self._store.payments.values()
            if actor.sees(p.workshop_id)
            and wanted.work_order_id in (None, p.work_order_id)
            and wanted.budget_id in (None, p.budget_id)
            and wanted.status in (None, p.status)
        ]
        return [loaded(p) for p in _newest_first(found, lambda p: (p.created_at, p.id), after, limit)]

    async def notice(self, notice_id: UUID) -> ProviderNotice | None:
        notice = self._store.notices.get(notice_id)
        return replace(notice) if notice else None

    async def notices(self, status: NoticeStatus | None, *, after: Place | None, limit: int) -> list[ProviderNotice]:
        found = [n for n in self._store.notices.values() if status in (None, n.status)]
        return [replace(n) for n in _newest_first(found, lambda n: (n.received_at, n.id), after, limit)]

    async def ledger(self, actor: Actor, work_order_id: UUID) -> Mapping[str, Money] | None:
        if self._work_order(actor, work_order_id) is None:
            return None
        balances: dict[str, Money] = {}
        for entry in self._store.ledger:
            if entry.work_order_id == work_order_id:
                balances[entry.account] = balances.get(entry.account, Money(0)) + entry.amount
        return balances

    async def ledger_entries(
        self, actor: Actor, work_order_id: UUID | None, *, after: int | None, limit: int
    ) -> list[LedgerEntry]:
        found = [
            entry
            for entry in self._store.ledger
            if work_order_id in (None, entry.work_order_id) and entry.sequence > (after or 0)
        ]
        return [entry for entry in found if self._work_order(actor, entry.work_order_id)][:limit]

    def _work_order(self, actor: Actor, work_order_id: UUID) -> WorkOrder | None:
        work_order = self._store.work_orders.get(work_order_id)
        return work_order if work_order and actor.sees(work_order.workshop_id) else None

    def _entries(self, work_order_id: UUID) -> list[TimelineEntry]:
        return [line.entry for line in self._store.log if line.work_order_id == work_order_id]


def _newest_first(rows: Iterable[Row], place: Callable[[Row], Place], after: Place | None, limit: int) -> list[Row]:
    found = sorted(rows, key=place, reverse=True)
    return [row for row in found if after is None or place(row) < after][:limit]


def _wanted(budget: Budget, wanted: BudgetFilter) -> bool:
    return (
        wanted.status in (None, budget.status)
        and wanted.customer_id in (None, budget.customer.id)
        and (wanted.created_from is None or budget.created_at >= wanted.created_from)
        and (wanted.created_before is None or budget.created_at < wanted.created_before)
    )
