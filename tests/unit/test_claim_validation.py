"""Every finding of health.md B, each by itself, and all at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.claims.claim import Character, ClaimForm, ClaimType
from domain.claims.known import Eligibility, Known, Term, Verdict
from domain.claims.numbering import claim_batch_number, claim_number
from domain.claims.validation import Finding, Severity, errors_of, validate
from domain.money import Money
from tests.support.claim_scene import TODAY, a_form, an_item

CODE = ("22", "10101012")
KNOWN = Known(terms={CODE: Term(table="22", code="10101012", description="Consulta")})
INELIGIBLE = Eligibility(verdict=Verdict.INELIGIBLE, reasons=("the card has expired", "the plan has ended"))
_E, _W = Severity.ERROR, Severity.WARNING


def found(form: ClaimForm, known: Known = KNOWN, **options: Any) -> list[tuple[str, Severity, str]]:
    findings: tuple[Finding, ...] = validate(form, known, today=TODAY, **options)
    return [(one.code, one.severity, one.field) for one in findings]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert found(a_form()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"patient_id": ""}, ("PATIENT_MISSING", _E, "patient_id")),
        ({"card_number": ""}, ("CARD_MISSING", _E, "card_number")),
        ({"provider_id": ""}, ("PROVIDER_MISSING", _E, "provider_id")),
        ({"provider_id": "123"}, ("PROVIDER_MALFORMED", _E, "provider_id")),
        ({"provider_id": " 1234567"}, ("PROVIDER_MALFORMED", _E, "provider_id")),
        ({"insurer_id": ""}, ("INSURER_MISSING", _E, "insurer_id")),
        ({"insurer_id": "ACME"}, ("INSURER_MALFORMED", _E, "insurer_id")),
        ({"insurer_id": "326304"}, ("INSURER_CHECK_DIGIT", _W, "insurer_id")),
        ({"plan_id": ""}, ("PLAN_MISSING", _W, "plan_id")),
        ({"service_date": TODAY + timedelta(days=1)}, ("DATE_IN_FUTURE", _E, "service_date")),
        ({"items": ()}, ("ITEMS_MISSING", _E, "items")),
        ({"items": (an_item(code=""),)}, ("CODE_MISSING", _E, "items[0].code")),
        ({"items": (an_item(table=""),)}, ("CODE_MISSING", _E, "items[0].code")),
        ({"items": (an_item(), an_item(2, code="99999999"))}, ("CODE_UNKNOWN", _E, "items[1].code")),
        ({"items": (an_item(quantity=Decimal("1.5")),)}, ("QUANTITY_NOT_WHOLE", _E, "items[0].quantity")),
        ({"items": (an_item(), an_item(2))}, ("DUPLICATE_ITEM", _E, "items[1]")),
        (
            {"items": (an_item(), an_item(2, cents=0))},
            ("PRICE_ZERO", _W, "items[1].unit_price"),
        ),
    ],
)
def test_each_thing_that_is_wrong_is_found_by_itself(changes: dict[str, Any], expected: tuple[object, ...]) -> None:
    assert found(a_form(**changes)) == [expected]


def test_today_is_not_the_future() -> None:
    assert found(a_form(service_date=TODAY)) == []


def test_the_same_code_at_another_factor_is_no_duplicate() -> None:
    assert found(a_form(items=(an_item(), an_item(2, factor=Decimal("0.7"))))) == []


def test_materials_may_come_in_fractions() -> None:
    known = replace(KNOWN, terms={("19", "70000000"): Term(table="19", code="70000000", description="Gaze")})
    item = an_item(table="19", code="70000000", quantity=Decimal("2.25"))
    assert found(a_form(items=(item,)), known) == []


def test_a_price_that_is_not_the_agreed_one_is_a_warning() -> None:
    known = replace(KNOWN, prices={CODE: Money(9_500)})
    assert found(a_form(), known) == [("PRICE_DIFFERS", _W, "items[0].unit_price")]
    assert found(a_form(items=(an_item(cents=9_500),)), known) == []


def test_an_authorization_is_missed_only_where_the_plan_wants_one() -> None:
    known = replace(KNOWN, authorized=frozenset({CODE}))
    assert found(a_form(), known) == [("AUTHORIZATION_MISSING", _E, "authorization_code")]
    assert found(a_form(authorization_code="A-1"), known) == []
    urgent = a_form(character=Character.URGENT)
    assert found(urgent, known) == [("AUTHORIZATION_MISSING", _W, "authorization_code")], "Lei 9.656, art. 35-C"
    assert found(urgent) == []


def test_a_claim_for_the_same_care_is_a_warning() -> None:
    assert found(a_form(), replace(KNOWN, twins=(UUID(int=1),))) == [("DUPLICATE_CLAIM", _W, "items")]


def test_who_is_not_eligible_stops_a_claim_unless_somebody_answers_for_it() -> None:
    known = replace(KNOWN, eligibility=INELIGIBLE)
    assert found(a_form(), known) == [("INELIGIBLE", _E, "card_number")]
    assert found(a_form(), known, override=True) == [("INELIGIBLE", _W, "card_number")]
    (finding,) = validate(a_form(), known, today=TODAY)
    assert finding.message == "is not covered: the card has expired; the plan has ended"


def test_what_nobody_can_say_is_a_warning_and_who_is_eligible_none() -> None:
    doubt = Eligibility(verdict=Verdict.UNDETERMINED, reasons=("the insurer is away",))
    assert found(a_form(), replace(KNOWN, eligibility=doubt)) == [("ELIGIBILITY_UNDETERMINED", _W, "card_number")]
    assert found(a_form(), replace(KNOWN, eligibility=Eligibility(verdict=Verdict.ELIGIBLE))) == []


def test_everything_is_found_at_once_errors_first() -> None:
    form = ClaimForm(
        type=ClaimType.SP_SADT,
        patient_id="",
        service_date=TODAY + timedelta(days=1),
        number="G-1",
        insurer_id="326304",
        items=(an_item(cents=0, quantity=Decimal("0.5")), an_item(2, code="")),
    )
    findings = found(form, replace(Known(), authorized=frozenset({CODE}), eligibility=INELIGIBLE))
    codes = [code for code, _, _ in findings]
    assert codes == [
        *("PATIENT_MISSING", "CARD_MISSING", "DATE_IN_FUTURE", "PROVIDER_MISSING", "CODE_UNKNOWN"),
        *("AUTHORIZATION_MISSING", "QUANTITY_NOT_WHOLE", "CODE_MISSING", "INELIGIBLE"),
        *("INSURER_CHECK_DIGIT", "PLAN_MISSING", "PRICE_ZERO"),
    ]
    assert [severity for _, severity, _ in findings] == [_E] * 9 + [_W] * 3


def test_the_old_clients_claim_is_looked_at_for_patient_items_and_amount_only() -> None:
    form = ClaimForm(type=ClaimType.OTHER, patient_id="p", service_date=TODAY, number="1", items=(an_item(code=""),))
    assert found(form, Known()) == []
    assert found(replace(form, items=(an_item(), an_item(2)))) == [], "it has no quantity to raise"
    assert found(replace(form, items=())) == [("ITEMS_MISSING", _E, "items")]
    assert found(replace(form, items=(an_item(cents=0),))) == [("AMOUNT_ZERO", _E, "items")]
    assert found(replace(form, patient_id="")) == [("PATIENT_MISSING", _E, "patient_id")]
    assert found(replace(form, service_date=TODAY + timedelta(days=1))) == [("DATE_IN_FUTURE", _E, "service_date")]


def test_of_a_claim_of_no_type_what_it_names_is_looked_at_and_what_it_leaves_out_is_not_missed() -> None:
    own = an_item(table="", code="CONS")
    form = ClaimForm(
        type=ClaimType.OTHER, patient_id="p", service_date=TODAY, number="1", provider_id="1234567", items=(own,)
    )
    assert found(form, Known()) == []
    twice = (own, replace(own, number=2), an_item(3, quantity=Decimal("0.5")))
    wrong = replace(form, provider_id="12", insurer_id="acme", items=twice)
    known = Known(eligibility=INELIGIBLE, twins=(UUID(int=1),))
    assert found(wrong, known) == [
        ("DUPLICATE_ITEM", _E, "items[1]"),
        ("PROVIDER_MALFORMED", _E, "provider_id"),
        ("INSURER_MALFORMED", _E, "insurer_id"),
        ("CODE_UNKNOWN", _E, "items[2].code"),
        ("QUANTITY_NOT_WHOLE", _E, "items[2].quantity"),
        ("INELIGIBLE", _E, "patient_id"),
        ("DUPLICATE_CLAIM", _W, "items"),
    ]
    assert ("INELIGIBLE", _W, "patient_id") in found(wrong, known, override=True)
    assert found(replace(wrong, provider_id="")) == [], "the old client's form names nobody"


def test_only_errors_keep_a_claim_from_being_sent() -> None:
    findings = validate(a_form(plan_id="", card_number=""), KNOWN, today=TODAY)
    assert [finding.code for finding in errors_of(findings)] == ["CARD_MISSING"]
    violation = findings[0].violation
    assert (violation.field, violation.rule) == ("card_number", "CARD_MISSING")


def test_numbers_are_made_of_ids_short_enough_for_the_standard() -> None:
    claim_id = UUID("0196f1c4-7a10-7c3e-9a55-3d2f0b6f1a01")
    assert claim_number(claim_id) == "06BF3H3T21Y3X6JN7MQG"
    assert claim_batch_number(claim_id) == "MN9X5W5PY6G1"
    assert (len(claim_number(UUID(int=0))), len(claim_batch_number(UUID(int=2**128 - 1)))) == (20, 12)
