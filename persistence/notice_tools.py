"""What an operator can do about a provider's word that was not believed: say that it was looked into."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from persistence.engine import Database
from persistence.errors import translated
from persistence.operator_log import note

_DISMISS = """
UPDATE provider_notices SET status = 'UNCHANGED', reason = 'dismissed: ' || reason, settled_at = clock_timestamp()
 WHERE id = %s AND status IN ('QUARANTINED', 'PARKED')
"""
_FORGET = "DELETE FROM tasks WHERE subject_id = %s"


@dataclass(frozen=True, slots=True)
class NoticeTools:
    """Dismisses notices; every deed is kept with who and why, in its own transaction."""

    database: Database

    async def dismiss(self, notice_id: UUID, *, who: str, reason: str) -> bool:
        """Take it off the list, and look it up no more; answers whether it was on it. Raises Unavailable."""
        with translated():
            async with self.database.writes.connection() as connection:
                cursor = await connection.execute(_DISMISS, (notice_id,))
                if cursor.rowcount:
                    await connection.execute(_FORGET, (notice_id,))
                    await note(connection, who=who, what=f"notices dismiss {notice_id}", reason=reason)
                return cursor.rowcount > 0
