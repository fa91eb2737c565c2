"""Whom a check was asked about, beside whom its card was found to be"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("eligibility_checks", sa.Column("asked_patient_id", sa.Text(), nullable=True))


def downgrade() -> None:
    """Undo."""
    op.drop_column("eligibility_checks", "asked_patient_id")
