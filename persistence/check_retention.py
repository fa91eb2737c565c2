"""Old lines of the history of checks are let go by the role `worker`: nobody else may delete any, and none is changed.

Some at a time, so that no transaction is long.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from psycopg import errors

from domain.clock import Clock
from persistence.connection import Connection
from persistence.engine import Database
from persistence.errors import translated

BATCH: Final = 500
MOST: Final = 20
"""Batches of one round, which takes a second or two: a stop waits for it, and the rest is for the next round."""
_PAUSE: Final = 0.05
"""Seconds between two batches, for those who write."""
_ALONE: Final = "SELECT pg_try_advisory_xact_lock(7262022004)"
_OLD: Final = "SELECT FROM eligibility_checks WHERE asked_at < %s LIMIT 1"
_SAID: Final = "SET LOCAL acerto.lets_go = 'old checks'"
"""What the table's guard wants to hear (migration 0011)."""
_LET_GO: Final = """
DELETE FROM eligibility_checks
 WHERE ctid = ANY (ARRAY(SELECT ctid FROM eligibility_checks WHERE asked_at < %s ORDER BY asked_at, id LIMIT %s))
"""

_log = logging.getLogger(__name__)


class CheckRetention:
    """Keeps the checks of the last `days`; `batch` rows are let go at a time."""

    def __init__(self, database: Database, clock: Clock, *, days: int, batch: int = BATCH) -> None:
        self._database = database
        self._clock = clock
        self._kept = timedelta(days=days)
        self._batch = batch

    async def run(self) -> None:
        """One round, in turns with whoever else is at it. Raises Unavailable."""
        before = self._clock.now() - self._kept
        try:
            with translated():
                async with self._database.connection("acerto-worker") as connection:
                    await self._round(connection, before)
        except errors.InsufficientPrivilege:
            _log.error("old checks of eligibility stay: the worker's role may not DELETE from eligibility_checks")

    async def _round(self, connection: Connection, before: datetime) -> None:
        for _ in range(MOST):
            gone = await self._let_go(connection, before)
            await connection.commit()
            if gone < self._batch:
                return
            await asyncio.sleep(_PAUSE)

    async def _let_go(self, connection: Connection, before: datetime) -> int:
        alone = await (await connection.execute(_ALONE)).fetchone()
        old = await (await connection.execute(_OLD, (before,))).fetchone()
        if alone != (True,) or old is None:
            return 0
        await connection.execute(_SAID)
        gone = await connection.execute(_LET_GO, (before, self._batch))
        return gone.rowcount
