"""Windows of calendar days, as they are in America/Sao_Paulo: both ends belong to a window, and an end may be open.

A period is counted as the law does: without its first day (Código Civil, art. 132). The day that it ends on is no part
of it. One that ends after the calendar ends on the calendar's last day.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta


def within(day: date, first: date | None, last: date | None) -> bool:
    """Whether the window has the day."""
    return (first is None or first <= day) and (last is None or day <= last)


def days_after(day: date, days: int) -> date:
    """So many days later, zero or more."""
    return day + min(timedelta(days=days), date.max - day)


def months_after(day: date, months: int) -> date:
    """The day of the same number so many months later, or the next one where that month has none (art. 132, § 3)."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    if year > date.max.year:
        return date.max
    last = monthrange(year, month)[1]
    return date(year, month, day.day) if day.day <= last else days_after(date(year, month, last), 1)
