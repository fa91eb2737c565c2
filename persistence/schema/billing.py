"""The tables of billing: work orders and all that is theirs."""

from __future__ import annotations

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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

from domain.billing.budget_lifecycle import BudgetStatus
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.pricing import PriceSource
from domain.billing.provider_notice import NoticeStatus
from domain.billing.queries import EntryKind
from domain.billing.work_order import WorkOrderState
from persistence.schema.columns import instant, metadata, one_of, whose, words

OPEN_PAYMENTS = "status IN ('CREATED', 'UNKNOWN', 'PENDING') AND withdrawn = ''"
KEPT_PAYMENTS = (
    "status IN ('CONFIRMED', 'REFUNDING', 'PARTIALLY_REVERSED', 'REFUND_FAILED', 'DISPUTED') AND NOT giveback"
)
"""At most one attempt of a budget may be open, and one kept: the rule is the domain's, the index its last guard."""

work_orders = Table(
    "work_orders",
    metadata,
    Column("id", Uuid, nullable=False),
    *whose(),
    words("correlation_id"),
    words("description"),
    words("state"),
    instant("created_at"),
    instant("canceled_at", nullable=True),
    words("cancel_reason"),
    words("status", server_default=text("''")),
    Column("facts", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_work_orders"),
    one_of("state", WorkOrderState),
)

budgets = Table(
    "budgets",
    metadata,
    Column("id", Uuid, nullable=False),
    *whose(),
    Column("work_order_id", Uuid, nullable=False),
    words("description"),
    Column("customer", JSONB, nullable=False),
    words("status"),
    words("price_source"),
    Column("total_cents", BigInteger, nullable=True),
    Column("currency", CHAR(3), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("validity_days", Integer, nullable=False, server_default=text("10")),
    instant("valid_until", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_budgets"),
    UniqueConstraint("work_order_id", name="uq_budgets_work_order_id"),
    one_of("status", BudgetStatus),
    one_of("price_source", PriceSource),
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
    *whose(),
    words("description", server_default=text("''")),
    Column("items", JSONB, nullable=False),
    Column("total_cents", BigInteger, nullable=True),
    Column("digest", LargeBinary, nullable=True),
    instant("created_at"),
    PrimaryKeyConstraint("budget_id", "revision", name="pk_budget_revisions"),
)

payments = Table(
    "payments",
    metadata,
    Column("id", Uuid, nullable=False),
    *whose(),
    Column("work_order_id", Uuid, nullable=False),
    Column("budget_id", Uuid, nullable=False),
    words("status"),
    Column("amount_cents", BigInteger, nullable=False),
    Column("captured_cents", BigInteger, nullable=False),
    Column("reversed_cents", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    words("provider"),
    Column("idempotency_key", Uuid, nullable=False),
    words("script"),
    Column("refunds", JSONB, nullable=False),
    Column("giveback", Boolean, nullable=False),
    Column("surplus", Boolean, nullable=False),
    words("withdrawn"),
    words("detail"),
    words("provider_payment_id"),
    instant("provider_updated_at", nullable=True),
    Column("pix", JSONB, nullable=True),
    instant("expires_at"),
    instant("confirmed_at", nullable=True),
    instant("created_at"),
    instant("updated_at"),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_payments"),
    one_of("status", PaymentStatus),
    CheckConstraint(
        "0 <= reversed_cents AND reversed_cents <= captured_cents AND captured_cents <= amount_cents", name="money"
    ),
    Index("ix_payments_work_order_id_created_at", "work_order_id", "created_at"),
    Index("ix_payments_created_at_id", "created_at", "id"),
    Index("ix_payments_status_created_at_id", "status", "created_at", "id"),
    Index("ux_payments_open", "budget_id", unique=True, postgresql_where=text(OPEN_PAYMENTS)),
    Index("ux_payments_kept", "budget_id", unique=True, postgresql_where=text(KEPT_PAYMENTS)),
)

provider_notices = Table(
    "provider_notices",
    metadata,
    Column("id", Uuid, nullable=False),
    words("provider"),
    words("event_id"),
    words("topic"),
    words("charge_id"),
    Column("body", LargeBinary, nullable=False),
    instant("received_at"),
    words("status"),
    words("reason"),
    Column("payment_id", Uuid, nullable=True),
    instant("settled_at", nullable=True),
    PrimaryKeyConstraint("id", name="pk_provider_notices"),
    UniqueConstraint("provider", "event_id", name="uq_provider_notices_provider_event_id"),
    one_of("status", NoticeStatus),
    Index("ix_provider_notices_status_received_at_id", "status", "received_at", "id"),
    Index("ix_provider_notices_received_at_id", "received_at", "id"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("transaction_id", Uuid, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    *whose(),
    words("account"),
    Column("amount_cents", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    words("subject"),
    Column("subject_id", Uuid, nullable=False),
    words("action"),
    instant("recorded_at"),
    PrimaryKeyConstraint("id", name="pk_ledger_entries"),
    CheckConstraint("amount_cents <> 0", name="amount_cents"),
    Index("ix_ledger_entries_work_order_id_id", "work_order_id", "id"),
)
"""Append-only, and each statement's transactions balance: triggers of the migration see to both."""

service_prices = Table(
    "service_prices",
    metadata,
    *whose(),
    words("code"),
    words("description"),
    Column("price_cents", BigInteger, nullable=False),
    Column("currency", CHAR(3), nullable=False),
    instant("updated_at"),
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
    PrimaryKeyConstraint("id", name="pk_work_order_log"),
    one_of("kind", EntryKind),
    Index("ix_work_order_log_work_order_id_id", "work_order_id", "id"),
)
"""Append-only: triggers of the migration see to it."""
