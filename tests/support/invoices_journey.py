"""Invoices told through ClaimService's gRPC door: each step by its rpc."""

from __future__ import annotations

from typing import Any

from acerto.claims.v1 import invoice_pb2
from acerto.claims.v1 import invoice_requests_pb2 as pb
from tests.support.claims_journey import ClaimsJourney
from tests.support.journey import brl


class InvoicesJourney(ClaimsJourney):
    """What a clinic does with the invoices for its claims."""

    async def billed(self, **changes: Any) -> invoice_pb2.Invoice:
        """The invoice of one submitted claim of 100.00."""
        claim = await self.submitted()
        invoice: invoice_pb2.Invoice = await self.stub.CreateInvoice(
            pb.CreateInvoiceRequest(claim_ids=[claim.claim_id], **changes)
        )
        return invoice

    async def settled(self, **money: Any) -> pb.SettleInvoiceResponse:
        """All of it was paid, but for what `money` says."""
        invoice = await self.billed()
        settled: pb.SettleInvoiceResponse = await self.stub.SettleInvoice(
            pb.SettleInvoiceRequest(invoice_id=invoice.invoice_id, **money)
        )
        return settled

    async def partly_settled(self) -> pb.SettleInvoiceResponse:
        """Some of it was paid."""
        return await self.settled(amount=brl(2_500), withheld=brl(100), reference="DOC 7")

    async def denied(self) -> invoice_pb2.Invoice:
        """Its claim was denied in part before it was billed."""
        claim = await self.adjudicated()
        invoice: invoice_pb2.Invoice = await self.stub.CreateInvoice(
            pb.CreateInvoiceRequest(claim_ids=[claim.claim_id])
        )
        return invoice

    async def invoice(self, invoice_id: str) -> invoice_pb2.Invoice:
        """The invoice as it is now."""
        invoice: invoice_pb2.Invoice = await self.stub.GetInvoice(pb.GetInvoiceRequest(invoice_id=invoice_id))
        return invoice
