"""Claims and eligibility joined, by their doors, on a real PostgreSQL with the sample's reference data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date

from acerto.claims.v1 import claim_pb2
from acerto.claims.v1 import claim_service_pb2 as pb
from acerto.eligibility.v1 import beneficiary_pb2, health_plan_pb2
from acerto.eligibility.v1 import eligibility_check_pb2 as checks
from acerto.eligibility.v1 import eligibility_service_pb2 as eligibility_pb
from domain.calendar import day_of
from server.system import SystemClock
from tests.support.claims_journey import analysis
from tests.support.journey import brl
from tests.support.served import Refused, refusal
from tests.support.wired import Doors, doors

INSURER, CLINIC, HOSPITAL = "999991", "9999991", "9999992"
CARD, PATIENT = "000100", "sample-01"
CONSULTATION, EXAM, ENDED, THERAPY = "99010002", "99020002", "99029999", "99030001"
DENTAL = "89990001"
"""Of the sample: agreed at 140.00; wants an authorization; ended on 2024-12-31; two a year are paid for."""


@dataclass(frozen=True)
class Clinic:
    """What a clinic does by the doors; every day of service is today, unless a test says otherwise."""

    doors: Doors
    today: date

    async def entered(
        self,
        card: str,
        *,
        days_ago: int,
        plan: str = "COMPLETO",
        status: str = "ACTIVE",
        ended_days_ago: int | None = None,
        patient: str = "",
    ) -> None:
        """A card that begins so many days ago, and maybe ended."""
        ended = None if ended_days_ago is None else proto_day(self.today - timedelta(days=ended_days_ago))
        beneficiary = beneficiary_pb2.Beneficiary(
            insurer_id=INSURER,
            card_number=card,
            plan_id=plan,
            patient_id=patient or f"patient-{card}",
            enrolled_from=proto_day(self.today - timedelta(days=days_ago)),
            enrolled_to=ended,
            status=beneficiary_pb2.BeneficiaryStatus.Value(f"BENEFICIARY_STATUS_{status}"),
        )
        await self.doors.eligibility.UpsertBeneficiary(eligibility_pb.UpsertBeneficiaryRequest(beneficiary=beneficiary))

    async def drafted(self, *items: claim_pb2.ClaimItem, **changes: Any) -> str:
        """A draft's id."""
        card = changes.get("card_number", CARD)
        wanted: dict[str, Any] = {
            "type": claim_pb2.CLAIM_TYPE_SP_SADT,
            "patient_id": PATIENT if card == CARD else f"patient-{card}",
            "card_number": card,
            "insurer_id": INSURER,
            "plan_id": "COMPLETO",
            "provider_id": CLINIC,
            "service_date": proto_day(self.today),
            "authorization_code": "AUT-1",
            "items": items or [an_item()],
        }
        return str((await self.doors.claims.CreateClaim(pb.CreateClaimRequest(**wanted | changes))).claim_id)

    async def ready(self, claim_id: str, override_reason: str = "") -> claim_pb2.Claim:
        request = pb.ReadyClaimRequest(claim_id=claim_id, override_reason=override_reason)
        claim: claim_pb2.Claim = await self.doors.claims.ReadyClaim(request)
        return claim

    async def not_ready(self, claim_id: str) -> Refused:
        refused = await refusal(self.doors.claims.ReadyClaim(pb.ReadyClaimRequest(claim_id=claim_id)))
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLAIM_INVALID")
        return refused

    async def submitted(self, *items: claim_pb2.ClaimItem, **changes: Any) -> claim_pb2.Claim:
        claim_id = await self.drafted(*items, **changes)
        await self.ready(claim_id)
        claim: claim_pb2.Claim = await self.doors.claims.SubmitClaim(pb.SubmitClaimRequest(claim_id=claim_id))
        return claim

    async def findings(self, claim_id: str) -> dict[str, claim_pb2.Finding]:
        """By their codes."""
        found = await self.doors.claims.ValidateClaim(pb.ValidateClaimRequest(claim_id=claim_id))
        return {finding.code: finding for finding in found.findings}

    async def adjudicated(self, claim: claim_pb2.Claim, *denied: int, released: int) -> claim_pb2.Claim:
        claims, claim_id = self.doors.claims, claim.claim_id
        await claims.ReceiveClaim(pb.ReceiveClaimRequest(claim_id=claim_id, protocol="P-1"))
        await claims.StartClaimAnalysis(pb.StartClaimAnalysisRequest(claim_id=claim_id))
        said: claim_pb2.Claim = await claims.AdjudicateClaim(analysis(claim, *denied, released=released))
        return said

    async def allowed(self) -> list[str]:
        """The codes of the reasons that speak against one more therapy."""
        request = eligibility_pb.CheckEligibilityRequest(
            insurer_id=INSURER, card_number=CARD, procedures=[checks.Procedure(table="22", code=THERAPY)]
        )
        check = await self.doors.eligibility.CheckEligibility(request)
        return [checks.ReasonCode.Name(reason.code).removeprefix("REASON_CODE_") for reason in check.reasons]


