"""The items of a claim: what is asked for each, and what the insurer made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.claims.denial import Denial
from domain.money import Money, Rounding, total

ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimItem:
    """One line, `number` from 1. `table` and `code` are TUSS; a claim of type OTHER may have neither.

    `quantity` is above zero with at most four places, `factor` above zero, `unit_price` zero or more. `processed` and
    `released` are None before the insurer's analysis; after it released + denied = processed.
    """

    number: int
    description: str
    quantity: Decimal
    unit_price: Money
    table: str = ""
    code: str = ""
    factor: Decimal = ONE
    processed: Money | None = None
    released: Money | None = None
    denials: tuple[Denial, ...] = ()

    @property
    def total(self) -> Money:
        """What is asked: unit price times quantity times factor, rounded once, half up (health.md B)."""
        return self.unit_price.times(self.quantity * self.factor, Rounding.HALF_UP)

    @property
    def gross(self) -> Money:
        """What an invoice begins with: the larger of what is asked and what the insurer processed."""
        return self.total if self.processed is None else max(self.total, self.processed)

    @property
    def denied(self) -> Money:
        """The sum of its denials, whatever became of them."""
        return total(denial.amount for denial in self.denials)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAmounts:
    """The sums of a claim's items. released + denied = processed; recovered + pending + accepted = denied."""

    presented: Money
    gross: Money
    processed: Money
    released: Money
    denied: Money
    recovered: Money
    pending: Money
    accepted: Money

    @classmethod
    def of(cls, items: Iterable[ClaimItem]) -> ClaimAmounts:
        """Add up. Raises ValueError beyond the limit of Money."""
        items = tuple(items)
        denials = tuple(denial for item in items for denial in item.denials)
        return cls(
            presented=total(item.total for item in items),
            gross=total(item.gross for item in items),
            processed=total(item.processed for item in items if item.processed is not None),
            released=total(item.released for item in items if item.released is not None),
            denied=total(denial.amount for denial in denials),
            recovered=total(denial.recovered for denial in denials),
            pending=total(denial.pending for denial in denials),
            accepted=total(denial.accepted for denial in denials),
        )

    @property
    def net(self) -> Money:
        """What the insurer pays, as far as it has said: released, and recovered since."""
        return self.released + self.recovered
