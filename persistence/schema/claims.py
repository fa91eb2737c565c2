"""The tables of health claims; migrations/ makes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, PrimaryKeyConstraint, Table, Uuid

from domain.billing.queries import EntryKind
from persistence.schema.columns import instant, metadata, one_of, whose, words

claim_log = Table(
    "claim_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("root_id", Uuid, nullable=False),
    *whose(),
    words("kind"),
    words("actor"),
    words("event_type"),
    words("event_id"),
    words("correlation_id"),
    words("causation_id"),
    words("subject"),
    words("subject_id"),
    words("action"),
    words("before"),
    words("after"),
    Column("body", LargeBinary, nullable=False),
    instant("recorded_at"),
    PrimaryKeyConstraint("id", name="pk_claim_log"),
    one_of("kind", EntryKind),
    Index("ix_claim_log_root_id_id", "root_id", "id"),
)
"""Every change of a claim, a batch or an invoice, which are roots alike; nobody can change an entry."""
