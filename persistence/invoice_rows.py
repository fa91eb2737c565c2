"""Invoices as rows, with their claims and settlements: two plain functions each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.claims.bill import InvoiceLine, Party
from domain.claims.invoice import Invoice
from domain.claims.invoice_amounts import Amounts
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.settlement import Reversal, Settlement
from domain.money import Money
from persistence.round_trip import Row

INVOICES = """
SELECT invoices.*,
       (SELECT coalesce(json_agg(c ORDER BY c.claim_id), '[]') FROM invoice_claims c WHERE c.invoice_id = invoices.id)
       AS lines,
       (SELECT coalesce(json_agg(s ORDER BY s.recorded_at, s.id), '[]') FROM settlements s
         WHERE s.invoice_id = invoices.id) AS settlements
  FROM invoices
"""
"""An invoice with its lines and settlements as JSON: what `invoice_from_row` takes."""


def invoice_to_row(invoice: Invoice) -> Row:
    """The row of an invoice; its lines and settlements have rows of their own."""
    amounts = invoice.amounts
    return {
        "id": invoice.id,
        **_whose(invoice),
        "insurer_id": invoice.party.insurer_id,
        "patient_id": invoice.party.patient_id,
        "status": invoice.status and invoice.status.value,
        "gross_cents": amounts.gross.cents,
        "paid_cents": amounts.paid.cents,
        "open_cents": amounts.open.cents,
        "denied_pending_cents": amounts.denied_pending.cents,
        "denied_accepted_cents": amounts.denied_accepted.cents,
        "withheld_cents": amounts.withheld.cents,
        "currency": amounts.gross.currency,
        "due_date": invoice.due_date,
        "note": invoice.note,
        "correlation_id": invoice.correlation_id,
        "settlement_version": invoice.settlement_version,
        "settled_at": invoice.settled_at,
        "cancel_reason": invoice.cancel_reason,
        "created_at": invoice.created_at,
        "updated_at": invoice.updated_at,
        "facts": invoice.facts,
        "version": invoice.version,
        "stored_version": invoice.stored_version,
    }


def invoice_from_row(row: Mapping[str, Any]) -> Invoice:
    """The invoice of a row of INVOICES."""
    currency = row["currency"]
    return Invoice(
        id=row["id"],
        version=row["version"],
        party=Party(provider_id=row["provider_id"], insurer_id=row["insurer_id"], patient_id=row["patient_id"]),
        lines=tuple(_line_from_json(line, currency) for line in row["lines"]),
        amounts=Amounts(
            gross=Money(row["gross_cents"], currency),
            paid=Money(row["paid_cents"], currency),
            withheld=Money(row["withheld_cents"], currency),
            denied_pending=Money(row["denied_pending_cents"], currency),
            denied_accepted=Money(row["denied_accepted_cents"], currency),
        ),
        due_date=row["due_date"],
        correlation_id=row["correlation_id"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        note=row["note"],
        status=InvoiceStatus(row["status"]),
        settlements=_settlements_from_json(row["settlements"]),
        settlement_version=row["settlement_version"],
        settled_at=row["settled_at"],
        cancel_reason=row["cancel_reason"],
        facts=row["facts"],
    )


def line_to_row(invoice: Invoice, line: InvoiceLine) -> Row:
    """The row of one claim of an invoice."""
    return {
        "invoice_id": invoice.id,
        "claim_id": line.claim_id,
        **_whose(invoice),
        "gross_cents": line.gross.cents,
        "denied_pending_cents": line.denied_pending.cents,
        "denied_accepted_cents": line.denied_accepted.cents,
        "live": line.live,
    }


def settlement_to_row(invoice: Invoice, settlement: Settlement) -> Row:
    """The row of money that came."""
    return {
        "id": settlement.id,
        "invoice_id": invoice.id,
        **_whose(invoice),
        "reverses": None,
        "amount_cents": settlement.amount.cents,
        "withheld_cents": settlement.withheld.cents,
        "currency": settlement.amount.currency,
        "settled_on": settlement.on,
        "reference": settlement.reference,
        "reason": "",
        "recorded_at": settlement.at,
    }


def reversal_to_row(invoice: Invoice, settlement: Settlement, reversal: Reversal) -> Row:
    """The row that takes a settlement back."""
    return settlement_to_row(invoice, settlement) | {
        "id": reversal.id,
        "reverses": settlement.id,
        "reason": reversal.reason,
        "recorded_at": reversal.at,
    }


def settlement_from_row(row: Mapping[str, Any], reversed_by: Mapping[str, Any] | None) -> Settlement:
    """The settlement of a row, and of the row that takes it back, if there is one."""
    reversal = None
    if reversed_by is not None:
        reversal = Reversal(id=reversed_by["id"], reason=reversed_by["reason"], at=reversed_by["recorded_at"])
    return Settlement(
        id=row["id"],
        amount=Money(row["amount_cents"], row["currency"]),
        withheld=Money(row["withheld_cents"], row["currency"]),
        on=row["settled_on"],
        reference=row["reference"],
        at=row["recorded_at"],
        reversal=reversal,
    )


def _whose(invoice: Invoice) -> Row:
    return {"workshop_id": None, "provider_id": invoice.provider_id, "customer_id": None}


def _line_from_json(line: Mapping[str, Any], currency: str) -> InvoiceLine:
    return InvoiceLine(
        claim_id=UUID(line["claim_id"]),
        gross=Money(line["gross_cents"], currency),
        denied_pending=Money(line["denied_pending_cents"], currency),
        denied_accepted=Money(line["denied_accepted_cents"], currency),
        live=line["live"],
    )


def _settlements_from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[Settlement, ...]:
    read = [_typed(row) for row in rows]
    reversals = {row["reverses"]: row for row in read if row["reverses"]}
    return tuple(settlement_from_row(row, reversals.get(row["id"])) for row in read if not row["reverses"])


def _typed(row: Mapping[str, Any]) -> Row:
    """A row that came as JSON, with the types that the driver would have given it."""
    return {
        **row,
        "id": UUID(row["id"]),
        "reverses": row["reverses"] and UUID(row["reverses"]),
        "settled_on": date.fromisoformat(row["settled_on"]),
        "recorded_at": datetime.fromisoformat(row["recorded_at"]),
    }
