"""The collections of one fake unit of work: what it loaded is its own, what it saves waits for its commit."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.payment import Payment
from domain.billing.provider_notice import ProviderNotice
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from tests.support.fakes_rows import Rows, loaded

Saved = dict[tuple[str, UUID], Aggregate]
"""What a unit will write, by subject and id (a test's ids may be few), in the order it was saved."""


class FakeWorkOrders:
    """Work orders of one unit; `known` are those it loaded or saved: the roots of what it may write."""

    def __init__(self, rows: Rows, saved: Saved) -> None:
        self._rows = rows
        self._saved = saved
        self.known: dict[UUID, WorkOrder] = {}

    async def get(self, work_order_id: UUID) -> WorkOrder | None:
        if work_order_id not in self.known and (stored := self._rows.work_orders.get(work_order_id)):
            self.known[work_order_id] = loaded(stored)
        return self.known.get(work_order_id)

    async def of_budget(self, budget_id: UUID) -> WorkOrder | None:
        budget = self._rows.budgets.get(budget_id)
        return await self.get(budget.work_order_id) if budget else None

    async def of_payment(self, payment_id: UUID) -> WorkOrder | None:
        payment = self._rows.payments.get(payment_id)
        return await self.get(payment.work_order_id) if payment else None

    def save(self, work_order: WorkOrder) -> None:
        self.known[work_order.id] = work_order
        self._saved[work_order.subject, work_order.id] = work_order


class FakeBudgets:
    """Budgets of one unit."""

    def __init__(self, rows: Rows, saved: Saved) -> None:
        self._rows = rows
        self._saved = saved
        self._known: dict[UUID, Budget] = {}

    async def of_work_order(self, work_order_id: UUID) -> Budget | None:
        if work_order_id not in self._known:
            stored = (budget for budget in self._rows.budgets.values() if budget.work_order_id == work_order_id)
            self._known |= {budget.work_order_id: loaded(budget) for budget in stored}
        return self._known.get(work_order_id)

    def save(self, budget: Budget) -> None:
        self._known[budget.work_order_id] = budget
        self._saved[budget.subject, budget.id] = budget


class FakePayments:
    """Attempts to pay of one unit."""

    def __init__(self, rows: Rows, saved: Saved) -> None:
        self._rows = rows
        self._saved = saved
        self._known: dict[UUID, list[Payment]] = {}

    async def of_work_order(self, work_order_id: UUID) -> list[Payment]:
        if work_order_id not in self._known:
            stored = [payment for payment in self._rows.payments.values() if payment.work_order_id == work_order_id]
            stored.sort(key=lambda payment: (payment.created_at, payment.id))
            self._known[work_order_id] = [loaded(payment) for payment in stored]
        return self._known[work_order_id]

    def save(self, payment: Payment) -> None:
        self._saved[payment.subject, payment.id] = payment


class FakeNotices:
    """Notices of one unit; `added` and `saved` wait for its commit."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.added: dict[UUID, ProviderNotice] = {}
        self.saved: dict[UUID, ProviderNotice] = {}

    async def add(self, notice: ProviderNotice) -> bool:
        told = [*self._rows.notices.values(), *self.added.values()]
        if any((one.provider, one.event_id) == (notice.provider, notice.event_id) for one in told):
            return False
        self.added[notice.id] = notice
        return True

    def save(self, notice: ProviderNotice) -> None:
        self.saved[notice.id] = notice

    def write(self) -> None:
        """Keep them; of a notice that is kept already only what became of it."""
        self._rows.notices |= {notice.id: replace(notice) for notice in self.added.values()}
        for notice in self.saved.values():
            kept = self._rows.notices[notice.id]
            kept.status, kept.reason = notice.status, notice.reason
            kept.payment_id, kept.settled_at = notice.payment_id, notice.settled_at


class FakeServicePrices:
    """The price table of one unit."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.saved: list[ServicePrice] = []

    async def find(self, workshop_id: str, *, code: str, description: str) -> ServicePrice | None:
        rows = [price for price in self._rows.service_prices.values() if price.workshop_id == workshop_id]
        by_code = (price for price in rows if code.strip() and _same(price.code, code))
        by_description = (price for price in rows if _same(price.description, description))
        return next(by_code, None) or next(by_description, None)

    def save(self, service_price: ServicePrice) -> None:
        self.saved.append(service_price)

    def write(self) -> None:
        """Set them."""
        self._rows.service_prices |= {(price.workshop_id, price.code.lower()): price for price in self.saved}


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()
