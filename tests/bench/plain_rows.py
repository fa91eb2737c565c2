"""The rows of a new budget, made by plain code: what the bare handler and the FastAPI application both insert.

They are the rows that our own CreateBudget leaves behind, so that nobody is quicker by writing less.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID
from zlib import crc32

from domain.billing.customer import Customer
from server.system import SystemClock, SystemIds

ACTIONS: Final = ("update", "send", "approve", "reject", "cancel")
VALIDITY_DAYS: Final = 10
ACTOR: Final = "development"
RPC: Final = "/acerto.billing.v1.BillingService/CreateBudget"
CURRENCY: Final = "BRL"
_BUCKETS: Final = 64
_CLOCK, _IDS = SystemClock(), SystemIds()
_NOBODYS: Final = {"provider_id": None, "customer_id": None}


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `quantity` as text."""

    kind: str
    code: str
    description: str
    quantity: str
    unit_cents: int

    @property
    def total(self) -> int:
        """Centavos, negative for a discount."""
        return total_of(self.kind, self.quantity, self.unit_cents)

    @property
    def stored(self) -> dict[str, Any]:
        """As the revision's document keeps it."""
        return {
            "kind": self.kind,
            "code": self.code,
            "description": self.description,
            "quantity": self.quantity,
            "unit_cents": self.unit_cents,
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """A budget to make; `customer` has name, email, phone and document, `key` is the caller's idempotency key."""

    work_order_id: UUID
    description: str
    customer: dict[str, str]
    lines: list[Line]
    key: str


@dataclass(frozen=True, slots=True)
class Rows:
    """One row per table, but the log, which has two."""

    work_order: dict[str, Any]
    budget: dict[str, Any]
    revision: dict[str, Any]
    log: list[dict[str, Any]]
    outbox: dict[str, Any]


def rows_of(wanted: Wanted) -> Rows:
    """What to insert."""
    now, budget_id, event_id = _CLOCK.now(), _IDS.new(), _IDS.new()
    cents = sum(line.total for line in wanted.lines)
    order = {"work_order_id": wanted.work_order_id, "workshop_id": "main"}
    customer_id = Customer(id=None, **wanted.customer).id
    body = _event(wanted.work_order_id, budget_id, cents)
    return Rows(
        work_order={
            "id": wanted.work_order_id,
            "workshop_id": "main",
            **_NOBODYS,
            "correlation_id": wanted.key,
            "description": wanted.description,
            "state": "OPEN",
            "created_at": now,
            "canceled_at": None,
            "cancel_reason": "",
            "status": "",
            "facts": 1,
            "version": 1,
        },
        budget={
            "id": budget_id,
            **order,
            "provider_id": None,
            "customer_id": customer_id,
            "description": wanted.description,
            "customer": wanted.customer,
            "status": "DRAFT",
            "price_source": "ITEMS",
            "total_cents": cents,
            "currency": CURRENCY,
            "revision": 1,
            "validity_days": VALIDITY_DAYS,
            "valid_until": None,
            "created_at": now,
            "updated_at": now,
            "version": 1,
        },
        revision=_revision(wanted, budget_id, cents) | {"customer_id": customer_id, "created_at": now},
        log=[
            _entry(wanted, now) | {"subject": "work_order", "subject_id": str(wanted.work_order_id)},
            _entry(wanted, now)
            | {"subject": "budget", "subject_id": str(budget_id), "action": "generate", "after": "DRAFT"}
            | {"event_type": "BudgetGenerated", "event_id": str(event_id), "body": body},
        ],
        outbox=_outbox(wanted, event_id, body, str(budget_id)),
    )


def reply_row(wanted: Wanted, request: bytes, reply: bytes) -> dict[str, Any]:
    """What a repeat of the call would be answered from."""
    return {"actor": ACTOR, "rpc": RPC, "key": wanted.key, "fingerprint": sha256(request).digest(), "reply": reply}


def total_of(kind: str, quantity: str, unit_cents: int) -> int:
    """A line's total in centavos."""
    total = int(Decimal(quantity) * unit_cents)
    return -total if kind == "DISCOUNT" else total


def _revision(wanted: Wanted, budget_id: UUID, cents: int) -> dict[str, Any]:
    items = [line.stored for line in wanted.lines]
    content = {"budget_id": str(budget_id), "revision": 1, "description": wanted.description, "items": items}
    return {
        "budget_id": budget_id,
        "revision": 1,
        "workshop_id": "main",
        "provider_id": None,
        "description": wanted.description,
        "items": items,
        "total_cents": cents,
        "digest": sha256(json.dumps(content, sort_keys=True).encode()).digest(),
    }


def _entry(wanted: Wanted, now: object) -> dict[str, Any]:
    return {
        "work_order_id": wanted.work_order_id,
        "workshop_id": "main",
        **_NOBODYS,
        "kind": "CHANGED",
        "actor": ACTOR,
        "event_type": "",
        "event_id": "",
        "correlation_id": wanted.key,
        "causation_id": wanted.key,
        "action": "open",
        "before": "",
        "after": "OPEN",
        "body": b"",
        "recorded_at": now,
    }


def _event(work_order_id: UUID, budget_id: UUID, cents: int) -> bytes:
    fact = {
        "OsId": str(work_order_id),
        "BudgetId": str(budget_id),
        "Amount": cents / 100,
        "AmountCents": cents,
        "Status": 0,
        "Revision": 1,
        "StatusDetail": "DRAFT",
    }
    return json.dumps(fact, separators=(",", ":")).encode()


def _outbox(wanted: Wanted, event_id: UUID, body: bytes, budget_id: str) -> dict[str, Any]:
    key = str(wanted.work_order_id)
    at = _CLOCK.now().isoformat()
    return {
        "bucket": crc32(key.encode()) % _BUCKETS,
        "event_id": event_id,
        "key": key,
        "key_seq": 1,
        "event_type": "BudgetGenerated",
        "exchange": "acerto.events",
        "routing_key": "budget-generated",
        "content_type": "application/json",
        "headers": {
            "EventId": str(event_id),
            "EventType": "BudgetGenerated",
            "EventVersion": 1,
            "Timestamp": at,
            "AggregateId": budget_id,
            "AggregateVersion": 1,
            "CausationId": wanted.key,
            "CorrelationId": wanted.key,
            "cloudEvents_id": str(event_id),
            "cloudEvents_time": at,
            "cloudEvents_type": "acerto.events.v1.BudgetGenerated",
            "cloudEvents_source": "acerto/billing",
            "cloudEvents_subject": key,
            "cloudEvents_specversion": "1.0",
        },
        "body": body,
    }
