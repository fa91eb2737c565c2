"""The questions about claims and invoices that change nothing; `persistence/*_views.py` answer them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.claims.aging import AgingRow
from domain.claims.claim import Claim, ClaimType
from domain.claims.claim_batch import ClaimBatch, ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import InvoiceStatus, OldInvoiceStatus
from domain.claims.outcome import OldStatus, Outcome
from domain.claims.settlement import Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFilter:
    """Which claims; all that is given must hold. `created_before` is exclusive, the day `service_until` counts."""

    patient_id: str | None = None
    insurer_id: str | None = None
    provider_id: str | None = None
    status: ClaimStatus | None = None
    outcome: Outcome | None = None
    old_status: OldStatus | None = None
    service_from: date | None = None
    service_until: date | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimBatchFilter:
    """Which batches; all that is given must hold."""

    provider_id: str | None = None
    insurer_id: str | None = None
    type: ClaimType | None = None
    status: ClaimBatchStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change of a claim, a batch or an invoice; see the contract's message of the same name."""

    sequence: int
    at: datetime
    actor: str
    action: str
    before: str
    after: str
    note: str
    event_type: str
    event_id: str
    correlation_id: str
    causation_id: str
    subject: str
    subject_id: str


class ClaimQueries(Protocol):
    """Reads. The actor's attributes decide what exists: a row outside them is None, or left out."""

    async def claim(self, actor: Actor, claim_id: UUID) -> Claim | None:
        """One claim."""
        ...

    async def claims(
        self, actor: Actor, wanted: ClaimFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[Claim]:
        """Up to `limit` claims, newest first, that come after (created_at, id); `skip` leaves out as many first."""
        ...

    async def twins(self, claim: Claim) -> list[UUID]:
        """Other claims of its provider for the same patient, day and codes that are neither drafts nor canceled."""
        ...

    async def claim_history(
        self, actor: Actor, claim_id: UUID, *, after: int | None, limit: int
    ) -> list[HistoryEntry] | None:
        """Up to `limit` changes of a claim after a sequence number, oldest first; None when there is no such claim."""
        ...

    async def claim_batch(self, actor: Actor, claim_batch_id: UUID) -> ClaimBatch | None:
        """One batch."""
        ...

    async def claim_batches(
        self, actor: Actor, wanted: ClaimBatchFilter, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[ClaimBatch]:
        """Up to `limit` batches, newest first, that come after (created_at, id)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """Which invoices; all that is given must hold. What is `before` is exclusive.

    `claim_id` also finds invoices that had the claim before they were canceled.
    """

    insurer_id: str | None = None
    patient_id: str | None = None
    provider_id: str | None = None
    status: InvoiceStatus | None = None
    old_status: OldInvoiceStatus | None = None
    claim_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    due_from: date | None = None
    due_before: date | None = None


class InvoiceQueries(Protocol):
    """Reads. The actor's attributes decide what exists: a row outside them is None, or left out."""

    async def invoice(self, actor: Actor, invoice_id: UUID) -> Invoice | None:
        """One invoice."""
        ...

    async def invoices(
        self, actor: Actor, wanted: InvoiceFilter, *, after: tuple[datetime, UUID] | None, limit: int, skip: int = 0
    ) -> list[Invoice]:
        """Up to `limit` invoices, newest first, that come after (created_at, id); `skip` leaves out as many first."""
        ...

    async def settlements(
        self, actor: Actor, invoice_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Settlement] | None:
        """Up to `limit` settlements, newest first, that come after (at, id); None when there is no such invoice."""
        ...

    async def invoice_history(
        self, actor: Actor, invoice_id: UUID, *, after: int | None, limit: int
    ) -> list[HistoryEntry] | None:
        """Up to `limit` changes after a sequence number, oldest first; None when there is no such invoice."""
        ...

    async def aging(
        self, actor: Actor, *, as_of: date, insurer_id: str | None = None, provider_id: str | None = None
    ) -> list[AgingRow]:
        """What each insurer owes, by its id; `insurer_id` and `provider_id` None: all."""
        ...
