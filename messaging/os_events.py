"""What OSService's events say, as the arguments of use cases; a field that cannot be understood is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind, total_of
from domain.billing.pricing import Order
from domain.billing.use_cases.budgets import Cancellation
from domain.events import Received
from domain.money import Money
from messaging.reader import Unusable

_QUANTITY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?", re.ASCII)
_MOST_ITEMS = 500
_KINDS = {kind.value: kind for kind in LineItemKind}
_LONGEST_REASON = 2000
"""Characters. It travels on in our own events, whose bodies have a limit."""
T = TypeVar("T")


def order_of(message: Received, default_workshop: str) -> Order:
    """What an OsCreated orders. Raises Unusable, and NegativeTotal."""
    content = message.content
    items = _member(content, "Items", list) or []
    if len(items) > _MOST_ITEMS:
        raise Unusable("bad_field", f"Items: {len(items)} lines are more than {_MOST_ITEMS}")
    lines = tuple(_item(item, f"Items[{place}]") for place, item in enumerate(items))
    _field("Items", lambda: total_of(lines))
    valor = content.get("Valor")
    return Order(
        work_order_id=UUID(message.key),
        workshop_id=_text(content, "WorkshopId") or default_workshop,
        description=_text(content, "Description"),
        customer=_customer(_member(content, "Customer", dict) or {}),
        items=lines,
        amount=None if valor is None else _field("Valor", lambda: Money.parse(_number(valor))),
        service_code=_text(content, "ServiceCode"),
    )


def cancellation_of(message: Received, default_workshop: str) -> Cancellation:
    """What an OsCanceled or an OsCompensationRequested ends. Raises Unusable."""
    content = message.content
    return Cancellation(
        work_order_id=UUID(message.key),
        workshop_id=_text(content, "WorkshopId") or default_workshop,
        reason=_text(content, "Reason")[:_LONGEST_REASON],
        at=_instant(content.get("CanceledAt") or content.get("RequestedAt")),
    )


def _customer(fields: Mapping[str, Any]) -> Customer:
    return Customer(
        name=_text(fields, "Name"),
        email=_text(fields, "Email"),
        phone=_text(fields, "Phone"),
        document=_text(fields, "Document"),
    )


def _item(fields: Any, where: str) -> LineItem:
    if not isinstance(fields, dict):
        raise Unusable("bad_field", f"{where} is not an object")
    return LineItem(
        kind=_field(f"{where}.Kind", lambda: _kind(_text(fields, "Kind"))),
        code=_text(fields, "Code"),
        description=_text(fields, "Description"),
        quantity=_field(f"{where}.Quantity", lambda: _quantity(_number(_get(fields, "Quantity")))),
        unit_price=_field(f"{where}.UnitPrice", lambda: _not_negative(Money.parse(_number(_get(fields, "UnitPrice"))))),
    )


def _field(where: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except ValueError as error:
        raise Unusable("bad_field", f"{where}: {error}") from error


def _number(value: Any) -> str:
    # Decimals were written as text when the content was made canonical, so text and number look alike here.
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("not a number")  # noqa: TRY004 -- the value is at fault, not the code
    return str(value).strip()


def _quantity(text: str) -> Decimal:
    if not _QUANTITY.fullmatch(text) or not Decimal(text):
        raise ValueError("a quantity is a decimal number above zero with at most four places")
    return Decimal(text)


def _kind(text: str) -> LineItemKind:
    kind = _KINDS.get(text.upper())
    if kind is None:
        raise ValueError(f"a line is one of {', '.join(_KINDS)}")
    return kind


def _not_negative(amount: Money) -> Money:
    if amount.cents < 0:
        raise ValueError("a price is zero or more; a DISCOUNT is a kind of line")
    return amount


def _get(fields: Mapping[str, Any], name: str) -> Any:
    value = fields.get(name)
    return fields.get(name[0].lower() + name[1:]) if value is None else value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = _get(fields, name)
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        raise Unusable("bad_field", f"{name} is not text")
    return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode().strip()


def _member(fields: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, kind):
        raise Unusable("bad_field", f"{name} is not {'an object' if kind is dict else 'a list'}")
    return value


def _instant(value: Any) -> datetime | None:
    """The instant, in UTC, of ISO 8601 text or unix seconds; what is neither is left out: nothing depends on it."""
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            parsed = datetime.fromisoformat(value)
            # UTC already here: a local time at either end of the calendar is in no year that can be read back.
            return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
        return datetime.fromtimestamp(float(value), UTC) if value else None
    except (ValueError, TypeError, OverflowError, OSError):
        return None
