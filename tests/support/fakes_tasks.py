"""The worker's side of a fake store's due rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.tasks import Task
from tests.support.fakes_store import FakeStore


class FakeTasks:
    """Claims and settles as the real one does: by lease, the earliest first."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store

    async def claim(self, now: datetime, *, lease_seconds: float, limit: int) -> Sequence[Task]:
        due = [row for row in self._store.tasks.values() if row.due_at <= now and not row.held(now)]
        due.sort(key=lambda row: row.due_at)
        until = now + timedelta(seconds=lease_seconds)
        return [row.claimed(self._store.new_id(), until) for row in due[:limit]]

    async def settle(self, task: Task, again_at: datetime | None, error: str = "") -> None:
        row = self._store.tasks.get(task.subject_id)
        if row is None or row.lease != task.lease:
            return
        if again_at is None:
            del self._store.tasks[task.subject_id]
            return
        row.due_at, row.lease, row.leased_until, row.last_error = again_at, None, None, error

    async def next_at(self) -> datetime | None:
        """When the earliest row can be claimed; None when there is none."""
        rows = self._store.tasks.values()
        return min((max(row.due_at, row.leased_until or row.due_at) for row in rows), default=None)
