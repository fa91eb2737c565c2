"""What an installation decides about its claims; set once, at start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRules:
    """`appeal_days`: for how many days after its word an insurer that says no term itself takes appeals."""

    appeal_days: int = 30

    def appeal_until(self, day: date, days: int | None) -> date:
        """The last day to appeal what an insurer said on this day; `days` is its own term, None when it says none."""
        return day + timedelta(days=self.appeal_days if days is None else days)
