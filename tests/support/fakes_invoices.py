"""Invoices kept in memory, as one unit of work holds them and as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from domain.actor import Actor
from domain.claims.aging import AgingBucket, AgingRow, Owed, bucket_of
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import OLD_STATUS, InvoiceStatus
from domain.claims.queries import HistoryEntry, InvoiceFilter
from domain.claims.settlement import Settlement
from domain.retry import Conflict

Rows = dict[UUID, Invoice]
Place = tuple[datetime, UUID]


class FakeInvoices:
    """Invoices of one unit."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._known: Rows = {}
        self.saved: Rows = {}

    async def claims_of(self, invoice_id: UUID) -> Sequence[UUID]:
        invoice = self._rows.get(invoice_id)
        return invoice.claim_ids if invoice else ()

    async def claims_beside(self, claim_id: UUID) -> Sequence[UUID]:
        of_it = (invoice for invoice in self._rows.values() if claim_id in invoice.claim_ids)
        return next((invoice.claim_ids for invoice in of_it), (claim_id,))

    async def of_claims(self, claim_ids: Sequence[UUID]) -> list[Invoice]:
        wanted = set(claim_ids)
        found = [await self.get(row.id) for row in self._rows.values() if wanted & set(row.claim_ids)]
        return sorted((one for one in found if one), key=lambda one: one.id)

    async def get(self, invoice_id: UUID) -> Invoice | None:
        if invoice_id not in self._known and (stored := self._rows.get(invoice_id)):
            self._known[invoice_id] = replace(stored, changes=[])
        return self._known.get(invoice_id)

    def save(self, invoice: Invoice) -> None:
        self._known[invoice.id] = self.saved[invoice.id] = invoice

    def check(self) -> None:
        """Raise Conflict for what was changed since it was loaded, and for a claim that is in two."""
        for invoice in self.saved.values():
            stored = self._rows.get(invoice.id)
            if (stored.version if stored else 0) != invoice.stored_version:
                raise Conflict
            others = (row for row in self._rows.values() if row.id != invoice.id)
            if any(set(invoice.claim_ids) & set(other.claim_ids) for other in others):
                raise Conflict

    def write(self) -> None:
        """Put them into their table."""
        self._rows |= {one.id: replace(one, changes=[]) for one in self.saved.values()}


class FakeInvoiceQueries:
    """Reads invoices, as far as the actor sees them."""

    def __init__(self, rows: Rows, history: list[tuple[UUID, HistoryEntry]]) -> None:
        self._invoices = rows
        self._invoice_history = history

    async def invoice(self, actor: Actor, invoice_id: UUID) -> Invoice | None:
        invoice = self._invoices.get(invoice_id)
        return replace(invoice, changes=[]) if invoice and actor.serves(invoice.provider_id) else None

    async def invoices(
        self, actor: Actor, wanted: InvoiceFilter, *, after: Place | None, limit: int, skip: int = 0
    ) -> list[Invoice]:
        found = [row for row in self._invoices.values() if actor.serves(row.provider_id) and _wanted(row, wanted)]
        found.sort(key=lambda row: (row.created_at, row.id), reverse=True)
        later = [row for row in found if after is None or (row.created_at, row.id) < after]
        return [replace(row, changes=[]) for row in later[skip:][:limit]]

    async def settlements(
        self, actor: Actor, invoice_id: UUID, *, after: Place | None, limit: int
    ) -> list[Settlement] | None:
        invoice = await self.invoice(actor, invoice_id)
        if invoice is None:
            return None
        found = sorted(invoice.settlements, key=lambda one: (one.at, one.id), reverse=True)
        return [one for one in found if after is None or (one.at, one.id) < after][:limit]

    async def invoice_history(
        self, actor: Actor, invoice_id: UUID, *, after: int | None, limit: int
    ) -> list[HistoryEntry] | None:
        if await self.invoice(actor, invoice_id) is None:
            return None
        entries = (entry for root, entry in self._invoice_history if root == invoice_id)
        return [entry for entry in entries if entry.sequence > (after or 0)][:limit]

    async def aging(
        self, actor: Actor, *, as_of: date, insurer_id: str | None = None, provider_id: str | None = None
    ) -> list[AgingRow]:
        rows: dict[str, dict[AgingBucket, Owed]] = {}
        for row in self._invoices.values():
            asked = insurer_id in (None, row.party.insurer_id) and provider_id in (None, row.provider_id)
            owes = row.amounts.open.cents and row.status is not InvoiceStatus.CANCELED
            if asked and owes and actor.serves(row.provider_id):
                owed, bucket = rows.setdefault(row.party.insurer_id, {}), bucket_of(row.due_date, as_of)
                before = owed.get(bucket, Owed(cents=0, invoices=0))
                cents = before.cents + row.amounts.open.cents
                owed[bucket] = Owed(cents=cents, invoices=before.invoices + 1)
        return [AgingRow(insurer_id=insurer, owed=owed) for insurer, owed in sorted(rows.items())]


def _wanted(invoice: Invoice, wanted: InvoiceFilter) -> bool:
    equal = (
        (wanted.insurer_id, invoice.party.insurer_id),
        (wanted.patient_id, invoice.party.patient_id),
        (wanted.provider_id, invoice.party.provider_id),
        (wanted.status, invoice.status),
        (wanted.old_status, OLD_STATUS.get(invoice.status or InvoiceStatus.OPEN)),
    )
    return (
        all(asked in (None, is_) for asked, is_ in equal)
        and wanted.claim_id in (None, *(line.claim_id for line in invoice.lines))
        and (wanted.created_from is None or invoice.created_at >= wanted.created_from)
        and (wanted.created_before is None or invoice.created_at < wanted.created_before)
        and (wanted.due_from is None or invoice.due_date >= wanted.due_from)
        and (wanted.due_before is None or invoice.due_date < wanted.due_before)
    )
