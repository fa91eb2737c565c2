"""The requests of the HTTP benchmark, as bytes; every side gets the same."""

from __future__ import annotations

import json
from typing import Any, Final

from server.system import SystemIds
from tests.bench import seed

_IDS: Final = SystemIds()
_NANOS: Final = 10_000_000


def reads(ids: list[str]) -> list[bytes]:
    """A GET for each budget."""
    head = "GET /v1/budgets/{} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n"
    return [head.format(one).encode() for one in ids]


def writes(count: int) -> list[bytes]:
    """POSTs that each make a budget of a new work order, with a key of their own."""
    return [_write() for _ in range(count)]


def budget() -> dict[str, Any]:
    """What to make: three lines and a customer."""
    return {
        "workOrderId": str(_IDS.new()),
        "description": "Revisão dos freios",
        "customer": {"name": seed.CUSTOMER.name, "email": seed.CUSTOMER.email},
        "items": [
            {
                "kind": f"LINE_ITEM_KIND_{item.kind.name}",
                "code": item.code,
                "description": item.description,
                "quantity": str(item.quantity),
                "unitPrice": _money(item.unit_price.cents),
            }
            for item in seed.ITEMS
        ],
    }


def _money(cents: int) -> dict[str, Any]:
    units, rest = divmod(cents, 100)
    return {"currencyCode": "BRL", "units": str(units), "nanos": rest * _NANOS}


def _write() -> bytes:
    body = json.dumps(budget(), ensure_ascii=False).encode()
    head = (
        "POST /v1/budgets HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nIdempotency-Key: {_IDS.new()}\r\n\r\n"
    )
    return head.encode() + body
