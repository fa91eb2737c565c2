"""The tables of health claims: the claims, the batches they are sent in, and the log of every change."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.billing.queries import EntryKind
from domain.claims.claim import Character, ClaimType
from domain.claims.claim_batch import ClaimBatchStatus
from domain.claims.claim_lifecycle import ClaimStatus
from domain.claims.outcome import Outcome
from persistence.schema.columns import instant, metadata, one_of, whose, words

CENTS = ("presented", "gross", "processed", "released", "denied", "recovered", "pending", "accepted")
"""The sums of a claim's items, a column `.._cents` each; the items themselves are a document on the row."""


def _whose() -> list[Column[Any]]:
    """As on every table, but that a claim always says its provider: the empty text when it has none."""
    return [words("workshop_id", nullable=True), words("provider_id"), Column("customer_id", Uuid, nullable=True)]


claims = Table(
    "claims",
    metadata,
    Column("id", Uuid, nullable=False),
    *_whose(),
    words("number"),
    words("type"),
    words("status"),
    words("outcome"),
    words("patient_id"),
    words("card_number"),
    words("insurer_id"),
    words("plan_id"),
    Column("service_date", Date, nullable=False),
    words("character"),
    words("authorization_code"),
    Column("items", JSONB, nullable=False),
    *(Column(f"{name}_cents", BigInteger, nullable=False) for name in CENTS),
    Column("currency", CHAR(3), nullable=False),
    Column("claim_batch_id", Uuid, nullable=True),
    words("override_reason"),
    Column("submissions", Integer, nullable=False),
    instant("submitted_at", nullable=True),
    words("protocol"),
    words("return_reason"),
    instant("adjudicated_at", nullable=True),
    words("cancel_reason"),
    words("correlation_id"),
    instant("created_at"),
    instant("updated_at"),
    Column("facts", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_claims"),
    UniqueConstraint("provider_id", "number", name="uq_claims_provider_id_number"),
    one_of("type", ClaimType),
    one_of("status", ClaimStatus),
    one_of("outcome", Outcome),
    one_of("character", Character),
    CheckConstraint(
        "presented_cents BETWEEN 0 AND 10000000000000 AND gross_cents >= presented_cents"
        " AND released_cents >= 0 AND released_cents + denied_cents = processed_cents",
        name="money",
    ),
    CheckConstraint(
        "recovered_cents >= 0 AND pending_cents >= 0 AND accepted_cents >= 0"
        " AND recovered_cents + pending_cents + accepted_cents = denied_cents",
        name="denied",
    ),
    CheckConstraint("status <> 'BATCHED' OR claim_batch_id IS NOT NULL", name="batched"),
    Index("ix_claims_created_at_id", "created_at", "id"),
    Index("ix_claims_status_created_at_id", "status", "created_at", "id"),
    Index("ix_claims_outcome_created_at_id", "outcome", "created_at", "id"),
    Index("ix_claims_patient_id_created_at_id", "patient_id", "created_at", "id"),
    Index("ix_claims_insurer_id_created_at_id", "insurer_id", "created_at", "id"),
    Index("ix_claims_insurer_id_status_created_at_id", "insurer_id", "status", "created_at", "id"),
    Index("ix_claims_provider_id_created_at_id", "provider_id", "created_at", "id"),
    Index("ix_claims_provider_id_status_created_at_id", "provider_id", "status", "created_at", "id"),
    Index("ix_claims_service_date_created_at_id", "service_date", "created_at", "id"),
    Index("ix_claims_insurer_id_card_number_service_date", "insurer_id", "card_number", "service_date"),
)

claim_batches = Table(
    "claim_batches",
    metadata,
    Column("id", Uuid, nullable=False),
    *_whose(),
    words("number"),
    words("insurer_id"),
    words("type"),
    words("status"),
    Column("claim_ids", JSONB, nullable=False),
    instant("submitted_at", nullable=True),
    words("correlation_id"),
    instant("created_at"),
    instant("updated_at"),
    Column("facts", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_claim_batches"),
    UniqueConstraint("provider_id", "number", name="uq_claim_batches_provider_id_number"),
    one_of("type", ClaimType),
    one_of("status", ClaimBatchStatus),
    CheckConstraint("jsonb_array_length(claim_ids) <= 100", name="claim_ids"),
    Index("ix_claim_batches_created_at_id", "created_at", "id"),
    Index("ix_claim_batches_provider_id_created_at_id", "provider_id", "created_at", "id"),
    Index("ix_claim_batches_insurer_id_created_at_id", "insurer_id", "created_at", "id"),
    Index("ix_claim_batches_status_created_at_id", "status", "created_at", "id"),
)

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
    words("note", server_default=text("''")),
    Column("body", LargeBinary, nullable=False),
    instant("recorded_at"),
    PrimaryKeyConstraint("id", name="pk_claim_log"),
    one_of("kind", EntryKind),
    Index("ix_claim_log_root_id_id", "root_id", "id"),
)
"""Every change of a claim, a batch or an invoice, which are roots alike; nobody can change an entry, nor empty it."""
