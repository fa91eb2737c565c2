"""For each rpc of the old health client's paths, how it comes to where it is served, and to where it is refused."""

from __future__ import annotations

from google.protobuf.message import Message

from acerto.claims.v1 import compatibility_service_pb2 as pb
from acerto.eligibility.v1 import compatibility_service_pb2 as checks
from tests.support.equivalence import NOBODY, Case, after, plain
from tests.support.journey import Journey
from tests.support.reference import INSURER, PATIENT

CLAIM = pb.CreateLegacyClaimRequest(
    patient_id="patient-1",
    insurance_id="saúde",
    amount=0.3,
    currency="BRL",
    items=[pb.LegacyClaimItem(description="Sessão", code="S-1", value=0.1, quantity=3)],
)
CHECK = checks.CheckLegacyEligibilityRequest(patient_id=PATIENT, insurance_id=INSURER)


async def claimed(journey: Journey) -> pb.LegacyClaim:
    claim: pb.LegacyClaim = await journey.old_claims.CreateLegacyClaim(CLAIM)
    return claim


async def billed(journey: Journey) -> pb.LegacyInvoice:
    claim = await claimed(journey)
    invoice: pb.LegacyInvoice = await journey.old_claims.CreateLegacyInvoice(
        pb.CreateLegacyInvoiceRequest(claim_id=claim.id)
    )
    return invoice


async def settled(journey: Journey) -> pb.LegacyInvoice:
    invoice = await billed(journey)
    settled: pb.LegacyInvoice = await journey.old_claims.SettleLegacyInvoice(
        pb.SettleLegacyInvoiceRequest(id=invoice.id)
    )
    return settled


async def canceled(journey: Journey) -> pb.LegacyInvoice:
    invoice = await billed(journey)
    request = pb.UpdateLegacyInvoiceRequest(id=invoice.id, status="canceled")
    canceled: pb.LegacyInvoice = await journey.old_claims.UpdateLegacyInvoice(request)
    return canceled


async def checked(journey: Journey) -> Message:
    for _ in range(3):
        await journey.old_eligibility.CheckLegacyEligibility(CHECK)
    return checks.ListLegacyEligibilityHistoryRequest(patient_id=PATIENT, insurance_id=INSURER, skip=1, limit=1)


OLD_HEALTH_CASES = {
    "CreateLegacyClaim": Case(
        plain(CLAIM),
        plain(pb.CreateLegacyClaimRequest(patient_id="p", amount=1, items=CLAIM.items)),
        "AMOUNT_DIFFERS",
    ),
    "GetLegacyClaim": Case(
        after(claimed, lambda c: pb.GetLegacyClaimRequest(id=c.id)),
        plain(pb.GetLegacyClaimRequest(id=NOBODY)),
        "CLAIM_NOT_FOUND",
    ),
    "ListLegacyClaims": Case(
        after(
            claimed,
            lambda c: pb.ListLegacyClaimsRequest(
                patient_id=c.patient_id, status="pending", start_date="2026-03-01", end_date="2026-03-01", limit=1000
            ),
        ),
        plain(pb.ListLegacyClaimsRequest(start_date="yesterday", limit=1)),
        "INVALID_REQUEST",
    ),
    "UpdateLegacyClaim": Case(
        after(claimed, lambda c: pb.UpdateLegacyClaimRequest(id=c.id, status="processing")),
        after(claimed, lambda c: pb.UpdateLegacyClaimRequest(id=c.id, status="approved")),
        "ILLEGAL_TRANSITION",
    ),
    "CreateLegacyInvoice": Case(
        after(claimed, lambda c: pb.CreateLegacyInvoiceRequest(claim_ids=[c.id], patient_id=c.patient_id, amount=0.3)),
        after(billed, lambda i: pb.CreateLegacyInvoiceRequest(claim_ids=i.claim_ids)),
        "CLAIM_ALREADY_INVOICED",
    ),
    "GetLegacyInvoice": Case(
        after(settled, lambda i: pb.GetLegacyInvoiceRequest(id=i.id)),
        plain(pb.GetLegacyInvoiceRequest(id=NOBODY)),
        "INVOICE_NOT_FOUND",
    ),
    "ListLegacyInvoices": Case(
        after(settled, lambda i: pb.ListLegacyInvoicesRequest(claim_id=i.claim_ids[0], status="settled")),
        plain(pb.ListLegacyInvoicesRequest(limit=0)),
        "INVALID_REQUEST",
    ),
    "SettleLegacyInvoice": Case(
        after(billed, lambda i: pb.SettleLegacyInvoiceRequest(id=i.id)),
        after(canceled, lambda i: pb.SettleLegacyInvoiceRequest(id=i.id)),
        "ILLEGAL_TRANSITION",
    ),
    "UpdateLegacyInvoice": Case(
        after(billed, lambda i: pb.UpdateLegacyInvoiceRequest(id=i.id, status="canceled")),
        after(settled, lambda i: pb.UpdateLegacyInvoiceRequest(id=i.id, status="canceled")),
        "ILLEGAL_TRANSITION",
    ),
    "CheckLegacyEligibility": Case(
        plain(CHECK), plain(checks.CheckLegacyEligibilityRequest(patient_id=PATIENT)), "INVALID_REQUEST"
    ),
    "ListLegacyEligibilityHistory": Case(
        checked, plain(checks.ListLegacyEligibilityHistoryRequest(limit=101)), "INVALID_REQUEST"
    ),
}
