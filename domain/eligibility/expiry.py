"""For how long an answer stands (health.md C)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

from domain.calendar import BRAZIL, day_of
from domain.eligibility.reasons import Verdict

LONGEST: Final = timedelta(hours=1)
NEGATIVE: Final = timedelta(minutes=5)
"""For a no: what was wrong is often put right while the patient waits."""


def expires_at(verdict: Verdict, now: datetime, until: datetime | None = None) -> datetime:
    """When an answer of this instant ends; at once when nothing was determined. `until`: as the insurer itself says.

    Cards, plans, enrolments and waiting periods begin and end at a midnight of America/Sao_Paulo, and what is asked of
    `today` means another day after it: the next midnight is the least of them all.
    """
    if verdict is Verdict.UNDETERMINED:
        return now
    least = min(now + (LONGEST if verdict is Verdict.ELIGIBLE else NEGATIVE), _next_midnight(now))
    return least if until is None else max(now, min(least, until))


def _next_midnight(now: datetime) -> datetime:
    tomorrow = day_of(now) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), BRAZIL).astimezone(UTC)
