"""On which day an insurer said what it said, and we appealed: terms count by those, not by when each was entered."""

from __future__ import annotations

from datetime import date

from domain.errors import Invalid, Violation


def day_said(said: date | None, *, today: date) -> date:
    """The day, in America/Sao_Paulo, that a caller says; None: today. Raises Invalid for a day to come."""
    if said is not None and said > today:
        raise _refused(f"must be today, {today.isoformat()}, or before")
    return said or today


def must_follow(on: date, asked: date | None, what: str) -> None:
    """Raise Invalid for a day before that of `what`, to which it is an answer; None: nobody knows that day."""
    if asked is not None and on < asked:
        raise _refused(f"must not be before {what} of {asked.isoformat()}")


def _refused(problem: str) -> Invalid:
    return Invalid(f"date: {problem}", violations=[Violation("date", problem, "decision.date")])
