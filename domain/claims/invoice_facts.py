"""The facts of an invoice, made of it as it is right after the move that they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.claims.events import InvoiceCreated, InvoiceSettled, InvoiceSettlementReversed
from domain.claims.settlement import Settlement

if TYPE_CHECKING:
    from domain.claims.invoice import Invoice


def created(invoice: Invoice) -> InvoiceCreated:
    """It was made."""
    return InvoiceCreated(
        **_of(invoice),
        amount_cents=invoice.amounts.gross.cents,
        status=_status(invoice),
        due_date=invoice.due_date,
        created_at=invoice.created_at,
    )


def settled(invoice: Invoice) -> InvoiceSettled:
    """Nothing more is to come, for the first time or once more."""
    amounts = invoice.amounts
    return InvoiceSettled(
        **_of(invoice),
        amount_cents=amounts.gross.cents,
        settled_at=invoice.updated_at,
        created_at=invoice.created_at,
        paid_cents=amounts.paid.cents,
        denied_cents=amounts.denied_accepted.cents,
        withheld_cents=amounts.withheld.cents,
        settlement_version=invoice.settlement_version,
    )


def settlement_reversed(invoice: Invoice, settlement: Settlement) -> InvoiceSettlementReversed:
    """A settlement was taken back."""
    return InvoiceSettlementReversed(
        **_of(invoice),
        amount_cents=settlement.total.cents,
        status=_status(invoice),
        settlement_id=settlement.id,
        reason=settlement.reversal.reason if settlement.reversal else "",
        reversed_at=invoice.updated_at,
        settlement_version=invoice.settlement_version,
    )


def _status(invoice: Invoice) -> str:
    return invoice.status.value.lower() if invoice.status else ""


def _of(invoice: Invoice) -> dict[str, Any]:
    """What every fact of an invoice says."""
    return {
        "aggregate_id": invoice.id,
        "aggregate_version": invoice.next_version,
        "id": invoice.id,
        "claim_ids": invoice.claim_ids,
        "patient_id": invoice.party.patient_id or None,
        "insurance_id": invoice.party.insurer_id or None,
        "currency": invoice.amounts.gross.currency,
    }
