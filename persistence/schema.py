"""The tables, as SQLAlchemy Core; migrations/ makes them, and a test proves that the two never drift.

Every constraint is named. `workshop_id`, `provider_id` and `customer_id` say whose a row is.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.billing.budget import BudgetStatus
from domain.billing.pricing import PriceSource
from domain.billing.queries import EntryKind
from domain.billing.work_order import WorkOrderState

BUCKETS = 64
"""How many locks relays share; a key's bucket is crc32(key) % BUCKETS. Changing it needs an empty outbox."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

_QUEUE = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_analyze_scale_factor": "0",
    "autovacuum_analyze_threshold": "10000",
    "autovacuum_vacuum_cost_delay": "0",
}
"""Autovacuum for tables whose rows come and go: often, and at full speed."""


def _instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **{"nullable": False, **options})


def _text(name: str, **options: Any) -> Column[Any]:
    return Column(name, Text, **{"nullable": False, **options})


def _whose() -> list[Column[Any]]:
    return [
        _text("workshop_id", nullable=True),
        _text("provider_id", nullable=True),
        Column("customer_id", Uuid, nullable=True),
    ]


def _one_of(column: str, values: Iterable[Enum]) -> CheckConstraint:
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


work_orders = Table(
    "work_orders",
    metadata,
    Column("id", Uuid, nullable=False),
    *_whose(),
    _text("correlation_id"),
    _text("description"),
    _text("state"),
    _instant("created_at"),
    _instant("canceled_at", nullable=True),
    _text("cancel_reason"),
    Column("facts", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_work_orders"),
    _one_of("state", WorkOrderState),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Uuid, nullable=False),
    *_whose(),
    Column("work_order_id", Uuid, nullable=False),
    _text("description"),
    Column("customer", JSONB, nullable=False),
    _text("status"),
    _text("price_source"),
    Column("total_cents", BigInteger, nullable=True),
    Column("currency", CHAR(3), nullable=False),
    Column("revision", Integer, nullable=False),
    _instant("created_at"),
    _instant("updated_at"),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_budgets"),
    UniqueConstraint("work_order_id", name="uq_budgets_work_order_id"),
    _one_of("status", BudgetStatus),
    _one_of("price_source", PriceSource),
    CheckConstraint("total_cents BETWEEN 0 AND 10000000000000", name="total_cents"),
    CheckConstraint("revision > 0", name="revision"),
    Index("ix_budgets_created_at_id", "created_at", "id"),
    Index("ix_budgets_status_created_at_id", "status", "created_at", "id"),
    Index("ix_budgets_customer_id_created_at_id", "customer_id", "created_at", "id"),
)

budget_revisions = Table(
    "budget_revisions",
    metadata,
    Column("budget_id", Uuid, nullable=False),
    Column("revision", Integer, nullable=False),
    *_whose(),
    Column("items", JSONB, nullable=False),
    Column("total_cents", BigInteger, nullable=True),
    _instant("created_at"),
    PrimaryKeyConstraint("budget_id", "revision", name="pk_budget_revisions"),
)

service_prices = Table(
    "service_prices",
    metadata,
    *_whose(),
    _text("code"),
    _text("description"),
    Column("price_cents", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    _instant("updated_at"),
    CheckConstraint("price_cents BETWEEN 1 AND 10000000000000", name="price_cents"),
    CheckConstraint("workshop_id IS NOT NULL", name="workshop_id"),
    Index("ux_service_prices_workshop_id_code", "workshop_id", text("lower(code)"), unique=True),
    Index("ix_service_prices_workshop_id_description", "workshop_id", text("lower(btrim(description))")),
)

work_order_log = Table(
    "work_order_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    *_whose(),
    _text("kind"),
    _text("actor"),
    _text("event_type"),
    _text("event_id"),
    _text("correlation_id"),
    _text("causation_id"),
    _text("subject"),
    _text("subject_id"),
    _text("action"),
    _text("before"),
    _text("after"),
    Column("body", LargeBinary, nullable=False),
    _instant("recorded_at"),
    PrimaryKeyConstraint("id", name="pk_work_order_log"),
    _one_of("kind", EntryKind),
    Index("ix_work_order_log_work_order_id_id", "work_order_id", "id"),
)

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
        _text("key"),
        Column("key_seq", BigInteger, nullable=False),
        _text("event_type"),
        _text("exchange"),
        _text("routing_key"),
        _text("content_type"),
        Column("headers", JSONB, nullable=False),
        Column("body", LargeBinary, nullable=False),
        _instant("created_at", server_default=func.clock_timestamp()),
    ]


outbox = Table(
    "outbox",
    metadata,
    Column("bucket", SmallInteger, nullable=False),
    Column("id", BigInteger, Identity(always=True), nullable=False),
    *_publication(),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    _instant("next_at", nullable=True),
    _text("last_error", nullable=True),
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
    _instant("published_at", server_default=func.clock_timestamp()),
    Index("ix_outbox_archive_key_key_seq", "key", "key_seq"),
    postgresql_partition_by="RANGE (published_at)",
)

inbox = Table(
    "inbox",
    metadata,
    _text("consumer"),
    _text("message_id"),
    _text("event_type"),
    _text("key"),
    Column("key_seq", BigInteger, nullable=True),
    _text("correlation_id"),
    _text("causation_id"),
    Column("digest", LargeBinary, nullable=False),
    _text("outcome"),
    _instant("received_at", server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("consumer", "message_id", name="pk_inbox"),
    Index("ix_inbox_received_at", "received_at"),
)

inbox_deferred = Table(
    "inbox_deferred",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    _text("consumer"),
    _text("message_id"),
    _text("event_type"),
    _text("key"),
    _text("correlation_id"),
    _text("causation_id"),
    _text("content"),
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("trace", JSONB, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    _instant("next_at", server_default=text("(clock_timestamp() + '00:00:01'::interval)")),
    _text("last_error"),
    _instant("received_at", server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("id", name="pk_inbox_deferred"),
    UniqueConstraint("consumer", "message_id", name="uq_inbox_deferred_consumer_message_id"),
    Index("ix_inbox_deferred_consumer_key_id", "consumer", "key", "id"),
    postgresql_with=_QUEUE,
)

replies = Table(
    "replies",
    metadata,
    _text("actor"),
    _text("rpc"),
    _text("key"),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
    _instant("created_at", server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("actor", "rpc", "key", name="pk_replies"),
    Index("ix_replies_created_at", "created_at"),
)

operator_log = Table(
    "operator_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    _instant("at", server_default=func.clock_timestamp()),
    _text("who"),
    _text("what"),
    _text("reason"),
    PrimaryKeyConstraint("id", name="pk_operator_log"),
)
