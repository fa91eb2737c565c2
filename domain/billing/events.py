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


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSent(BillingFact):
    """A budget was offered to the customer, and its clock runs."""

    budget_id: UUID
    amount_cents: int
    revision: int
    status: int = 0
    status_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetApproved(BillingFact):
    """The customer accepted this revision."""

    budget_id: UUID
    amount_cents: int
    revision: int
    status: int = 1
    status_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRejected(BillingFact):
    """The customer refused this revision."""

    budget_id: UUID
    amount_cents: int
    revision: int
    reason: str
    status: int = 2
    status_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExpired(BillingFact):
    """A budget's validity passed without a decision."""

    budget_id: UUID
    amount_cents: int
    status: int = 3
    status_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact(BillingFact):
    """A fact about one attempt to pay. `status` is the partners' number, `status_detail` our own status.

    `provider_payment_id` is None while the provider has not told it.
    """

    payment_id: UUID
    budget_id: UUID
    provider_payment_id: str | None
    status: int
    status_detail: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPending(PaymentFact):
    """The customer can pay now."""

    payment_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentConfirmed(PaymentFact):
    """The money of an approved budget is here: the repair may begin."""

    amount_due_cents: int
    budget_fully_paid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed(PaymentFact):
    """An attempt ended without money. A late confirmation of the same payment may still follow."""

    reason: str
    reason_detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversed(PaymentFact):
    """Money went back: `amount_cents` now, `cumulative_amount_cents` in all. `reversal_kind` says who did it."""

    reason: str
    cumulative_amount_cents: int
    fully_reversed: bool
    reversal_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputed(PaymentFact):
    """The customer disputes the payment at the bank or the provider."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDisputeWon(PaymentFact):
    """A dispute ended in our favour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversalFailed(PaymentFact):
    """Money that must go back did not: a person has to look."""

    reason: str
