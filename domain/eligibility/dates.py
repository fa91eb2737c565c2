"""Windows of calendar days, as they are in America/Sao_Paulo: both ends belong to a window, and an end may be open."""

from __future__ import annotations

from calendar import monthrange
from datetime import date


def within(day: date, first: date | None, last: date | None) -> bool:
    """Whether the window has the day."""
    return (first is None or first <= day) and (last is None or day <= last)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or that month's last day where it has no such day. Raises ValueError."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    if year > date.max.year:
        raise ValueError("is beyond the year 9999")
    return date(year, month, min(day.day, monthrange(year, month)[1]))
