"""Indexes for what the lists of claims, batches and invoices are asked for, and for who owes a provider

Built in the migration's one transaction, as all of it: a failure leaves nothing. Reads go on meanwhile; writes of these
tables wait, for less than a second by the 100,000 rows. The tables are taken in the order in which a unit of work
writes them, so that neither waits for the other in a circle.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OWED = "open_cents > 0 AND status <> 'CANCELED'"


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_claim_batches_insurer_id_created_at_id", "claim_batches", ["insurer_id", "created_at", "id"], unique=False
    )
    for table in ("claims", "invoices"):
        columns = ["provider_id", "status", "created_at", "id"]
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns, unique=False)
    op.create_index("ix_invoices_due_date_created_at_id", "invoices", ["due_date", "created_at", "id"], unique=False)
    op.create_index(
        "ix_invoices_owed_to_provider",
        "invoices",
        ["provider_id", "insurer_id", "due_date"],
        unique=False,
        postgresql_include=["open_cents"],
        postgresql_where=sa.text(OWED),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_claim_batches_insurer_id_created_at_id", table_name="claim_batches")
    op.drop_index("ix_claims_provider_id_status_created_at_id", table_name="claims")
    op.drop_index("ix_invoices_provider_id_status_created_at_id", table_name="invoices")
    op.drop_index("ix_invoices_due_date_created_at_id", table_name="invoices")
    op.drop_index("ix_invoices_owed_to_provider", table_name="invoices")
