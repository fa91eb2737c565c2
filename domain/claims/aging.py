"""Who owes for how long: what is open of live invoices, by insurer and by days since the due date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final


class AgingBucket(Enum):
    """How long something has been due. CURRENT: it is not due yet."""

    CURRENT = "CURRENT"
    DAYS_0_TO_30 = "DAYS_0_TO_30"
    DAYS_31_TO_60 = "DAYS_31_TO_60"
    DAYS_61_TO_90 = "DAYS_61_TO_90"
    DAYS_OVER_90 = "DAYS_OVER_90"


FROM_DAYS: Final[Mapping[AgingBucket, int]] = {
    AgingBucket.DAYS_OVER_90: 91,
    AgingBucket.DAYS_61_TO_90: 61,
    AgingBucket.DAYS_31_TO_60: 31,
    AgingBucket.DAYS_0_TO_30: 0,
}
"""From how many days since the due date on something is in a bucket, the latest first; before all: CURRENT.

The due date itself is day 0.
"""


def bucket_of(due_date: date, as_of: date) -> AgingBucket:
    """Where something that is due on one day stands on another."""
    days = (as_of - due_date).days
    return next((bucket for bucket, least in FROM_DAYS.items() if days >= least), AgingBucket.CURRENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is open in one bucket, in centavos of BRL, and of how many invoices.

    No Money: what many owe together may be beyond the limit of one amount.
    """

    cents: int
    invoices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgingRow:
    """What one insurer owes, by bucket; one without invoices may be left out.

    `insurer_id` is empty for patients, all together.
    """

    insurer_id: str
    owed: Mapping[AgingBucket, Owed]

    @property
    def cents(self) -> int:
        """All that is open."""
        return sum(owed.cents for owed in self.owed.values())


def total_of(rows: Iterable[AgingRow]) -> AgingRow:
    """All rows added up."""
    rows = tuple(rows)
    return AgingRow(
        insurer_id="",
        owed={
            bucket: Owed(
                cents=sum(row.owed[bucket].cents for row in rows if bucket in row.owed),
                invoices=sum(row.owed[bucket].invoices for row in rows if bucket in row.owed),
            )
            for bucket in AgingBucket
        },
    )
