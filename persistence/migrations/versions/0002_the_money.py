"""The saga's money: payments, providers' notices, due work, the ledger; revisions hashed, validity kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct it by adding', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

BALANCED = """
CREATE FUNCTION balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM added GROUP BY transaction_id, currency HAVING sum(amount_cents) <> 0) THEN
    RAISE EXCEPTION 'a ledger transaction does not balance' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""

GUARDED = ("ledger_entries", "budget_revisions")
"""What was booked and what was offered is never changed afterwards, whoever tries."""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents <> 0", name=op.f("ck_ledger_entries_amount_cents")),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entries"),
    )
    op.create_index("ix_ledger_entries_work_order_id_id", "ledger_entries", ["work_order_id", "id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("budget_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("captured_cents", sa.BigInteger(), nullable=False),
        sa.Column("reversed_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Uuid(), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("refunds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("giveback", sa.Boolean(), nullable=False),
        sa.Column("surplus", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("provider_payment_id", sa.Text(), nullable=False),
        sa.Column("provider_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pix", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('CREATED', 'UNKNOWN', 'PENDING', 'CANCELING', 'CONFIRMED', 'REFUNDING', 'PARTIALLY_REVERSED',"
            " 'REFUND_FAILED', 'REVERSED', 'DISPUTED', 'CHARGED_BACK', 'FAILED', 'EXPIRED', 'CANCELED')",
            name=op.f("ck_payments_status"),
        ),
        sa.CheckConstraint(
            "0 <= reversed_cents AND reversed_cents <= captured_cents AND captured_cents <= amount_cents",
            name=op.f("ck_payments_money"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
    )
    op.create_index("ix_payments_created_at_id", "payments", ["created_at", "id"], unique=False)
    op.create_index("ix_payments_status_created_at_id", "payments", ["status", "created_at", "id"], unique=False)
    op.create_index("ix_payments_work_order_id_created_at", "payments", ["work_order_id", "created_at"], unique=False)
    op.create_index(
        "ux_payments_kept",
        "payments",
        ["budget_id"],
        unique=True,
        postgresql_where=sa.text(
            "status IN ('CONFIRMED', 'REFUNDING', 'PARTIALLY_REVERSED', 'REFUND_FAILED', 'DISPUTED') AND NOT giveback"
        ),
    )
    op.create_index(
        "ux_payments_open",
        "payments",
        ["budget_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('CREATED', 'UNKNOWN', 'PENDING') AND withdrawn = ''"),
    )
    op.create_table(
        "provider_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('WAITING', 'APPLIED', 'UNCHANGED', 'PARKED', 'QUARANTINED')",
            name=op.f("ck_provider_notices_status"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_notices"),
        sa.UniqueConstraint("provider", "event_id", name="uq_provider_notices_provider_event_id"),
    )
    op.create_index("ix_provider_notices_received_at_id", "provider_notices", ["received_at", "id"], unique=False)
    op.create_index(
        "ix_provider_notices_status_received_at_id", "provider_notices", ["status", "received_at", "id"], unique=False
    )
    op.create_table(
        "tasks",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("causation_id", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("trace", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_tasks"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_analyze_scale_factor": "0",
            "autovacuum_analyze_threshold": "10000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index("ix_tasks_due_at", "tasks", ["due_at"], unique=False)
    op.add_column("budget_revisions", sa.Column("description", sa.Text(), server_default="", nullable=False))
    op.add_column("budget_revisions", sa.Column("digest", sa.LargeBinary(), nullable=True))
    op.add_column("budgets", sa.Column("validity_days", sa.Integer(), server_default="10", nullable=False))
    op.add_column("budgets", sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("work_orders", sa.Column("status", sa.Text(), server_default=sa.text("''"), nullable=False))
    # The defaults stay: replicas of the version before still write rows without these columns while they are replaced.
    op.execute("UPDATE budget_revisions r SET description = b.description FROM budgets b WHERE b.id = r.budget_id")
    op.execute(APPEND_ONLY)
    op.execute(BALANCED)
    op.execute(
        "CREATE TRIGGER balanced AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION balanced()"
    )
    for table in GUARDED:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def downgrade() -> None:
    """Undo."""
    op.execute("DROP TRIGGER append_only ON budget_revisions")

    op.drop_column("work_orders", "status")
    op.drop_column("budgets", "valid_until")
    op.drop_column("budgets", "validity_days")
    op.drop_column("budget_revisions", "digest")
    op.drop_column("budget_revisions", "description")
    op.drop_index("ix_tasks_due_at", table_name="tasks")
    op.drop_table("tasks")
    op.drop_index("ix_provider_notices_status_received_at_id", table_name="provider_notices")
    op.drop_index("ix_provider_notices_received_at_id", table_name="provider_notices")
    op.drop_table("provider_notices")
    op.drop_index(
        "ux_payments_open",
        table_name="payments",
        postgresql_where=sa.text("status IN ('CREATED', 'UNKNOWN', 'PENDING') AND withdrawn = ''"),
    )
    op.drop_index(
        "ux_payments_kept",
        table_name="payments",
        postgresql_where=sa.text(
            "status IN ('CONFIRMED', 'REFUNDING', 'PARTIALLY_REVERSED', 'REFUND_FAILED', 'DISPUTED') AND NOT giveback"
        ),
    )
    op.drop_index("ix_payments_work_order_id_created_at", table_name="payments")
    op.drop_index("ix_payments_status_created_at_id", table_name="payments")
    op.drop_index("ix_payments_created_at_id", table_name="payments")
    op.drop_table("payments")
    op.drop_index("ix_ledger_entries_work_order_id_id", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.execute("DROP FUNCTION balanced()")
    op.execute("DROP FUNCTION append_only()")
