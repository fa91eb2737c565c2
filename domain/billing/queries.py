"""The questions that billing answers without changing anything; `persistence/views.py` answers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.billing.budget import Budget
from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.provider_notice import NoticeStatus, ProviderNotice
from domain.billing.revision import Revision
from domain.billing.saga import Saga
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFilter:
    """Which budgets; all that is given must hold. `created_before` is exclusive."""

    status: BudgetStatus | None = None
    customer_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """Which payments; all that is given must hold."""

    work_order_id: UUID | None = None
    budget_id: UUID | None = None
    status: PaymentStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One posting of the books: a debit above zero, a credit below. Those of one `transaction_id` add up to zero.

    `subject`, `subject_id` and `action` say what change it was booked for.
    """

    sequence: int
    transaction_id: UUID
    work_order_id: UUID
    account: str
    amount: Money
    subject: str
    subject_id: str
    action: str
    at: datetime


class EntryKind(Enum):
    """Which way a timeline entry went."""

    RECEIVED = "RECEIVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened to a work order; see the contract's message of the same name."""

    sequence: int
    at: datetime
    kind: EntryKind
    actor: str
    event_type: str
    event_id: str
    correlation_id: str
    causation_id: str
    subject: str
    subject_id: str
    action: str
    before: str
    after: str
    body: str
    published_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything that happened to a work order, oldest first, with its budget and payments as they are now."""

    work_order: WorkOrder
    budget: Budget | None
    payments: tuple[Payment, ...]
    entries: tuple[TimelineEntry, ...]


class BillingQueries(Protocol):
    """Reads. The actor's attributes decide what exists: a row outside them is None, or left out."""

    async def budget(self, actor: Actor, budget_id: UUID) -> Budget | None:
        """One budget."""
        ...

    async def budget_of_work_order(self, actor: Actor, work_order_id: UUID) -> Budget | None:
        """The budget of one work order."""
        ...

    async def budgets(
        self, actor: Actor, wanted: BudgetFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Budget]:
        """Up to `limit` budgets, newest first, that come after (created_at, id)."""
        ...

    async def service_prices(
        self, actor: Actor, workshop_id: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> list[ServicePrice]:
        """Up to `limit` prices by (workshop_id, code in lower case) that come after that pair."""
        ...

    async def timeline(self, actor: Actor, work_order_id: UUID) -> Timeline | None:
        """The timeline of one work order."""
        ...

    async def timeline_entries(
        self, actor: Actor, work_order_id: UUID, *, after: int | None, limit: int
    ) -> list[TimelineEntry] | None:
        """Up to `limit` entries after a sequence number; None when there is no such work order."""
        ...

    async def revisions(self, actor: Actor, budget_id: UUID) -> list[Revision] | None:
        """Every revision of a budget, oldest first; None when there is no such budget."""
        ...

    async def saga(self, actor: Actor, work_order_id: UUID) -> Saga | None:
        """A work order with its budget and payments, to look at; None when there is no such work order."""
        ...

    async def payment(self, actor: Actor, payment_id: UUID) -> Payment | None:
        """One attempt to pay."""
        ...

    async def payments(
        self, actor: Actor, wanted: PaymentFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Payment]:
        """Up to `limit` payments, newest first, that come after (created_at, id)."""
        ...

    async def notice(self, notice_id: UUID) -> ProviderNotice | None:
        """One notice, for the worker: it is nobody's until it is matched."""
        ...

    async def notices(
        self, status: NoticeStatus | None, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[ProviderNotice]:
        """Up to `limit` notices, newest first, that come after (received_at, id)."""
        ...

    async def ledger(self, actor: Actor, work_order_id: UUID) -> Mapping[str, Money] | None:
        """The balance of each account for one work order; None when there is no such work order."""
        ...

    async def ledger_entries(
        self, actor: Actor, work_order_id: UUID | None, *, after: int | None, limit: int
    ) -> list[LedgerEntry]:
        """Up to `limit` postings after a sequence number, of one work order or of all."""
        ...
