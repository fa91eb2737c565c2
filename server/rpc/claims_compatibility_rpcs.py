"""ClaimsCompatibilityService: the old health client's requests, answered by today's use cases and queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from acerto.claims.v1 import compatibility_service_pb2 as pb
from acerto.claims.v1.compatibility_service_pb2_grpc import ClaimsCompatibilityServiceServicer
from domain.actor import Call
from domain.calendar import day_of
from domain.claims.claim import Claim
from domain.claims.errors import ClaimNotFound, InvoiceNotFound
from domain.claims.use_cases.invoices import Receipt
from server.rpc.claims import ClaimUseCases, Queries
from server.rpc.once import Encode
from server.rpc.read_claims_compatibility import (
    amount_of,
    claim_changes_from_old,
    claim_filter_from_old,
    form_from_old,
    invoice_filter_from_old,
    invoice_status_from_old,
    limit_of,
    order_from_old,
    status_from_old,
)
from server.rpc.translate_claims_compatibility import claim_to_old, invoice_to_old

_Base: Any = ClaimsCompatibilityServiceServicer
"""The generated base names a transport's context where our methods take the pipeline's Call."""


class ClaimsCompatibilityServicer(_Base):  # type: ignore[misc] # see _Base
    """The old rpcs of claims and invoices."""

    def __init__(self, use_cases: ClaimUseCases, queries: Queries) -> None:
        self._claims = use_cases.claims
        self._invoices = use_cases.invoices
        self._old = use_cases.old
        self._queries = queries
        self.answers: Mapping[str, Encode] = {
            **dict.fromkeys(("CreateLegacyClaim", "UpdateLegacyClaim"), claim_to_old),
            **dict.fromkeys(("CreateLegacyInvoice", "SettleLegacyInvoice", "UpdateLegacyInvoice"), invoice_to_old),
        }

    async def CreateLegacyClaim(self, request: pb.CreateLegacyClaimRequest, call: Call) -> pb.LegacyClaim:  # noqa: N802 -- the contract's name
        form = form_from_old(request, day_of(self._claims.clock.now()))
        return claim_to_old(await self._claims.create_claim(call, form, amount=amount_of(request)))

    async def GetLegacyClaim(self, request: pb.GetLegacyClaimRequest, call: Call) -> pb.LegacyClaim:  # noqa: N802
        return claim_to_old(await self._claim(request.id, call))

    async def ListLegacyClaims(  # noqa: N802
        self, request: pb.ListLegacyClaimsRequest, call: Call
    ) -> pb.ListLegacyClaimsResponse:
        wanted, limit = claim_filter_from_old(request), limit_of(request)
        found = await self._queries.claims(call.actor, wanted, after=None, limit=limit, skip=request.skip)
        return pb.ListLegacyClaimsResponse(claims=map(claim_to_old, found))

    async def UpdateLegacyClaim(self, request: pb.UpdateLegacyClaimRequest, call: Call) -> pb.LegacyClaim:  # noqa: N802
        claim_id, status, changes = UUID(request.id), status_from_old(request), claim_changes_from_old(request)
        if status is not None:
            return claim_to_old(await self._old.move_claim(call, claim_id, status))
        if changes is not None:
            return claim_to_old(await self._old.correct_claim(call, claim_id, changes))
        return claim_to_old(await self._claim(request.id, call))

    async def CreateLegacyInvoice(self, request: pb.CreateLegacyInvoiceRequest, call: Call) -> pb.LegacyInvoice:  # noqa: N802
        return invoice_to_old(await self._invoices.create_invoice(call, order_from_old(request)))

    async def GetLegacyInvoice(self, request: pb.GetLegacyInvoiceRequest, call: Call) -> pb.LegacyInvoice:  # noqa: N802
        invoice = await self._queries.invoice(call.actor, UUID(request.id))
        if invoice is None:
            raise InvoiceNotFound
        return invoice_to_old(invoice)

    async def ListLegacyInvoices(  # noqa: N802
        self, request: pb.ListLegacyInvoicesRequest, call: Call
    ) -> pb.ListLegacyInvoicesResponse:
        wanted, limit = invoice_filter_from_old(request), limit_of(request)
        found = await self._queries.invoices(call.actor, wanted, after=None, limit=limit, skip=request.skip)
        return pb.ListLegacyInvoicesResponse(invoices=map(invoice_to_old, found))

    async def SettleLegacyInvoice(self, request: pb.SettleLegacyInvoiceRequest, call: Call) -> pb.LegacyInvoice:  # noqa: N802
        return invoice_to_old(await self._invoices.settle_invoice(call, UUID(request.id), Receipt()))

    async def UpdateLegacyInvoice(self, request: pb.UpdateLegacyInvoiceRequest, call: Call) -> pb.LegacyInvoice:  # noqa: N802
        wanted = invoice_status_from_old(request.status)
        return invoice_to_old(await self._old.move_invoice(call, UUID(request.id), wanted))

    async def _claim(self, claim_id: str, call: Call) -> Claim:
        claim = await self._queries.claim(call.actor, UUID(claim_id))
        if claim is None:
            raise ClaimNotFound
        return claim
