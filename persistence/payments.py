"""Attempts to pay as rows, and the collection that a unit of work holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select

from domain.aggregate import Aggregate
from domain.billing.charge import PixOffer
from domain.billing.payment import Payment
from domain.billing.payment_lifecycle import PaymentStatus
from domain.billing.refund import Refund, Refunds, RefundStatus
from domain.money import Money
from persistence.connection import Connection
from persistence.round_trip import Asked, Row
from persistence.schema import payments
from persistence.session import Write, load
from persistence.statements import Statement, ids_of, insert_many, numbered, update_many

PAYMENTS = select(payments)
"""What `payment_from_row` takes."""

_CHANGING = (
    "status",
    "captured_cents",
    "reversed_cents",
    "refunds",
    "giveback",
    "surplus",
    "withdrawn",
    "detail",
    "provider_payment_id",
    "provider_updated_at",
    "pix",
    "confirmed_at",
    "updated_at",
    "version",
)
_OF_WORK_ORDERS = Statement(
    numbered(
        PAYMENTS.where(payments.c.work_order_id == any_(bindparam("ids", type_=ARRAY(Uuid)))).order_by(
            payments.c.created_at, payments.c.id
        )
    )
)
_INSERT = Statement(insert_many(payments))
_UPDATE = Statement(update_many(payments, "id", _CHANGING))


def payment_to_row(payment: Payment) -> Row:
    """The row of a payment."""
    return {
        "id": payment.id,
        "workshop_id": payment.workshop_id,
        "provider_id": None,
        "customer_id": payment.customer_id,
        "work_order_id": payment.work_order_id,
        "budget_id": payment.budget_id,
        "status": payment.status and payment.status.value,
        "amount_cents": payment.amount.cents,
        "captured_cents": payment.captured.cents,
        "reversed_cents": payment.reversed.cents,
        "currency": payment.amount.currency,
        "provider": payment.provider,
        "idempotency_key": payment.idempotency_key,
        "script": payment.script,
        "refunds": [_refund_to_json(refund) for refund in payment.refunds.all],
        "giveback": payment.giveback,
        "surplus": payment.surplus,
        "withdrawn": payment.withdrawn,
        "detail": payment.detail,
        "provider_payment_id": payment.provider_payment_id,
        "provider_updated_at": payment.provider_updated_at,
        "pix": payment.pix and _pix_to_json(payment.pix),
        "expires_at": payment.expires_at,
        "confirmed_at": payment.confirmed_at,
        "created_at": payment.created_at,
        "updated_at": payment.updated_at,
        "version": payment.version,
        "stored_version": payment.stored_version,
    }


def payment_from_row(row: Mapping[str, Any]) -> Payment:
    """The payment of a row."""
    currency = row["currency"]
    return Payment(
        id=row["id"],
        version=row["version"],
        work_order_id=row["work_order_id"],
        workshop_id=row["workshop_id"],
        customer_id=row["customer_id"],
        budget_id=row["budget_id"],
        amount=Money(row["amount_cents"], currency),
        provider=row["provider"],
        idempotency_key=row["idempotency_key"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        script=row["script"],
        status=PaymentStatus(row["status"]),
        captured=Money(row["captured_cents"], currency),
        reversed=Money(row["reversed_cents"], currency),
        refunds=Refunds(tuple(_refund_from_json(refund, currency) for refund in row["refunds"])),
        giveback=row["giveback"],
        surplus=row["surplus"],
        withdrawn=row["withdrawn"],
        detail=row["detail"],
        provider_payment_id=row["provider_payment_id"],
        provider_updated_at=row["provider_updated_at"],
        pix=_pix_from_json(row["pix"]),
        confirmed_at=row["confirmed_at"],
    )


def _refund_to_json(refund: Refund) -> dict[str, Any]:
    return {
        "sequence": refund.sequence,
        "key": str(refund.key),
        "cents": refund.amount.cents,
        "whole": refund.whole,
        "status": refund.status.value,
        "reason": refund.reason,
        "provider_refund_id": refund.provider_refund_id,
    }


def _refund_from_json(refund: Mapping[str, Any], currency: str) -> Refund:
    return Refund(
        sequence=refund["sequence"],
        key=UUID(refund["key"]),
        amount=Money(refund["cents"], currency),
        whole=refund["whole"],
        status=RefundStatus(refund["status"]),
        reason=refund["reason"],
        provider_refund_id=refund["provider_refund_id"],
    )


def _pix_to_json(pix: PixOffer) -> dict[str, Any]:
    expires_at = pix.expires_at.isoformat() if pix.expires_at else None
    return {"code": pix.code, "expires_at": expires_at, "ticket_url": pix.ticket_url}


def _pix_from_json(pix: Mapping[str, Any] | None) -> PixOffer | None:
    if pix is None:
        return None
    expires_at = datetime.fromisoformat(pix["expires_at"]) if pix["expires_at"] else None
    return PixOffer(code=pix["code"], expires_at=expires_at, ticket_url=pix["ticket_url"])


class SqlPayments:
    """Payments; their work order holds the lock."""

    def __init__(self, connection: Connection, saved: dict[UUID, Aggregate]) -> None:
        self._connection = connection
        self._saved = saved
        self._known: dict[UUID, list[Payment]] = {}
        self._touched: dict[UUID, Payment] = {}

    def asked(self, keys: Sequence[UUID]) -> Asked:
        """See `Part`."""
        return Asked(_OF_WORK_ORDERS, (ids_of(keys),))

    def take(self, keys: Sequence[UUID], rows: Iterable[Row]) -> None:
        """See `Part`."""
        self._known |= {key: [] for key in keys}
        for row in rows:
            self._known[row["work_order_id"]].append(payment_from_row(row))

    async def of_work_order(self, work_order_id: UUID) -> list[Payment]:
        """All of a work order's, oldest first."""
        if work_order_id not in self._known:
            await load(self._connection, (self,), [work_order_id])
        return self._known[work_order_id]

    def save(self, payment: Payment) -> None:
        """Have it written at commit."""
        self._touched[payment.id] = self._saved[payment.id] = payment

    def writes(self) -> Iterable[Write]:
        """Those that lose their place are written before those that take it: a budget has one open and one kept."""
        rows = [payment_to_row(payment) for payment in self._touched.values()]
        yield Write(_UPDATE, [row for row in rows if row["stored_version"] > 0], checked=True)
        yield Write(_INSERT, [row for row in rows if row["stored_version"] == 0])
