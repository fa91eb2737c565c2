"""For each rpc of ClaimService, how claims come to where it is served, and to where it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from acerto.claims.v1 import claim_batch_pb2, claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from tests.support.claim_scene import INSURER, PROVIDER
from tests.support.claims_journey import CONSULTATION, DAY, ClaimsJourney, a_claim, an_item, analysis
from tests.support.equivalence import NOBODY, NOT_A_PAGE, Case, Prepare, plain
from tests.support.journey import Journey, brl


def after(step: Callable[[ClaimsJourney], Awaitable[Any]], make: Callable[[Any], Message]) -> Prepare:
    """The request that is made of what a step of a claim's way gives."""

    async def prepare(journey: Journey) -> Message:
        return make(await step(ClaimsJourney(journey.claims)))

    return prepare


async def in_a_closed_batch(journey: ClaimsJourney) -> str:
    return (await journey.closed()).claim_ids[0]


async def beside_a_full_hand(journey: ClaimsJourney) -> tuple[claim_batch_pb2.ClaimBatch, claim_pb2.Claim]:
    return await journey.batch(), await journey.ready()


def denials(claim: claim_pb2.Claim) -> list[str]:
    return [denial.denial_id for denial in claim.items[0].denials]


drafted, ready, submitted = ClaimsJourney.drafted, ClaimsJourney.ready, ClaimsJourney.submitted
adjudicated, appealed = ClaimsJourney.adjudicated, ClaimsJourney.appealed

