"""The house: work orders, budgets, prices, outbox, inbox, logs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OUTBOX_MESSAGE = """
CREATE VIEW outbox_message AS
SELECT event_id AS id, event_type,
       CASE content_type WHEN 'application/json' THEN convert_from(body, 'UTF8')
                         ELSE encode(body, 'base64') END AS payload,
       false AS published, NULL::timestamptz AS published_at, headers ->> 'CorrelationId' AS correlation_id,
       headers ->> 'CausationId' AS causation_id
  FROM outbox
UNION ALL
SELECT event_id, event_type,
       CASE content_type WHEN 'application/json' THEN convert_from(body, 'UTF8') ELSE encode(body, 'base64') END,
       true, published_at, headers ->> 'CorrelationId', headers ->> 'CausationId'
  FROM outbox_archive
"""

INBOX_MESSAGE = """
CREATE VIEW inbox_message AS
SELECT message_id AS id, consumer, event_type, key, outcome, true AS processed, received_at AS processed_at,
       correlation_id, causation_id
  FROM inbox
UNION ALL
SELECT message_id, consumer, event_type, key, 'deferred', false, NULL, correlation_id, causation_id
  FROM inbox_deferred
"""

prices = sa.table(
    "service_prices",
    sa.column("workshop_id"),
    sa.column("code"),
    sa.column("description"),
    sa.column("price_cents"),
    sa.column("currency"),
    sa.column("updated_at"),
)
SEED_PRICES = [
    {"code": code, "description": description, "price_cents": cents}
    for code, description, cents in (
        ("OIL-CHANGE", "Troca de óleo", 18_000),
        ("ALIGNMENT", "Alinhamento e balanceamento", 15_000),
        ("BRAKE-PADS", "Troca de pastilhas de freio", 32_000),
        ("INSPECTION", "Revisão", 45_000),
        ("DIAGNOSTICS", "Diagnóstico eletrônico", 12_000),
    )
]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "budget_revisions",
        sa.Column("budget_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("budget_id", "revision", name="pk_budget_revisions"),
    )
    op.create_table(
        "budgets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("customer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("price_source", sa.Text(), nullable=False),
        sa.Column("total_cents", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "price_source IN ('ITEMS', 'AMOUNT', 'SERVICE_PRICE', 'DEFAULT', 'NONE')",
            name=op.f("ck_budgets_price_source"),
        ),
        sa.CheckConstraint(
            "status IN ('DRAFT', 'SENT', 'APPROVED', 'REJECTED', 'EXPIRED', 'CANCELED')", name=op.f("ck_budgets_status")
        ),
        sa.CheckConstraint("revision > 0", name=op.f("ck_budgets_revision")),
        sa.CheckConstraint("total_cents BETWEEN 0 AND 10000000000000", name=op.f("ck_budgets_total_cents")),
        sa.PrimaryKeyConstraint("id", name="pk_budgets"),
        sa.UniqueConstraint("work_order_id", name="uq_budgets_work_order_id"),
    )
    op.create_index("ix_budgets_created_at_id", "budgets", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_budgets_customer_id_created_at_id", "budgets", ["customer_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_budgets_status_created_at_id", "budgets", ["status", "created_at", "id"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("key_seq", sa.BigInteger(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("consumer", "message_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_received_at", "inbox", ["received_at"], unique=False)
    op.create_table(
        "inbox_deferred",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("trace", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("(clock_timestamp() + '00:00:01'::interval)"),
            nullable=False,
        ),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_deferred"),
        sa.UniqueConstraint("consumer", "message_id", name="uq_inbox_deferred_consumer_message_id"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_analyze_scale_factor": "0",
            "autovacuum_analyze_threshold": "10000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index("ix_inbox_deferred_consumer_key_id", "inbox_deferred", ["consumer", "key", "id"], unique=False)
    op.create_table(
        "operator_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator_log"),
    )
    op.create_table(
        "outbox",
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("key_seq", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("bucket BETWEEN 0 AND 63", name=op.f("ck_outbox_bucket")),
        sa.CheckConstraint("octet_length(body) <= 1048576", name=op.f("ck_outbox_body")),
        sa.CheckConstraint("octet_length(routing_key) <= 255", name=op.f("ck_outbox_routing_key")),
        sa.PrimaryKeyConstraint("bucket", "id", name="pk_outbox"),
        sa.UniqueConstraint("key", "key_seq", name="uq_outbox_key_key_seq"),
        postgresql_with={
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "1000",
            "autovacuum_analyze_scale_factor": "0",
            "autovacuum_analyze_threshold": "10000",
            "autovacuum_vacuum_cost_delay": "0",
        },
    )
    op.create_index(
        "ix_outbox_blocked", "outbox", ["key", "id"], unique=False, postgresql_where=sa.text("next_at IS NOT NULL")
    )
    op.create_table(
        "outbox_archive",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("key_seq", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        postgresql_partition_by="RANGE (published_at)",
    )
    op.create_index("ix_outbox_archive_key_key_seq", "outbox_archive", ["key", "key_seq"], unique=False)
    op.create_table(
        "outbox_bucket",
        sa.Column("bucket", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("bucket", name="pk_outbox_bucket"),
    )
    op.create_table(
        "replies",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("rpc", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("actor", "rpc", "key", name="pk_replies"),
    )
    op.create_index("ix_replies_created_at", "replies", ["created_at"], unique=False)
    op.create_table(
        "service_prices",
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("price_cents", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_cents BETWEEN 1 AND 10000000000000", name=op.f("ck_service_prices_price_cents")),
        sa.CheckConstraint("workshop_id IS NOT NULL", name=op.f("ck_service_prices_workshop_id")),
    )
    op.create_index(
        "ix_service_prices_workshop_id_description",
        "service_prices",
        ["workshop_id", sa.literal_column("lower(btrim(description))")],
        unique=False,
    )
    op.create_index(
        "ux_service_prices_workshop_id_code",
        "service_prices",
        ["workshop_id", sa.literal_column("lower(code)")],
        unique=True,
    )
    op.create_table(
        "work_order_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("causation_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('RECEIVED', 'CHANGED')", name=op.f("ck_work_order_log_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_work_order_log"),
    )
    op.create_index("ix_work_order_log_work_order_id_id", "work_order_log", ["work_order_id", "id"], unique=False)
    op.create_table(
        "work_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workshop_id", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=False),
        sa.Column("facts", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'CANCELED')", name=op.f("ck_work_orders_state")),
        sa.PrimaryKeyConstraint("id", name="pk_work_orders"),
    )
    op.execute("INSERT INTO outbox_bucket SELECT generate_series(0, 63)")
    op.execute("CREATE TABLE outbox_archive_default PARTITION OF outbox_archive DEFAULT")
    op.execute(OUTBOX_MESSAGE)
    op.execute(INBOX_MESSAGE)
    op.bulk_insert(
        prices,
        [
            {**row, "workshop_id": "main", "currency": "BRL", "updated_at": "2026-01-01T00:00:00Z"}
            for row in SEED_PRICES
        ],
    )


def downgrade() -> None:
    """Undo."""
    op.execute("DROP VIEW inbox_message")
    op.execute("DROP VIEW outbox_message")
    op.drop_table("work_orders")
    op.drop_index("ix_work_order_log_work_order_id_id", table_name="work_order_log")
    op.drop_table("work_order_log")
    op.drop_index("ux_service_prices_workshop_id_code", table_name="service_prices")
    op.drop_index("ix_service_prices_workshop_id_description", table_name="service_prices")
    op.drop_table("service_prices")
    op.drop_index("ix_replies_created_at", table_name="replies")
    op.drop_table("replies")
    op.drop_table("outbox_bucket")
    op.drop_index("ix_outbox_archive_key_key_seq", table_name="outbox_archive")
    op.drop_table("outbox_archive")
    op.drop_index("ix_outbox_blocked", table_name="outbox", postgresql_where=sa.text("next_at IS NOT NULL"))
    op.drop_table("outbox")
    op.drop_table("operator_log")
    op.drop_index("ix_inbox_deferred_consumer_key_id", table_name="inbox_deferred")
    op.drop_table("inbox_deferred")
    op.drop_index("ix_inbox_received_at", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index("ix_budgets_status_created_at_id", table_name="budgets")
    op.drop_index("ix_budgets_customer_id_created_at_id", table_name="budgets")
    op.drop_index("ix_budgets_created_at_id", table_name="budgets")
    op.drop_table("budgets")
    op.drop_table("budget_revisions")
