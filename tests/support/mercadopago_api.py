"""What both of the fake Mercado Pago's APIs have in common: a call as it came, and amounts to the centavo."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

_EXACT = re.compile(r'"@(-?[0-9]+\.[0-9]{2})@"')


@dataclass(frozen=True)
class Asked:
    """A request that was let in. `body` is its JSON, empty when it has none."""

    names: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    shows_in_process: bool


Act = Callable[[Asked], tuple[int, Any]]
"""Does what is asked and gives the status and the JSON of the answer. Raises Denied."""

Route = tuple[str, str, Act]
"""Method, path with names in braces, and what it does."""

Denial = tuple[int, dict[str, Any]]


def exact(cents: int) -> str:
    """An amount that `to_json` writes as a JSON number."""
    return f"@{decimal_text(cents)}@"


def decimal_text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def cents_of(amount: object) -> int:
    """Centavos of a number or of a text. Raises AssertionError for a float or a fraction of a centavo."""
    assert isinstance(amount, str | int | Decimal), amount
    cents = Decimal(amount) * 100
    assert cents == int(cents), amount
    return int(cents)


def to_json(value: object) -> bytes:
    return _EXACT.sub(r"\1", json.dumps(value)).encode()


def from_json(content: bytes) -> dict[str, Any]:
    found = json.loads(content, parse_float=Decimal) if content else {}
    assert isinstance(found, dict)
    return found


def payments_date(at: datetime) -> str:
    """As the Payments API writes dates: milliseconds, and four hours behind."""
    return at.astimezone(timezone(timedelta(hours=-4))).isoformat(timespec="milliseconds")


def orders_date(at: datetime) -> str:
    """As the Orders API writes dates: nanoseconds, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