CLAIM_CASES = {
    "CreateClaim": Case(plain(a_claim(amount=brl(10_000))), plain(a_claim(amount=brl(1))), "AMOUNT_DIFFERS"),
    "GetClaim": Case(
        after(appealed, lambda c: pb.GetClaimRequest(claim_id=c.claim_id)),
        plain(pb.GetClaimRequest(claim_id=NOBODY)),
        "CLAIM_NOT_FOUND",
    ),
    "ListClaims": Case(
        after(
            drafted,
            lambda c: pb.ListClaimsRequest(
                page_size=1,
                patient_id=c.patient_id,
                status=c.status,
                service_date_from=DAY,
                create_time_from=Timestamp(seconds=1),
            ),
        ),
        plain(pb.ListClaimsRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
    "UpdateClaim": Case(
        after(
            ready,
            lambda c: pb.UpdateClaimRequest(
                claim_id=c.claim_id,
                etag=c.etag,
                items=[an_item(7), an_item(8, code="10101039", factor="0.7")],
                amount=brl(13),
                update_mask=FieldMask(paths=["items"]),
            ),
        ),
        after(drafted, lambda c: pb.UpdateClaimRequest(claim_id=c.claim_id, etag='"77"', plan_id="SILVER")),
        "STALE",
    ),
    "ValidateClaim": Case(
        after(
            lambda journey: journey.drafted(card_number="", items=[an_item(), an_item()]),
            lambda c: pb.ValidateClaimRequest(claim_id=c.claim_id),
        ),
        plain(pb.ValidateClaimRequest(claim_id=NOBODY)),
        "CLAIM_NOT_FOUND",
    ),
    "ReadyClaim": Case(
        after(drafted, lambda c: pb.ReadyClaimRequest(claim_id=c.claim_id)),
        after(lambda journey: journey.drafted(items=[]), lambda c: pb.ReadyClaimRequest(claim_id=c.claim_id)),
        "CLAIM_INVALID",
    ),
    "SubmitClaim": Case(
        after(ready, lambda c: pb.SubmitClaimRequest(claim_id=c.claim_id)),
        after(in_a_closed_batch, lambda claim_id: pb.SubmitClaimRequest(claim_id=claim_id)),
        "CLAIM_IN_BATCH",
    ),
    "ReceiveClaim": Case(
        after(submitted, lambda c: pb.ReceiveClaimRequest(claim_id=c.claim_id, protocol="Nº 1")),
        after(drafted, lambda c: pb.ReceiveClaimRequest(claim_id=c.claim_id, protocol="P")),
        "ILLEGAL_TRANSITION",
    ),
    "ReturnClaim": Case(
        after(submitted, lambda c: pb.ReturnClaimRequest(claim_id=c.claim_id, reason="carteira inválida")),
        after(submitted, lambda c: pb.ReturnClaimRequest(claim_id=c.claim_id)),
        "INVALID_REQUEST",
    ),
    "StartClaimAnalysis": Case(
        after(ClaimsJourney.received, lambda c: pb.StartClaimAnalysisRequest(claim_id=c.claim_id)),
        after(submitted, lambda c: pb.StartClaimAnalysisRequest(claim_id=c.claim_id)),
        "ILLEGAL_TRANSITION",
    ),
    "AdjudicateClaim": Case(
        after(ClaimsJourney.analyzed, lambda c: analysis(c, 1_000, released=9_000)),
        after(
            ClaimsJourney.analyzed,
            lambda c: pb.AdjudicateClaimRequest(
                claim_id=c.claim_id, items=[pb.ItemAdjudication(number=2, processed=brl(2), released=brl(1))]
            ),
        ),
        "ADJUDICATION_DIFFERS",
    ),
    "AppealClaim": Case(
        after(
            adjudicated,
            lambda c: pb.AppealClaimRequest(claim_id=c.claim_id, denial_ids=denials(c), justification="necessário"),
        ),
        after(
            appealed,
            lambda c: pb.AppealClaimRequest(claim_id=c.claim_id, denial_ids=denials(c)[:1], justification="again"),
        ),
        "DENIAL_NOT_PENDING",
    ),
    "AnswerClaimAppeal": Case(
        after(
            appealed,
            lambda c: pb.AnswerClaimAppealRequest(
                claim_id=c.claim_id, answers=[pb.AppealAnswer(denial_id=denials(c)[0], recovered=brl(2_999))]
            ),
        ),
        after(
            appealed,
            lambda c: pb.AnswerClaimAppealRequest(
                claim_id=c.claim_id, answers=[pb.AppealAnswer(denial_id=denials(c)[0], recovered=brl(3_001))]
            ),
        ),
        "RECOVERY_EXCEEDS_DENIAL",
    ),
    "AcceptDenials": Case(
        after(adjudicated, lambda c: pb.AcceptDenialsRequest(claim_id=c.claim_id, reason="right")),
        after(adjudicated, lambda c: pb.AcceptDenialsRequest(claim_id=c.claim_id, denial_ids=[NOBODY])),
        "DENIAL_NOT_FOUND",
    ),
    "CancelClaim": Case(
        after(submitted, lambda c: pb.CancelClaimRequest(claim_id=c.claim_id, reason="engano")),
        plain(pb.CancelClaimRequest(claim_id=NOBODY)),
        "CLAIM_NOT_FOUND",
    ),
    "ListClaimHistory": Case(
        after(submitted, lambda c: pb.ListClaimHistoryRequest(claim_id=c.claim_id, page_size=2)),
        plain(pb.ListClaimHistoryRequest(claim_id=NOBODY)),
        "CLAIM_NOT_FOUND",
    ),
    "CreateClaimBatch": Case(
        plain(pb.CreateClaimBatchRequest(provider_id=PROVIDER, insurer_id=INSURER, type=CONSULTATION)),
        plain(pb.CreateClaimBatchRequest(provider_id="12", insurer_id="x", type=claim_pb2.CLAIM_TYPE_OTHER)),
        "INVALID_REQUEST",
    ),
    "GetClaimBatch": Case(
        after(ClaimsJourney.filled, lambda b: pb.GetClaimBatchRequest(claim_batch_id=b.claim_batch_id)),
        plain(pb.GetClaimBatchRequest(claim_batch_id=NOBODY)),
        "CLAIM_BATCH_NOT_FOUND",
    ),
    "ListClaimBatches": Case(
        after(ClaimsJourney.closed, lambda b: pb.ListClaimBatchesRequest(provider_id=PROVIDER, status=b.status)),
        plain(pb.ListClaimBatchesRequest(page_token=NOT_A_PAGE)),
        "INVALID_PAGE_TOKEN",
    ),
    "AddClaimToBatch": Case(
        after(
            beside_a_full_hand,
            lambda two: pb.AddClaimToBatchRequest(claim_batch_id=two[0].claim_batch_id, claim_id=two[1].claim_id),
        ),
        after(
            ClaimsJourney.batch, lambda b: pb.AddClaimToBatchRequest(claim_batch_id=b.claim_batch_id, claim_id=NOBODY)
        ),
        "CLAIM_NOT_FOUND",
    ),
    "RemoveClaimFromBatch": Case(
        after(
            ClaimsJourney.filled,
            lambda b: pb.RemoveClaimFromBatchRequest(claim_batch_id=b.claim_batch_id, claim_id=b.claim_ids[0]),
        ),
        after(
            ClaimsJourney.sent,
            lambda b: pb.RemoveClaimFromBatchRequest(claim_batch_id=b.claim_batch_id, claim_id=b.claim_ids[0]),
        ),
        "CLAIM_BATCH_FROZEN",
    ),
    "CloseClaimBatch": Case(
        after(ClaimsJourney.filled, lambda b: pb.CloseClaimBatchRequest(claim_batch_id=b.claim_batch_id)),
        after(ClaimsJourney.batch, lambda b: pb.CloseClaimBatchRequest(claim_batch_id=b.claim_batch_id)),
        "CLAIM_BATCH_EMPTY",
    ),
    "SubmitClaimBatch": Case(
        after(lambda journey: journey.closed(2), lambda b: pb.SubmitClaimBatchRequest(claim_batch_id=b.claim_batch_id)),
        after(ClaimsJourney.filled, lambda b: pb.SubmitClaimBatchRequest(claim_batch_id=b.claim_batch_id)),
        "ILLEGAL_TRANSITION",
    ),
}
