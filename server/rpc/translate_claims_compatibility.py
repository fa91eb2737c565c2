"""Claims and invoices in the JSON of the old health client."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, Value

from acerto.claims.v1 import compatibility_service_pb2 as pb
from domain.claims.claim import Claim
from domain.claims.claim_item import ClaimItem
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import OLD_STATUS, InvoiceStatus
from domain.claims.outcome import old_status
from domain.money import BRL
from server.rpc.translate_compatibility import valor_to_wire
from server.rpc.wire import instant_fields, instant_to_wire

_NULL: Final = Value(null_value=NULL_VALUE)


def claim_to_old(claim: Claim) -> pb.LegacyClaim:
    """A stored claim."""
    form = claim.form
    return pb.LegacyClaim(
        id=str(claim.id),
        patient_id=form.patient_id,
        insurance_id=_text_or_null(form.insurer_id),
        amount=valor_to_wire(claim.amounts.presented.cents),
        currency=BRL,
        status=old_status(claim.status or ClaimStatus.DRAFT, claim.outcome).value,
        items=[_line_fields(item) for item in claim.items],
        created_at=instant_fields(claim.created_at),
        updated_at=instant_fields(claim.updated_at),
    )


def invoice_to_old(invoice: Invoice) -> pb.LegacyInvoice:
    """A stored invoice; a canceled one still says which claims it was of."""
    status = invoice.status or InvoiceStatus.OPEN
    canceled = status is InvoiceStatus.CANCELED
    claims = [str(line.claim_id) for line in invoice.lines if line.live or canceled]
    return pb.LegacyInvoice(
        id=str(invoice.id),
        claim_id=_text_or_null(claims[0] if claims else ""),
        claim_ids=claims,
        patient_id=_text_or_null(invoice.party.patient_id),
        amount=valor_to_wire(invoice.amounts.gross.cents),
        currency=BRL,
        status=OLD_STATUS[status].value,
        settled_at=_text_or_null(instant_to_wire(invoice.settled_at).ToJsonString() if invoice.settled_at else ""),
        created_at=instant_fields(invoice.created_at),
        updated_at=instant_fields(invoice.updated_at),
    )


def _line_fields(item: ClaimItem) -> Any:
    return {
        "description": item.description,
        "code": _text_or_null(item.code),
        "value": valor_to_wire(item.unit_price.cents),
        "quantity": float(item.quantity),
    }


def _text_or_null(text: str) -> Value:
    return Value(string_value=text) if text else _NULL
