"""Money is an integer of centavos with its currency inside: never a float, never rounded without being told how."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Final

LIMIT: Final = 10**13
"""The largest amount, in centavos, either side of zero (billing.md C)."""

BRL: Final = "BRL"
_AMOUNT = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,2})?", re.ASCII)


class Rounding(Enum):
    """How a fraction of a centavo is settled; always an argument, never a default."""

    HALF_EVEN = ROUND_HALF_EVEN
    """Billing: ABNT NBR 5891."""
    HALF_UP = ROUND_HALF_UP
    """Health claims."""


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount: `cents` centavos of `currency` (ISO 4217). Raises ValueError beyond LIMIT."""

    cents: int
    currency: str = BRL

    def __post_init__(self) -> None:
        if abs(self.cents) > LIMIT:
            raise ValueError(f"an amount of {self.cents} centavos is beyond the limit of {LIMIT}")

    @classmethod
    def parse(cls, text: str, currency: str = BRL) -> Money:
        """The amount written as plain decimal text. Raises ValueError; more than two places are not rounded away."""
        if not _AMOUNT.fullmatch(text):
            raise ValueError("an amount is plain decimal text with at most two places, such as 123.45")
        return cls(int(Decimal(text) * 100), currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + self._same(other).cents, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.cents - self._same(other).cents, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.cents, self.currency)

    def times(self, factor: Decimal, rounding: Rounding) -> Money:
        """The amount times an exact factor, rounded once to the centavo."""
        return Money(int((self.cents * factor).to_integral_value(rounding.value)), self.currency)

    def decimal(self) -> Decimal:
        """The amount in units of the currency, with exactly two places."""
        return Decimal(self.cents).scaleb(-2)

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal():.2f}"

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add")
        return other


def total(amounts: Iterable[Money], currency: str = BRL) -> Money:
    """The exact sum; zero of `currency` when there is nothing to add."""
    return sum(amounts, Money(0, currency))
