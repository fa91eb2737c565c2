"""What billing needs from outside: storage (`persistence/billing.py`) and a payment provider (`server/providers`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from domain.actor import Call
from domain.billing.budget import Budget
from domain.billing.charge import Charge, Giveback, Snapshot
from domain.billing.payment import Payment
from domain.billing.provider_notice import ProviderNotice
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.money import Money
from domain.unit_of_work import UnitOfWork


class WorkOrders(Protocol):
    """Work orders, each locked for the rest of the unit once it was read."""

    async def get(self, work_order_id: UUID) -> WorkOrder | None:
        """The work order, or None when billing never heard of it."""
        ...

    async def of_budget(self, budget_id: UUID) -> WorkOrder | None:
        """The work order that a budget is for, or None when there is no such budget."""
        ...

    async def of_payment(self, payment_id: UUID) -> WorkOrder | None:
        """The work order that a payment is of, or None when there is no such payment."""
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


class Payments(Protocol):
    """Attempts to pay; read their work order first, it holds the lock."""

    async def of_work_order(self, work_order_id: UUID) -> list[Payment]:
        """All of a work order's, oldest first."""
        ...

    def save(self, payment: Payment) -> None:
        """Have it written at commit."""
        ...


class Notices(Protocol):
    """What providers told."""

    async def add(self, notice: ProviderNotice) -> bool:
        """Keep a new one; answers False, keeping nothing, when its provider told the same event before."""
        ...

    def save(self, notice: ProviderNotice) -> None:
        """Have what became of a kept one written at commit."""
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
    def payments(self) -> Payments:
        """The attempts to pay."""
        ...

    @property
    def notices(self) -> Notices:
        """What providers told."""
        ...

    @property
    def service_prices(self) -> ServicePrices:
        """The price table."""
        ...


Begin = Callable[[Call], AbstractAsyncContextManager[BillingWork]]
"""Begins a unit of work on behalf of a call. Raises Replayed, RequestInProgress or IdempotencyKeyReused."""


class Provider(Protocol):
    """A payment provider. Never called inside a unit of work.

    Each method raises ProviderAmbiguous when nobody can say whether it was done; only where it is said, it may raise
    ProviderRefused too. A provider that is away, or that refuses our credentials, is ambiguous: try again later.
    """

    @property
    def name(self) -> str:
        """What payments remember it by: `sandbox`, `mercadopago`."""
        ...

    async def create(self, charge: Charge) -> Snapshot:
        """Ask for the charge; the same key again gives the charge that exists. Raises ProviderRefused."""
        ...

    async def get(self, charge_id: str) -> Snapshot | None:
        """The charge with the provider's id, or None."""
        ...

    async def find(self, reference: UUID) -> Snapshot | None:
        """The charge that was made for our payment, or None while the provider knows none."""
        ...

    async def cancel(self, charge_id: str) -> Snapshot:
        """Withdraw a charge that nobody paid; answers it as it is now, which may be paid after all."""
        ...

    async def refund(self, charge_id: str, giveback: UUID, amount: Money, *, whole: bool) -> Giveback:
        """Give back an amount, `whole` when nothing else was given back and nothing stays; `giveback` is the key.

        The same key again gives the refund that exists, as it is now. Raises ProviderRefused.
        """
        ...
