"""Whether a plan's segments have the care that is asked about, one TUSS code at a time."""

from __future__ import annotations

import pytest

from domain.eligibility.coverage import reasons_of
from domain.eligibility.eligibility_check import Procedure
from domain.eligibility.health_plan import Segment
from domain.eligibility.reasons import Verdict, verdict_of
from tests.support.reference import a_plan
from tests.support.situations import a_situation, asked, codes


@pytest.mark.parametrize(
    ("code", "segments", "covered"),
    [
        ("10101012", {Segment.AMBULATORY}, True),
        ("10101012", {Segment.HOSPITAL}, False),
        ("81000030", {Segment.AMBULATORY, Segment.HOSPITAL}, False),
        ("81000030", {Segment.DENTAL}, True),
        ("31309127", {Segment.AMBULATORY, Segment.HOSPITAL}, False),
        ("31309127", {Segment.HOSPITAL, Segment.OBSTETRICS}, True),
        ("31309046", {Segment.AMBULATORY, Segment.HOSPITAL}, False),
        ("40304361", {Segment.DENTAL}, False),
        ("40304361", {Segment.HOSPITAL}, True),
    ],
)
def test_a_plan_covers_the_care_of_its_segments(code: str, segments: set[Segment], covered: bool) -> None:
    question = asked(procedures=(Procedure("22", code),))
    situation = a_situation(question=question, plan=a_plan(segments=frozenset(segments)))
    assert ("SEGMENT_NOT_COVERED" not in codes(situation)) is covered


@pytest.mark.parametrize(
    ("table", "code", "covered_by"),
    [
        ("18", "60000694", {"HOSPITAL"}),
        ("18", "60001038", {"HOSPITAL"}),
        ("18", "99010001", {"HOSPITAL"}),
        ("18", "60023090", {"AMBULATORY", "HOSPITAL"}),
        ("19", "70000001", {"AMBULATORY", "HOSPITAL", "DENTAL"}),
        ("20", "90000001", {"AMBULATORY", "HOSPITAL", "DENTAL"}),
    ],
)
def test_a_day_in_hospital_is_hospital_care_a_fee_medical_care_and_what_is_used_goes_with_any(
    table: str, code: str, covered_by: set[str]
) -> None:
    question = asked(procedures=(Procedure(table, code),))
    plans = {name: a_plan(segments=frozenset({Segment[name]})) for name in ("AMBULATORY", "HOSPITAL", "DENTAL")}
    told = {name: codes(a_situation(question=question, plan=plan)) for name, plan in plans.items()}
    assert {name for name, reasons in told.items() if not reasons} == covered_by
    assert all(reasons in ([], ["SEGMENT_NOT_COVERED"]) for reasons in told.values())


def test_a_question_without_procedures_is_told_that_a_plan_is_of_dental_care_alone() -> None:
    dental = a_plan(segments=frozenset({Segment.DENTAL}))
    reasons = reasons_of(a_situation(plan=dental))
    assert [reason.code.value for reason in reasons] == ["DENTAL_ONLY"]
    assert verdict_of(reasons) is Verdict.ELIGIBLE
    assert codes(a_situation(plan=dental, question=asked(procedures=(Procedure("22", "81000030"),)))) == []
    assert codes(a_situation(plan=a_plan(segments=frozenset({Segment.DENTAL, Segment.AMBULATORY})))) == []
