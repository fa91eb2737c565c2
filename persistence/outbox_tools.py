"""What an operator can see and do in the outbox; every deed is kept with who and why, in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from persistence.engine import Database
from persistence.errors import translated
from persistence.operator_log import note

_LIST = """
SELECT event_id, event_type, key, key_seq, routing_key, created_at, attempts::int, last_error,
       CASE WHEN next_at IS NULL THEN 'fresh' WHEN next_at = 'infinity' THEN 'parked'
            WHEN next_at > clock_timestamp() THEN 'backing off' ELSE 'due' END AS state
  FROM outbox
 WHERE %(all)s OR next_at IS NOT NULL
 ORDER BY id LIMIT %(limit)s
"""
_RETRY = "UPDATE outbox SET next_at = NULL WHERE event_id = %s"
_SKIP = """
WITH gone AS (DELETE FROM outbox WHERE event_id = %s
  RETURNING id, event_id, key, key_seq, event_type, exchange, routing_key, content_type,
            headers || jsonb_build_object('acerto-skipped', true), body, created_at)
INSERT INTO outbox_archive (id, event_id, key, key_seq, event_type, exchange, routing_key, content_type, headers, body,
                            created_at)
SELECT * FROM gone
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A fact that the broker does not have yet; `state` is fresh, due, backing off or parked."""

    event_id: UUID
    event_type: str
    key: str
    key_seq: int
    routing_key: str
    created_at: datetime
    attempts: int
    last_error: str | None
    state: str


class OutboxTools:
    """Lists, retries and skips."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ls(self, *, everything: bool, limit: int) -> Sequence[Waiting]:
        """The facts that were refused at least once, or all that wait, oldest first. Raises Unavailable."""
        with translated():
            async with self._database.reads.connection() as connection:
                cursor = connection.cursor(row_factory=class_row(Waiting))
                await cursor.execute(_LIST, {"all": everything, "limit": limit})
                return await cursor.fetchall()

    async def retry(self, event_id: UUID, *, who: str, reason: str) -> bool:
        """Let a fact be sent at once; answers whether it was there. Raises Unavailable."""
        return await self._deed(_RETRY, event_id, who, f"outbox retry {event_id}", reason)

    async def skip(self, event_id: UUID, *, who: str, reason: str) -> bool:
        """Archive a fact unsent, marked as skipped, so that its key goes on; answers whether it was there."""
        return await self._deed(_SKIP, event_id, who, f"outbox skip {event_id}", reason)

    async def _deed(self, statement: str, event_id: UUID, who: str, what: str, reason: str) -> bool:
        with translated():
            async with self._database.writes.connection() as connection:
                cursor = await connection.execute(statement, (event_id,))
                if cursor.rowcount:
                    await note(connection, who=who, what=what, reason=reason)
                return cursor.rowcount > 0
