"""The lines of a budget, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from domain.billing.errors import NegativeTotal, WrongCurrency
from domain.money import BRL, Money, Rounding, total


class LineItemKind(Enum):
    """What a line is for; a DISCOUNT lowers the total."""

    PART = "PART"
    LABOR = "LABOR"
    SERVICE = "SERVICE"
    FEE = "FEE"
    DISCOUNT = "DISCOUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """`quantity` is exact, above zero, at most four places; `unit_price` is zero or more, for a DISCOUNT too."""

    kind: LineItemKind
    description: str
    quantity: Decimal
    unit_price: Money
    code: str = ""

    @property
    def total(self) -> Money:
        """Quantity times unit price, rounded once, half to even (billing.md C); negative for a DISCOUNT."""
        amount = self.unit_price.times(self.quantity, Rounding.HALF_EVEN)
        return -amount if self.kind is LineItemKind.DISCOUNT else amount


def total_of(items: Iterable[LineItem]) -> Money:
    """The sum of the rounded lines. Raises WrongCurrency and NegativeTotal."""
    items = tuple(items)
    for item in items:
        must_be_billable(item.unit_price)
    amount = total(item.total for item in items)
    if amount.cents < 0:
        raise NegativeTotal
    return amount


def must_be_billable(amount: Money) -> None:
    """Raise WrongCurrency unless billing bills in this amount's currency."""
    if amount.currency != BRL:
        raise WrongCurrency(f"billing is in {BRL}, not in {amount.currency}")
