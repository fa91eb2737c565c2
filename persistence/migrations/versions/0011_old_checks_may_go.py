"""Checks of eligibility may be deleted by a transaction that says that it lets old ones go, and by no other

A guard against mistakes, as all of them are: whoever owns a table can lift its triggers. No trigger is dropped: that
would wait for everybody who reads the table, and have all others wait behind it.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute(
        "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE ON eligibility_checks"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.execute(
        "CREATE TRIGGER kept BEFORE DELETE ON eligibility_checks FOR EACH STATEMENT"
        " WHEN (current_setting('acerto.lets_go', true) IS DISTINCT FROM 'old checks') EXECUTE FUNCTION append_only()"
    )


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER kept ON eligibility_checks")
    op.execute(
        "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON eligibility_checks"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
