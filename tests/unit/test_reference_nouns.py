"""Reference data says what is wrong with it, all at once; what a law forbids cannot be entered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.eligibility.dates import days_after, months_after, within
from domain.eligibility.generations import card_scope, patient_scope, plan_scope
from domain.eligibility.health_plan import CoverageRule, Segment, WaitingPeriods
from domain.eligibility.ports import ReferenceNoun
from domain.money import Money
from tests.support.reference import a_beneficiary, a_plan, a_price, a_provider, a_term, an_insurer

LEAP_DAY = date(2024, 2, 29)


def wrong(noun: ReferenceNoun) -> list[str]:
    """The fields that a noun finds wrong."""
    return [violation.field for violation in noun.violations()]


def covering(*rules: CoverageRule, **changes: Any) -> ReferenceNoun:
    return a_plan(coverage=rules, **changes)


@pytest.mark.parametrize(
    "noun",
    [an_insurer(), a_plan(), a_beneficiary(), a_provider(), a_provider(cnpj="12ABC34501DE35"), a_term(), a_price()],
)
def test_sound_reference_data_has_nothing_wrong_with_it(noun: ReferenceNoun) -> None:
    assert noun.violations() == []


def test_everything_that_is_wrong_with_an_insurer_is_told_at_once() -> None:
    insurer = an_insurer(insurer_id="12", name="a\nb", cnpj="12ABC34501DE36", appeal_days=0, check_url="ftp://x")
    assert wrong(insurer) == ["insurer_id", "name", "cnpj", "appeal_days", "check_url"]


@pytest.mark.parametrize(
    "url", ["https://[abc", "https://x:port/a", "https://x:99999/a", "https:///a", "https://:443/a", "https://a@b/c"]
)
def test_the_address_of_an_insurers_service_can_be_read(url: str) -> None:
    assert wrong(an_insurer(check_url=url)) == ["check_url"]


@pytest.mark.parametrize("url", ["https://[::1]:8443/a", "http://127.0.0.1:8081/a?b=c", "https://checks.example.com"])
def test_a_sound_address_of_an_insurers_service_is_taken(url: str) -> None:
    assert wrong(an_insurer(check_url=url)) == []


def test_an_insurer_whose_registration_has_a_wrong_check_digit_is_taken() -> None:
    assert wrong(an_insurer(insurer_id="326304")) == []


@pytest.mark.parametrize(
    ("noun", "fields"),
    [
        (a_provider(provider_id="123", cnpj="1", name=""), ["provider_id", "name", "cnpj"]),
        (a_term(table="00", code="1", description="", release="x" * 21), ["table", "code", "description", "release"]),
        (a_term(valid_to=date(2024, 12, 31)), ["valid_to"]),
        (a_price(price=Money(-1)), ["price"]),
        (a_price(price=Money(1, "USD"), valid_to=date(2024, 12, 31), plan_id=""), ["plan_id", "price", "valid_to"]),
        (a_beneficiary(card_number="", patient_id="x" * 65), ["card_number", "patient_id"]),
        (a_beneficiary(enrolled_to=date(2025, 1, 30)), ["enrolled_to"]),
        (a_beneficiary(valid_from=date(2026, 1, 2), valid_to=date(2026, 1, 1)), ["valid_to"]),
        (a_beneficiary(pre_existing_until=date(2025, 1, 1)), ["pre_existing_until"]),
    ],
)
def test_what_cannot_be_is_named_by_its_field(noun: ReferenceNoun, fields: list[str]) -> None:
    assert wrong(noun) == fields


BLANKS = (" {}", "{} ", "\t{}", "{}\n", "\u00a0{}", " ")


@pytest.mark.parametrize("blanks", [*BLANKS, "99 {}"])
@pytest.mark.parametrize(
    ("noun", "field", "number"),
    [
        (an_insurer(), "insurer_id", "999991"),
        (an_insurer(), "cnpj", "12ABC34501DE35"),
        (a_plan(), "insurer_id", "999991"),
        (a_beneficiary(), "insurer_id", "999991"),
        (a_price(), "insurer_id", "999991"),
        (a_provider(), "provider_id", "9999991"),
        (a_provider(), "cnpj", "12ABC34501DE35"),
    ],
)
def test_a_number_is_kept_bare_and_one_with_blanks_is_refused(
    noun: ReferenceNoun, field: str, number: str, blanks: str
) -> None:
    changes: Any = {field: number}
    assert wrong(replace(noun, **changes)) == []
    changes[field] = blanks.format(number)
    assert wrong(replace(noun, **changes)) == [field]


@pytest.mark.parametrize("blanks", BLANKS)
@pytest.mark.parametrize(
    ("noun", "field"),
    [
        (a_plan(), "plan_id"),
        (a_price(), "plan_id"),
        *((a_beneficiary(), name) for name in ("plan_id", "card_number", "patient_id")),
    ],
)
def test_an_opaque_id_has_no_blanks_around_it_and_may_have_some_inside(
    noun: ReferenceNoun, field: str, blanks: str
) -> None:
    changes: Any = {field: "00 12"}
    assert wrong(replace(noun, **changes)) == []
    changes[field] = blanks.format("00 12")
    assert wrong(replace(noun, **changes)) == [field]


@pytest.mark.parametrize("cnpj", ["12.ABC.345/01DE-35", "12abc34501de35"])
def test_a_number_with_punctuation_is_for_the_doors_to_read(cnpj: str) -> None:
    assert wrong(an_insurer(cnpj=cnpj)) == wrong(a_provider(cnpj=cnpj)) == ["cnpj"]


@pytest.mark.parametrize("blanks", BLANKS)
def test_a_network_names_numbers_without_blanks(blanks: str) -> None:
    assert wrong(a_plan(network=frozenset({blanks.format("9999991")}))) == ["network[0]"]


@pytest.mark.parametrize(
    ("name", "most"), [("urgent_hours", 24), ("birth_days", 300), ("other_days", 180), ("pre_existing_months", 24)]
)
def test_no_waiting_period_is_longer_than_the_law_allows(name: str, most: int) -> None:
    assert wrong(a_plan(waiting=WaitingPeriods(**{name: most}))) == []
    assert wrong(a_plan(waiting=WaitingPeriods(**{name: most + 1}))) == [f"waiting.{name}"]
    assert wrong(a_plan(waiting=WaitingPeriods(**{name: -1}))) == [f"waiting.{name}"]


def test_a_pre_existing_condition_is_held_against_nobody_for_more_than_24_months() -> None:
    for enrolled, first_day_in_full in ((LEAP_DAY, date(2026, 3, 1)), (date(2024, 3, 2), date(2026, 3, 2))):
        last = first_day_in_full - timedelta(days=1)
        assert wrong(a_beneficiary(enrolled_from=enrolled, pre_existing_until=last)) == []
        for late in (first_day_in_full, first_day_in_full + timedelta(days=1)):
            assert wrong(a_beneficiary(enrolled_from=enrolled, pre_existing_until=late)) == ["pre_existing_until"]
    assert wrong(a_beneficiary(enrolled_from=date(9998, 6, 1), pre_existing_until=date(9999, 12, 31))) == []


def test_a_plan_of_nothing_or_of_births_without_a_hospital_is_none() -> None:
    assert wrong(a_plan(segments=frozenset())) == ["segments"]
    assert wrong(a_plan(segments=frozenset({Segment.AMBULATORY, Segment.OBSTETRICS}))) == ["segments"]


@pytest.mark.parametrize(
    "rule",
    [
        CoverageRule(table="22", yearly_limit=12),
        CoverageRule(table="22", prefix="101", covered=False),
        CoverageRule(table="22", prefix="10101039", yearly_limit=1),
    ],
)
def test_a_plan_with_ambulatory_care_covers_consultations_in_any_number(rule: CoverageRule) -> None:
    assert wrong(covering(rule)) == ["coverage"]
    assert wrong(covering(rule, CoverageRule(table="22", prefix="10101"))) == (
        ["coverage"] if len(rule.prefix) > 5 else []
    )
    assert wrong(covering(rule, segments=frozenset({Segment.DENTAL}))) == []


def test_coverage_rules_that_contradict_each_other_or_themselves_are_refused() -> None:
    twice = CoverageRule(table="20", prefix="9")
    assert wrong(covering(twice, twice)) == ["coverage[0]", "coverage[1]"]
    assert wrong(covering(CoverageRule(table="20", covered=False, needs_authorization=True))) == ["coverage[0]"]
    odd = CoverageRule(table="99", prefix="x", yearly_limit=0)
    assert wrong(covering(odd)) == ["coverage[0].table", "coverage[0].prefix", "coverage[0].yearly_limit"]


def test_the_rule_with_the_longest_prefix_speaks_for_a_code() -> None:
    table, chapter = CoverageRule(table="22"), CoverageRule(table="22", prefix="40", needs_authorization=True)
    plan = a_plan(coverage=(chapter, table))
    assert plan.rule_for("22", "40999990") is chapter
    assert plan.rule_for("22", "30999990") is table
    assert plan.rule_for("20", "40999990") is None


def test_a_network_names_establishments() -> None:
    assert wrong(a_plan(network=frozenset({"9999991", "12"}))) == ["network[0]"]


def test_both_ends_of_a_window_belong_to_it_and_may_be_open() -> None:
    first, last = date(2026, 1, 1), date(2026, 1, 31)
    assert [within(day, first, last) for day in (date(2025, 12, 31), first, last, date(2026, 2, 1))] == [
        *(False, True, True, False)
    ]
    assert within(date.min, None, last)
    assert within(date.max, first, None)


def test_months_end_on_the_day_of_the_same_number_or_the_next_where_a_month_has_none() -> None:
    assert months_after(LEAP_DAY, 12) == date(2025, 3, 1)
    assert months_after(LEAP_DAY, 48) == date(2028, 2, 29)
    assert months_after(date(2025, 12, 31), 2) == date(2026, 3, 1)
    assert months_after(date(2025, 10, 31), 1) == date(2025, 12, 1)


def test_beyond_the_calendar_is_its_last_day() -> None:
    assert months_after(date(9999, 12, 1), 1) == days_after(date(9999, 12, 31), 1) == date.max
    assert days_after(LEAP_DAY, 1) == date(2024, 3, 1)


def test_scopes_are_plain_words_that_no_ids_can_confuse() -> None:
    assert plan_scope("999991", "A,B /ção") == "plan:999991/A%2CB%20%2F%C3%A7%C3%A3o"
    assert card_scope("1", "2/3") != card_scope("1/2", "3")
    assert a_beneficiary().scopes == {card_scope("999991", "000123"), patient_scope("patient-1")}
    assert a_price().scopes == a_provider().scopes == frozenset()
