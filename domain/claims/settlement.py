"""Money that came for an invoice, or was withheld from it as tax: added once, perhaps reversed once, never edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """Why and when a settlement was taken back, whole."""

    id: UUID
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Baixa. `amount` came and `withheld` was kept back by the payer, on the day `on` (America/Sao_Paulo).

    Both are zero or more, and not both zero. `reference` is how the payer or the bank knows it.
    """

    id: UUID
    amount: Money
    withheld: Money
    on: date
    reference: str
    at: datetime
    reversal: Reversal | None = None

    @property
    def total(self) -> Money:
        """How much of what was due it covers."""
        return self.amount + self.withheld
