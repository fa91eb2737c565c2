"""The history of eligibility checks, append-only"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "eligibility_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("service_date", sa.Date(), nullable=False),
        sa.Column("procedures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("last_known", sa.Text(), nullable=False),
        sa.Column("last_known_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("from_cache", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('ELIGIBLE', 'INELIGIBLE', 'UNDETERMINED')", name=op.f("ck_eligibility_checks_verdict")
        ),
        sa.CheckConstraint("source IN ('RULES', 'CACHE', 'INSURER')", name=op.f("ck_eligibility_checks_source")),
        sa.PrimaryKeyConstraint("id", name="pk_eligibility_checks"),
    )
    for first in ("", "patient_id", "insurer_id", "provider_id"):
        columns = [*filter(None, (first,)), "asked_at", "id"]
        op.create_index(f"ix_eligibility_checks_{'_'.join(columns)}", "eligibility_checks", columns, unique=False)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON eligibility_checks"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("eligibility_checks")
