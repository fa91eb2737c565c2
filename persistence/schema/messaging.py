"""The tables that facts, messages and due work pass through, and what is kept so that nothing happens twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from persistence.schema.columns import instant, metadata, words

BUCKETS = 64
"""How many locks relays share; a key's bucket is crc32(key) % BUCKETS. Changing it needs an empty outbox."""

_QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0",
    "autovacuum_analyze_threshold": "10000",
    "autovacuum_vacuum_cost_delay": "0",
}
"""Autovacuum for tables whose rows come and go: often, and at full speed."""


outbox_bucket = Table(
    "outbox_bucket",
    metadata,
    Column("bucket", SmallInteger, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("bucket", name="pk_outbox_bucket"),
)

_MESSAGE = (
    CheckConstraint("octet_length(body) <= 1048576", name="body"),
    CheckConstraint("octet_length(routing_key) <= 255", name="routing_key"),
)


def _publication() -> list[Column[Any]]:
    return [
        Column("event_id", Uuid, nullable=False),
        words("key"),
        Column("key_seq", BigInteger, nullable=False),
        words("event_type"),
        words("exchange"),
        words("routing_key"),
        words("content_type"),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        instant("created_at", server_default=func.clock_timestamp()),
    ]


outbox = Table(
    "outbox",
    metadata,
    Column("bucket", SmallInteger, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    *_publication(),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    instant("next_at", nullable=True),
    words("last_error", nullable=True),
    PrimaryKeyConstraint("bucket", "id", name="pk_outbox"),
    UniqueConstraint("key", "key_seq", name="uq_outbox_key_key_seq"),
    *_MESSAGE,
    CheckConstraint("bucket BETWEEN 0 AND 63", name="bucket"),
    Index("ix_outbox_blocked", "key", "id", postgresql_where=text("next_at IS NOT NULL")),
    postgresql_with=_QUEUE,
)

outbox_archive = Table(
    "outbox_archive",
    metadata,
    Column("id", BigInteger, nullable=False),
    *_publication(),
    instant("published_at", server_default=func.clock_timestamp()),
    Index("ix_outbox_archive_key_key_seq", "key", "key_seq"),
    postgresql_partition_by="RANGE (published_at)",
)

inbox = Table(
    "inbox",
    metadata,
    words("consumer"),
    words("message_id"),
    words("event_type"),
    words("key"),
    Column("key_seq", BigInteger, nullable=True),
    words("correlation_id"),
    words("causation_id"),
    Column("digest", LargeBinary, nullable=False),
    words("outcome"),
    instant("received_at", server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("consumer", "message_id", name="pk_inbox"),
    Index("ix_inbox_received_at", "received_at"),
)

inbox_deferred = Table(
    "inbox_deferred",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    words("consumer"),
    words("message_id"),
    words("event_type"),
    words("key"),
    words("correlation_id"),
    words("causation_id"),
    words("content"),
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("trace", JSONB, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    instant("next_at", server_default=text("(clock_timestamp() + '00:00:01'::interval)")),
    words("last_error"),
    instant("received_at", server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("id", name="pk_inbox_deferred"),
    UniqueConstraint("consumer", "message_id", name="uq_inbox_deferred_consumer_message_id"),
    Index("ix_inbox_deferred_consumer_key_id", "consumer", "key", "id"),
    postgresql_with=_QUEUE,
)

replies = Table(
    "replies",
    metadata,
    words("actor"),
    words("rpc"),
    words("key"),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    instant("created_at", server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("actor", "rpc", "key", name="pk_replies"),
    Index("ix_replies_created_at", "created_at"),
)

operator_log = Table(
    "operator_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    instant("at", server_default=func.clock_timestamp()),
    words("who"),
    words("what"),
    words("reason"),
    PrimaryKeyConstraint("id", name="pk_operator_log"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("subject_id", Uuid, nullable=False),
    words("kind"),
    instant("due_at"),
    Column("attempts", SmallInteger, nullable=False),
    Column("lease", Uuid, nullable=True),
    instant("leased_until", nullable=True),
    words("causation_id"),
    words("correlation_id"),
    Column("trace", JSONB, nullable=False),
    words("last_error"),
    PrimaryKeyConstraint("subject_id", name="pk_tasks"),
    Index("ix_tasks_due_at", "due_at"),
    postgresql_with=_QUEUE,
)
