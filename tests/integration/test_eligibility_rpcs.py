"""Checks of eligibility by both doors, as a clinic asks them."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest
from google.type.date_pb2 import Date

from acerto.eligibility.v1 import beneficiary_pb2, health_plan_pb2
from acerto.eligibility.v1 import compatibility_service_pb2 as old_pb
from acerto.eligibility.v1 import eligibility_check_pb2 as checks
from acerto.eligibility.v1 import eligibility_service_pb2 as pb
from domain.eligibility.eligibility_check import Source
from domain.eligibility.reasons import ReasonCode, Verdict
from tests.support.equivalence_reference import beneficiary, health_plan, insurer, tuss_term
from tests.support.journey import Journey, begun
from tests.support.reference import CARD, INSURER, PATIENT, PROVIDER
from tests.support.served import refusal


async def seeded(journey: Journey) -> None:
    await journey.eligibility.UpsertInsurer(insurer())
    await journey.eligibility.UpsertHealthPlan(health_plan(active=True, coverage=[], network=[]))
    await journey.eligibility.UpsertBeneficiary(
        beneficiary(status=beneficiary_pb2.BENEFICIARY_STATUS_ACTIVE, enrolled_from=Date(year=2020, month=1, day=1))
    )


def asked(**changes: object) -> pb.CheckEligibilityRequest:
    return pb.CheckEligibilityRequest(**{"insurer_id": INSURER, "card_number": CARD, **changes})  # type: ignore[arg-type] # fields of any type


async def test_a_card_is_eligible_then_by_the_cache_and_both_are_in_the_history_newest_first() -> None:
    async with begun() as journey:
        await seeded(journey)
        first = await journey.eligibility.CheckEligibility(asked())
        journey.scene.clock.advance(minutes=3)
        second = await journey.eligibility.CheckEligibility(asked())
        assert (first.verdict, first.is_eligible, first.message) == (checks.VERDICT_ELIGIBLE, True, "eligible")
        assert (first.source, second.source) == (checks.SOURCE_RULES, checks.SOURCE_CACHE)
        assert (first.from_cache, second.from_cache) == (False, True)
        assert second.check_time == first.check_time == first.create_time
        assert second.create_time.seconds == first.create_time.seconds + 180
        assert first.expire_time.seconds == first.check_time.seconds + 3600
        assert (first.patient_id, first.service_date) == (PATIENT, Date(year=2026, month=3, day=1))
        assert CARD not in str(first)
        told = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest(patient_id=PATIENT))
        assert list(told.eligibility_checks) == [second, first]


async def test_a_change_of_the_plan_is_seen_by_the_very_next_check() -> None:
    async with begun() as journey:
        await seeded(journey)
        await journey.eligibility.CheckEligibility(asked())
        await journey.eligibility.UpsertHealthPlan(health_plan(coverage=[], network=[]))
        told = await journey.eligibility.CheckEligibility(asked())
    assert (told.verdict, told.from_cache) == (checks.VERDICT_INELIGIBLE, False)
    assert [reason.code for reason in told.reasons] == [checks.REASON_CODE_PLAN_INACTIVE]


async def test_an_unknown_card_or_insurer_is_undetermined_and_no_error() -> None:
    async with begun() as journey:
        await seeded(journey)
        card = await journey.eligibility.CheckEligibility(asked(card_number="0"))
        nobody = await journey.eligibility.CheckEligibility(asked(insurer_id="any text", patient_id=PATIENT))
    assert (card.verdict, card.is_eligible) == (checks.VERDICT_UNDETERMINED, False)
    assert [reason.code for reason in card.reasons] == [checks.REASON_CODE_BENEFICIARY_UNKNOWN]
    assert checks.REASON_CODE_INSURER_UNKNOWN in [reason.code for reason in nobody.reasons]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (pb.CheckEligibilityRequest(), ["patient_id", "insurer_id"]),
        (asked(card_number=""), ["patient_id"]),
        (asked(card_number="x" * 31, insurer_id="x" * 65), ["card_number", "insurer_id"]),
        (asked(service_date=Date(year=2026, month=2)), ["service_date"]),
        (asked(procedures=[checks.Procedure(table="21", code="1")]), ["procedures[0].table", "procedures[0].code"]),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_all_that_is_wrong(
    request_: pb.CheckEligibilityRequest, fields: list[str]
) -> None:
    async with begun() as journey:
        refused = await refusal(journey.eligibility.CheckEligibility(request_))
    assert (refused.code, sorted(refused.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, sorted(fields))


async def test_another_provider_is_not_there_for_a_limited_caller_and_its_checks_neither() -> None:
    async with begun() as journey:
        await seeded(journey)
        await journey.eligibility.CheckEligibility(asked(provider_id="1111111"))
        mine = await journey.eligibility.CheckEligibility(asked(provider_id=PROVIDER))
        journey.scene.actor = replace(journey.scene.actor, providers=frozenset({PROVIDER}))
        refused = await refusal(journey.eligibility.CheckEligibility(asked(provider_id="1111111")))
        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "PROVIDER_NOT_FOUND")
        told = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest())
        assert [each.check_id for each in told.eligibility_checks] == [mine.check_id]


async def test_a_caller_of_one_provider_asks_for_it_and_finds_its_checks() -> None:
    async with begun() as journey:
        await seeded(journey)
        journey.scene.actor = replace(journey.scene.actor, providers=frozenset({PROVIDER}))
        mine = [await journey.eligibility.CheckEligibility(asked()) for _ in range(2)]
        old = await journey.old_eligibility.CheckLegacyEligibility(
            old_pb.CheckLegacyEligibilityRequest(patient_id=PATIENT, insurance_id=INSURER)
        )
        assert [each.provider_id for each in mine] == [PROVIDER, PROVIDER]
        told = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest())
        assert [each.check_id for each in told.eligibility_checks] == [old.id, mine[1].check_id, mine[0].check_id]
        history = await journey.old_eligibility.ListLegacyEligibilityHistory(
            old_pb.ListLegacyEligibilityHistoryRequest()
        )
        assert [each.id for each in history.checks] == [each.check_id for each in told.eligibility_checks]


async def test_a_caller_of_several_providers_says_for_which_it_asks() -> None:
    async with begun() as journey:
        await seeded(journey)
        journey.scene.actor = replace(journey.scene.actor, providers=frozenset({PROVIDER, "1111111"}))
        refused = await refusal(journey.eligibility.CheckEligibility(asked()))
        assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["provider_id"])
        assert (await journey.eligibility.CheckEligibility(asked(provider_id="1111111"))).is_eligible


async def test_a_patient_with_a_medical_and_a_dental_card_is_answered_for_the_one_that_covers_it() -> None:
    async with begun() as journey:
        await seeded(journey)
        dental = [health_plan_pb2.SEGMENT_DENTAL]
        await journey.eligibility.UpsertHealthPlan(
            health_plan(plan_id="TEETH", segments=dental, active=True, coverage=[], network=[])
        )
        active = beneficiary_pb2.BENEFICIARY_STATUS_ACTIVE
        newer = beneficiary(
            card_number="teeth-9876", plan_id="TEETH", status=active, enrolled_from=Date(year=2024, month=1, day=1)
        )
        await journey.eligibility.UpsertBeneficiary(newer)
        for code in ("99000011", "81000030"):
            await journey.eligibility.UpsertTussTerm(tuss_term(code=code))
        told = [
            await journey.eligibility.CheckEligibility(
                asked(card_number="", patient_id=PATIENT, procedures=[checks.Procedure(table="22", code=code)])
            )
            for code in ("99000011", "81000030")
        ]
        assert [(each.is_eligible, each.masked_card) for each in told] == [(True, "****23"), (True, "******9876")]
        old = await journey.old_eligibility.CheckLegacyEligibility(OLD)
        assert old.message == "eligible", "the medical card answers, of which there is nothing to tell"
        kept = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest(patient_id=PATIENT))
        assert [each.masked_card for each in kept.eligibility_checks] == ["****23", "******9876", "****23"]


OLD = old_pb.CheckLegacyEligibilityRequest(patient_id=PATIENT, insurance_id=INSURER)


@pytest.mark.parametrize(
    ("network", "message", "lines"),
    [
        ([], "at 1111111: eligible", 1),
        ([PROVIDER], f"at {PROVIDER}: eligible", 3),
        (["7777777"], "at 1111111: not eligible: the provider is not of the plan's network", 3),
    ],
    ids=["no network", "one of them", "none of them"],
)
async def test_the_old_path_answers_a_caller_of_several_for_the_first_that_the_plans_network_has(
    network: list[str], message: str, lines: int
) -> None:
    async with begun() as journey:
        await seeded(journey)
        await journey.eligibility.UpsertHealthPlan(health_plan(active=True, coverage=[], network=network))
        several = frozenset({PROVIDER, "2222222", "1111111"})
        journey.scene.actor = replace(journey.scene.actor, providers=several)
        told = await journey.old_eligibility.CheckLegacyEligibility(OLD)
        assert (told.message, told.is_eligible) == (message, "not" not in message)
        request = old_pb.ListLegacyEligibilityHistoryRequest()
        history = (await journey.old_eligibility.ListLegacyEligibilityHistory(request)).checks
        assert len(history) == lines, "each that was asked for is in the history that the caller sees"
        assert told in history


async def test_the_old_path_asks_for_no_other_provider_where_another_would_be_answered_the_same() -> None:
    async with begun() as journey:
        await seeded(journey)
        await journey.eligibility.UpsertHealthPlan(health_plan(active=False, coverage=[], network=[]))
        journey.scene.actor = replace(journey.scene.actor, providers=frozenset({PROVIDER, "1111111"}))
        told = await journey.old_eligibility.CheckLegacyEligibility(OLD)
        assert (told.is_eligible, told.message.split(":")[0]) == (False, "at 1111111")
        listed = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest())
        assert [each.check_id for each in listed.eligibility_checks] == [told.id]


async def test_the_old_path_refuses_who_is_limited_to_no_provider_at_all() -> None:
    async with begun() as journey:
        await seeded(journey)
        journey.scene.actor = replace(journey.scene.actor, providers=frozenset())
        refused = await refusal(journey.old_eligibility.CheckLegacyEligibility(OLD))
        assert (refused.code, refused.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["provider_id"])


async def test_a_limited_caller_learns_of_no_patient_it_did_not_ask_about() -> None:
    async with begun() as journey:
        await seeded(journey)
        await journey.eligibility.CheckEligibility(asked(provider_id=PROVIDER))
        journey.scene.actor = replace(journey.scene.actor, providers=frozenset({PROVIDER}))
        told = [
            await journey.eligibility.CheckEligibility(asked(**patient)) for patient in ({}, {}, {"patient_id": "mine"})
        ]
        told.append(await journey.eligibility.CheckEligibility(asked(card_number="", patient_id=PATIENT)))
        assert [each.patient_id for each in told] == ["", "", "mine", PATIENT]
        listed = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest())
        assert [each.patient_id for each in listed.eligibility_checks] == [PATIENT, "mine", "", "", ""]
        found = await journey.eligibility.ListEligibilityChecks(pb.ListEligibilityChecksRequest(patient_id=PATIENT))
        assert [each.check_id for each in found.eligibility_checks] == [told[3].check_id]
        history = await journey.old_eligibility.ListLegacyEligibilityHistory(
            old_pb.ListLegacyEligibilityHistoryRequest()
        )
        assert [each.patient_id for each in history.checks] == [PATIENT, "mine", "", "", ""]


async def test_every_verdict_source_and_reason_has_its_word_in_the_contract() -> None:
    for ours, theirs, prefix in (
        (Verdict, checks.Verdict, "VERDICT_"),
        (Source, checks.Source, "SOURCE_"),
        (ReasonCode, checks.ReasonCode, "REASON_CODE_"),
    ):
        assert [prefix + each.name for each in ours] == list(theirs.keys())[1:]
