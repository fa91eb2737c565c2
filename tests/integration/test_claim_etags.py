"""Every change of a claim, a batch or an invoice can be made on the condition that nobody was faster (AIP-154)."""

from __future__ import annotations

from typing import Any, Final

import grpc
import pytest

from acerto.claims.v1 import claim_service_pb2 as pb
from acerto.claims.v1 import invoice_requests_pb2 as invoices_pb
from tests.support.equivalence_claims import CLAIM_CASES
from tests.support.equivalence_invoices import INVOICE_CASES
from tests.support.http import client_of, http_of, problem_in
from tests.support.journey import Journey
from tests.support.served import CLAIMS, Scene, refusal

CASES: Final[dict[str, Any]] = {**CLAIM_CASES, **INVOICE_CASES}
CHANGES: Final = [
    name
    for name, rpc in CLAIMS.methods_by_name.items()
    if "request_id" in rpc.input_type.fields_by_name and not name.startswith("Create")
]
"""Those that change what there is: what is made has no etag before."""


async def etag_of(journey: Journey, request: Any) -> str:
    """Of the resource that a request changes: of a batch and a claim, the batch."""
    fields = request.DESCRIPTOR.fields_by_name
    if "claim_batch_id" in fields:
        named = pb.GetClaimBatchRequest(claim_batch_id=request.claim_batch_id)
        return str((await journey.claims.GetClaimBatch(named)).etag)
    if "invoice_id" in fields:
        invoice = await journey.claims.GetInvoice(invoices_pb.GetInvoiceRequest(invoice_id=request.invoice_id))
        return str(invoice.etag)
    return str((await journey.claims.GetClaim(pb.GetClaimRequest(claim_id=request.claim_id))).etag)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_with_an_older_etag_is_refused_and_does_nothing_and_one_with_the_present_is_made(
    name: str,
) -> None:
    scene = Scene()
    async with scene.served() as served:
        journey = Journey(scene, served)
        request: Any = await CASES[name].served(journey)
        present, rpc = await etag_of(journey, request), getattr(journey.claims, name)
        before, asked = len(scene.claim_store.history), len(scene.reference.asked)
        for older in ('"99"', '"0"', "3"):
            request.etag = older
            refused = await refusal(rpc(request))
            assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "STALE")
        assert (len(scene.claim_store.history), len(scene.reference.asked)) == (before, asked)
        request.etag = present
        await rpc(request)
        assert len(scene.claim_store.history) > before
        assert (await refusal(rpc(request))).reason == "STALE", "which is another state by now"


async def test_over_http_the_condition_is_a_header() -> None:
    async with client_of(http_of(Scene())) as client:
        body = {"providerId": "1234567", "insurerId": "326305", "type": "CLAIM_TYPE_CONSULTATION"}
        batch = (await client.post("/v1/claim-batches", json=body)).json()
        path = f"/v1/claim-batches/{batch['claimBatchId']}"
        problem_in(await client.post(f"{path}:close", headers={"if-match": '"7"'}), 412, "STALE")
        problem_in(await client.post(f"{path}:close", headers={"if-match": batch["etag"]}), 400, "CLAIM_BATCH_EMPTY")
