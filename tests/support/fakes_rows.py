"""What a fake store holds after each commit: the tables, as lists and dicts that a test may look at and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from domain.aggregate import Aggregate
from domain.billing.budget import Budget
from domain.billing.payment import Payment
from domain.billing.provider_notice import ProviderNotice
from domain.billing.queries import LedgerEntry, TimelineEntry
from domain.billing.revision import Revision
from domain.billing.service_price import ServicePrice
from domain.billing.work_order import WorkOrder
from domain.events import Fact, Publication
from domain.tasks import Task

AggregateT = TypeVar("AggregateT", bound=Aggregate)


@dataclass
class DueRow:
    """A task as it waits; `lease` is held by whoever claimed it, until `leased_until`."""

    kind: str
    subject_id: UUID
    due_at: datetime
    causation_id: str
    correlation_id: str
    trace: Mapping[str, str]
    attempts: int = 0
    lease: UUID | None = None
    leased_until: datetime | None = None
    last_error: str = ""

    def held(self, now: datetime) -> bool:
        """Whether somebody's claim still stands."""
        return self.leased_until is not None and self.leased_until > now

    def claimed(self, lease: UUID, until: datetime) -> Task:
        """The claim of it."""
        self.lease, self.leased_until, self.attempts = lease, until, self.attempts + 1
        return Task(
            kind=self.kind,
            subject_id=self.subject_id,
            due_at=self.due_at,
            attempts=self.attempts,
            causation_id=self.causation_id,
            correlation_id=self.correlation_id,
            trace=self.trace,
            lease=lease,
        )


@dataclass(frozen=True)
class Logged:
    """A line of the append-only log, and the work order it is of."""

    work_order_id: UUID
    entry: TimelineEntry


@dataclass
class Rows:
    """The tables. `facts`, `outbox`, `log` and `ledger` are in the order they were committed; `tasks` by subject."""

    work_orders: dict[UUID, WorkOrder] = field(default_factory=dict)
    budgets: dict[UUID, Budget] = field(default_factory=dict)
    revisions: dict[tuple[UUID, int], Revision] = field(default_factory=dict)
    payments: dict[UUID, Payment] = field(default_factory=dict)
    notices: dict[UUID, ProviderNotice] = field(default_factory=dict)
    service_prices: dict[tuple[str, str], ServicePrice] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    outbox: list[Publication] = field(default_factory=list)
    log: list[Logged] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    tasks: dict[UUID, DueRow] = field(default_factory=dict)

    def stored(self, aggregate: Aggregate) -> Aggregate | None:
        """The row that an aggregate was loaded from, or None."""
        tables: Mapping[type[Aggregate], Mapping[UUID, Aggregate]] = {
            WorkOrder: self.work_orders,
            Budget: self.budgets,
            Payment: self.payments,
        }
        return tables[type(aggregate)].get(aggregate.id)

    def write(self, aggregate: Aggregate) -> None:
        """Put an aggregate into its table; a new revision of a budget into its own, too."""
        match aggregate:
            case WorkOrder():
                self.work_orders[aggregate.id] = loaded(aggregate)
            case Budget():
                self.budgets[aggregate.id] = loaded(aggregate)
                self.revisions.setdefault((aggregate.id, aggregate.revision), _revision(aggregate))
            case Payment():
                self.payments[aggregate.id] = loaded(aggregate)
            case _:
                raise TypeError(f"there is no table for {type(aggregate).__name__}")


def loaded(aggregate: AggregateT) -> AggregateT:
    """What a load gives: an aggregate of the caller's own, without changes. All else in it never changes."""
    return replace(aggregate, changes=[])


def _revision(budget: Budget) -> Revision:
    return Revision(
        budget_id=budget.id,
        revision=budget.revision,
        description=budget.description,
        items=budget.items,
        total=budget.total,
        digest=budget.digest,
        created_at=budget.updated_at,
    )
