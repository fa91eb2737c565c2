"""The tables, as SQLAlchemy Core; migrations/ makes them, and a test proves that the two never drift.

Every constraint is named. `workshop_id`, `provider_id` and `customer_id` say whose a row is.
"""

from __future__ import annotations

from persistence.schema.billing import (
    budget_revisions,
    budgets,
    ledger_entries,
    payments,
    provider_notices,
    service_prices,
    work_order_log,
    work_orders,
)
from persistence.schema.claims import claim_log
from persistence.schema.columns import metadata
from persistence.schema.messaging import (
    BUCKETS,
    inbox,
    inbox_deferred,
    operator_log,
    outbox,
    outbox_archive,
    outbox_bucket,
    replies,
    tasks,
)

__all__ = [
    "BUCKETS",
    "budget_revisions",
    "budgets",
    "claim_log",
    "inbox",
    "inbox_deferred",
    "ledger_entries",
    "metadata",
    "operator_log",
    "outbox",
    "outbox_archive",
    "outbox_bucket",
    "payments",
    "provider_notices",
    "replies",
    "service_prices",
    "tasks",
    "work_order_log",
    "work_orders",
]
