"""Claims and their batches; the log says why, or which"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "claim_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("claim_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("status IN ('OPEN', 'CLOSED', 'SUBMITTED')", name=op.f("ck_claim_batches_status")),
        sa.CheckConstraint(
            "type IN ('CONSULTATION', 'SP_SADT', 'HOSPITALIZATION_SUMMARY', 'FEES', 'DENTAL', 'OTHER')",
            name=op.f("ck_claim_batches_type"),
        ),
        sa.CheckConstraint("jsonb_array_length(claim_ids) <= 100", name=op.f("ck_claim_batches_claim_ids")),
        sa.PrimaryKeyConstraint("id", name="pk_claim_batches"),
        sa.UniqueConstraint("provider_id", "number", name="uq_claim_batches_provider_id_number"),
    )
    op.create_index("ix_claim_batches_created_at_id", "claim_batches", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_claim_batches_provider_id_created_at_id", "claim_batches", ["provider_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_claim_batches_status_created_at_id", "claim_batches", ["status", "created_at", "id"], unique=False
    )
    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("card_number", sa.Text(), nullable=False),
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("character", sa.Text(), nullable=False),
        sa.Column("authorization_code", sa.Text(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("presented_cents", sa.BigInteger(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("processed_cents", sa.BigInteger(), nullable=False),
        sa.Column("released_cents", sa.BigInteger(), nullable=False),
        sa.Column("denied_cents", sa.BigInteger(), nullable=False),
        sa.Column("recovered_cents", sa.BigInteger(), nullable=False),
        sa.Column("pending_cents", sa.BigInteger(), nullable=False),
        sa.Column("accepted_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("claim_batch_id", sa.Uuid(), nullable=True),
        sa.Column("override_reason", sa.Text(), nullable=False),
        sa.Column("submissions", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("return_reason", sa.Text(), nullable=False),
        sa.Column("adjudicated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("character IN ('ELECTIVE', 'URGENT')", name=op.f("ck_claims_character")),
        sa.CheckConstraint(
            "outcome IN ('NONE', 'APPROVED', 'PARTIALLY_DENIED', 'DENIED', 'OVERPAID')", name=op.f("ck_claims_outcome")
        ),
        sa.CheckConstraint("status <> 'BATCHED' OR claim_batch_id IS NOT NULL", name=op.f("ck_claims_batched")),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'READY', 'BATCHED', 'SUBMITTED', 'RETURNED', 'RECEIVED', 'IN_ANALYSIS', "
            "'ADJUDICATED', 'APPEALED', 'SETTLED', 'CANCELED')",
            name=op.f("ck_claims_status"),
        ),
        sa.CheckConstraint(
            "type IN ('CONSULTATION', 'SP_SADT', 'HOSPITALIZATION_SUMMARY', 'FEES', 'DENTAL', 'OTHER')",
            name=op.f("ck_claims_type"),
        ),
        sa.CheckConstraint(
            "presented_cents BETWEEN 0 AND 10000000000000 AND gross_cents >= presented_cents AND released_cents >= 0 "
            "AND released_cents + denied_cents = processed_cents",
            name=op.f("ck_claims_money"),
        ),
        sa.CheckConstraint(
            "recovered_cents >= 0 AND pending_cents >= 0 AND accepted_cents >= 0 AND recovered_cents + pending_cents "
            "+ accepted_cents = denied_cents",
            name=op.f("ck_claims_denied"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_claims"),
        sa.UniqueConstraint("provider_id", "number", name="uq_claims_provider_id_number"),
    )
    op.create_index("ix_claims_created_at_id", "claims", ["created_at", "id"], unique=False)
    op.create_index("ix_claims_insurer_id_created_at_id", "claims", ["insurer_id", "created_at", "id"], unique=False)
    op.create_index("ix_claims_outcome_created_at_id", "claims", ["outcome", "created_at", "id"], unique=False)
    op.create_index("ix_claims_patient_id_created_at_id", "claims", ["patient_id", "created_at", "id"], unique=False)
    op.create_index("ix_claims_provider_id_created_at_id", "claims", ["provider_id", "created_at", "id"], unique=False)
    op.create_index(
        "ix_claims_service_date_created_at_id", "claims", ["service_date", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_claims_insurer_id_status_created_at_id",
        "claims",
        ["insurer_id", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_claims_insurer_id_card_number_service_date",
        "claims",
        ["insurer_id", "card_number", "service_date"],
        unique=False,
    )
    op.create_index("ix_claims_status_created_at_id", "claims", ["status", "created_at", "id"], unique=False)
    op.add_column("claim_log", sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    """Undo."""
    op.drop_column("claim_log", "note")
    op.drop_index("ix_claims_status_created_at_id", table_name="claims")
    op.drop_index("ix_claims_insurer_id_card_number_service_date", table_name="claims")
    op.drop_index("ix_claims_insurer_id_status_created_at_id", table_name="claims")
    op.drop_index("ix_claims_service_date_created_at_id", table_name="claims")
    op.drop_index("ix_claims_provider_id_created_at_id", table_name="claims")
    op.drop_index("ix_claims_patient_id_created_at_id", table_name="claims")
    op.drop_index("ix_claims_outcome_created_at_id", table_name="claims")
    op.drop_index("ix_claims_insurer_id_created_at_id", table_name="claims")
    op.drop_index("ix_claims_created_at_id", table_name="claims")
    op.drop_table("claims")
    op.drop_index("ix_claim_batches_status_created_at_id", table_name="claim_batches")
    op.drop_index("ix_claim_batches_provider_id_created_at_id", table_name="claim_batches")
    op.drop_index("ix_claim_batches_created_at_id", table_name="claim_batches")
    op.drop_table("claim_batches")
