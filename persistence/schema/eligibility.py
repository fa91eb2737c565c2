"""The table of eligibility's history: every check that was answered."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, PrimaryKeyConstraint, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.eligibility.eligibility_check import Source
from domain.eligibility.reasons import Verdict
from persistence.schema.columns import instant, metadata, one_of, words

eligibility_checks = Table(
    "eligibility_checks",
    metadata,
    Column("id", Uuid, nullable=False),
    words("provider_id", nullable=True),
    instant("asked_at"),
    words("actor"),
    words("insurer_id"),
    words("plan_id"),
    words("patient_id"),
    words("card"),
    Column("service_date", Date, nullable=False),
    Column("procedures", JSONB, nullable=False),
    Column("urgent", Boolean, nullable=False),
    words("verdict"),
    Column("reasons", JSONB, nullable=False),
    instant("checked_at"),
    instant("expires_at"),
    words("source"),
    words("last_known"),
    instant("last_known_at", nullable=True),
    Column("from_cache", Boolean, nullable=False),
    words("asked_patient_id", nullable=True),
    PrimaryKeyConstraint("id", name="pk_eligibility_checks"),
    one_of("verdict", Verdict),
    one_of("source", Source),
    Index("ix_eligibility_checks_asked_at_id", "asked_at", "id"),
    Index("ix_eligibility_checks_patient_id_asked_at_id", "patient_id", "asked_at", "id"),
    Index("ix_eligibility_checks_insurer_id_asked_at_id", "insurer_id", "asked_at", "id"),
    Index("ix_eligibility_checks_provider_id_asked_at_id", "provider_id", "asked_at", "id"),
)
"""Append-only: triggers of the migrations see to it; only `check_retention` may let old rows go.

`card` is masked; `source` is the answer's, before any cache.

`patient_id` is as found, `asked_patient_id` as asked: null in rows from before there was such a column.
"""
