"""What is append-only is not emptied either, since TRUNCATE fires no trigger of DELETE; nor are the logs of work orders

The tables are taken in the order in which a unit of work writes them, and writers wait for no longer than it takes to
enter a trigger.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

GUARDED = ("budget_revisions", "settlements", "eligibility_checks", "work_order_log", "claim_log", "ledger_entries")


def upgrade() -> None:
    """Apply."""
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON work_order_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER append_only ON work_order_log")
    for table in GUARDED:
        op.execute(f"DROP TRIGGER never_emptied ON {table}")
