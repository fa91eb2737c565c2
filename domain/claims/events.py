"""What claims and their invoices tell others; each fact's contract is the message of the same name in
`acerto.events.v1`.

`insurance_id` is the insurer's id under the name that partners have for it; amounts are in centavos.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from domain.events import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClaimItem:
    """A line of a claim: `value_cents` is the price of one, `amount_cents` what the line comes to, factor included."""

    description: str
    code: str | None
    value_cents: int
    quantity: Decimal
    amount_cents: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDenial:
    """A denial of one line, or of the whole claim when `line` is None."""

    code: str
    amount_cents: int
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFact(Fact):
    """A fact about a claim, its own key. `status` is the old client's word for where the claim is."""

    source: ClassVar[str] = "acerto/claims"

    id: UUID
    patient_id: str
    insurance_id: str | None
    currency: str
    status: str

    @property
    def key(self) -> str:
        """The claim's id."""
        return str(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSubmitted(ClaimFact):
    """A claim was submitted to its insurer. `submission` is 1, and one more after each time that it was returned."""

    status: str = "pending"
    amount_cents: int
    items: tuple[EventClaimItem, ...]
    created_at: datetime
    submission: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAdjudicated(ClaimFact):
    """The insurer decided on a claim, or on an appeal about it.

    `released_cents` and `denied_cents` are what it first decided, `recovered_cents` what appeals brought back of the
    latter; `outcome` and `status` are what came out of it, by our name and by the old client's word.
    """

    outcome: str
    presented_cents: int
    released_cents: int
    denied_cents: int
    recovered_cents: int
    denials: tuple[EventDenial, ...]
    adjudicated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCanceled(ClaimFact):
    """A claim that was submitted was withdrawn; nothing follows."""

    status: str = "rejected"
    amount_cents: int
    reason: str | None
    canceled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFact(Fact):
    """A fact about an invoice, its own key. `amount_cents` is what the fact is about.

    `patient_id` is None when the claims are of several patients, `insurance_id` when a patient is billed.
    """

    source: ClassVar[str] = "acerto/claims"

    id: UUID
    claim_ids: tuple[UUID, ...]
    patient_id: str | None
    insurance_id: str | None
    amount_cents: int
    currency: str
    status: str

    @property
    def key(self) -> str:
        """The invoice's id."""
        return str(self.id)

    @property
    def claim_id(self) -> UUID | None:
        """The claim that it bills, the first one of several: what the old client knows."""
        return self.claim_ids[0] if self.claim_ids else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCreated(InvoiceFact):
    """Claims were billed, or a patient was billed without one."""

    due_date: date | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSettled(InvoiceFact):
    """Nothing of an invoice is open any more; its amount is paid, denied and withheld together."""

    status: str = "settled"
    settled_at: datetime
    created_at: datetime
    paid_cents: int
    denied_cents: int
    withheld_cents: int
    settlement_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSettlementReversed(InvoiceFact):
    """A settlement was taken back, and `amount_cents` is open again."""

    settlement_id: UUID
    reason: str
    reversed_at: datetime
    settlement_version: int