@pytest.fixture
async def clinic(database_url: str) -> AsyncIterator[Clinic]:
    async with doors(database_url) as opened:
        yield Clinic(opened, day_of(SystemClock().now()))


async def test_a_claim_of_a_patient_who_is_not_covered_is_refused_with_every_reason(clinic: Clinic) -> None:
    await clinic.entered("900", days_ago=7, plan="CONSULTA", status="SUSPENDED")
    claim_id = await clinic.drafted(an_item(EXAM), card_number="900", plan_id="CONSULTA")
    refused = await clinic.not_ready(claim_id)
    assert refused.fields[0] == "card_number"
    (said,) = [finding.message for code, finding in (await clinic.findings(claim_id)).items() if code == "INELIGIBLE"]
    for reason in ("does not pay for the beneficiary", "in the waiting period", f"does not cover 22/{EXAM}"):
        assert reason in said
        assert reason in str(refused.status)
    kept = await clinic.doors.eligibility.ListEligibilityChecks(
        eligibility_pb.ListEligibilityChecksRequest(patient_id="patient-900")
    )
    assert {check.verdict for check in kept.eligibility_checks} == {checks.VERDICT_INELIGIBLE}
    by_http = await clinic.doors.http.post(f"/v1/claims/{claim_id}:ready", json={})
    assert (by_http.status_code, by_http.json()["reason"]) == (400, "CLAIM_INVALID")
    assert said in by_http.text


async def test_care_given_while_a_canceled_card_was_enrolled_is_ready_and_later_care_is_not(clinic: Clinic) -> None:
    await clinic.entered("904", days_ago=400, status="CANCELED", ended_days_ago=10)
    days = [proto_day(clinic.today - timedelta(days=days_ago)) for days_ago in (10, 9)]
    covered, late = [await clinic.drafted(card_number="904", service_date=day) for day in days]
    assert (await clinic.ready(covered)).status == claim_pb2.CLAIM_STATUS_READY
    await clinic.not_ready(late)


async def test_care_from_before_a_suspension_was_entered_is_ready_with_a_warning(clinic: Clinic) -> None:
    await clinic.entered("905", days_ago=400, status="SUSPENDED")
    claim_id = await clinic.drafted(card_number="905", service_date=proto_day(clinic.today - timedelta(days=10)))
    findings = await clinic.findings(claim_id)
    told = [each for each in findings.values() if "which it may not have been before" in each.message]
    assert [each.severity for each in told] == [claim_pb2.FINDING_SEVERITY_WARNING]
    assert (await clinic.ready(claim_id)).status == claim_pb2.CLAIM_STATUS_READY


async def test_it_goes_when_somebody_answers_for_it_and_that_is_kept(clinic: Clinic) -> None:
    await clinic.entered("901", days_ago=7)
    claim_id = await clinic.drafted(card_number="901")
    await clinic.not_ready(claim_id)
    claim = await clinic.ready(claim_id, "The insurer agreed by phone")
    assert (claim.status, claim.override_reason) == (claim_pb2.CLAIM_STATUS_READY, "The insurer agreed by phone")
    await clinic.doors.claims.SubmitClaim(pb.SubmitClaimRequest(claim_id=claim_id))
    history = await clinic.doors.claims.ListClaimHistory(pb.ListClaimHistoryRequest(claim_id=claim_id))
    assert [(entry.action, entry.note) for entry in history.entries] == [
        ("create", ""),
        ("ready", "The insurer agreed by phone"),
        ("submit", ""),
    ]


