"""Which day it is where care is given: dates of service are America/Sao_Paulo calendar dates, instants are UTC."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

BRAZIL: Final = ZoneInfo("America/Sao_Paulo")


def day_of(at: datetime) -> date:
    """The day of the calendar at an instant."""
    return at.astimezone(BRAZIL).date()
