"""The rpcs of claims: made, corrected, validated, sent, and what the insurer says of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from domain.actor import Call
from domain.calendar import day_of
from domain.claims.claim import Claim
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.errors import ClaimNotFound
from domain.claims.queries import ClaimQueries, HistoryEntry
from domain.claims.use_cases.adjudications import Adjudications
from domain.claims.use_cases.claims import Claims
from domain.claims.validation import errors_of
from server.rpc.page_tokens import PageTokens
from server.rpc.paging import BY_NUMBER, BY_TIME, page_of
from server.rpc.read_claims import (
    amount_from_wire,
    answers_from_wire,
    appeal_from_wire,
    changes_from_wire,
    filter_from_wire,
    form_from_wire,
    said_from_wire,
)
from server.rpc.translate import version_of
from server.rpc.translate_claims import claim_to_wire, finding_to_wire, history_to_wire


class ClaimRpcs:
    """A part of ClaimServicer, which gives it what is named here."""

    _claims: Claims
    _adjudications: Adjudications
    _queries: ClaimQueries
    _pages: PageTokens

    async def CreateClaim(self, request: pb.CreateClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802 -- the contract's name
        form = form_from_wire(request, day_of(self._claims.clock.now()))
        return claim_to_wire(await self._claims.create_claim(call, form, amount=amount_from_wire(request)))

    async def GetClaim(self, request: pb.GetClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        return claim_to_wire(await self._claim(request.claim_id, call))

    async def ListClaims(self, request: pb.ListClaimsRequest, call: Call) -> pb.ListClaimsResponse:  # noqa: N802
        wanted = filter_from_wire(request)

        async def ask(after: tuple[datetime, UUID] | None, limit: int) -> list[Claim]:
            return await self._queries.claims(call.actor, wanted, after=after, limit=limit)

        found, following = await page_of(self._pages, request, BY_TIME, ask, lambda last: (last.created_at, last.id))
        return pb.ListClaimsResponse(claims=map(claim_to_wire, found), next_page_token=following)

    async def UpdateClaim(self, request: pb.UpdateClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        changes = changes_from_wire(request)
        return claim_to_wire(await self._claims.update_claim(call, UUID(request.claim_id), changes))

    async def ValidateClaim(self, request: pb.ValidateClaimRequest, call: Call) -> pb.ValidateClaimResponse:  # noqa: N802
        claim, findings = await self._claims.validate_claim(call, UUID(request.claim_id))
        return pb.ValidateClaimResponse(
            findings=map(finding_to_wire, findings),
            ready=claim.status is ClaimStatus.READY or (claim.status is ClaimStatus.DRAFT and not errors_of(findings)),
        )

    async def ReadyClaim(self, request: pb.ReadyClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, reason, version = UUID(request.claim_id), request.override_reason, version_of(request.etag)
        claim = await self._claims.ready_claim(call, claim_id, override_reason=reason, version=version)
        return claim_to_wire(claim)

    async def SubmitClaim(self, request: pb.SubmitClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, version = UUID(request.claim_id), version_of(request.etag)
        return claim_to_wire(await self._claims.submit_claim(call, claim_id, version=version))

    async def ReceiveClaim(self, request: pb.ReceiveClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, protocol, version = UUID(request.claim_id), request.protocol, version_of(request.etag)
        return claim_to_wire(await self._adjudications.receive_claim(call, claim_id, protocol, version=version))

    async def ReturnClaim(self, request: pb.ReturnClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, reason, version = UUID(request.claim_id), request.reason, version_of(request.etag)
        return claim_to_wire(await self._adjudications.return_claim(call, claim_id, reason, version=version))

    async def StartClaimAnalysis(self, request: pb.StartClaimAnalysisRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, version = UUID(request.claim_id), version_of(request.etag)
        return claim_to_wire(await self._adjudications.start_claim_analysis(call, claim_id, version=version))

    async def AdjudicateClaim(self, request: pb.AdjudicateClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, version = UUID(request.claim_id), version_of(request.etag)
        said, on = said_from_wire(request)
        claim = await self._adjudications.adjudicate_claim(call, claim_id, said, on=on, version=version)
        return claim_to_wire(claim)

    async def AppealClaim(self, request: pb.AppealClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, version = UUID(request.claim_id), version_of(request.etag)
        (denials, on), why = appeal_from_wire(request), request.justification
        claim = await self._adjudications.appeal_claim(call, claim_id, denials, why, on=on, version=version)
        return claim_to_wire(claim)

    async def AnswerClaimAppeal(self, request: pb.AnswerClaimAppealRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, version = UUID(request.claim_id), version_of(request.etag)
        recovered, on = answers_from_wire(request)
        claim = await self._adjudications.answer_claim_appeal(call, claim_id, recovered, on=on, version=version)
        return claim_to_wire(claim)

    async def AcceptDenials(self, request: pb.AcceptDenialsRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, denials = UUID(request.claim_id), [UUID(one) for one in request.denial_ids]
        reason, version = request.reason, version_of(request.etag)
        claim = await self._adjudications.accept_denials(call, claim_id, denials, reason, version=version)
        return claim_to_wire(claim)

    async def CancelClaim(self, request: pb.CancelClaimRequest, call: Call) -> claim_pb2.Claim:  # noqa: N802
        claim_id, reason, version = UUID(request.claim_id), request.reason, version_of(request.etag)
        return claim_to_wire(await self._claims.cancel_claim(call, claim_id, reason, version=version))

    async def ListClaimHistory(self, request: pb.ListClaimHistoryRequest, call: Call) -> pb.ListClaimHistoryResponse:  # noqa: N802
        claim_id = UUID(request.claim_id)

        async def ask(after: int | None, limit: int) -> list[HistoryEntry]:
            entries = await self._queries.claim_history(call.actor, claim_id, after=after, limit=limit)
            if entries is None:
                raise ClaimNotFound
            return entries

        found, following = await page_of(self._pages, request, BY_NUMBER, ask, lambda last: last.sequence)
        return pb.ListClaimHistoryResponse(entries=map(history_to_wire, found), next_page_token=following)

    async def _claim(self, claim_id: str, call: Call) -> Claim:
        claim = await self._queries.claim(call.actor, UUID(claim_id))
        if claim is None:
            raise ClaimNotFound
        return claim