async def test_urgent_care_inside_the_waiting_period_is_covered_after_a_day(clinic: Clinic) -> None:
    await clinic.entered("902", days_ago=1)
    urgent = {"character": claim_pb2.CARE_CHARACTER_URGENT, "card_number": "902"}
    await clinic.not_ready(await clinic.drafted(card_number="902"))
    assert (await clinic.ready(await clinic.drafted(**urgent))).status == claim_pb2.CLAIM_STATUS_READY
    await clinic.entered("903", days_ago=0)
    await clinic.not_ready(await clinic.drafted(**{**urgent, "card_number": "903"}))


async def test_a_plans_yearly_limit_counts_what_was_billed_by_anybody_and_not_what_was_withdrawn(
    clinic: Clinic,
) -> None:
    assert await clinic.allowed() == ["AUTHORIZATION_REQUIRED"]
    first = await clinic.submitted(an_item(THERAPY), provider_id=HOSPITAL)
    await clinic.drafted(an_item(THERAPY))
    assert await clinic.allowed() == ["AUTHORIZATION_REQUIRED"], "a draft counts for nothing"
    await clinic.submitted(an_item(THERAPY))
    assert "LIMIT_REACHED" in await clinic.allowed()
    third = await clinic.drafted(an_item(THERAPY))
    await clinic.not_ready(third)
    assert "2 were used, 1 asked for" in (await clinic.findings(third))["INELIGIBLE"].message
    await clinic.doors.claims.CancelClaim(pb.CancelClaimRequest(claim_id=first.claim_id))
    assert (await clinic.ready(third)).status == claim_pb2.CLAIM_STATUS_READY


async def test_a_plans_yearly_limit_is_a_calendar_years(clinic: Clinic) -> None:
    for year, reached in ((clinic.today.year - 1, False), (clinic.today.year, True)):
        last_or_first = Date(year=year, month=1, day=1) if reached else Date(year=year, month=12, day=31)
        await clinic.submitted(an_item(THERAPY, quantity="2"), service_date=last_or_first)
        assert ("LIMIT_REACHED" in await clinic.allowed()) is reached


async def test_a_plans_yearly_limit_counts_how_many_a_claim_asks_for(clinic: Clinic) -> None:
    refused = await clinic.drafted(an_item(THERAPY, quantity="3"))
    await clinic.not_ready(refused)
    assert "0 were used, 3 asked for" in (await clinic.findings(refused))["INELIGIBLE"].message
    claim = await clinic.submitted(an_item(THERAPY, quantity="2"))
    assert "LIMIT_REACHED" in await clinic.allowed()
    await clinic.adjudicated(claim, 28_000, released=0)
    assert await clinic.allowed() == ["AUTHORIZATION_REQUIRED"], "what was denied whole is not used"


async def test_what_was_billed_counts_against_the_rule_that_says_most_of_it_though_that_has_no_limit(
    clinic: Clinic,
) -> None:
    rule = health_plan_pb2.CoverageRule
    plan = health_plan_pb2.HealthPlan(
        insurer_id=INSURER,
        plan_id="LIMITES",
        name="Limites",
        segments=[health_plan_pb2.SEGMENT_AMBULATORY],
        coverage=[rule(table="22", prefix="99", yearly_limit=1), rule(table="22", prefix="9905")],
    )
    await clinic.doors.eligibility.UpsertHealthPlan(eligibility_pb.UpsertHealthPlanRequest(health_plan=plan))
    await clinic.entered("906", days_ago=400, plan="LIMITES")
    card = {"card_number": "906", "plan_id": "LIMITES"}
    await clinic.submitted(an_item("99050001"), **card)
    await clinic.submitted(an_item(), **card)
    refused = await clinic.drafted(an_item(), **card)
    assert "1 were used, 1 asked for" in (await clinic.findings(refused))["INELIGIBLE"].message


async def told_of(clinic: Clinic, patient: str, code: str) -> tuple[bool, str, str]:
    """Whether a patient is covered, of which plan and by which card."""
    request = eligibility_pb.CheckEligibilityRequest(
        insurer_id=INSURER, patient_id=patient, procedures=[checks.Procedure(table="22", code=code)]
    )
    check = await clinic.doors.eligibility.CheckEligibility(request)
    kept = await clinic.doors.eligibility.ListEligibilityChecks(
        eligibility_pb.ListEligibilityChecksRequest(patient_id=patient)
    )
    assert kept.eligibility_checks[0] == check
    return check.is_eligible, check.plan_id, check.masked_card


