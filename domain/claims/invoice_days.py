"""The days of an invoice: clinics enter what is years old, and mistype years. A debt can be claimed for five."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from domain.calendar import day_of
from domain.errors import Invalid, Violation

_YEARS: Final = 5
_BEFORE: Final = timedelta(days=_YEARS * 366)


def must_be_near(day: date, made_at: datetime, field: str) -> None:
    """Raise Invalid, naming the field, for a day more than five years before an invoice was made."""
    first = day_of(made_at) - _BEFORE
    if day < first:
        problem = f"must not be more than {_YEARS} years before the invoice was made: {first.isoformat()} or later"
        raise Invalid(f"{field}: {problem}", violations=[Violation(field, problem, f"invoice.{field}")])
