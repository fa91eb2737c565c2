"""The price table: what a workshop charges for a service when a work order does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePrice:
    """The price of one service of one workshop; `code` is unique in the workshop, whatever its case."""

    workshop_id: str
    code: str
    description: str
    price: Money
    updated_at: datetime
