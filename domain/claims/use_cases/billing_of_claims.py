"""A claim, or an invoice, read for a change with all that changes with it.

Lock order everywhere: claims by id, then the invoice. Which claims those are is asked before the locks are had, so it
is compared afterwards: what lost that race is run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from domain.actor import Call
from domain.claims.billed import Billed
from domain.claims.claim import Claim
from domain.claims.errors import ClaimNotFound, InvoiceNotFound
from domain.claims.invoice import Invoice
from domain.claims.ports import ClaimsWork
from domain.retry import Conflict


async def billed_claim(work: ClaimsWork, call: Call, claim_id: UUID) -> Billed:
    """A claim with its live invoice and that one's other claims, all locked. Raises ClaimNotFound, Conflict."""
    beside = await work.invoices.claims_beside(claim_id)
    claims = await work.claims.get_all(beside)
    invoices = await work.invoices.of_claims([claim_id])
    billed = Billed(claims=claims, invoice=invoices[0] if invoices else None)
    if not call.actor.serves(billed.claim(claim_id).provider_id):
        raise ClaimNotFound
    _must_be_whole(billed.invoice, beside)
    return billed


async def billed_invoice(work: ClaimsWork, call: Call, invoice_id: UUID) -> tuple[Billed, Invoice]:
    """An invoice with its claims, all locked, and by itself. Raises InvoiceNotFound, Conflict."""
    claim_ids = await work.invoices.claims_of(invoice_id)
    claims = await work.claims.get_all(claim_ids)
    invoice = await work.invoices.get(invoice_id)
    if invoice is None or not call.actor.serves(invoice.provider_id):
        raise InvoiceNotFound
    _must_be_whole(invoice, claim_ids)
    return Billed(claims=claims, invoice=invoice), invoice


async def claims_to_bill(work: ClaimsWork, call: Call, claim_ids: Sequence[UUID]) -> list[Claim]:
    """Those claims, locked, in the order of their ids. Raises ClaimNotFound, naming one that is not to be seen."""
    claims = await work.claims.get_all(claim_ids)
    seen = {claim.id for claim in claims if call.actor.serves(claim.provider_id)}
    if missing := set(claim_ids) - seen:
        raise ClaimNotFound(metadata={"claim_id": str(min(missing))})
    return claims


def save_billed(work: ClaimsWork, billed: Billed) -> None:
    """Have all that changed written at commit."""
    for claim in billed.claims:
        if claim.changes:
            work.claims.save(claim)
    if billed.invoice is not None and billed.invoice.changes:
        work.invoices.save(billed.invoice)


def _must_be_whole(invoice: Invoice | None, claim_ids: Sequence[UUID]) -> None:
    if invoice is not None and set(invoice.claim_ids) != set(claim_ids):
        raise Conflict
