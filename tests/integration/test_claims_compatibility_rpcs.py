"""The old health client's requests through the gRPC door, as JSON: repeats, and who sees what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf import json_format

from acerto.claims.v1 import claim_service_pb2
from acerto.claims.v1 import compatibility_service_pb2 as pb
from domain.actor import Actor
from tests.support.builders import AT
from tests.support.claims_journey import ClaimsJourney
from tests.support.served import PERMISSIONS, Refused, Scene, Served, refusal

MADE = AT.isoformat().replace("+00:00", "Z")
CLAIM = {"patient_id": "p", "items": [{"description": "Consulta", "value": 10.1}]}


@dataclass
class OldClient:
    """Sends JSON and reads JSON."""

    scene: Scene
    served: Served

    async def ask(self, rpc: str, **body: Any) -> dict[str, Any]:
        """The answer, with all that an old client finds in it."""
        answer = await self.call(rpc, body)
        read: dict[str, Any] = json_format.MessageToDict(answer, always_print_fields_with_no_presence=True)
        return read

    async def refused(self, rpc: str, **body: Any) -> Refused:
        return await refusal(self.call(rpc, body))

    def call(self, rpc: str, body: dict[str, Any]) -> Any:
        request = json_format.ParseDict(body, getattr(pb, f"{rpc}Request")())
        return getattr(self.served.old_claims, rpc)(request)


@pytest.fixture
async def old() -> AsyncIterator[OldClient]:
    scene = Scene()
    async with scene.served() as served:
        yield OldClient(scene, served)


async def test_a_claim_is_shown_as_the_old_one_to_the_last_field(old: OldClient) -> None:
    made = await old.ask("CreateLegacyClaim", **CLAIM)
    assert made == {
        "id": made["id"],
        "patient_id": "p",
        "insurance_id": None,
        "amount": 10.1,
        "currency": "BRL",
        "status": "pending",
        "items": [{"description": "Consulta", "code": None, "value": 10.1, "quantity": 1.0}],
        "created_at": MADE,
        "updated_at": MADE,
    }
    assert old.scene.claim_store.names() == ["ClaimSubmitted"]


async def test_a_repeat_of_each_write_gets_the_first_answer_to_the_last_field(old: OldClient) -> None:
    claim = await old.ask("CreateLegacyClaim", **CLAIM)
    invoice = await old.ask("CreateLegacyInvoice", claim_id=claim["id"])
    patients = await old.ask("CreateLegacyInvoice", patient_id="p", amount=3)
    writes: list[tuple[str, dict[str, Any]]] = [
        ("CreateLegacyClaim", CLAIM),
        ("UpdateLegacyClaim", {"id": claim["id"], "status": "processing"}),
        ("UpdateLegacyClaim", {"id": claim["id"], "status": "approved"}),
        ("CreateLegacyInvoice", {"patient_id": "p", "amount": 2.5}),
        ("SettleLegacyInvoice", {"id": invoice["id"]}),
        ("UpdateLegacyInvoice", {"id": patients["id"], "status": "canceled"}),
    ]
    for rpc, written in writes:
        body = written | {"request_id": str(uuid4())}
        first, told = await old.ask(rpc, **body), len(old.scene.claim_store.facts)
        old.scene.clock.advance(seconds=1)
        repeat = old.call(rpc, body)
        assert json_format.MessageToDict(await repeat, always_print_fields_with_no_presence=True) == first
        assert dict(await repeat.trailing_metadata())["acerto-replayed"] == "true"
        assert len(old.scene.claim_store.facts) == told


async def test_an_old_client_sees_what_new_ones_made_in_its_own_words(old: OldClient) -> None:
    clinic = ClaimsJourney(old.served.claims)
    denied = await clinic.adjudicated()
    seen = await old.ask("GetLegacyClaim", id=denied.claim_id)
    assert (seen["status"], seen["amount"]) == ("partially_approved", 100)
    assert [claim["id"] for claim in (await old.ask("ListLegacyClaims", status="partially_approved"))["claims"]] == [
        denied.claim_id
    ]
    batched = await clinic.filled()
    request = claim_service_pb2.ListClaimsRequest(page_size=1)
    (newest,) = (await old.served.claims.ListClaims(request)).claims
    assert (await old.ask("UpdateLegacyClaim", id=newest.claim_id, status="canceled"))["status"] == "rejected"
    left = await old.served.claims.GetClaimBatch(
        claim_service_pb2.GetClaimBatchRequest(claim_batch_id=batched.claim_batch_id)
    )
    assert list(left.claim_ids) == []


async def test_what_lies_outside_a_callers_providers_is_absent_here_too(old: OldClient) -> None:
    claim = await old.ask("CreateLegacyClaim", **CLAIM)
    invoice = await old.ask("CreateLegacyInvoice", claim_id=claim["id"])
    old.scene.actor = Actor(id="elsewhere", permissions=PERMISSIONS, providers=frozenset({"1234567"}))
    for rpc, body in (("GetLegacyClaim", {}), ("UpdateLegacyClaim", {}), ("UpdateLegacyClaim", {"status": "pending"})):
        assert (await old.refused(rpc, id=claim["id"], **body)).reason == "CLAIM_NOT_FOUND"
    for rpc, body in (
        ("GetLegacyInvoice", {}),
        ("SettleLegacyInvoice", {}),
        ("UpdateLegacyInvoice", {"status": "pending"}),
    ):
        assert (await old.refused(rpc, id=invoice["id"], **body)).reason == "INVOICE_NOT_FOUND"
    assert await old.ask("ListLegacyClaims") == {"claims": []}
    assert await old.ask("ListLegacyInvoices") == {"invoices": []}
    assert (await old.refused("CreateLegacyClaim", **CLAIM)).reason == "PROVIDER_NOT_FOUND"


async def test_who_may_correct_a_claim_may_not_say_by_the_old_path_what_an_insurer_found(old: OldClient) -> None:
    claim = await old.ask("CreateLegacyClaim", **CLAIM)
    old.scene.actor = Actor(id="clerk", permissions=PERMISSIONS - {"claims.adjudicate"})
    refused = await old.refused("UpdateLegacyClaim", id=claim["id"], status="processing")
    assert (refused.code, refused.about) == (grpc.StatusCode.PERMISSION_DENIED, {"permission": "claims.adjudicate"})
