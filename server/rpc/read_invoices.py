"""Requests about invoices into plain arguments; all that is wrong with one is told at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final, TypeVar
from uuid import UUID

from acerto.claims.v1 import invoice_requests_pb2 as pb
from domain.claims.invoice_order import InvoiceOrder
from domain.claims.queries import InvoiceFilter
from domain.claims.use_cases.invoices import InvoiceChanges, Receipt
from domain.money import Money
from server.rpc.translate import version_of
from server.rpc.translate_invoices import INVOICE_STATUS
from server.rpc.wire import Reading, date_from_wire, instant_from_wire, price_from_wire

T = TypeVar("T")

_STATUS_READ: Final = {number: status for status, number in INVOICE_STATUS.items()}
_NOTHING: Final = Money(0)


def order_from_wire(request: pb.CreateInvoiceRequest) -> InvoiceOrder:
    """What CreateInvoice wants billed. Raises Invalid."""
    reading = Reading()
    order = InvoiceOrder(
        claim_ids=tuple(UUID(claim_id) for claim_id in request.claim_ids),
        provider_id=request.provider_id,
        insurer_id=request.insurer_id,
        patient_id=request.patient_id,
        amount=_amount(request, "amount", reading),
        due_date=_given(request, "due_date", date_from_wire, reading),
        note=request.note,
    )
    reading.finish()
    return order


def invoice_filter_from_wire(request: pb.ListInvoicesRequest) -> InvoiceFilter:
    """Which invoices. Raises Invalid."""
    reading = Reading()
    wanted = InvoiceFilter(
        insurer_id=request.insurer_id or None,
        patient_id=request.patient_id or None,
        provider_id=request.provider_id or None,
        status=_STATUS_READ.get(request.status),
        claim_id=UUID(request.claim_id) if request.claim_id else None,
        created_from=_given(request, "create_time_from", instant_from_wire, reading),
        created_before=_given(request, "create_time_before", instant_from_wire, reading),
        due_from=_given(request, "due_date_from", date_from_wire, reading),
        due_before=_given(request, "due_date_before", date_from_wire, reading),
    )
    reading.finish()
    return wanted


def invoice_changes_from_wire(request: pb.UpdateInvoiceRequest) -> InvoiceChanges:
    """What UpdateInvoice changes: what its mask names, or without one what it gives. Raises Invalid."""
    reading = Reading()
    named = set(request.update_mask.paths) or {field.name for field, _ in request.ListFields()}
    due_date = None
    if "due_date" in named:
        due_date = reading.take("due_date", lambda: date_from_wire(request.due_date), None)
    reading.finish()
    note = request.note if "note" in named else None
    return InvoiceChanges(due_date=due_date, note=note, version=version_of(request.etag))


def receipt_from_wire(request: pb.SettleInvoiceRequest) -> Receipt:
    """The money that came. Raises Invalid."""
    reading = Reading()
    receipt = Receipt(
        amount=_amount(request, "amount", reading),
        withheld=_amount(request, "withheld", reading) or _NOTHING,
        on=_given(request, "date", date_from_wire, reading),
        reference=request.reference,
    )
    reading.finish()
    return receipt


def as_of_from_wire(request: pb.GetAgingReportRequest, today: date) -> date:
    """The day that an aging report counts to. Raises Invalid."""
    reading = Reading()
    day = _given(request, "as_of_date", date_from_wire, reading)
    reading.finish()
    return day or today


def _given(request: Any, name: str, read: Callable[[Any], T], reading: Reading) -> T | None:
    return reading.take(name, lambda: read(getattr(request, name)), None) if request.HasField(name) else None


def _amount(request: Any, name: str, reading: Reading) -> Money | None:
    return _given(request, name, lambda wire: price_from_wire(wire, least=0), reading)
