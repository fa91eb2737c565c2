"""The questions about invoices that change nothing; `persistence/invoice_views.py` answers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.claims.aging import AgingRow
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.queries import HistoryEntry
from domain.claims.settlement import Settlement

Place = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """Which invoices; all that is given must hold. What is `before` is exclusive.

    `claim_id` also finds invoices that had the claim before they were canceled.
    """

    insurer_id: str | None = None
    patient_id: str | None = None
    provider_id: str | None = None
    status: InvoiceStatus | None = None
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

    async def invoices(self, actor: Actor, wanted: InvoiceFilter, *, after: Place | None, limit: int) -> list[Invoice]:
        """Up to `limit` invoices, newest first, that come after (created_at, id)."""
        ...

    async def settlements(
        self, actor: Actor, invoice_id: UUID, *, after: Place | None, limit: int
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
