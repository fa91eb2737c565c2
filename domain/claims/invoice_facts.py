"""What an invoice tells others of itself, at the moment it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.claims.events import InvoiceCreated, InvoiceSettled, InvoiceSettlementReversed
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.settlement import Settlement

if TYPE_CHECKING:
    from domain.claims.invoice import Invoice

_OLD_STATUS: Final = {InvoiceStatus.SETTLED: "settled"}


def created(invoice: Invoice) -> InvoiceCreated:
    """It was made."""
    return InvoiceCreated(**_said(invoice))


def settled(invoice: Invoice) -> InvoiceSettled:
    """Nothing more is to come."""
    return InvoiceSettled(
        **_said(invoice),
        settled_at=invoice.updated_at,
        settlement_version=invoice.settlement_version,
    )


def settlement_reversed(invoice: Invoice, settlement: Settlement) -> InvoiceSettlementReversed:
    """A settlement was taken back."""
    reversal = settlement.reversal
    return InvoiceSettlementReversed(
        **_said(invoice),
        settlement_id=settlement.id,
        reversed_amount_cents=settlement.total.cents,
        reason=reversal.reason if reversal else "",
        reversed_at=invoice.updated_at,
        settlement_version=invoice.settlement_version,
    )


def _said(invoice: Invoice) -> dict[str, Any]:
    claim_ids = tuple(line.claim_id for line in invoice.lines)
    return {
        "aggregate_id": invoice.id,
        "aggregate_version": invoice.next_version,
        "id": invoice.id,
        "claim_id": claim_ids[0] if claim_ids else None,
        "claim_ids": claim_ids,
        "patient_id": invoice.party.patient_id,
        "insurance_id": invoice.party.insurer_id,
        "amount_cents": invoice.amounts.gross.cents,
        "currency": invoice.amounts.gross.currency,
        "status": _OLD_STATUS.get(invoice.status, "open") if invoice.status else "",
        "created_at": invoice.created_at,
    }
