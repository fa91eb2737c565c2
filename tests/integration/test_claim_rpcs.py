"""A claim's life through the real doors, gRPC and HTTP: what a clinic's programs see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2 as details_pb2
from google.type.date_pb2 import Date

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from domain.actor import Actor
from domain.claims.known import Eligibility, Verdict
from tests.support.claim_scene import OTHER_PROVIDER, PROVIDER
from tests.support.claims_journey import ClaimsJourney, a_claim, an_item, analysis
from tests.support.http import client_of, fields_in, http_of, problem_in
from tests.support.journey import brl, cents
from tests.support.served import PERMISSIONS, Scene, refusal


@asynccontextmanager
async def begun(scene: Scene | None = None) -> AsyncIterator[ClaimsJourney]:
    async with (scene or Scene()).served() as served:
        yield ClaimsJourney(served.claims)


async def test_a_claim_goes_from_draft_to_an_accepted_denial() -> None:
    async with begun() as clinic:
        claim = await clinic.adjudicated(3_000, 1_000, released=6_000)
        assert (claim.status, claim.outcome) == (
            claim_pb2.CLAIM_STATUS_ADJUDICATED,
            claim_pb2.CLAIM_OUTCOME_PARTIALLY_DENIED,
        )
        first, second = claim.items[0].denials
        assert (first.appeal_until, second.state) == (Date(year=2026, month=3, day=31), claim_pb2.DENIAL_STATE_PENDING)
        appeal = pb.AppealClaimRequest(claim_id=claim.claim_id, denial_ids=[first.denial_id], justification="needed")
        assert (await clinic.stub.AppealClaim(appeal)).status == claim_pb2.CLAIM_STATUS_APPEALED
        answer = pb.AppealAnswer(denial_id=first.denial_id, recovered=brl(2_000))
        answered = await clinic.stub.AnswerClaimAppeal(
            pb.AnswerClaimAppealRequest(claim_id=claim.claim_id, answers=[answer])
        )
        assert [cents(m) for m in (answered.denied, answered.recovered, answered.denied_pending)] == [
            4_000,
            2_000,
            2_000,
        ]
        done = await clinic.stub.AcceptDenials(pb.AcceptDenialsRequest(claim_id=claim.claim_id))
        assert [cents(m) for m in (done.denied_pending, done.denied_accepted)] == [0, 2_000]
        assert [d.state for d in done.items[0].denials] == [claim_pb2.DENIAL_STATE_ACCEPTED] * 2


async def test_a_request_without_a_provider_and_a_card_is_the_old_clients_and_submitted_at_once() -> None:
    async with begun() as clinic:
        item = claim_pb2.ClaimItem(description="Consulta", quantity="1", unit_price=brl(15_000))
        claim = await clinic.stub.CreateClaim(pb.CreateClaimRequest(patient_id="p", items=[item], insurer_id="acme"))
        assert (claim.type, claim.status) == (claim_pb2.CLAIM_TYPE_OTHER, claim_pb2.CLAIM_STATUS_SUBMITTED)
        assert claim.service_date == Date(year=2026, month=3, day=1), "today in Brazil"
        nothing = await refusal(clinic.stub.CreateClaim(pb.CreateClaimRequest(patient_id="p")))
        assert (nothing.code, nothing.reason, nothing.fields) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "CLAIM_INVALID",
            ["items"],
        )


async def test_who_works_for_one_provider_brings_a_claim_of_no_type_by_the_guards() -> None:
    scene = Scene()
    scene.actor = Actor(id="guest", permissions=PERMISSIONS, providers=frozenset({OTHER_PROVIDER}))
    async with begun(scene) as clinic:
        item = claim_pb2.ClaimItem(description="Consulta", quantity="1", unit_price=brl(15_000))
        wanted: dict[str, Any] = {"patient_id": "p", "items": [item], "insurer_id": "acme"}
        request = pb.CreateClaimRequest(type=claim_pb2.CLAIM_TYPE_OTHER, provider_id=OTHER_PROVIDER, **wanted)
        claim = await clinic.stub.CreateClaim(request)
        assert (claim.status, claim.service_date) == (claim_pb2.CLAIM_STATUS_DRAFT, Date(year=2026, month=3, day=1))
        refused = await refusal(clinic.stub.ReadyClaim(pb.ReadyClaimRequest(claim_id=claim.claim_id)))
        assert (refused.reason, refused.fields) == ("CLAIM_INVALID", ["insurer_id"])
        named = pb.UpdateClaimRequest(claim_id=claim.claim_id, update_mask=FieldMask(paths=["insurer_id"]))
        await clinic.stub.UpdateClaim(named)
        await clinic.stub.ReadyClaim(pb.ReadyClaimRequest(claim_id=claim.claim_id))
        sent = await clinic.stub.SubmitClaim(pb.SubmitClaimRequest(claim_id=claim.claim_id))
        assert (sent.type, sent.status) == (claim_pb2.CLAIM_TYPE_OTHER, claim_pb2.CLAIM_STATUS_SUBMITTED)
        assert scene.claim_store.names() == ["ClaimSubmitted"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": claim_pb2.CLAIM_TYPE_UNSPECIFIED}, "type"),
        ({"service_date": None}, "service_date"),
        ({"service_date": Date(year=2026, month=2, day=30)}, "service_date"),
        ({"service_date": Date(year=2026, month=2)}, "service_date"),
        ({"patient_id": ""}, "patient_id"),
        ({"items": [an_item(quantity="0")]}, "items[0].quantity"),
        ({"items": [an_item(quantity="0.00001")]}, "items[0].quantity"),
        ({"items": [an_item(quantity="-1")]}, "items[0].quantity"),
        ({"items": [an_item(factor="0.0")]}, "items[0].factor"),
        ({"items": [an_item(unit_price=brl(1, "EUROS"))]}, "items[0].unit_price"),
        ({"items": [an_item(table="00")]}, "items[0].table"),
        ({"amount": brl(10_000, "brl")}, "amount"),
        ({"number": "x" * 21}, "number"),
        ({"items": [an_item(10**12, quantity="11")]}, "items"),
    ],
)
async def test_what_is_not_well_formed_is_refused_by_its_field(changes: dict[str, Any], field: str) -> None:
    async with begun() as clinic:
        refused = await refusal(clinic.stub.CreateClaim(a_claim(**changes)))
        assert (refused.code, refused.reason, refused.fields) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            [field],
        )


async def test_amounts_below_zero_and_in_other_money_are_refused() -> None:
    async with begun() as clinic:
        minus = an_item()
        minus.unit_price.units = -1
        assert (await refusal(clinic.stub.CreateClaim(a_claim(items=[minus])))).fields == ["items[0].unit_price"]
        dollars = await refusal(clinic.stub.CreateClaim(a_claim(items=[an_item(unit_price=brl(1, "USD"))])))
        assert dollars.reason == "WRONG_CURRENCY"
        claim = await clinic.analyzed()
        said = analysis(claim, 1)
        said.items[0].processed.currency_code = said.items[0].released.currency_code = "USD"
        assert (await refusal(clinic.stub.AdjudicateClaim(said))).reason == "WRONG_CURRENCY"
        zero = await refusal(clinic.stub.AdjudicateClaim(analysis(claim, 0, released=10_000)))
        assert zero.fields == ["items[0].denials[0].amount"]


async def test_ready_tells_every_finding_as_a_violation_with_its_code() -> None:
    async with begun() as clinic:
        claim = await clinic.drafted(card_number="", plan_id="", items=[an_item(), an_item()])
        found = await clinic.stub.ValidateClaim(pb.ValidateClaimRequest(claim_id=claim.claim_id))
        codes = [finding.code for finding in found.findings]
        assert (codes, found.ready) == (["CARD_MISSING", "DUPLICATE_ITEM", "PLAN_MISSING"], False)
        refused = await refusal(clinic.stub.ReadyClaim(pb.ReadyClaimRequest(claim_id=claim.claim_id)))
        violations = refused.detail(details_pb2.BadRequest()).field_violations
        assert [violation.reason for violation in violations] == codes
        assert [violation.field for violation in violations] == ["card_number", "items[1]", "plan_id"]


async def test_an_ineligible_patient_stops_a_claim_until_somebody_answers_for_it() -> None:
    scene = Scene()
    scene.reference.verdict = Eligibility(verdict=Verdict.INELIGIBLE, reasons=("the card has expired",))
    async with begun(scene) as clinic:
        claim = await clinic.drafted()
        request = pb.ReadyClaimRequest(claim_id=claim.claim_id)
        assert (await refusal(clinic.stub.ReadyClaim(request))).fields == ["card_number"]
        request.override_reason = "renewed by phone"
        assert (await clinic.stub.ReadyClaim(request)).override_reason == "renewed by phone"
        history = await clinic.stub.ListClaimHistory(pb.ListClaimHistoryRequest(claim_id=claim.claim_id))
        assert [(entry.action, entry.note) for entry in history.entries] == [
            ("create", ""),
            ("ready", "renewed by phone"),
        ]
        request.override_reason = "the new card is here"
        assert (await clinic.stub.ReadyClaim(request)).override_reason == "the new card is here"
        history = await clinic.stub.ListClaimHistory(pb.ListClaimHistoryRequest(claim_id=claim.claim_id))
        assert [entry.note for entry in history.entries] == ["", "renewed by phone", "the new card is here"]


async def test_a_mask_changes_what_it_names_also_to_nothing_and_without_one_what_is_given() -> None:
    async with begun() as clinic:
        claim = await clinic.drafted()
        given = pb.UpdateClaimRequest(claim_id=claim.claim_id, card_number="0002", etag=claim.etag)
        changed = await clinic.stub.UpdateClaim(given)
        assert (changed.card_number, changed.plan_id, changed.etag) == ("0002", "GOLD", '"2"')
        masked = pb.UpdateClaimRequest(
            claim_id=claim.claim_id, card_number="0003", update_mask=FieldMask(paths=["plan_id", "items", "number"])
        )
        changed = await clinic.stub.UpdateClaim(masked)
        assert (changed.card_number, changed.plan_id, len(changed.items)) == ("0002", "", 0)
        assert changed.number == claim.number, "one without a number gets the one that its id makes"
        same = await clinic.stub.UpdateClaim(masked)
        assert same == changed, "changing nothing does nothing"
        other = pb.UpdateClaimRequest(claim_id=claim.claim_id, type=claim_pb2.CLAIM_TYPE_OTHER)
        assert (await refusal(clinic.stub.UpdateClaim(other))).fields == ["type"]


async def test_a_repeat_with_its_key_answers_the_same_and_publishes_nothing() -> None:
    scene = Scene()
    async with begun(scene) as clinic:
        claim = await clinic.ready()
        request = pb.SubmitClaimRequest(request_id=str(uuid4()), claim_id=claim.claim_id)
        first = await clinic.stub.SubmitClaim(request)
        await clinic.stub.CancelClaim(pb.CancelClaimRequest(claim_id=claim.claim_id, reason="gone"))
        again = clinic.stub.SubmitClaim(request)
        assert await again == first
        assert dict(await again.trailing_metadata())["acerto-replayed"] == "true"
        assert scene.claim_store.names() == ["ClaimSubmitted", "ClaimCanceled"]


async def test_a_resubmission_says_which_one_it_is() -> None:
    scene = Scene()
    async with begun(scene) as clinic:
        claim = await clinic.submitted()
        await clinic.stub.ReturnClaim(pb.ReturnClaimRequest(claim_id=claim.claim_id, reason="no such card"))
        await clinic.stub.UpdateClaim(pb.UpdateClaimRequest(claim_id=claim.claim_id, card_number="0002"))
        await clinic.stub.ReadyClaim(pb.ReadyClaimRequest(claim_id=claim.claim_id))
        sent = await clinic.stub.SubmitClaim(pb.SubmitClaimRequest(claim_id=claim.claim_id))
        assert (sent.submissions, sent.return_reason) == (2, "")
        bodies = [publication.body.decode() for publication in scene.claim_store.outbox]
        assert [f'"submission":{number}' in body for number, body in enumerate(bodies, 1)] == [True, True]


async def test_an_illegal_move_says_what_is_allowed() -> None:
    async with begun() as clinic:
        claim = await clinic.drafted()
        refused = await refusal(clinic.stub.SubmitClaim(pb.SubmitClaimRequest(claim_id=claim.claim_id)))
        assert (refused.code, refused.reason, refused.about) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "ILLEGAL_TRANSITION",
            {"allowed_actions": "update,ready,cancel"},
        )
        assert list(claim.allowed_actions) == ["update", "ready", "cancel"]


async def test_another_providers_claim_does_not_exist_by_any_rpc() -> None:
    scene = Scene()
    async with begun(scene) as clinic:
        claim, batch = await clinic.drafted(), await clinic.batch()
        scene.actor = Actor(id="guest", permissions=PERMISSIONS, providers=frozenset({OTHER_PROVIDER}))
        for rpc, request in (
            ("GetClaim", pb.GetClaimRequest(claim_id=claim.claim_id)),
            ("UpdateClaim", pb.UpdateClaimRequest(claim_id=claim.claim_id)),
            ("CancelClaim", pb.CancelClaimRequest(claim_id=claim.claim_id)),
            ("ListClaimHistory", pb.ListClaimHistoryRequest(claim_id=claim.claim_id)),
        ):
            assert (await refusal(getattr(clinic.stub, rpc)(request))).reason == "CLAIM_NOT_FOUND"
        absent = pb.GetClaimBatchRequest(claim_batch_id=batch.claim_batch_id)
        assert (await refusal(clinic.stub.GetClaimBatch(absent))).reason == "CLAIM_BATCH_NOT_FOUND"
        assert (await clinic.stub.ListClaims(pb.ListClaimsRequest())).claims == []
        assert (await refusal(clinic.stub.CreateClaim(a_claim()))).reason == "PROVIDER_NOT_FOUND"


async def test_a_list_is_walked_by_pages_that_belong_to_their_filter() -> None:
    async with begun() as clinic:
        made = {(await clinic.drafted()).claim_id for _ in range(5)}
        seen: list[str] = []
        request = pb.ListClaimsRequest(page_size=2, provider_id=PROVIDER)
        while True:
            page = await clinic.stub.ListClaims(request)
            seen += [claim.claim_id for claim in page.claims]
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert (set(seen), len(seen)) == (made, 5)
        first = await clinic.stub.ListClaims(pb.ListClaimsRequest(page_size=2))
        elsewhere = pb.ListClaimsRequest(page_token=first.next_page_token, patient_id="patient-1")
        assert (await refusal(clinic.stub.ListClaims(elsewhere))).reason == "INVALID_PAGE_TOKEN"


async def test_over_http_a_patch_without_a_mask_changes_what_it_gives() -> None:
    async with client_of(http_of(Scene())) as client:
        made = await client.post("/v1/claims", json=CLAIM_JSON)
        claim = made.json()
        assert (made.status_code, claim["status"], claim["serviceDate"]) == (
            200,
            "CLAIM_STATUS_DRAFT",
            {"year": 2026, "month": 3, "day": 1},
        )
        path = f"/v1/claims/{claim['claimId']}"
        items = [{**CLAIM_JSON["items"][0], "quantity": "2"}]
        patched = await client.patch(
            path, json={"items": items, "amount": {"currencyCode": "BRL", "units": "300"}}, headers={"if-match": '"1"'}
        )
        assert (patched.status_code, patched.json()["amount"]["units"]) == (200, "300")
        stale = await client.patch(path, json={"planId": "SILVER"}, headers={"if-match": '"1"'})
        problem_in(stale, 412, "STALE")
        wrong = await client.patch(path, json={"amount": {"currencyCode": "BRL", "units": "1"}})
        problem_in(wrong, 400, "AMOUNT_DIFFERS")


async def test_over_http_findings_lists_and_refusals_read_as_they_should() -> None:
    async with client_of(http_of(Scene())) as client:
        claim = (await client.post("/v1/claims", json={**CLAIM_JSON, "cardNumber": ""})).json()
        findings = await client.get(f"/v1/claims/{claim['claimId']}/findings")
        assert [(one["code"], one["severity"]) for one in findings.json()["findings"]] == [
            ("CARD_MISSING", "FINDING_SEVERITY_ERROR")
        ]
        problem = problem_in(await client.post(f"/v1/claims/{claim['claimId']}:ready", json={}), 400, "CLAIM_INVALID")
        assert [violation["rule"] for violation in problem["violations"]] == ["CARD_MISSING"]
        day = {"service_date_from.year": 2026, "service_date_from.month": 3, "service_date_from.day": 1}
        listed = await client.get("/v1/claims", params={**day, "status": "CLAIM_STATUS_DRAFT"})
        assert [one["claimId"] for one in listed.json()["claims"]] == [claim["claimId"]]
        assert fields_in(await client.get("/v1/claims", params={"service_date_from.year": 2026})) == [
            "service_date_from"
        ]


CLAIM_JSON: dict[str, Any] = {
    "type": "CLAIM_TYPE_CONSULTATION",
    "patientId": "patient-1",
    "cardNumber": "0001",
    "insurerId": "326305",
    "planId": "GOLD",
    "providerId": PROVIDER,
    "serviceDate": {"year": 2026, "month": 3, "day": 1},
    "items": [
        {
            "table": "22",
            "code": "10101012",
            "description": "Consulta",
            "quantity": "1",
            "unitPrice": {"currencyCode": "BRL", "units": "150"},
        }
    ],
}
