"""The rpcs of batches: filled, frozen, sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from acerto.claims.v1 import claim_batch_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from domain.actor import Call
from domain.claims.claim_batch import ClaimBatch
from domain.claims.errors import ClaimBatchNotFound
from domain.claims.queries import ClaimQueries
from domain.claims.use_cases.batches import Batches
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_TIME, page_of
from server.rpc.read_claims import batch_filter_from_wire, batch_form_from_wire
from server.rpc.translate import version_of
from server.rpc.translate_claims import batch_to_wire


class BatchRpcs:
    """A part of ClaimServicer, which gives it what is named here."""

    _batches: Batches
    _queries: ClaimQueries
    _pages: PageTokens

    async def CreateClaimBatch(self, request: pb.CreateClaimBatchRequest, call: Call) -> claim_batch_pb2.ClaimBatch:  # noqa: N802 -- the contract's name
        return batch_to_wire(await self._batches.create_claim_batch(call, batch_form_from_wire(request)))

    async def GetClaimBatch(self, request: pb.GetClaimBatchRequest, call: Call) -> claim_batch_pb2.ClaimBatch:  # noqa: N802
        batch = await self._queries.claim_batch(call.actor, UUID(request.claim_batch_id))
        if batch is None:
            raise ClaimBatchNotFound
        return batch_to_wire(batch)

    async def ListClaimBatches(self, request: pb.ListClaimBatchesRequest, call: Call) -> pb.ListClaimBatchesResponse:  # noqa: N802
        wanted = batch_filter_from_wire(request)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[ClaimBatch]:
            return await self._queries.claim_batches(call.actor, wanted, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.created_at, last.id))
        return pb.ListClaimBatchesResponse(claim_batches=map(batch_to_wire, found), next_page_token=following)

    async def AddClaimToBatch(self, request: pb.AddClaimToBatchRequest, call: Call) -> claim_batch_pb2.ClaimBatch:  # noqa: N802
        batch_id, claim_id, version = UUID(request.claim_batch_id), UUID(request.claim_id), version_of(request.etag)
        return batch_to_wire(await self._batches.add_claim_to_batch(call, batch_id, claim_id, version=version))

    async def RemoveClaimFromBatch(  # noqa: N802
        self, request: pb.RemoveClaimFromBatchRequest, call: Call
    ) -> claim_batch_pb2.ClaimBatch:
        batch_id, claim_id, version = UUID(request.claim_batch_id), UUID(request.claim_id), version_of(request.etag)
        return batch_to_wire(await self._batches.remove_claim_from_batch(call, batch_id, claim_id, version=version))

    async def CloseClaimBatch(self, request: pb.CloseClaimBatchRequest, call: Call) -> claim_batch_pb2.ClaimBatch:  # noqa: N802
        batch_id, version = UUID(request.claim_batch_id), version_of(request.etag)
        return batch_to_wire(await self._batches.close_claim_batch(call, batch_id, version=version))

    async def SubmitClaimBatch(self, request: pb.SubmitClaimBatchRequest, call: Call) -> claim_batch_pb2.ClaimBatch:  # noqa: N802
        batch_id, version = UUID(request.claim_batch_id), version_of(request.etag)
        return batch_to_wire(await self._batches.submit_claim_batch(call, batch_id, version=version))
