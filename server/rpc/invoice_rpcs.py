"""The rpcs of invoices: made, shown, settled, taken back, withdrawn; and who owes for how long."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from acerto.claims.v1 import aging_report_pb2, invoice_pb2
from acerto.claims.v1 import invoice_requests_pb2 as pb
from domain.actor import Call
from domain.calendar import day_of
from domain.claims.errors import InvoiceNotFound
from domain.claims.invoice import Invoice
from domain.claims.queries import HistoryEntry, InvoiceQueries
from domain.claims.settlement import Settlement
from domain.claims.use_cases.invoices import Invoices
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_NUMBER, BY_TIME, page_of
from server.rpc.read_invoices import (
    as_of_from_wire,
    invoice_changes_from_wire,
    invoice_filter_from_wire,
    order_from_wire,
    receipt_from_wire,
)
from server.rpc.translate import version_of
from server.rpc.translate_invoices import (
    aging_to_wire,
    invoice_history_to_wire,
    invoice_to_wire,
    settled_to_wire,
    settlement_to_wire,
)


class InvoiceRpcs:
    """A part of ClaimServicer, which gives it what is named here."""

    _invoices: Invoices
    _invoice_queries: InvoiceQueries
    _pages: PageTokens

    async def CreateInvoice(self, request: pb.CreateInvoiceRequest, call: Call) -> invoice_pb2.Invoice:  # noqa: N802 -- the contract's name
        return invoice_to_wire(await self._invoices.create_invoice(call, order_from_wire(request)))

    async def GetInvoice(self, request: pb.GetInvoiceRequest, call: Call) -> invoice_pb2.Invoice:  # noqa: N802
        invoice = await self._invoice_queries.invoice(call.actor, UUID(request.invoice_id))
        if invoice is None:
            raise InvoiceNotFound
        return invoice_to_wire(invoice)

    async def ListInvoices(self, request: pb.ListInvoicesRequest, call: Call) -> pb.ListInvoicesResponse:  # noqa: N802
        wanted = invoice_filter_from_wire(request)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[Invoice]:
            return await self._invoice_queries.invoices(call.actor, wanted, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.created_at, last.id))
        return pb.ListInvoicesResponse(invoices=map(invoice_to_wire, found), next_page_token=following)

    async def UpdateInvoice(self, request: pb.UpdateInvoiceRequest, call: Call) -> invoice_pb2.Invoice:  # noqa: N802
        changes = invoice_changes_from_wire(request)
        return invoice_to_wire(await self._invoices.update_invoice(call, UUID(request.invoice_id), changes))

    async def SettleInvoice(self, request: pb.SettleInvoiceRequest, call: Call) -> pb.SettleInvoiceResponse:  # noqa: N802
        invoice_id, receipt, version = UUID(request.invoice_id), receipt_from_wire(request), version_of(request.etag)
        return settled_to_wire(await self._invoices.settle_invoice(call, invoice_id, receipt, version=version))

    async def ReverseSettlement(self, request: pb.ReverseSettlementRequest, call: Call) -> invoice_pb2.Invoice:  # noqa: N802
        invoice_id, settlement_id = UUID(request.invoice_id), UUID(request.settlement_id)
        reason, version = request.reason, version_of(request.etag)
        invoice = await self._invoices.reverse_settlement(call, invoice_id, settlement_id, reason, version=version)
        return invoice_to_wire(invoice)

    async def CancelInvoice(self, request: pb.CancelInvoiceRequest, call: Call) -> invoice_pb2.Invoice:  # noqa: N802
        invoice_id, reason, version = UUID(request.invoice_id), request.reason, version_of(request.etag)
        return invoice_to_wire(await self._invoices.cancel_invoice(call, invoice_id, reason, version=version))

    async def ListSettlements(self, request: pb.ListSettlementsRequest, call: Call) -> pb.ListSettlementsResponse:  # noqa: N802
        invoice_id = UUID(request.invoice_id)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[Settlement]:
            found = await self._invoice_queries.settlements(call.actor, invoice_id, after=after, limit=limit)
            if found is None:
                raise InvoiceNotFound
            return found

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.at, last.id))
        settlements = [settlement_to_wire(invoice_id, settlement) for settlement in found]
        return pb.ListSettlementsResponse(settlements=settlements, next_page_token=following)

    async def ListInvoiceHistory(  # noqa: N802
        self, request: pb.ListInvoiceHistoryRequest, call: Call
    ) -> pb.ListInvoiceHistoryResponse:
        invoice_id = UUID(request.invoice_id)

        async def ask(after: int | None, limit: int) -> list[HistoryEntry]:
            entries = await self._invoice_queries.invoice_history(call.actor, invoice_id, after=after, limit=limit)
            if entries is None:
                raise InvoiceNotFound
            return entries

        found, following = await page_of(self._pages, request, BY_NUMBER, ask, lambda last: last.sequence)
        return pb.ListInvoiceHistoryResponse(entries=map(invoice_history_to_wire, found), next_page_token=following)

    async def GetAgingReport(self, request: pb.GetAgingReportRequest, call: Call) -> aging_report_pb2.AgingReport:  # noqa: N802
        as_of = as_of_from_wire(request, day_of(self._invoices.clock.now()))
        rows = await self._invoice_queries.aging(
            call.actor,
            as_of=as_of,
            insurer_id=request.insurer_id or None,
            provider_id=request.provider_id or None,
        )
        return aging_to_wire(rows, as_of)
