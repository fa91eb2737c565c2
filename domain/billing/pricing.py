"""How a budget finds its price: items, else the amount, else the price table, else the default (billing.md A)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from uuid import UUID

from domain.billing.customer import Customer
from domain.billing.line_item import LineItem, LineItemKind, must_be_billable, total_of
from domain.billing.service_price import ServicePrice
from domain.money import Money


class PriceSource(Enum):
    """Where a price came from."""

    ITEMS = "ITEMS"
    AMOUNT = "AMOUNT"
    SERVICE_PRICE = "SERVICE_PRICE"
    DEFAULT = "DEFAULT"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for: a work order and all that was said about its price."""

    work_order_id: UUID
    workshop_id: str
    description: str = ""
    customer: Customer = field(default_factory=Customer)
    items: tuple[LineItem, ...] = ()
    amount: Money | None = None
    service_code: str = ""

    @property
    def prices_itself(self) -> bool:
        """Whether no price table is needed: there are items, or an amount above zero."""
        return bool(self.items) or (self.amount is not None and self.amount.cents > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Lines and their total, with where they came from; no total and no lines when nothing was found."""

    source: PriceSource
    items: tuple[LineItem, ...] = ()
    total: Money | None = None


def price(order: Order, table: ServicePrice | None, default: Money | None) -> Price:
    """The first source that has a price. `table` is the price table's row that matches the order, if any.

    Raises WrongCurrency and NegativeTotal.
    """
    if order.items:
        return Price(source=PriceSource.ITEMS, items=order.items, total=total_of(order.items))
    if order.amount is not None:
        must_be_billable(order.amount)
        if order.amount.cents > 0:
            return _whole(PriceSource.AMOUNT, order.description, order.amount)
    if table is not None:
        return _whole(PriceSource.SERVICE_PRICE, table.description, table.price, table.code)
    if default is not None:
        return _whole(PriceSource.DEFAULT, order.description, default)
    return Price(source=PriceSource.NONE)


def _whole(source: PriceSource, description: str, amount: Money, code: str = "") -> Price:
    item = LineItem(
        kind=LineItemKind.SERVICE,
        code=code,
        description=description or "Service",
        quantity=Decimal(1),
        unit_price=amount,
    )
    return Price(source=source, items=(item,), total=amount)
