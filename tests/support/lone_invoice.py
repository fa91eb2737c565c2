"""One invoice without the claims that it bills: made, paid, taken back, added up."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from domain.claims.bill import Bill, InvoiceLine, Party
from domain.claims.invoice import Invoice
from domain.claims.invoice_lifecycle import InvoiceStatus
from domain.events import Fact
from domain.money import Money

AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY: Final = date(2026, 3, 1)
ONE: Final = UUID(int=1)
_S = InvoiceStatus


def a_line(claim_id: UUID = ONE, gross: int = 10_000, pending: int = 0, accepted: int = 0) -> InvoiceLine:
    """A claim of it, in centavos."""
    return InvoiceLine(
        claim_id=claim_id, gross=Money(gross), denied_pending=Money(pending), denied_accepted=Money(accepted)
    )


def an_invoice(*lines: InvoiceLine, gross: int = 10_000) -> Invoice:
    """One of these claims, or of an amount."""
    party = Party(provider_id="1234567", insurer_id="000001", patient_id="patient-1")
    bill = Bill(party=party, lines=lines, gross=Money(gross))
    return Invoice.create(UUID(int=100), bill, due_date=DAY, correlation_id="saga", at=AT)


def settle(invoice: Invoice, amount: int | None = None, withheld: int = 0) -> bool:
    """Money came on DAY; without an amount all that is due."""
    return invoice.settle(
        UUID(int=200 + len(invoice.settlements)),
        amount=None if amount is None else Money(amount),
        withheld=Money(withheld),
        on=DAY,
        reference="ref",
        at=AT,
    )


def reverse(invoice: Invoice, number: int = 200) -> bool:
    """The first settlement, or another, is taken back."""
    return invoice.reverse(UUID(int=number), UUID(int=number + 100), reason="returned by the bank", at=AT)


def facts(invoice: Invoice) -> list[Fact]:
    """What was told of it."""
    return [change.fact for change in invoice.changes if change.fact]


def amounts(invoice: Invoice) -> tuple[int, ...]:
    """Gross, paid, open, denied and pending, denied and accepted, withheld; the first is the sum of the others."""
    found = invoice.amounts
    parts = (found.paid, found.open, found.denied_pending, found.denied_accepted, found.withheld)
    assert found.gross.cents == sum(part.cents for part in parts)
    assert min(part.cents for part in parts) >= 0
    return (found.gross.cents, *(part.cents for part in parts))


def in_status(status: InvoiceStatus) -> Invoice:
    """One that was brought there by real moves."""
    if status is _S.PARTIALLY_DENIED:
        return an_invoice(a_line(pending=1))
    invoice = an_invoice(a_line())
    if status is _S.PARTIALLY_SETTLED:
        settle(invoice, 1)
    elif status is _S.SETTLED:
        settle(invoice)
    elif status is _S.CANCELED:
        invoice.cancel("by mistake", at=AT)
    assert invoice.status is status
    return invoice
