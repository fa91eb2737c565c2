"""Invoices, settlements and the aging report onto the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from acerto.claims.v1 import aging_report_pb2, invoice_pb2, settlement_pb2
from acerto.claims.v1 import invoice_requests_pb2 as pb
from domain.claims.aging import AgingBucket, AgingRow, Owed, total_of
from domain.claims.bill import InvoiceLine
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.claims.queries import HistoryEntry
from domain.claims.settlement import Settlement
from domain.money import BRL
from server.rpc.translate import etag_of
from server.rpc.wire import cents_fields, date_fields, instant_fields, instant_to_wire, money_fields

INVOICE_STATUS: Final = {s: invoice_pb2.InvoiceStatus.Value(f"INVOICE_STATUS_{s.name}") for s in InvoiceStatus}
_BUCKET: Final = {b: aging_report_pb2.AgingBucket.Value(f"AGING_BUCKET_{b.name}") for b in AgingBucket}
_NOTHING: Final = Owed(cents=0, invoices=0)


def invoice_to_wire(invoice: Invoice) -> invoice_pb2.Invoice:
    """A stored invoice; its parts are dicts, which protobuf fills in where it would copy messages."""
    amounts, party = invoice.amounts, invoice.party
    return invoice_pb2.Invoice(
        invoice_id=str(invoice.id),
        provider_id=party.provider_id,
        insurer_id=party.insurer_id,
        patient_id=party.patient_id,
        status=INVOICE_STATUS[invoice.status or InvoiceStatus.OPEN],
        lines=[_line_fields(line) for line in invoice.lines],
        gross=money_fields(amounts.gross),
        paid=money_fields(amounts.paid),
        withheld=money_fields(amounts.withheld),
        denied_pending=money_fields(amounts.denied_pending),
        denied_accepted=money_fields(amounts.denied_accepted),
        open=money_fields(amounts.open),
        settlement_version=invoice.settlement_version,
        due_date=date_fields(invoice.due_date),
        note=invoice.note,
        create_time=instant_fields(invoice.created_at),
        update_time=instant_fields(invoice.updated_at),
        settle_time=instant_fields(invoice.settled_at) if invoice.settled_at else None,
        cancel_reason=invoice.cancel_reason,
        etag=etag_of(invoice),
        allowed_actions=invoice.allowed_actions,
    )


def settled_to_wire(invoice: Invoice) -> pb.SettleInvoiceResponse:
    """An invoice after money was entered for it: the last settlement that stands is that money."""
    standing = [settlement for settlement in invoice.settlements if settlement.reversal is None]
    return pb.SettleInvoiceResponse(
        invoice=invoice_to_wire(invoice),
        settlement=settlement_to_wire(invoice.id, standing[-1]) if standing else None,
    )


def settlement_to_wire(invoice_id: UUID, settlement: Settlement) -> settlement_pb2.Settlement:
    """Money that came for an invoice."""
    reversal = settlement.reversal
    return settlement_pb2.Settlement(
        settlement_id=str(settlement.id),
        invoice_id=str(invoice_id),
        amount=money_fields(settlement.amount),
        withheld=money_fields(settlement.withheld),
        date=date_fields(settlement.on),
        reference=settlement.reference,
        create_time=instant_fields(settlement.at),
        reverse_time=instant_fields(reversal.at) if reversal else None,
        reverse_reason=reversal.reason if reversal else "",
    )


def invoice_history_to_wire(entry: HistoryEntry) -> invoice_pb2.InvoiceHistoryEntry:
    """One change."""
    return invoice_pb2.InvoiceHistoryEntry(
        sequence=entry.sequence,
        time=instant_to_wire(entry.at),
        actor=entry.actor,
        action=entry.action,
        from_status=entry.before,
        to_status=entry.after,
        note=entry.note,
        event_type=entry.event_type,
        event_id=entry.event_id,
        correlation_id=entry.correlation_id,
        causation_id=entry.causation_id,
    )


def aging_to_wire(rows: Sequence[AgingRow], as_of: date) -> aging_report_pb2.AgingReport:
    """Who owes for how long on a day."""
    return aging_report_pb2.AgingReport(
        as_of_date=date_fields(as_of),
        rows=[_aging_fields(row) for row in rows],
        total=_aging_fields(total_of(rows)),
    )


def _line_fields(line: InvoiceLine) -> Any:
    return {
        "claim_id": str(line.claim_id),
        "gross": money_fields(line.gross),
        "denied_pending": money_fields(line.denied_pending),
        "denied_accepted": money_fields(line.denied_accepted),
        "live": line.live,
    }


def _aging_fields(row: AgingRow) -> Any:
    owed = [(bucket, row.owed.get(bucket, _NOTHING)) for bucket in AgingBucket]
    return {
        "insurer_id": row.insurer_id,
        "amounts": [
            {"bucket": _BUCKET[bucket], "open": cents_fields(one.cents, BRL), "invoice_count": one.invoices}
            for bucket, one in owed
        ],
        "total": cents_fields(row.cents, BRL),
    }
