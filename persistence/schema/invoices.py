"""The tables of invoices: what is billed, for which claims, and what came for it."""

from __future__ import annotations

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Uuid,
    text,
)

from domain.claims.invoice_lifecycle import InvoiceStatus
from persistence.schema.columns import instant, metadata, one_of, whose, words

PARTS = ("paid_cents", "open_cents", "denied_pending_cents", "denied_accepted_cents", "withheld_cents")
IDENTITY = f"gross_cents = {' + '.join(PARTS)}"
"""health.md B, always."""
OWED = "open_cents > 0 AND status <> 'CANCELED'"

invoices = Table(
    "invoices",
    metadata,
    Column("id", Uuid, nullable=False),
    *whose(),
    words("insurer_id"),
    words("patient_id"),
    words("status"),
    Column("gross_cents", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in PARTS),
    Column("currency", CHAR(3), nullable=False),
    Column("due_date", Date, nullable=False),
    words("note"),
    words("correlation_id"),
    Column("settlement_version", Integer, nullable=False),
    instant("settled_at", nullable=True),
    words("cancel_reason"),
    instant("created_at"),
    instant("updated_at"),
    Column("facts", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_invoices"),
    one_of("status", InvoiceStatus),
    CheckConstraint(IDENTITY, name="identity"),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in PARTS), name="money"),
    Index("ix_invoices_created_at_id", "created_at", "id"),
    Index("ix_invoices_provider_id_created_at_id", "provider_id", "created_at", "id"),
    Index("ix_invoices_insurer_id_created_at_id", "insurer_id", "created_at", "id"),
    Index("ix_invoices_patient_id_created_at_id", "patient_id", "created_at", "id"),
    Index("ix_invoices_status_created_at_id", "status", "created_at", "id"),
    Index("ix_invoices_provider_id_status_created_at_id", "provider_id", "status", "created_at", "id"),
    Index("ix_invoices_due_date_created_at_id", "due_date", "created_at", "id"),
    Index("ix_invoices_owed", "insurer_id", "due_date", postgresql_where=text(OWED)),
    Index(
        "ix_invoices_owed_to_provider",
        *("provider_id", "insurer_id", "due_date"),
        postgresql_include=["open_cents"],
        postgresql_where=text(OWED),
    ),
)

invoice_claims = Table(
    "invoice_claims",
    metadata,
    Column("invoice_id", Uuid, nullable=False),
    Column("claim_id", Uuid, nullable=False),
    *whose(),
    Column("gross_cents", BigInteger, nullable=False),
    Column("denied_pending_cents", BigInteger, nullable=False),
    Column("denied_accepted_cents", BigInteger, nullable=False),
    Column("live", Boolean, nullable=False),
    PrimaryKeyConstraint("invoice_id", "claim_id", name="pk_invoice_claims"),
    CheckConstraint("denied_pending_cents >= 0 AND denied_accepted_cents >= 0", name="money"),
    Index("ix_invoice_claims_claim_id", "claim_id"),
    Index("ux_invoice_claims_live", "claim_id", unique=True, postgresql_where=text("live")),
)
"""A claim is in at most one invoice that is not canceled: the rule is the domain's, the index its last guard."""

settlements = Table(
    "settlements",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("invoice_id", Uuid, nullable=False),
    *whose(),
    Column("reverses", Uuid, nullable=True),
    Column("amount_cents", BigInteger, nullable=False),
    Column("withheld_cents", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    Column("settled_on", Date, nullable=False),
    words("reference"),
    words("reason"),
    instant("recorded_at"),
    PrimaryKeyConstraint("id", name="pk_settlements"),
    CheckConstraint("amount_cents >= 0 AND withheld_cents >= 0 AND amount_cents + withheld_cents > 0", name="money"),
    Index("ix_settlements_invoice_id_recorded_at_id", "invoice_id", "recorded_at", "id"),
    Index("ux_settlements_reverses", "reverses", unique=True, postgresql_where=text("reverses IS NOT NULL")),
)
"""Append-only, by a trigger of the migration. A reversal is a row of its own, which names what it takes back."""
