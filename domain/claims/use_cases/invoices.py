"""Invoices: made of claims, settled, taken back, withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from domain.actor import Call
from domain.calendar import day_of
from domain.claims.billed import Billed
from domain.claims.errors import ClaimAlreadyInvoiced
from domain.claims.invoice import Invoice
from domain.claims.invoice_order import InvoiceOrder, bill_of
from domain.claims.ports import Begin, ClaimsWork
from domain.claims.use_cases.billing_of_claims import billed_invoice, claims_to_bill, save_billed
from domain.claims.use_cases.loading import must_be_as_read, must_serve
from domain.clock import Clock
from domain.errors import Invalid, Violation
from domain.identity import Ids
from domain.money import Money
from domain.retry import retried

TERM: Final = timedelta(days=30)
"""After how long an invoice is due that says nothing else."""
_NOTHING: Final = Money(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceChanges:
    """What to change of an invoice; None stays. `version`, if given, is the one that it must still have."""

    due_date: date | None = None
    note: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money that came: `amount` None is all that is due and not withheld, `on` None is today (America/Sao_Paulo)."""

    amount: Money | None = None
    withheld: Money = _NOTHING
    on: date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Invoices:
    """The use cases of invoices."""

    begin: Begin
    clock: Clock
    ids: Ids

    @retried
    async def create_invoice(self, call: Call, order: InvoiceOrder) -> Invoice:
        """Bill claims to their insurer or patient, or an amount to a patient.

        Raises ClaimNotFound, ProviderNotFound, ClaimAlreadyInvoiced, and as `bill_of` and `Invoice.create` do.
        """
        async with self.begin(call) as work:
            claims = await claims_to_bill(work, call, order.claim_ids)
            await _must_be_free(work, order.claim_ids)
            bill, now = bill_of(order, claims), self.clock.now()
            must_serve(call, bill.party.provider_id)
            invoice = Invoice.create(
                self.ids.new(),
                bill,
                due_date=order.due_date or day_of(now) + TERM,
                correlation_id=call.correlation_id or call.causation_id,
                note=order.note,
                at=now,
            )
            work.invoices.save(invoice)
            await work.commit(invoice)
            return invoice

    async def update_invoice(self, call: Call, invoice_id: UUID, changes: InvoiceChanges) -> Invoice:
        """Change when it is due, or what is noted of it. Raises InvoiceNotFound, Stale; also as `Invoice.update`."""

        def update(_: Billed, invoice: Invoice) -> None:
            invoice.update(due_date=changes.due_date, note=changes.note, at=self.clock.now())

        return await self._changed(call, invoice_id, update, changes.version)

    async def settle_invoice(
        self, call: Call, invoice_id: UUID, receipt: Receipt, *, version: int | None = None
    ) -> Invoice:
        """Take note of money that came; its claims are settled with it. Settled already: nothing happens.

        Raises InvoiceNotFound, Stale, Invalid (of nothing, or of a day to come), and as `Invoice.settle` does.
        """
        now = self.clock.now()
        on = receipt.on or day_of(now)
        _must_have_come(receipt, on, today=day_of(now))

        def settle(billed: Billed, invoice: Invoice) -> None:
            invoice.settle(
                self.ids.new(),
                amount=receipt.amount,
                withheld=receipt.withheld,
                on=on,
                reference=receipt.reference,
                at=now,
            )
            billed.align(at=now)

        return await self._changed(call, invoice_id, settle, version)

    async def reverse_settlement(
        self, call: Call, invoice_id: UUID, settlement_id: UUID, reason: str, *, version: int | None = None
    ) -> Invoice:
        """Take a settlement back; claims that it settled are open again.

        Raises InvoiceNotFound, Stale, SettlementNotFound.
        """
        now = self.clock.now()

        def reverse(billed: Billed, invoice: Invoice) -> None:
            invoice.reverse(settlement_id, self.ids.new(), reason=reason, at=now)
            billed.align(at=now)

        return await self._changed(call, invoice_id, reverse, version)

    async def cancel_invoice(self, call: Call, invoice_id: UUID, reason: str, *, version: int | None = None) -> Invoice:
        """Withdraw it: its claims may be billed again. Raises InvoiceNotFound, Stale, IllegalTransition."""

        def cancel(_: Billed, invoice: Invoice) -> None:
            invoice.cancel(reason, at=self.clock.now())

        return await self._changed(call, invoice_id, cancel, version)

    @retried
    async def _changed(
        self, call: Call, invoice_id: UUID, change: Callable[[Billed, Invoice], object], version: int | None
    ) -> Invoice:
        async with self.begin(call) as work:
            billed, invoice = await billed_invoice(work, call, invoice_id)
            must_be_as_read(invoice, version)
            change(billed, invoice)
            save_billed(work, billed)
            await work.commit(invoice)
            return invoice


async def _must_be_free(work: ClaimsWork, claim_ids: tuple[UUID, ...]) -> None:
    """The unique index says it again, for those who do not lock claims first."""
    for invoice in await work.invoices.of_claims(claim_ids):
        taken = min(set(invoice.claim_ids) & set(claim_ids))
        raise ClaimAlreadyInvoiced(metadata={"claim_id": str(taken), "invoice_id": str(invoice.id)})


def _must_have_come(receipt: Receipt, on: date, *, today: date) -> None:
    wrong = []
    if receipt.amount == _NOTHING == receipt.withheld:
        wrong.append(Violation("amount", "must be above zero where nothing is withheld", "settlement.amount"))
    if on > today:
        wrong.append(Violation("date", "must be today or before", "settlement.date"))
    if wrong:
        raise Invalid(f"{wrong[0].field}: {wrong[0].description}", violations=wrong)
