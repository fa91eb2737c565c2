"""The tables of eligibility's reference data, and the generations that its changes move.

They are the installation's: no workshop, provider or customer owns a row, so that there is no column that says whose.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import (
    ARRAY,
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.eligibility.beneficiary import BeneficiaryStatus
from domain.eligibility.health_plan import BIRTH_DAYS, OTHER_DAYS, PRE_EXISTING_MONTHS, URGENT_HOURS
from persistence.schema.columns import instant, metadata, one_of, words

_TABLES = "tuss_table IN ('18', '19', '20', '22')"


def _day(name: str, *, nullable: bool = True) -> Column[date]:
    return Column(name, Date, nullable=nullable)


def _counted(name: str) -> Column[int]:
    return Column(name, SmallInteger, nullable=False)


insurers = Table(
    "insurers",
    metadata,
    words("insurer_id"),
    words("name"),
    words("cnpj"),
    Column("active", Boolean, nullable=False),
    _counted("appeal_days"),
    words("check_url"),
    instant("updated_at"),
    PrimaryKeyConstraint("insurer_id", name="pk_insurers"),
    CheckConstraint("appeal_days > 0", name="appeal_days"),
)

health_plans = Table(
    "health_plans",
    metadata,
    words("insurer_id"),
    words("plan_id"),
    words("name"),
    Column("segments", ARRAY(Text), nullable=False),
    Column("coverage", JSONB, nullable=False),
    _counted("urgent_hours"),
    _counted("birth_days"),
    _counted("other_days"),
    _counted("pre_existing_months"),
    Column("network", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False),
    _day("valid_from"),
    _day("valid_to"),
    instant("updated_at"),
    PrimaryKeyConstraint("insurer_id", "plan_id", name="pk_health_plans"),
    ForeignKeyConstraint(["insurer_id"], ["insurers.insurer_id"], name="fk_health_plans_insurer_id"),
    CheckConstraint("valid_from <= valid_to", name="window"),
    CheckConstraint(
        f"urgent_hours BETWEEN 0 AND {URGENT_HOURS} AND birth_days BETWEEN 0 AND {BIRTH_DAYS}"
        f" AND other_days BETWEEN 0 AND {OTHER_DAYS} AND pre_existing_months BETWEEN 0 AND {PRE_EXISTING_MONTHS}",
        name="waiting",
    ),
)

beneficiaries = Table(
    "beneficiaries",
    metadata,
    words("insurer_id"),
    words("card_number"),
    words("plan_id"),
    words("patient_id"),
    _day("enrolled_from", nullable=False),
    _day("enrolled_to"),
    _day("valid_from"),
    _day("valid_to"),
    words("status"),
    _day("pre_existing_until"),
    instant("updated_at"),
    PrimaryKeyConstraint("insurer_id", "card_number", name="pk_beneficiaries"),
    ForeignKeyConstraint(
        ["insurer_id", "plan_id"],
        ["health_plans.insurer_id", "health_plans.plan_id"],
        name="fk_beneficiaries_insurer_id_plan_id",
    ),
    one_of("status", BeneficiaryStatus),
    CheckConstraint("enrolled_from <= enrolled_to", name="enrolment"),
    CheckConstraint("valid_from <= valid_to", name="window"),
    Index("ix_beneficiaries_patient_id_insurer_id_card_number", "patient_id", "insurer_id", "card_number"),
    Index("ix_beneficiaries_insurer_id_plan_id_card_number", "insurer_id", "plan_id", "card_number"),
)

providers = Table(
    "providers",
    metadata,
    words("provider_id"),
    words("name"),
    words("cnpj"),
    instant("updated_at"),
    PrimaryKeyConstraint("provider_id", name="pk_providers"),
)

tuss_terms = Table(
    "tuss_terms",
    metadata,
    words("tuss_table"),
    words("code"),
    words("description"),
    _day("valid_from", nullable=False),
    _day("valid_to"),
    words("release"),
    instant("updated_at"),
    PrimaryKeyConstraint("tuss_table", "code", "valid_from", name="pk_tuss_terms"),
    CheckConstraint(_TABLES, name="tuss_table"),
    CheckConstraint("valid_from <= valid_to", name="window"),
)

price_agreements = Table(
    "price_agreements",
    metadata,
    words("insurer_id"),
    words("plan_id"),
    words("tuss_table"),
    words("code"),
    Column("price_cents", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    _day("valid_from", nullable=False),
    _day("valid_to"),
    instant("updated_at"),
    PrimaryKeyConstraint("insurer_id", "plan_id", "tuss_table", "code", "valid_from", name="pk_price_agreements"),
    ForeignKeyConstraint(
        ["insurer_id", "plan_id"],
        ["health_plans.insurer_id", "health_plans.plan_id"],
        name="fk_price_agreements_insurer_id_plan_id",
    ),
    CheckConstraint(_TABLES, name="tuss_table"),
    CheckConstraint("price_cents BETWEEN 0 AND 10000000000000", name="price_cents"),
    CheckConstraint("valid_from <= valid_to", name="window"),
)

generations = Table(
    "generations",
    metadata,
    words("scope"),
    Column("generation", BigInteger, nullable=False),
    instant("changed_at"),
    PrimaryKeyConstraint("scope", name="pk_generations"),
    Index("ix_generations_changed_at", "changed_at"),
)
"""How often each scope of `domain.eligibility.generations` was changed; moved in the transaction of the change."""
