"""The days of an invoice: money comes for it, and it is due, on no day before its own."""

from __future__ import annotations

from datetime import date, datetime

from domain.calendar import day_of
from domain.errors import Invalid, Violation


def must_not_precede(day: date, made_at: datetime, field: str) -> None:
    """Raise Invalid, naming the field, for a day before the one (America/Sao_Paulo) on which an invoice was made."""
    own = day_of(made_at)
    if day < own:
        problem = f"must not be before the invoice's own day, {own.isoformat()}"
        raise Invalid(f"{field}: {problem}", violations=[Violation(field, problem, f"invoice.{field}")])