async def test_a_patient_is_answered_for_the_card_that_covers_it_and_the_history_says_which(clinic: Clinic) -> None:
    dental = health_plan_pb2.HealthPlan(
        insurer_id=INSURER, plan_id="DENTES", name="Dentes", segments=[health_plan_pb2.SEGMENT_DENTAL]
    )
    await clinic.doors.eligibility.UpsertHealthPlan(eligibility_pb.UpsertHealthPlanRequest(health_plan=dental))
    await clinic.entered("90001111", days_ago=900, patient="both")
    await clinic.entered("90002222", days_ago=400, plan="DENTES", patient="both")
    assert await told_of(clinic, "both", CONSULTATION) == (True, "COMPLETO", "*****111")
    assert await told_of(clinic, "both", DENTAL) == (True, "DENTES", "*****222")


async def test_a_card_that_holds_is_found_however_many_newer_ones_do_not(clinic: Clinic) -> None:
    await clinic.entered("91000000", days_ago=900, patient="renewed")
    for at in range(17):
        await clinic.entered(f"910001{at:02}", days_ago=400, ended_days_ago=1, patient="renewed")
    assert await told_of(clinic, "renewed", CONSULTATION) == (True, "COMPLETO", "*****000")


async def test_the_samples_dental_plan_covers_dental_care_and_no_other(clinic: Clinic) -> None:
    told = {}
    for code in (DENTAL, CONSULTATION, EXAM):
        request = eligibility_pb.CheckEligibilityRequest(
            insurer_id="999992",
            card_number="A-300",
            provider_id="9999993",
            procedures=[checks.Procedure(table="22", code=code)],
        )
        told[code] = await clinic.doors.eligibility.CheckEligibility(request)
    assert (told[DENTAL].verdict, list(told[DENTAL].reasons)) == (checks.VERDICT_ELIGIBLE, [])
    assert {told[code].verdict for code in (CONSULTATION, EXAM)} == {checks.VERDICT_INELIGIBLE}
    price = await clinic.doors.eligibility.GetPriceAgreement(
        eligibility_pb.GetPriceAgreementRequest(insurer_id="999992", plan_id="SORRISO", table="22", code=DENTAL)
    )
    assert price.price == brl(8200)


async def test_a_code_that_ended_before_the_care_is_refused_and_one_that_ended_after_it_is_not(clinic: Clinic) -> None:
    ended = await clinic.drafted(an_item(), an_item(ENDED))
    refused = await clinic.not_ready(ended)
    assert refused.fields[0] == "items[1].code"
    assert (await clinic.findings(ended))["CODE_UNKNOWN"].severity == claim_pb2.FINDING_SEVERITY_ERROR
    on_its_last_day = await clinic.drafted(an_item(ENDED), service_date=Date(year=2024, month=12, day=31))
    assert (await clinic.ready(on_its_last_day)).status == claim_pb2.CLAIM_STATUS_READY


async def test_a_price_above_the_agreed_one_is_a_warning(clinic: Clinic) -> None:
    claim_id = await clinic.drafted(an_item(price=14_001))
    finding = (await clinic.findings(claim_id))["PRICE_DIFFERS"]
    assert (finding.severity, finding.field) == (claim_pb2.FINDING_SEVERITY_WARNING, "items[0].unit_price")
    assert "BRL 140.00" in finding.message
    assert (await clinic.ready(claim_id)).status == claim_pb2.CLAIM_STATUS_READY
    assert "PRICE_DIFFERS" not in await clinic.findings(await clinic.drafted())


async def test_a_denial_can_be_appealed_for_as_long_as_its_insurer_allows(clinic: Clinic) -> None:
    reference = clinic.doors.eligibility
    insurer = await reference.GetInsurer(eligibility_pb.GetInsurerRequest(insurer_id=INSURER))
    assert insurer.appeal_days == 30
    denied = await clinic.adjudicated(await clinic.submitted(), 14_000, released=0)
    assert denied.items[0].denials[0].appeal_until == proto_day(clinic.today + timedelta(days=30))
    insurer.appeal_days = 20
    await reference.UpsertInsurer(eligibility_pb.UpsertInsurerRequest(insurer=insurer))
    denied = await clinic.adjudicated(await clinic.submitted(), 14_000, released=0)
    assert denied.items[0].denials[0].appeal_until == proto_day(clinic.today + timedelta(days=20))


def proto_day(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


def an_item(code: str = CONSULTATION, price: int = 14_000, quantity: str = "1") -> claim_pb2.ClaimItem:
    return claim_pb2.ClaimItem(table="22", code=code, description=code, quantity=quantity, unit_price=brl(price))
