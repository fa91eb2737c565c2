"""The domain's ports kept in memory: for tests of rules and of the doors, where storage does not matter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from domain.actor import Actor, Call
from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.queries import BudgetFilter, Timeline
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.errors import IdempotencyKeyReused
from domain.events import Fact
from domain.once import Replayed

AggregateT = TypeVar("AggregateT", bound=Aggregate)


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)


class FakeIds:
    """1, 2, 3, ... as UUIDs."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> UUID:
        self._last += 1
        return UUID(int=self._last)


@dataclass
class FakeStore:
    """What was committed. `facts` are in the order they were committed; `answers` are kept by idempotency scope."""

    work_orders: dict[UUID, WorkOrder] = field(default_factory=dict)
    budgets: dict[UUID, Budget] = field(default_factory=dict)
    service_prices: dict[tuple[str, str], ServicePrice] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    answers: dict[tuple[str, str, str], tuple[bytes, bytes]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    before_commit: Callable[[], Awaitable[None]] | None = None
    """When set, a commit waits for what it gives: how a test holds a write in the middle."""

    @asynccontextmanager
    async def begin(self, call: Call) -> AsyncIterator[FakeBillingWork]:
        """A unit of work; what is not committed is forgotten. Raises Replayed and IdempotencyKeyReused."""
        self.calls.append(call)
        if call.once and (kept := self.answers.get(call.once.scope)):
            fingerprint, reply = kept
            raise Replayed(reply) if fingerprint == call.once.fingerprint else IdempotencyKeyReused
        work = FakeBillingWork(self, call)
        yield work
        if not work.committed:
            raise RuntimeError("a unit of work ended without a commit")


class FakeBillingWork:
    """One unit of work on a FakeStore."""

    def __init__(self, store: FakeStore, call: Call) -> None:
        self._store = store
        self._call = call
        self.committed = False
        self.work_orders = FakeWorkOrders(store)
        self.budgets = FakeBudgets(store)
        self.service_prices = FakeServicePrices(store)

    async def commit(self, answer: object = None) -> None:
        if self._store.before_commit:
            await self._store.before_commit()
        once = self._call.once
        if once and answer is not None:
            self._store.answers[once.scope] = (once.fingerprint, once.encode(answer))
        for work_order in self.work_orders.saved:
            self._store.work_orders[work_order.id] = _written(work_order, self._store.facts)
        for budget in self.budgets.saved:
            self._store.budgets[budget.id] = _written(budget, self._store.facts)
        for price in self.service_prices.saved:
            self._store.service_prices[price.workshop_id, price.code.lower()] = price
        self.committed = True


class FakeWorkOrders:
    """Work orders of one unit."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.saved: list[WorkOrder] = []

    async def get(self, work_order_id: UUID) -> WorkOrder | None:
        return deepcopy(self._store.work_orders.get(work_order_id))

    def save(self, work_order: WorkOrder) -> None:
        self.saved.append(work_order)


class FakeBudgets:
    """Budgets of one unit."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.saved: list[Budget] = []

    async def of_work_order(self, work_order_id: UUID) -> Budget | None:
        known = (budget for budget in self._store.budgets.values() if budget.work_order_id == work_order_id)
        return deepcopy(next(known, None))

    def save(self, budget: Budget) -> None:
        self.saved.append(budget)


class FakeServicePrices:
    """The price table of one unit."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.saved: list[ServicePrice] = []

    async def find(self, workshop_id: str, *, code: str, description: str) -> ServicePrice | None:
        rows = [price for price in self._store.service_prices.values() if price.workshop_id == workshop_id]
        by_code = (price for price in rows if code.strip() and _same(price.code, code))
        by_description = (price for price in rows if _same(price.description, description))
        return next(by_code, None) or next(by_description, None)

    def save(self, service_price: ServicePrice) -> None:
        self.saved.append(service_price)


class FakeQueries:
    """Reads what a FakeStore holds, as far as the actor sees it."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store

    async def budget(self, actor: Actor, budget_id: UUID) -> Budget | None:
        budget = self._store.budgets.get(budget_id)
        return budget if budget and actor.sees(budget.workshop_id) else None

    async def budget_of_work_order(self, actor: Actor, work_order_id: UUID) -> Budget | None:
        seen = (b for b in self._store.budgets.values() if actor.sees(b.workshop_id))
        return next((b for b in seen if b.work_order_id == work_order_id), None)

    async def budgets(
        self, actor: Actor, wanted: BudgetFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Budget]:
        found = [b for b in self._store.budgets.values() if actor.sees(b.workshop_id) and _wanted(b, wanted)]
        found.sort(key=lambda b: (b.created_at, b.id), reverse=True)
        return [b for b in found if after is None or (b.created_at, b.id) < after][:limit]

    async def service_prices(
        self, actor: Actor, workshop_id: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[ServicePrice]:
        rows = sorted(self._store.service_prices.items())
        seen = [(key, row) for key, row in rows if actor.sees(key[0]) and workshop_id in (None, key[0])]
        return [row for key, row in seen if after is None or key > after][:limit]

    async def timeline(self, actor: Actor, work_order_id: UUID) -> Timeline | None:
        work_order = self._store.work_orders.get(work_order_id)
        if work_order is None or not actor.sees(work_order.workshop_id):
            return None
        budget = await self.budget_of_work_order(actor, work_order_id)
        return Timeline(work_order=work_order, budget=budget, entries=())


def _wanted(budget: Budget, wanted: BudgetFilter) -> bool:
    return (
        wanted.status in (None, budget.status)
        and wanted.customer_id in (None, budget.customer.id)
        and (wanted.created_from is None or budget.created_at >= wanted.created_from)
        and (wanted.created_before is None or budget.created_at < wanted.created_before)
    )


def _same(one: str, other: str) -> bool:
    return one.strip().lower() == other.strip().lower()


def _written(aggregate: AggregateT, facts: list[Fact]) -> AggregateT:
    """What a load gives: no changes of its own; its facts are told."""
    facts.extend(change.fact for change in aggregate.changes if change.fact)
    stored = deepcopy(aggregate)
    stored.changes.clear()
    return stored
