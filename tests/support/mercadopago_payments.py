"""The fake's Payments API: its JSON, its error numbers and its paths (billing.md D.1)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from tests.support.mercadopago_api import Asked, Denial, Route, cents_of, exact, payments_date
from tests.support.mercadopago_books import Books, Denied, FakeCharge, FakeRefund

_EXPIRATION: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:?\d\d")
_CODES: Final = {
    "not_found": (404, 2000),
    "key_missing": (400, 4292),
    "key_reused": (409, "idempotency_key_already_used"),
    "bad_date": (400, 23),
    "no_email": (400, 4050),
    "not_cancelable": (400, 2018),
    "not_refundable": (400, 2063),
    "already_refunded": (400, 2063),
    "amount_exceeds": (400, 4040),
    "too_old": (400, 2024),
    "no_money": (400, 2031),
}


def denial(reason: str) -> Denial:
    """A refusal as this API words it; a refund that hangs at the central bank is refused without any code."""
    status, code = _CODES.get(reason, (400, None))
    cause = [] if code is None else [{"code": code, "description": reason}]
    return status, {"message": reason, "error": "bad_request", "status": status, "cause": cause}


class PaymentsDoor:
    """Carries out its requests on the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    @property
    def routes(self) -> list[Route]:
        one = "/v1/payments/{id}"
        return [
            ("POST", "/v1/payments", self._create),
            ("GET", "/v1/payments/search", self._search),
            ("GET", one, self._get),
            ("PUT", one, self._cancel),
            ("POST", f"{one}/refunds", self._refund),
            ("GET", f"{one}/refunds", self._refunds),
            ("GET", f"{one}/refunds/{{refund}}", self._one_refund),
        ]

    def _create(self, asked: Asked) -> tuple[int, Any]:
        said = asked.body
        if not _EXPIRATION.fullmatch(said["date_of_expiration"]):
            raise Denied("bad_date")
        if "@" not in said["payer"].get("email", ""):
            raise Denied("no_email")
        assert said["payment_method_id"] == "pix"
        charge = self._books.open(
            "payments",
            expires_at=datetime.fromisoformat(said["date_of_expiration"]),
            reference=said["external_reference"],
            cents=cents_of(said["transaction_amount"]),
            description=said["description"],
            payer=dict(said["payer"]),
            notification_url=said.get("notification_url", ""),
        )
        return 201, _payment(charge)

    def _search(self, asked: Asked) -> tuple[int, Any]:
        found = [_payment(one) for one in self._books.found("payments", asked.query["external_reference"], None, None)]
        return 200, {"paging": {"total": len(found), "limit": 30, "offset": 0}, "results": found}

    def _get(self, asked: Asked) -> tuple[int, Any]:
        return 200, _payment(self._charge(asked))

    def _cancel(self, asked: Asked) -> tuple[int, Any]:
        assert asked.body == {"status": "cancelled"}
        charge = self._charge(asked)
        self._books.cancel(charge)
        return 200, _payment(charge)

    def _refund(self, asked: Asked) -> tuple[int, Any]:
        charge = self._charge(asked)
        cents = cents_of(asked.body["amount"]) if "amount" in asked.body else None
        return 201, _refund(charge, self._books.refund(charge, cents))

    def _refunds(self, asked: Asked) -> tuple[int, Any]:
        charge = self._charge(asked)
        seen = [one for one in charge.refunds if asked.shows_in_process or one.status != "in_process"]
        return 200, [_refund(charge, one) for one in seen]

    def _one_refund(self, asked: Asked) -> tuple[int, Any]:
        charge = self._charge(asked)
        for refund in charge.refunds:
            if refund.id == asked.names["refund"]:
                return 200, _refund(charge, refund)
        raise Denied("not_found")

    def _charge(self, asked: Asked) -> FakeCharge:
        return self._books.charge("payments", asked.names["id"])


def _payment(charge: FakeCharge) -> dict[str, Any]:
    status, detail = charge.words or (charge.status, charge.detail)
    return {
        "id": int(charge.id),
        "status": status,
        "status_detail": detail,
        "date_created": payments_date(charge.created_at),
        "date_approved": payments_date(charge.approved_at) if charge.approved_at else None,
        "date_last_updated": payments_date(charge.updated_at),
        "date_of_expiration": payments_date(charge.expires_at),
        "currency_id": charge.currency,
        "description": charge.description,
        "payment_method_id": "pix",
        "external_reference": charge.reference,
        "live_mode": charge.live,
        "transaction_amount": exact(charge.captured or charge.cents),
        "transaction_amount_refunded": exact(charge.refunded),
        "fee_details": _fees(charge),
        "transaction_details": {
            "net_received_amount": exact(charge.captured - charge.fee_cents),
            "total_paid_amount": exact(charge.captured + 1 if charge.captured else 0),
            "overpaid_amount": exact(0),
        },
        "refunds": [_refund(charge, one) for one in charge.refunds if one.status != "in_process"],
        "point_of_interaction": {
            "transaction_data": {
                "qr_code": f"00020126-of-{charge.id}",
                "qr_code_base64": "aW1hZ2U=",
                "ticket_url": f"https://pay.example.com/{charge.id}",
            }
        },
    }


def _fees(charge: FakeCharge) -> list[dict[str, Any]]:
    if not charge.fee_cents:
        return []
    return [
        {"type": "mercadopago_fee", "amount": exact(charge.fee_cents), "fee_payer": "collector"},
        {"type": "financing_fee", "amount": exact(77), "fee_payer": "payer"},
    ]


def _refund(charge: FakeCharge, refund: FakeRefund) -> dict[str, Any]:
    return {
        "id": int(refund.id),
        "payment_id": int(charge.id),
        "amount": exact(refund.cents),
        "metadata": {},
        "status": refund.status,
        "refund_mode": "standard",
    }
