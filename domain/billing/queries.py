"""The questions that billing answers without changing anything; `persistence/views.py` answers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.billing.budget import Budget, BudgetStatus
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFilter:
    """Which budgets; all that is given must hold. `created_before` is exclusive."""

    status: BudgetStatus | None = None
    customer_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


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
    """Everything that happened to a work order, oldest first, and its budget as it is now."""

    work_order: WorkOrder
    budget: Budget | None
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
