"""The domain's ports kept in memory: for tests of rules and of the doors, where storage does not matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.support.fakes_queries import FakeQueries
from tests.support.fakes_store import FakeBillingWork, FakeStore
from tests.support.fakes_tasks import FakeTasks

__all__ = ["FakeBillingWork", "FakeClock", "FakeIds", "FakeQueries", "FakeStore", "FakeTasks", "SpreadIds"]


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now += timedelta(**by)


class FakeIds:
    """1, 2, 3, ... as UUIDs."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> UUID:
        self._last += 1
        return UUID(int=self._last)


class SpreadIds:
    """1, 2, 3, ... in both halves of UUIDs, so that the numbers made of either differ."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> UUID:
        self._last += 1
        return UUID(int=self._last << 64 | self._last)
