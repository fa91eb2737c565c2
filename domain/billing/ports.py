"""What billing needs of storage; `persistence/billing.py` is the real thing, `tests/support/fakes.py` the fake."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from domain.actor import Call
from domain.billing.budget import Budget
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.unit_of_work import UnitOfWork


class WorkOrders(Protocol):
    """Work orders, each locked for the rest of the unit once it was read."""

    async def get(self, work_order_id: UUID) -> WorkOrder | None:
        """The work order, or None when billing never heard of it."""
        ...

    def save(self, work_order: WorkOrder) -> None:
        """Have it written at commit."""
        ...


class Budgets(Protocol):
    """Budgets; read their work order first, it holds the lock."""

    async def of_work_order(self, work_order_id: UUID) -> Budget | None:
        """The work order's budget, or None."""
        ...

    def save(self, budget: Budget) -> None:
        """Have it written at commit."""
        ...


class ServicePrices(Protocol):
    """The price table."""

    async def find(self, workshop_id: str, *, code: str, description: str) -> ServicePrice | None:
        """The row with this code, else the one with this description; case and outer blanks aside."""
        ...

    def save(self, service_price: ServicePrice) -> None:
        """Have it written at commit, in place of the one with its workshop and code."""
        ...


class BillingWork(UnitOfWork, Protocol):
    """A unit of work with billing's collections."""

    @property
    def work_orders(self) -> WorkOrders:
        """The work orders."""
        ...

    @property
    def budgets(self) -> Budgets:
        """The budgets."""
        ...

    @property
    def service_prices(self) -> ServicePrices:
        """The price table."""
        ...


Begin = Callable[[Call], AbstractAsyncContextManager[BillingWork]]
"""Begins a unit of work on behalf of a call. Raises Replayed, RequestInProgress or IdempotencyKeyReused."""
