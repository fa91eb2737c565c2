"""The budget: its states, its rules, and the facts they make (billing.md B.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from uuid import UUID

from domain.aggregate import Aggregate, Change
from domain.billing.customer import Customer
from domain.billing.events import BillingFact, BudgetCanceled, BudgetGenerated
from domain.billing.line_item import LineItem
from domain.billing.pricing import Order, Price, PriceSource
from domain.lifecycle import Lifecycle
from domain.money import Money


class BudgetStatus(Enum):
    """Where a budget stands in its life."""

    DRAFT = "DRAFT"
    SENT = "SENT"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    CANCELED = "CANCELED"


class BudgetAction(Enum):
    """What can be done to a budget."""

    GENERATE = "generate"
    CANCEL = "cancel"


LIFECYCLE = Lifecycle[BudgetStatus, BudgetAction](
    "budget",
    {
        (None, BudgetAction.GENERATE): BudgetStatus.DRAFT,
        (BudgetStatus.DRAFT, BudgetAction.CANCEL): BudgetStatus.CANCELED,
        (BudgetStatus.SENT, BudgetAction.CANCEL): BudgetStatus.CANCELED,
        (BudgetStatus.APPROVED, BudgetAction.CANCEL): BudgetStatus.CANCELED,
        (BudgetStatus.REJECTED, BudgetAction.CANCEL): BudgetStatus.REJECTED,
        (BudgetStatus.EXPIRED, BudgetAction.CANCEL): BudgetStatus.EXPIRED,
        (BudgetStatus.CANCELED, BudgetAction.CANCEL): BudgetStatus.CANCELED,
    },
)
"""B1, B10 and B11: a cancel withdraws what is alive and leaves what is over as it is."""


@dataclass(kw_only=True)
class Budget(Aggregate):
    """Orçamento: a quote for one work order. `total` is None while there is no price."""

    work_order_id: UUID
    workshop_id: str
    description: str
    customer: Customer
    items: tuple[LineItem, ...]
    total: Money | None
    price_source: PriceSource
    revision: int
    created_at: datetime
    updated_at: datetime
    status: BudgetStatus | None = None

    @classmethod
    def generate(cls, budget_id: UUID, order: Order, price: Price, *, at: datetime) -> Budget:
        """The first revision of a new budget. Records BudgetGenerated."""
        budget = cls(
            id=budget_id,
            work_order_id=order.work_order_id,
            workshop_id=order.workshop_id,
            description=order.description,
            customer=order.customer,
            items=price.items,
            total=price.total,
            price_source=price.source,
            revision=1,
            created_at=at,
            updated_at=at,
        )
        after = LIFECYCLE.next(None, BudgetAction.GENERATE)
        fact = BudgetGenerated(
            aggregate_id=budget.id,
            aggregate_version=budget.next_version,
            os_id=budget.work_order_id,
            budget_id=budget.id,
            amount_cents=budget.amount_cents,
            revision=budget.revision,
            status_detail=after.value,
        )
        budget._move(BudgetAction.GENERATE, after, at, fact)
        return budget

    def cancel(self, *, reason: str, at: datetime) -> bool:
        """Withdraw it. Records BudgetCanceled; answers False, changing nothing, when it is over already."""
        after = LIFECYCLE.next(self.status, BudgetAction.CANCEL)
        if after is self.status:
            return False
        fact = BudgetCanceled(
            aggregate_id=self.id,
            aggregate_version=self.next_version,
            os_id=self.work_order_id,
            budget_id=self.id,
            amount_cents=self.amount_cents,
            reason=reason or None,
            status_detail=after.value,
        )
        self._move(BudgetAction.CANCEL, after, at, fact)
        return True

    @property
    def amount_cents(self) -> int:
        """The total in centavos; 0 while there is no price."""
        return self.total.cents if self.total else 0

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """What may be done with it now, as verbs."""
        return tuple(action.value for action in LIFECYCLE.allowed(self.status))

    def _move(self, action: BudgetAction, after: BudgetStatus, at: datetime, fact: BillingFact) -> None:
        before, self.status, self.updated_at = self.status, after, at
        self.record(
            Change(
                key=str(self.work_order_id),
                subject="budget",
                subject_id=self.id,
                action=action.value,
                before=before.value if before else None,
                after=after.value,
                at=at,
                fact=fact,
            )
        )
