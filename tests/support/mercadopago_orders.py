"""The fake's Orders API: its JSON, its error names and its paths (billing.md D.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from tests.support.mercadopago_api import Asked, Denial, Route, cents_of, decimal_text, orders_date
from tests.support.mercadopago_books import Books, Denied, FakeCharge, FakeRefund

_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_WIDEST_SEARCH: Final = timedelta(days=30)
_CODES: Final = {
    "not_found": (404, "order_not_found"),
    "key_missing": (400, "empty_required_header"),
    "key_reused": (409, "idempotency_key_already_used"),
    "bad_date": (400, "property_value"),
    "no_email": (400, "required_properties"),
    "bad_range": (400, "invalid_parameter"),
    "not_cancelable": (409, "cannot_cancel_order"),
    "not_refundable": (409, "cannot_refund_order"),
    "already_refunded": (409, "order_already_refunded"),
    "refund_running": (409, "order_refund_already_in_process"),
    "amount_exceeds": (400, "refund_amount_exceeds"),
    "too_old": (409, "cannot_refund_order"),
    "no_money": (409, "cannot_refund_order"),
}
_WORDS: Final = {
    "pending": ("action_required", "waiting_transfer"),
    "in_process": ("processing", "in_process"),
    "approved": ("processed", ""),
    "rejected": ("failed", "failed"),
    "refunded": ("refunded", "refunded"),
    "charged_back": ("charged_back", ""),
}
_REFUND_WORDS: Final = {"approved": "processed", "in_process": "processing", "rejected": "failed"}


def denial(reason: str) -> Denial:
    """A refusal as this API words it; one without a name of its own has none that tells anything."""
    status, code = _CODES.get(reason, (400, "bad_request"))
    return status, {"errors": [{"code": code, "message": reason}]}


class OrdersDoor:
    """Carries out its requests on the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    @property
    def routes(self) -> list[Route]:
        one = "/v1/orders/{id}"
        return [
            ("POST", "/v1/orders", self._create),
            ("GET", "/v1/orders", self._search),
            ("GET", one, self._get),
            ("POST", f"{one}/cancel", self._cancel),
            ("POST", f"{one}/refund", self._refund),
        ]

    def _create(self, asked: Asked) -> tuple[int, Any]:
        said = asked.body
        assert "notification_url" not in said
        (payment,) = said["transactions"]["payments"]
        assert payment["payment_method"] == {"id": "pix", "type": "bank_transfer"}
        assert isinstance(said["total_amount"], str)
        assert said["total_amount"] == payment["amount"]
        if "@" not in said["payer"].get("email", ""):
            raise Denied("no_email")
        charge = self._books.open(
            "orders",
            expires_at=self._books.time.now() + _lifetime(payment["expiration_time"]),
            reference=said["external_reference"],
            cents=cents_of(said["total_amount"]),
            description=said.get("description", ""),
            payer=dict(said["payer"]),
        )
        if charge.payer.get("first_name") == "OTHE":
            self._books.say(charge.id, "failed", "failed")
            return 402, {"errors": [{"code": "failed", "message": "it failed"}], "data": {"id": charge.id}}
        order = self._order(charge)
        del order["last_updated_date"], order["created_date"]  # an answer to a creation may leave them out
        return 201, order

    def _search(self, asked: Asked) -> tuple[int, Any]:
        begin, end = (datetime.fromisoformat(asked.query[name]) for name in ("begin_date", "end_date"))
        if end - begin > _WIDEST_SEARCH or begin > self._books.time.now():
            raise Denied("bad_range")
        found = [self._order(one) for one in self._books.found("orders", asked.query["external_reference"], begin, end)]
        return 200, {"data": found, "paging": {"total": str(len(found)), "offset": "0", "limit": "20"}}

    def _get(self, asked: Asked) -> tuple[int, Any]:
        return 200, self._order(self._charge(asked))

    def _cancel(self, asked: Asked) -> tuple[int, Any]:
        charge = self._charge(asked)
        self._books.cancel(charge)
        return 200, self._order(charge)

    def _refund(self, asked: Asked) -> tuple[int, Any]:
        charge, cents = self._charge(asked), None
        if asked.body:
            (part,) = asked.body["transactions"]
            assert part["id"] == charge.transaction_id
            cents = cents_of(part["amount"])
        self._books.refund(charge, cents)
        order = self._order(charge)
        refunds = {"refunds": order["transactions"]["refunds"]}
        return 201, {name: order[name] for name in ("id", "status", "status_detail")} | {"transactions": refunds}

    def _order(self, charge: FakeCharge) -> dict[str, Any]:
        status, detail = _words(charge)
        payment: dict[str, Any] = {
            "id": charge.transaction_id,
            "amount": decimal_text(charge.cents),
            "status": status,
            "status_detail": detail,
            "date_of_expiration": charge.expires_at.isoformat(timespec="milliseconds"),
            "payment_method": {
                "id": "pix",
                "type": "bank_transfer",
                "qr_code": f"00020126-of-{charge.id}",
                "qr_code_base64": "aW1hZ2U=",
                "ticket_url": f"https://pay.example.com/{charge.id}",
            },
        }
        if charge.captured:
            payment |= {
                "paid_amount": decimal_text(charge.captured),
                "refunded_amount": decimal_text(charge.refunded),
            }
        return {
            "id": charge.id,
            "type": "online",
            "processing_mode": "automatic",
            "external_reference": charge.reference,
            "total_amount": decimal_text(charge.cents),
            "currency": charge.currency,
            "country_code": "BRA",
            "status": status,
            "status_detail": detail,
            "created_date": orders_date(charge.created_at),
            "last_updated_date": orders_date(charge.updated_at),
            "transactions": {
                "payments": [payment],
                "refunds": [_refund(charge, one) for one in self._books.listed(charge)],
            },
        }

    def _charge(self, asked: Asked) -> FakeCharge:
        return self._books.charge("orders", asked.names["id"])


def _lifetime(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Denied("bad_date")
    days, hours, minutes = (int(part or 0) for part in found.groups())
    lifetime = timedelta(days=days, hours=hours, minutes=minutes)
    if not timedelta(minutes=30) <= lifetime <= timedelta(days=30):
        raise Denied("bad_date")
    return lifetime


def _words(charge: FakeCharge) -> tuple[str, str]:
    if charge.words:
        return charge.words
    if charge.status == "cancelled":
        return ("expired", "expired") if charge.detail == "expired" else ("canceled", "canceled")
    status, detail = _WORDS[charge.status]
    return status, detail or charge.detail


def _refund(charge: FakeCharge, refund: FakeRefund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "transaction_id": charge.transaction_id,
        "amount": decimal_text(refund.cents),
        "status": _REFUND_WORDS[refund.status],
    }
