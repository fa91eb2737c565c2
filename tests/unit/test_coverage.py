"""The rules of eligibility, one situation at a time: every reason, its boundaries, and all of them together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.eligibility.beneficiary import BeneficiaryStatus
from domain.eligibility.coverage import Situation, reasons_of
from domain.eligibility.eligibility_check import Procedure, Question, masked
from domain.eligibility.health_plan import CoverageRule, Segment, WaitingPeriods
from domain.eligibility.reasons import NOT_KNOWN, NOTES, ReasonCode, Verdict, verdict_of
from tests.support.reference import CARD, INSURER, PATIENT, PROVIDER, a_beneficiary, a_plan, an_insurer
from tests.support.situations import DAY, a_situation, asked, codes

TERM = Procedure("22", "99000011")


def test_a_known_card_of_an_active_plan_is_eligible_without_a_reason() -> None:
    assert reasons_of(a_situation()) == ()
    assert verdict_of(()) is Verdict.ELIGIBLE


@pytest.mark.parametrize(
    ("changes", "code", "verdict"),
    [
        ({"question": asked(insurer_id="convenio")}, "INSURER_ID_INVALID", Verdict.UNDETERMINED),
        ({"question": asked(insurer_id=f" {INSURER}")}, "INSURER_ID_INVALID", Verdict.UNDETERMINED),
        ({"question": asked(provider_id="12")}, "PROVIDER_ID_INVALID", Verdict.UNDETERMINED),
        ({"question": asked(provider_id=f"{PROVIDER} ")}, "PROVIDER_ID_INVALID", Verdict.UNDETERMINED),
        ({"question": asked(procedures=(TERM,)), "terms": frozenset()}, "PROCEDURE_UNKNOWN", Verdict.UNDETERMINED),
        ({"insurer": None}, "INSURER_UNKNOWN", Verdict.UNDETERMINED),
        ({"insurer": None, "ambiguous": True}, "PLAN_AMBIGUOUS", Verdict.UNDETERMINED),
        ({"insurer": an_insurer(active=False)}, "INSURER_INACTIVE", Verdict.INELIGIBLE),
        ({"plan": None, "question": asked(plan_id="GOLD/1")}, "PLAN_UNKNOWN", Verdict.UNDETERMINED),
        ({"plan": a_plan(active=False)}, "PLAN_INACTIVE", Verdict.INELIGIBLE),
        ({"plan": a_plan(valid_from=date(2026, 3, 2))}, "PLAN_NOT_YET_VALID", Verdict.INELIGIBLE),
        ({"plan": a_plan(valid_to=date(2026, 2, 28))}, "PLAN_ENDED", Verdict.INELIGIBLE),
        ({"beneficiary": None}, "BENEFICIARY_UNKNOWN", Verdict.UNDETERMINED),
        ({"question": asked(patient_id="another")}, "PATIENT_MISMATCH", Verdict.INELIGIBLE),
        ({"question": asked(plan_id="SILVER")}, "PLAN_MISMATCH", Verdict.INELIGIBLE),
    ],
)
def test_what_is_wrong_has_its_reason_and_its_verdict(changes: dict[str, Any], code: str, verdict: Verdict) -> None:
    reasons = reasons_of(a_situation(**changes))
    assert [reason.code.value for reason in reasons] == [code]
    assert verdict_of(reasons) is verdict


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"valid_from": date(2026, 3, 2)}, "CARD_NOT_YET_VALID"),
        ({"valid_to": date(2026, 2, 28)}, "CARD_EXPIRED"),
        ({"enrolled_from": date(2026, 3, 2)}, "NOT_YET_ENROLLED"),
        ({"enrolled_to": date(2026, 2, 28)}, "ENROLLMENT_ENDED"),
        ({"status": BeneficiaryStatus.SUSPENDED}, "BENEFICIARY_SUSPENDED"),
        ({"status": BeneficiaryStatus.CANCELED}, "BENEFICIARY_CANCELED"),
    ],
)
def test_a_card_that_does_not_hold_on_the_day_is_a_no(card: dict[str, Any], code: str) -> None:
    situation = a_situation(beneficiary=a_beneficiary(**{"enrolled_from": date(2020, 1, 1), **card}))
    assert codes(situation) == [code]
    assert verdict_of(reasons_of(situation)) is Verdict.INELIGIBLE


SUSPENDED, CANCELED = {"status": BeneficiaryStatus.SUSPENDED}, {"status": BeneficiaryStatus.CANCELED}


@pytest.mark.parametrize(
    ("card", "day", "told"),
    [
        ({**CANCELED, "enrolled_to": date(2026, 2, 10)}, date(2026, 2, 10), []),
        (
            {**CANCELED, "enrolled_to": date(2026, 2, 10)},
            date(2026, 2, 11),
            ["ENROLLMENT_ENDED", "BENEFICIARY_CANCELED"],
        ),
        ({**CANCELED, "enrolled_to": date(2026, 3, 31)}, date(2026, 3, 31), []),
        (CANCELED, date(2026, 2, 28), ["BENEFICIARY_STATUS_UNKNOWN"]),
        (CANCELED, date(2026, 3, 1), ["BENEFICIARY_CANCELED"]),
        (SUSPENDED, date(2026, 2, 28), ["BENEFICIARY_STATUS_UNKNOWN"]),
        (SUSPENDED, date(2026, 3, 1), ["BENEFICIARY_SUSPENDED"]),
        (SUSPENDED, date(2026, 3, 2), ["BENEFICIARY_SUSPENDED"]),
        ({**SUSPENDED, "enrolled_to": date(2026, 2, 28)}, date(2026, 2, 28), ["BENEFICIARY_STATUS_UNKNOWN"]),
        (
            {**SUSPENDED, "valid_to": date(2026, 2, 27)},
            date(2026, 2, 28),
            ["CARD_EXPIRED", "BENEFICIARY_STATUS_UNKNOWN"],
        ),
    ],
)
def test_a_status_is_held_against_the_days_it_is_known_of_and_a_canceled_enrolment_covered_until_its_end(
    card: dict[str, Any], day: date, told: list[str]
) -> None:
    """The card was last set on March 1."""
    beneficiary = a_beneficiary(**{"enrolled_from": date(2020, 1, 1), **card})
    assert codes(a_situation(question=asked(service_date=day), beneficiary=beneficiary)) == told


def test_the_day_a_card_was_set_is_the_one_in_brazil() -> None:
    night = datetime(2026, 3, 1, 2, 59, tzinfo=UTC)
    card = a_beneficiary(enrolled_from=date(2020, 1, 1), updated_at=night, **SUSPENDED)
    days = (date(2026, 2, 27), date(2026, 2, 28))
    told = [codes(a_situation(question=asked(service_date=day), beneficiary=card)) for day in days]
    assert told == [["BENEFICIARY_STATUS_UNKNOWN"], ["BENEFICIARY_SUSPENDED"]]


@pytest.mark.parametrize("card", [{"valid_to": DAY}, {"valid_from": DAY}, {"enrolled_to": DAY}])
def test_both_ends_of_a_window_belong_to_it(card: dict[str, Any]) -> None:
    assert codes(a_situation(beneficiary=a_beneficiary(**{"enrolled_from": date(2020, 1, 1), **card}))) == []


BIRTH = Procedure("22", "31309127")
CERCLAGE = Procedure("22", "31309046")


@pytest.mark.parametrize(
    ("enrolled", "question", "waits"),
    [
        (date(2026, 3, 1), asked(urgent=True), True),
        (date(2026, 2, 28), asked(urgent=True), False),
        (date(2025, 9, 3), asked(), True),
        (date(2025, 9, 2), asked(), False),
        (date(2025, 5, 6), asked(procedures=(BIRTH,)), True),
        (date(2025, 5, 5), asked(procedures=(BIRTH,)), False),
        (date(2025, 5, 6), asked(procedures=(BIRTH,), urgent=True), False),
        (date(2025, 9, 2), asked(procedures=(TERM,)), False),
        (date(2025, 9, 3), asked(procedures=(CERCLAGE,)), True),
        (date(2025, 9, 2), asked(procedures=(CERCLAGE,)), False),
    ],
    ids=[
        *("0 days", "24 h", "179 days", "180 days", "299 days", "300 days", "urgent birth", "other care"),
        *("179 days of obstetrics", "180 days of obstetrics"),
    ],
)
def test_waiting_periods_are_24_hours_180_and_300_days_and_end_on_their_day(
    enrolled: date, question: Question, waits: bool
) -> None:
    situation = a_situation(question=question, beneficiary=a_beneficiary(enrolled_from=enrolled))
    assert ("WAITING_PERIOD" in codes(situation)) is waits


@pytest.mark.parametrize("code", ["31309054", "31309127", "31309135", "31309208"])
def test_every_birth_has_the_longer_period(code: str) -> None:
    question = asked(procedures=(Procedure("22", code),))
    days = (date(2025, 5, 6), date(2025, 5, 5))
    told = [codes(a_situation(question=question, beneficiary=a_beneficiary(enrolled_from=day))) for day in days]
    assert told == [["WAITING_PERIOD"], []]


def test_a_plan_without_waiting_periods_covers_from_the_first_day() -> None:
    situation = a_situation(plan=a_plan(waiting=WaitingPeriods()), beneficiary=a_beneficiary(enrolled_from=DAY))
    assert codes(situation) == []


def test_each_waiting_period_is_told_once_and_with_its_day() -> None:
    question = asked(procedures=(TERM, BIRTH, Procedure("22", "99000012")))
    situation = a_situation(question=question, beneficiary=a_beneficiary(enrolled_from=date(2026, 2, 1)))
    days = [reason.message[-13:-3] for reason in reasons_of(situation)]
    assert days == ["2026-07-31", "2026-11-28"]


EVERY_PERIOD = WaitingPeriods(urgent_hours=24, birth_days=300, other_days=180, pre_existing_months=24)


@pytest.mark.parametrize(
    ("code", "question", "card", "covered_from"),
    [
        ("WAITING_PERIOD", {"urgent": True}, {}, date(2024, 3, 2)),
        ("WAITING_PERIOD", {}, {}, date(2024, 8, 28)),
        ("WAITING_PERIOD", {"procedures": (BIRTH,)}, {}, date(2024, 12, 26)),
        # What a file says beyond the plan's months, or the law's, is held against nobody.
        ("PRE_EXISTING_CONDITION", {}, {"pre_existing_until": date(2026, 12, 31)}, date(2026, 3, 1)),
        ("PRE_EXISTING_CONDITION", {}, {"pre_existing_until": date(2025, 5, 31)}, date(2025, 6, 1)),
    ],
    ids=["24 hours", "180 days", "300 days", "24 months", "the card's own day"],
)
def test_every_period_counts_from_the_enrolment_and_its_end_is_the_first_day_of_full_cover(
    code: str, question: dict[str, Any], card: dict[str, Any], covered_from: date
) -> None:
    told = [
        code
        in codes(
            a_situation(
                question=asked(service_date=covered_from + timedelta(days=days), **question),
                plan=a_plan(waiting=EVERY_PERIOD),
                beneficiary=a_beneficiary(enrolled_from=date(2024, 3, 1), **card),
            )
        )
        for days in (-1, 0, 1)
    ]
    assert told == [True, False, False]


@pytest.mark.parametrize(
    ("enrolled", "in_full_from"),
    [
        (date(2024, 2, 29), date(2026, 3, 1)),
        (date(2024, 2, 28), date(2026, 2, 28)),
        (date(2023, 8, 31), date(2025, 8, 31)),
    ],
)
def test_24_months_end_on_the_day_of_the_same_number_or_on_the_next_where_there_is_none(
    enrolled: date, in_full_from: date
) -> None:
    card = a_beneficiary(enrolled_from=enrolled, pre_existing_until=date(2030, 1, 1))
    days = (in_full_from - timedelta(days=1), in_full_from)
    told = [codes(a_situation(question=asked(service_date=day), beneficiary=card)) for day in days]
    assert told == [["PRE_EXISTING_CONDITION"], []]


def test_a_declared_condition_is_a_note_which_a_plan_may_keep_for_less_and_urgent_care_has_not() -> None:
    card = a_beneficiary(enrolled_from=date(2024, 3, 2), pre_existing_until=date(2026, 3, 1))
    assert codes(a_situation(beneficiary=card)) == ["PRE_EXISTING_CONDITION"]
    assert verdict_of(reasons_of(a_situation(beneficiary=card))) is Verdict.ELIGIBLE
    assert codes(a_situation(beneficiary=card, question=asked(urgent=True))) == []
    shorter = a_plan(waiting=WaitingPeriods(pre_existing_months=12))
    assert codes(a_situation(beneficiary=card, plan=shorter)) == []


def test_before_the_enrolment_there_is_no_period_to_tell_of() -> None:
    card = a_beneficiary(enrolled_from=date(2026, 3, 2), pre_existing_until=date(2028, 3, 1))
    assert codes(a_situation(beneficiary=card)) == ["NOT_YET_ENROLLED"]


def test_a_period_that_ends_after_the_calendar_is_one_all_the_same() -> None:
    card = a_beneficiary(enrolled_from=date(9999, 12, 1), pre_existing_until=date(9999, 12, 31))
    situation = a_situation(question=asked(service_date=date(9999, 12, 2)), beneficiary=card)
    assert codes(situation) == ["WAITING_PERIOD", "PRE_EXISTING_CONDITION"]


def ruled(**rule: Any) -> Situation:
    question = asked(procedures=(TERM,), urgent=rule.pop("urgent", False))
    used = rule.pop("used", {})
    plan = a_plan(coverage=(CoverageRule(table="22", prefix="99", **rule),))
    return a_situation(question=question, plan=plan, used=used)


def test_what_the_plan_excludes_is_a_no_and_what_it_wants_to_authorize_a_note() -> None:
    assert codes(ruled(covered=False)) == ["PROCEDURE_NOT_COVERED"]
    assert codes(ruled(needs_authorization=True)) == ["AUTHORIZATION_REQUIRED"]
    assert verdict_of(reasons_of(ruled(needs_authorization=True))) is Verdict.ELIGIBLE
    assert codes(ruled(needs_authorization=True, urgent=True)) == []


@pytest.mark.parametrize(("used", "reached"), [(0, False), (11, False), (12, True), (20, True)])
def test_a_years_limit_counts_what_was_used_and_what_is_asked(used: int, reached: bool) -> None:
    situation = ruled(yearly_limit=12, used={("22", "99"): used})
    assert codes(situation) == (["LIMIT_REACHED"] if reached else [])


def test_a_provider_outside_the_network_is_a_no_unless_it_is_urgent() -> None:
    plan = a_plan(network=frozenset({"1111111"}))
    assert codes(a_situation(question=asked(provider_id=PROVIDER), plan=plan)) == ["OUT_OF_NETWORK"]
    assert codes(a_situation(question=asked(provider_id="1111111"), plan=plan)) == []
    assert codes(a_situation(question=asked(), plan=plan)) == []
    assert codes(a_situation(question=asked(provider_id=PROVIDER, urgent=True), plan=plan)) == []


def test_all_the_reasons_are_told_in_the_order_of_the_rules_not_the_first() -> None:
    question = asked(procedures=(BIRTH,), provider_id=PROVIDER, patient_id="another")
    situation = a_situation(
        question=question,
        insurer=an_insurer(active=False),
        plan=a_plan(active=False, segments=frozenset({Segment.AMBULATORY}), network=frozenset({"1111111"})),
        beneficiary=a_beneficiary(
            enrolled_from=date(2026, 2, 1), valid_to=date(2026, 2, 2), status=BeneficiaryStatus.SUSPENDED
        ),
    )
    assert codes(situation) == [
        *("INSURER_INACTIVE", "PLAN_INACTIVE", "PATIENT_MISMATCH", "CARD_EXPIRED", "BENEFICIARY_SUSPENDED"),
        *("WAITING_PERIOD", "SEGMENT_NOT_COVERED", "OUT_OF_NETWORK"),
    ]


def test_a_no_is_a_no_whatever_else_is_not_known() -> None:
    reasons = reasons_of(a_situation(insurer=an_insurer(active=False), beneficiary=None))
    assert verdict_of(reasons) is Verdict.INELIGIBLE


def test_nothing_is_both_a_note_and_open_and_the_order_of_codes_is_that_of_the_rules() -> None:
    assert not NOTES & NOT_KNOWN
    assert list(ReasonCode)[:4] == [
        *(ReasonCode.INSURER_ID_INVALID, ReasonCode.PROVIDER_ID_INVALID, ReasonCode.PROCEDURE_UNKNOWN),
        ReasonCode.INSURER_UNKNOWN,
    ]


@pytest.mark.parametrize(
    ("card", "shown"),
    [("00012345678", "*******5678"), ("123456", "****56"), ("12", "**"), ("", "")],
)
def test_a_card_is_masked_but_for_its_last_characters(card: str, shown: str) -> None:
    assert masked(card) == shown


def test_no_reason_names_the_card_or_the_patient() -> None:
    told = " ".join(
        reason.message
        for situation in (a_situation(beneficiary=None), a_situation(question=asked(patient_id="another")))
        for reason in reasons_of(situation)
    )
    assert CARD not in told
    assert PATIENT not in told
