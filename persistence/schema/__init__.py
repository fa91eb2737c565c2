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
from persistence.schema.claims import claim_batches, claim_log, claims
from persistence.schema.columns import metadata
from persistence.schema.eligibility import eligibility_checks
from persistence.schema.invoices import invoice_claims, invoices, settlements
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
from persistence.schema.reference import (
    beneficiaries,
    generations,
    health_plans,
    insurers,
    price_agreements,
    providers,
    tuss_terms,
)

__all__ = [
    "BUCKETS",
    "beneficiaries",
    "budget_revisions",
    "budgets",
    "claim_batches",
    "claim_log",
    "claims",
    "eligibility_checks",
    "generations",
    "health_plans",
    "inbox",
    "inbox_deferred",
    "insurers",
    "invoice_claims",
    "invoices",
    "ledger_entries",
    "metadata",
    "operator_log",
    "outbox",
    "outbox_archive",
    "outbox_bucket",
    "payments",
    "price_agreements",
    "provider_notices",
    "providers",
    "replies",
    "service_prices",
    "settlements",
    "tasks",
    "tuss_terms",
    "work_order_log",
    "work_orders",
]
