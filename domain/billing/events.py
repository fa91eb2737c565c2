"""What billing tells others; each fact's contract is the message of the same name in `acerto.events.v1`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingFact(Fact):
    """A fact about a work order: order is kept per work order."""

    source: ClassVar[str] = "acerto/billing"

    os_id: UUID

    @property
    def key(self) -> str:
        """The work order's id."""
        return str(self.os_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetGenerated(BillingFact):
    """A budget was made, or its lines or total changed. `amount_cents` is 0 while there is no price."""

    budget_id: UUID
    amount_cents: int
    revision: int
    status: int = 0
    status_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCanceled(BillingFact):
    """A budget was withdrawn; nothing follows."""

    budget_id: UUID
    amount_cents: int
    reason: str | None
    status: int = 3
    status_detail: str
