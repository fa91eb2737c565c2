"""What must be done now and then, by the role `worker`: partitions made ahead and dropped, old rows let go.

Every step is safe to run anywhere at any time, by any number of workers.
"""

from __future__ import annotations

from datetime import date, timedelta

from psycopg import errors, sql

from domain.clock import Clock
from domain.meter import Meter
from persistence.connection import Connection
from persistence.engine import Database
from persistence.errors import translated

AHEAD = 7
"""Days of archive partitions that are made in advance."""

_LOCK = "SELECT pg_try_advisory_xact_lock(7262022002)"
_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'outbox_archive'::regclass AND c.relname ~ '^outbox_archive_[0-9]{8}$'
"""
_OLD_DEFAULT = "DELETE FROM outbox_archive_default WHERE published_at < %s"
_OLD_INBOX = "DELETE FROM inbox WHERE received_at < %s"
_OLD_REPLIES = "DELETE FROM replies WHERE created_at < %s"
_GAUGES = """
SELECT (SELECT count(*) FROM outbox),
       coalesce((SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox), 0),
       (SELECT count(DISTINCT key) FROM outbox WHERE next_at > clock_timestamp() AND next_at < 'infinity'),
       (SELECT count(DISTINCT key) FROM outbox WHERE next_at = 'infinity'),
       (SELECT count(*) FROM inbox_deferred),
       coalesce((SELECT extract(epoch FROM clock_timestamp() - min(due_at)) FROM tasks
                  WHERE due_at < clock_timestamp()), 0),
       (SELECT count(*) FROM provider_notices WHERE status = 'QUARANTINED'),
       (SELECT count(*) FROM provider_notices WHERE status = 'PARKED'),
       (SELECT count(*) FROM payments WHERE status = 'REFUND_FAILED'),
       coalesce((SELECT max(age(backend_xmin)) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL), 0)
"""
_NAMES = (
    "acerto_outbox_pending",
    "acerto_outbox_oldest_age_seconds",
    "acerto_outbox_blocked_keys",
    "acerto_outbox_parked_keys",
    "acerto_deferred_depth",
    "acerto_tasks_overdue_seconds",
    "acerto_notices_quarantined",
    "acerto_notices_parked",
    "acerto_refunds_failed",
    "acerto_oldest_xmin_age",
)


class Housekeeping:
    """Keeps the tables in shape. `retention` is for the archive, `inbox_retention` for the dedup, both in days."""

    def __init__(self, database: Database, clock: Clock, *, retention: int = 30, inbox_retention: int = 90) -> None:
        self._database = database
        self._clock = clock
        self._retention = timedelta(days=retention)
        self._inbox_retention = timedelta(days=inbox_retention)

    async def run(self) -> None:
        """One round; does nothing while another worker is at it. Raises Unavailable."""
        with translated():
            async with self._database.connection("acerto-worker") as connection:
                cursor = await connection.execute(_LOCK)
                row = await cursor.fetchone()
                if row and row[0]:
                    await self._partitions(connection)
                    # A new partition locks the whole archive, and every relay writes there: end that first.
                    await connection.commit()
                    await self._let_go(connection)
                await connection.commit()

    async def measure(self, meter: Meter) -> None:
        """Set the gauges of the queues. Raises Unavailable."""
        with translated():
            async with self._database.reads.connection() as connection:
                cursor = await connection.execute(_GAUGES)
                values = await cursor.fetchone() or ()
        for name, value in zip(_NAMES, values, strict=True):
            meter.gauge(name, float(value))

    async def _partitions(self, connection: Connection) -> None:
        today = self._clock.now().date()
        for days in range(AHEAD + 1):
            await _make(connection, today + timedelta(days=days))
        cursor = await connection.execute(_PARTITIONS)
        for (name,) in await cursor.fetchall():
            if _day(name) + self._retention < today:
                await connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))

    async def _let_go(self, connection: Connection) -> None:
        now = self._clock.now()
        await connection.execute(_OLD_DEFAULT, (now - self._retention,))
        await connection.execute(_OLD_INBOX, (now - self._inbox_retention,))
        await connection.execute(_OLD_REPLIES, (now - timedelta(days=7),))


async def _make(connection: Connection, day: date) -> None:
    statement = sql.SQL(
        "CREATE TABLE IF NOT EXISTS {} PARTITION OF outbox_archive FOR VALUES FROM ({}) TO ({})"
    ).format(
        sql.Identifier(f"outbox_archive_{day:%Y%m%d}"),
        sql.Literal(f"{day.isoformat()} 00:00:00+00"),
        sql.Literal(f"{(day + timedelta(days=1)).isoformat()} 00:00:00+00"),
    )
    try:
        async with connection.transaction():
            await connection.execute(statement)
    except errors.CheckViolation:
        # The default partition has rows of that day already: they stay there, and its successors have their own.
        return


def _day(partition: str) -> date:
    return date.fromisoformat(partition.removeprefix("outbox_archive_"))
