"""Reference data as rows: two plain functions for each noun, and the table that it lives in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Table

from domain.eligibility.beneficiary import Beneficiary, BeneficiaryStatus
from domain.eligibility.health_plan import CoverageRule, HealthPlan, Segment, WaitingPeriods
from domain.eligibility.insurer import Insurer
from domain.eligibility.ports import ReferenceNoun
from domain.eligibility.price_agreement import PriceAgreement
from domain.eligibility.provider import Provider
from domain.eligibility.tuss_term import TussTerm
from domain.money import Money
from persistence.schema import beneficiaries, health_plans, insurers, price_agreements, providers, tuss_terms

Row = dict[str, Any]

TABLES: Final[Mapping[type[ReferenceNoun], Table]] = {
    Insurer: insurers,
    HealthPlan: health_plans,
    Beneficiary: beneficiaries,
    Provider: providers,
    TussTerm: tuss_terms,
    PriceAgreement: price_agreements,
}
"""Each noun's table, those that others lean on first."""


def key_of(table: Table) -> tuple[str, ...]:
    """The columns of the primary key, in their order."""
    return tuple(column.name for column in table.primary_key.columns)


def insurer_to_row(insurer: Insurer) -> Row:
    """The row of an insurer."""
    return asdict(insurer)


def insurer_from_row(row: Mapping[str, Any]) -> Insurer:
    """The insurer of a row."""
    return Insurer(**row)


def health_plan_to_row(plan: HealthPlan) -> Row:
    """The row of a plan."""
    return {
        "insurer_id": plan.insurer_id,
        "plan_id": plan.plan_id,
        "name": plan.name,
        "segments": sorted(segment.value for segment in plan.segments),
        "coverage": [asdict(rule) for rule in plan.coverage],
        **asdict(plan.waiting),
        "network": sorted(plan.network),
        "active": plan.active,
        "valid_from": plan.valid_from,
        "valid_to": plan.valid_to,
        "updated_at": plan.updated_at,
    }


def health_plan_from_row(row: Mapping[str, Any]) -> HealthPlan:
    """The plan of a row."""
    return HealthPlan(
        insurer_id=row["insurer_id"],
        plan_id=row["plan_id"],
        name=row["name"],
        segments=frozenset(map(Segment, row["segments"])),
        coverage=tuple(CoverageRule(**rule) for rule in row["coverage"]),
        waiting=WaitingPeriods(
            urgent_hours=row["urgent_hours"],
            birth_days=row["birth_days"],
            other_days=row["other_days"],
            pre_existing_months=row["pre_existing_months"],
        ),
        network=frozenset(row["network"]),
        active=row["active"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        updated_at=row["updated_at"],
    )


def beneficiary_to_row(beneficiary: Beneficiary) -> Row:
    """The row of a beneficiary."""
    return asdict(beneficiary) | {"status": beneficiary.status.value}


def beneficiary_from_row(row: Mapping[str, Any]) -> Beneficiary:
    """The beneficiary of a row."""
    return Beneficiary(**{**row, "status": BeneficiaryStatus(row["status"])})


def provider_to_row(provider: Provider) -> Row:
    """The row of a provider."""
    return asdict(provider)


def provider_from_row(row: Mapping[str, Any]) -> Provider:
    """The provider of a row."""
    return Provider(**row)


def tuss_term_to_row(term: TussTerm) -> Row:
    """The row of a term."""
    return {
        "tuss_table": term.table,
        "code": term.code,
        "description": term.description,
        "valid_from": term.valid_from,
        "valid_to": term.valid_to,
        "release": term.release,
        "updated_at": term.updated_at,
    }


def tuss_term_from_row(row: Mapping[str, Any]) -> TussTerm:
    """The term of a row."""
    return TussTerm(
        table=row["tuss_table"],
        code=row["code"],
        description=row["description"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        release=row["release"],
        updated_at=row["updated_at"],
    )


def price_agreement_to_row(agreement: PriceAgreement) -> Row:
    """The row of a price agreement."""
    return {
        "insurer_id": agreement.insurer_id,
        "plan_id": agreement.plan_id,
        "tuss_table": agreement.table,
        "code": agreement.code,
        "price_cents": agreement.price.cents,
        "currency": agreement.price.currency,
        "valid_from": agreement.valid_from,
        "valid_to": agreement.valid_to,
        "updated_at": agreement.updated_at,
    }


def price_agreement_from_row(row: Mapping[str, Any]) -> PriceAgreement:
    """The price agreement of a row."""
    return PriceAgreement(
        insurer_id=row["insurer_id"],
        plan_id=row["plan_id"],
        table=row["tuss_table"],
        code=row["code"],
        price=Money(row["price_cents"], row["currency"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        updated_at=row["updated_at"],
    )


TO_ROW: Final[Mapping[type[ReferenceNoun], Callable[[Any], Row]]] = {
    Insurer: insurer_to_row,
    HealthPlan: health_plan_to_row,
    Beneficiary: beneficiary_to_row,
    Provider: provider_to_row,
    TussTerm: tuss_term_to_row,
    PriceAgreement: price_agreement_to_row,
}
