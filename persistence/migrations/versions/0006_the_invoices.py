"""Invoices: what is billed, each claim in one at most, and what came for them, which is only ever added to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WHOSE = (("workshop_id", sa.Text()), ("provider_id", sa.Text()), ("customer_id", sa.Uuid()))


def whose() -> list[sa.Column[object]]:
    """The columns that say whose a row is."""
    return [sa.Column(name, kind, nullable=True) for name, kind in WHOSE]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "invoices",
        sa.Column("id", sa.Uuid(), nullable=False),
        *whose(),
        sa.Column("insurer_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=False),
        sa.Column("open_cents", sa.BigInteger(), nullable=False),
        sa.Column("denied_pending_cents", sa.BigInteger(), nullable=False),
        sa.Column("denied_accepted_cents", sa.BigInteger(), nullable=False),
        sa.Column("withheld_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("settlement_version", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('OPEN', 'PARTIALLY_DENIED', 'PARTIALLY_SETTLED', 'SETTLED', 'CANCELED')",
            name=op.f("ck_invoices_status"),
        ),
        sa.CheckConstraint(
            "gross_cents = paid_cents + open_cents + denied_pending_cents + denied_accepted_cents + withheld_cents",
            name=op.f("ck_invoices_identity"),
        ),
        sa.CheckConstraint(
            "paid_cents >= 0 AND open_cents >= 0 AND denied_pending_cents >= 0 AND denied_accepted_cents >= 0"
            " AND withheld_cents >= 0",
            name=op.f("ck_invoices_money"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
    )
    for first in ("", "provider_id", "insurer_id", "patient_id", "status"):
        columns = [first] * bool(first) + ["created_at", "id"]
        op.create_index(f"ix_invoices_{'_'.join(columns)}", "invoices", columns, unique=False)
    op.create_index(
        "ix_invoices_owed",
        "invoices",
        ["insurer_id", "due_date"],
        unique=False,
        postgresql_where=sa.text("open_cents > 0 AND status <> 'CANCELED'"),
    )
    op.create_table(
        "invoice_claims",
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        *whose(),
        sa.Column("gross_cents", sa.BigInteger(), nullable=False),
        sa.Column("denied_pending_cents", sa.BigInteger(), nullable=False),
        sa.Column("denied_accepted_cents", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "denied_pending_cents >= 0 AND denied_accepted_cents >= 0", name=op.f("ck_invoice_claims_money")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "claim_id", name="pk_invoice_claims"),
    )
    op.create_index("ix_invoice_claims_claim_id", "invoice_claims", ["claim_id"], unique=False)
    op.create_index(
        "ux_invoice_claims_live", "invoice_claims", ["claim_id"], unique=True, postgresql_where=sa.text("live")
    )
    op.create_table(
        "settlements",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        *whose(),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("withheld_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_cents >= 0 AND withheld_cents >= 0 AND amount_cents + withheld_cents > 0",
            name=op.f("ck_settlements_money"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_settlements"),
    )
    op.create_index(
        "ix_settlements_invoice_id_recorded_at_id", "settlements", ["invoice_id", "recorded_at", "id"], unique=False
    )
    op.create_index(
        "ux_settlements_reverses",
        "settlements",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON settlements"
        " FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )


def downgrade() -> None:
    """Undo."""
    for table in ("settlements", "invoice_claims", "invoices"):
        op.drop_table(table)
