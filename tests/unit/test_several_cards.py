"""Checks of a patient with several cards at one insurer, on fakes: for which card the answer is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.eligibility.eligibility_check import Procedure
from domain.eligibility.health_plan import CoverageRule, Segment
from domain.eligibility.ports import Told
from domain.eligibility.reasons import Reason, ReasonCode, Verdict
from tests.support.fakes_eligibility import LONG_AGO, FakeChecks, check, known_checks, put
from tests.support.reference import CARD, INSURER, PATIENT, PLAN, a_beneficiary, a_plan, a_term, an_insurer

TEETH = "0000009876"
DENTIST, DOCTOR = Procedure("22", "81000030"), Procedure("22", "99000011")


@pytest.fixture
def checks() -> FakeChecks:
    return known_checks()


def with_a_dental_card(checks: FakeChecks) -> None:
    """A second card of the patient at the insurer, of dental care, which is found before the first."""
    put(checks, a_plan(plan_id="TEETH", segments=frozenset({Segment.DENTAL})), a_term(code=DENTIST.code))
    put(checks, a_beneficiary(card_number=TEETH, plan_id="TEETH", enrolled_from=LONG_AGO))


@pytest.mark.parametrize(
    ("procedures", "plan", "card"),
    [((DOCTOR,), PLAN, "****23"), ((DENTIST,), "TEETH", "******9876"), ((), PLAN, "****23")],
    ids=["medical", "dental", "none"],
)
async def test_a_patient_with_two_cards_is_answered_for_the_one_that_covers_it(
    checks: FakeChecks, procedures: tuple[Procedure, ...], plan: str, card: str
) -> None:
    with_a_dental_card(checks)
    told = await check(checks, insurer_id=INSURER, patient_id=PATIENT, procedures=procedures)
    assert (told.answer.verdict, told.answer.reasons) == (Verdict.ELIGIBLE, ())
    assert (told.answer.plan_id, told.answer.card) == (plan, card)
    assert checks.history.checks == [told]


async def test_of_cards_that_all_say_no_the_one_of_that_care_is_told_unless_it_has_ended(checks: FakeChecks) -> None:
    with_a_dental_card(checks)
    asked: dict[str, Any] = {"insurer_id": INSURER, "patient_id": PATIENT, "procedures": (DOCTOR,)}
    put(checks, a_plan(coverage=(CoverageRule(table="22", prefix="99", covered=False),)))
    told = (await check(checks, **asked)).answer
    assert (told.plan_id, [each.code for each in told.reasons]) == (PLAN, [ReasonCode.PROCEDURE_NOT_COVERED])
    put(checks, a_beneficiary(enrolled_from=LONG_AGO, enrolled_to=date(2021, 1, 1)))
    told = (await check(checks, **asked)).answer
    assert (told.plan_id, [each.code for each in told.reasons]) == ("TEETH", [ReasonCode.SEGMENT_NOT_COVERED])
    named = (await check(checks, **asked, plan_id=PLAN)).answer
    assert named.plan_id == PLAN, "the plan that was asked about is answered for"


async def test_what_is_known_of_any_of_the_cards_plans_ends_the_kept_answer(checks: FakeChecks) -> None:
    with_a_dental_card(checks)
    asked: dict[str, Any] = {"insurer_id": INSURER, "patient_id": PATIENT, "procedures": (DOCTOR,)}
    put(checks, a_plan(active=False))
    assert (await check(checks, **asked)).answer.verdict is Verdict.INELIGIBLE
    put(checks, a_plan(plan_id="TEETH"))
    told = await check(checks, **asked)
    assert (told.from_cache, told.answer.verdict, told.answer.plan_id) == (False, Verdict.ELIGIBLE, "TEETH")


async def test_an_insurers_service_is_asked_about_the_best_card_and_the_next_only_where_it_is_as_good(
    checks: FakeChecks,
) -> None:
    with_a_dental_card(checks)
    put(checks, an_insurer(check_url="https://checks.example.com"))
    checks.insurers.serving = True
    checks.insurers.told = Told(Verdict.INELIGIBLE, (Reason(ReasonCode.INSURER_SAYS, "no"),))
    asked: dict[str, Any] = {"insurer_id": INSURER, "patient_id": PATIENT, "force_refresh": True}
    told = await check(checks, **asked, procedures=(DOCTOR,))
    assert [each.card_number for each in checks.insurers.asked] == [CARD]
    assert (told.answer.verdict, told.answer.plan_id) == (Verdict.INELIGIBLE, PLAN)
    put(checks, a_plan(plan_id="TEETH"))
    checks.insurers.asked.clear()
    await check(checks, **asked, procedures=(DOCTOR,))
    assert [each.card_number for each in checks.insurers.asked] == [TEETH, CARD]
    for said in (Told(Verdict.ELIGIBLE, ()), None):
        checks.insurers.asked.clear()
        checks.insurers.told = said
        told = await check(checks, **asked, procedures=(DOCTOR,))
        assert [each.card_number for each in checks.insurers.asked] == [TEETH], "a yes, or nobody there, is enough"
        assert told.answer.plan_id == "TEETH"
