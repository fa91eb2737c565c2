"""Due work: claimed by lease, so that a worker that dies gives it back by itself; see `domain.tasks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from domain.tasks import Task
from persistence.engine import Database
from persistence.errors import translated

_CLAIM = """
UPDATE tasks SET lease = gen_random_uuid(), leased_until = %(until)s, attempts = least(attempts + 1, 30000)
 WHERE subject_id IN (
       SELECT subject_id FROM tasks
        WHERE due_at <= %(now)s AND (leased_until IS NULL OR leased_until <= %(now)s)
        ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING kind, subject_id, due_at, attempts::int, causation_id, correlation_id, trace, lease
"""
_AGAIN = """
UPDATE tasks SET due_at = %(again_at)s, lease = NULL, leased_until = NULL, last_error = left(%(error)s, 500)
 WHERE subject_id = %(subject_id)s AND lease = %(lease)s
"""
_DONE = "DELETE FROM tasks WHERE subject_id = %(subject_id)s AND lease = %(lease)s"
_NEXT = "SELECT min(greatest(due_at, coalesce(leased_until, due_at))) FROM tasks"


@dataclass(frozen=True, slots=True)
class SqlTasks:
    """The worker's side of the table."""

    database: Database

    async def claim(self, now: datetime, *, lease_seconds: float, limit: int) -> Sequence[Task]:
        """Take some rows that are due and that nobody holds. Raises Unavailable."""
        until = now + timedelta(seconds=lease_seconds)
        with translated():
            async with self.database.reads.connection() as connection:
                cursor = connection.cursor(row_factory=class_row(Task))
                await cursor.execute(_CLAIM, {"now": now, "until": until, "limit": limit})
                return await cursor.fetchall()

    async def settle(self, task: Task, again_at: datetime | None, error: str = "") -> None:
        """Drop the row, or have it due again, unless it became another's. Raises Unavailable."""
        given = {"subject_id": task.subject_id, "lease": task.lease, "again_at": again_at, "error": error}
        with translated():
            async with self.database.reads.connection() as connection:
                await connection.execute(_DONE if again_at is None else _AGAIN, given)

    async def next_at(self) -> datetime | None:
        """When the earliest row can be claimed; None when there is none. Raises Unavailable."""
        with translated():
            async with self.database.reads.connection() as connection:
                cursor = await connection.execute(_NEXT)
                row = await cursor.fetchone()
                return row[0] if row else None
