"""Reference data of health insurance: insurers, plans, cards, providers, terms, prices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "generations",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_generations"),
    )
    op.create_index("ix_generations_changed_at", "generations", ["changed_at"], unique=False)
    op.create_table(
        "insurers",
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cnpj", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("appeal_days", sa.SmallInteger(), nullable=False),
        sa.Column("check_url", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("appeal_days > 0", name=op.f("ck_insurers_appeal_days")),
        sa.PrimaryKeyConstraint("insurer_id", name="pk_insurers"),
    )
    op.create_table(
        "providers",
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cnpj", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider_id", name="pk_providers"),
    )
    op.create_table(
        "tuss_terms",
        sa.Column("tuss_table", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tuss_table IN ('18', '19', '20', '22')", name=op.f("ck_tuss_terms_tuss_table")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_tuss_terms_window")),
        sa.PrimaryKeyConstraint("tuss_table", "code", "valid_from", name="pk_tuss_terms"),
    )
    op.create_table(
        "health_plans",
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("segments", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("coverage", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("urgent_hours", sa.SmallInteger(), nullable=False),
        sa.Column("birth_days", sa.SmallInteger(), nullable=False),
        sa.Column("other_days", sa.SmallInteger(), nullable=False),
        sa.Column("pre_existing_months", sa.SmallInteger(), nullable=False),
        sa.Column("network", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "urgent_hours BETWEEN 0 AND 24 AND birth_days BETWEEN 0 AND 300"
            " AND other_days BETWEEN 0 AND 180 AND pre_existing_months BETWEEN 0 AND 24",
            name=op.f("ck_health_plans_waiting"),
        ),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_health_plans_window")),
        sa.ForeignKeyConstraint(["insurer_id"], ["insurers.insurer_id"], name="fk_health_plans_insurer_id"),
        sa.PrimaryKeyConstraint("insurer_id", "plan_id", name="pk_health_plans"),
    )
    op.create_table(
        "beneficiaries",
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("card_number", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("enrolled_from", sa.Date(), nullable=False),
        sa.Column("enrolled_to", sa.Date(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("pre_existing_until", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('ACTIVE', 'SUSPENDED', 'CANCELED')", name=op.f("ck_beneficiaries_status")),
        sa.CheckConstraint("enrolled_from <= enrolled_to", name=op.f("ck_beneficiaries_enrolment")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_beneficiaries_window")),
        sa.ForeignKeyConstraint(
            ["insurer_id", "plan_id"],
            ["health_plans.insurer_id", "health_plans.plan_id"],
            name="fk_beneficiaries_insurer_id_plan_id",
        ),
        sa.PrimaryKeyConstraint("insurer_id", "card_number", name="pk_beneficiaries"),
    )
    op.create_index(
        "ix_beneficiaries_insurer_id_plan_id_card_number",
        "beneficiaries",
        ["insurer_id", "plan_id", "card_number"],
        unique=False,
    )
    op.create_index(
        "ix_beneficiaries_patient_id_insurer_id_card_number",
        "beneficiaries",
        ["patient_id", "insurer_id", "card_number"],
        unique=False,
    )
    op.create_table(
        "price_agreements",
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("tuss_table", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tuss_table IN ('18', '19', '20', '22')", name=op.f("ck_price_agreements_tuss_table")),
        sa.CheckConstraint("price_cents BETWEEN 0 AND 10000000000000", name=op.f("ck_price_agreements_price_cents")),
        sa.CheckConstraint("valid_from <= valid_to", name=op.f("ck_price_agreements_window")),
        sa.ForeignKeyConstraint(
            ["insurer_id", "plan_id"],
            ["health_plans.insurer_id", "health_plans.plan_id"],
            name="fk_price_agreements_insurer_id_plan_id",
        ),
        sa.PrimaryKeyConstraint(
            "insurer_id", "plan_id", "tuss_table", "code", "valid_from", name="pk_price_agreements"
        ),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("price_agreements")
    op.drop_index("ix_beneficiaries_patient_id_insurer_id_card_number", table_name="beneficiaries")
    op.drop_index("ix_beneficiaries_insurer_id_plan_id_card_number", table_name="beneficiaries")
    op.drop_table("beneficiaries")
    op.drop_table("health_plans")
    op.drop_table("tuss_terms")
    op.drop_table("providers")
    op.drop_table("insurers")
    op.drop_index("ix_generations_changed_at", table_name="generations")
    op.drop_table("generations")
