"""Claims told through ClaimService's gRPC door: each step by its rpc."""

from __future__ import annotations

from typing import Any

from google.type.date_pb2 import Date

from acerto.claims.v1 import claim_batch_pb2, claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from tests.support.claim_scene import INSURER, PROVIDER
from tests.support.journey import brl

DAY = Date(year=2026, month=3, day=1)
CONSULTATION = claim_pb2.CLAIM_TYPE_CONSULTATION


def an_item(price: int = 10_000, **changes: Any) -> claim_pb2.ClaimItem:
    """A consultation."""
    item = {"table": "22", "code": "10101012", "description": "Consulta", "quantity": "1", "unit_price": brl(price)}
    return claim_pb2.ClaimItem(**{**item, **changes})


def a_claim(**changes: Any) -> pb.CreateClaimRequest:
    """A claim that nothing is wrong with."""
    wanted: dict[str, Any] = {
        "type": CONSULTATION,
        "patient_id": "patient-1",
        "card_number": "0001",
        "insurer_id": INSURER,
        "plan_id": "GOLD",
        "provider_id": PROVIDER,
        "service_date": DAY,
        "items": [an_item()],
    }
    return pb.CreateClaimRequest(**{**wanted, **changes})


def analysis(claim: claim_pb2.Claim, *denied: int, released: int = 0) -> pb.AdjudicateClaimRequest:
    """What an insurer says of a claim's first item: so much is released, and these are denied."""
    said = pb.ItemAdjudication(
        number=1,
        processed=brl(released + sum(denied)),
        released=brl(released),
        denials=[pb.DenialLine(code="1801", reason="Procedimento inválido", amount=brl(cents)) for cents in denied],
    )
    return pb.AdjudicateClaimRequest(claim_id=claim.claim_id, items=[said])


class ClaimsJourney:
    """What a clinic and an insurer do with claims; `stub` is the client's."""

    def __init__(self, stub: Any) -> None:
        self.stub = stub

    async def drafted(self, **changes: Any) -> claim_pb2.Claim:
        claim: claim_pb2.Claim = await self.stub.CreateClaim(a_claim(**changes))
        return claim

    async def ready(self, **changes: Any) -> claim_pb2.Claim:
        drafted = await self.drafted(**changes)
        claim: claim_pb2.Claim = await self.stub.ReadyClaim(pb.ReadyClaimRequest(claim_id=drafted.claim_id))
        return claim

    async def submitted(self, **changes: Any) -> claim_pb2.Claim:
        ready = await self.ready(**changes)
        claim: claim_pb2.Claim = await self.stub.SubmitClaim(pb.SubmitClaimRequest(claim_id=ready.claim_id))
        return claim

    async def received(self, **changes: Any) -> claim_pb2.Claim:
        sent = await self.submitted(**changes)
        request = pb.ReceiveClaimRequest(claim_id=sent.claim_id, protocol="P-1")
        claim: claim_pb2.Claim = await self.stub.ReceiveClaim(request)
        return claim

    async def analyzed(self, **changes: Any) -> claim_pb2.Claim:
        received = await self.received(**changes)
        request = pb.StartClaimAnalysisRequest(claim_id=received.claim_id)
        claim: claim_pb2.Claim = await self.stub.StartClaimAnalysis(request)
        return claim

    async def adjudicated(self, *denied: int, released: int = 6_000) -> claim_pb2.Claim:
        analyzed = await self.analyzed()
        request = analysis(analyzed, *(denied or (3_000, 1_000)), released=released)
        claim: claim_pb2.Claim = await self.stub.AdjudicateClaim(request)
        return claim

    async def appealed(self) -> claim_pb2.Claim:
        denied = await self.adjudicated()
        claim: claim_pb2.Claim = await self.stub.AppealClaim(
            pb.AppealClaimRequest(
                claim_id=denied.claim_id,
                denial_ids=[denial.denial_id for denial in denied.items[0].denials],
                justification="It was needed",
            )
        )
        return claim

    async def batch(self, **changes: Any) -> claim_batch_pb2.ClaimBatch:
        wanted: dict[str, Any] = {"provider_id": PROVIDER, "insurer_id": INSURER, "type": CONSULTATION}
        request = pb.CreateClaimBatchRequest(**{**wanted, **changes})
        batch: claim_batch_pb2.ClaimBatch = await self.stub.CreateClaimBatch(request)
        return batch

    async def filled(self, claims: int = 1) -> claim_batch_pb2.ClaimBatch:
        batch = await self.batch()
        for _ in range(claims):
            ready = await self.ready()
            request = pb.AddClaimToBatchRequest(claim_batch_id=batch.claim_batch_id, claim_id=ready.claim_id)
            batch = await self.stub.AddClaimToBatch(request)
        return batch

    async def closed(self, claims: int = 1) -> claim_batch_pb2.ClaimBatch:
        filled = await self.filled(claims)
        request = pb.CloseClaimBatchRequest(claim_batch_id=filled.claim_batch_id)
        batch: claim_batch_pb2.ClaimBatch = await self.stub.CloseClaimBatch(request)
        return batch

    async def sent(self, claims: int = 1) -> claim_batch_pb2.ClaimBatch:
        closed = await self.closed(claims)
        request = pb.SubmitClaimBatchRequest(claim_batch_id=closed.claim_batch_id)
        batch: claim_batch_pb2.ClaimBatch = await self.stub.SubmitClaimBatch(request)
        return batch
