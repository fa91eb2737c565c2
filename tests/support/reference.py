"""Sound reference data for tests, which change what they are about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from domain.eligibility.beneficiary import Beneficiary
from domain.eligibility.health_plan import HealthPlan, Segment, WaitingPeriods
from domain.eligibility.insurer import Insurer
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.tuss_term import TussTerm
from domain.money import Money

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
INSURER, PLAN, CARD, PATIENT, PROVIDER = "999991", "GOLD/1", "000123", "patient-1", "9999991"


def an_insurer(**changes: Any) -> Insurer:
    insurer = Insurer(insurer_id=INSURER, name="Sample insurer", cnpj="12ABC34501DE35", updated_at=AT)
    return replace(insurer, **changes)


def a_plan(**changes: Any) -> HealthPlan:
    plan = HealthPlan(
        insurer_id=INSURER,
        plan_id=PLAN,
        name="Sample plan",
        segments=frozenset({Segment.AMBULATORY, Segment.HOSPITAL, Segment.OBSTETRICS}),
        waiting=WaitingPeriods(urgent_hours=24, birth_days=300, other_days=180, pre_existing_months=24),
        updated_at=AT,
    )
    return replace(plan, **changes)


def a_beneficiary(**changes: Any) -> Beneficiary:
    beneficiary = Beneficiary(
        insurer_id=INSURER,
        card_number=CARD,
        plan_id=PLAN,
        patient_id=PATIENT,
        enrolled_from=date(2025, 1, 31),
        updated_at=AT,
    )
    return replace(beneficiary, **changes)


def a_provider(**changes: Any) -> Provider:
    return replace(Provider(provider_id=PROVIDER, name="Sample clinic", updated_at=AT), **changes)


def a_term(**changes: Any) -> TussTerm:
    term = TussTerm(
        table="22", code="99000011", description="Sample procedure", valid_from=date(2025, 1, 1), updated_at=AT
    )
    return replace(term, **changes)


def a_price(**changes: Any) -> PriceAgreement:
    agreement = PriceAgreement(
        insurer_id=INSURER,
        plan_id=PLAN,
        table="22",
        code="99000011",
        price=Money(12_345),
        valid_from=date(2025, 1, 1),
        updated_at=AT,
    )
    return replace(agreement, **changes)
